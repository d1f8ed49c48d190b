"""`sciml predict`: one call of a trained network, on a file or on the data of a configuration."""

import argparse

from sciml.status import ConfigError, DataError


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    from sciml.cli.experiment import add_config_arguments
    from sciml.cli.main import add_verb

    parser = add_verb(
        subparsers,
        "predict",
        "apply a predictor to a file, or run a configuration's network over its test split",
        "sciml predict runs/darcy_2d_fno/latest/model.sciml --in a.nc --out u.nc",
    )
    parser.add_argument("model", nargs="?", metavar="MODEL", help="predictor file (.sciml)")
    parser.add_argument("--in", dest="input", metavar="FILE", help="fields to start from: .nc, .npz or .h5")
    parser.add_argument("--out", metavar="FILE", help="where to write: .nc, .npz or .h5")
    add_config_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Predicts.

    Raises:
        ConfigError: neither a predictor with `--in` and `--out` nor a configuration.
        DataError: a file that is refused.
    """
    if args.model is None:
        from sciml.cli.experiment import hand_over

        if not args.config:
            raise ConfigError("predict: give MODEL with --in and --out, or --config FILE.")
        return hand_over("predict", args)
    if args.config or args.overrides:
        raise ConfigError(
            "predict: a predictor file carries its configuration; --config and overrides do not go with MODEL."
        )
    if args.input is None or args.out is None:
        raise ConfigError("predict: MODEL needs --in FILE and --out FILE.")
    from sciml.cli.checkpoints import check_predictor_file
    from sciml.cli.field_files import FORMATS, check_fields, read_fields, write_fields
    from sciml.cli.paths import existing, writable

    model, axes = check_predictor_file(args.model)
    source, target = existing(args.input, "--in", folder=False), writable(args.out, "--out", FORMATS)
    check_fields(source)
    fields = read_fields(source, axes)
    from sciml.inference import Surrogate

    surrogate = Surrogate.load(model)
    try:
        result = surrogate(fields)
    except ValueError as error:
        raise DataError(f"{source}: {error}") from None
    write_fields(target, result)
    print(target)
    return 0
