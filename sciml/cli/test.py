"""`sciml test`: the table of a finished run beside its baselines, or a configuration's network on the test split."""

import argparse

from sciml.status import ConfigError


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    from sciml.cli.experiment import add_config_arguments
    from sciml.cli.main import add_verb

    parser = add_verb(
        subparsers,
        "test",
        "measure a run on the test split, beside its baselines",
        "sciml test runs/darcy_2d_fno/latest",
    )
    parser.add_argument("folder", nargs="?", metavar="RUN", help="run folder; metrics.json is written into it")
    add_config_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Tests.

    Raises:
        ConfigError: neither a run nor a configuration, or both.
        DataError: a folder without a predictor, or a file that is refused.
    """
    if args.folder is None:
        from sciml.cli.experiment import hand_over

        if not args.config:
            raise ConfigError("test: give a run folder, or --config FILE.")
        return hand_over("test", args)
    if args.config or args.overrides:
        raise ConfigError("test: a run carries its configuration; --config and overrides do not go with RUN.")
    from sciml.cli.checkpoints import check_run

    folder = check_run(args.folder)
    from sciml.evaluation import evaluate_run

    print(evaluate_run(folder).table())
    return 0
