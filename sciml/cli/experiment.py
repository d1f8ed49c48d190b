"""`fit` and `validate`, and the hand-over of a checked configuration to the training program."""

import argparse

from sciml.cli.errors import Parser


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    from sciml.cli.main import add_verb

    fit = add_verb(
        subparsers, "fit", "train a network", "sciml fit --config operators/darcy_2d_fno.yaml --trainer.max_epochs 20"
    )
    validate = add_verb(
        subparsers,
        "validate",
        "measure a checkpoint on the validation split",
        "sciml validate --config operators/darcy_2d_fno.yaml --ckpt_path best.ckpt",
    )
    for parser in (fit, validate):
        add_config_arguments(parser)
        parser.set_defaults(run=run)
    fit.add_argument("--resume", metavar="RUN", help="continue a run from its last checkpoint, bit for bit")


def add_config_arguments(parser: Parser) -> None:
    """The options of every verb that reads a configuration."""
    parser.add_argument(
        "--config", action="append", default=[], metavar="FILE",
        help="configuration file, or the name of a shipped one; may be repeated, later files win",
    )  # fmt: skip
    parser.add_argument(
        "--trust", action="append", default=[], metavar="PACKAGE",
        help="accept classes of this package in configurations: its code will be imported",
    )  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="check and set everything up, then stop")
    parser.add_argument(
        "--KEY.SUBKEY", dest="_override", metavar="VALUE", action="append",
        help="override an entry of the configuration, for example --trainer.max_epochs 20 or --ckpt_path FILE",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Checks the configuration, then trains or validates."""
    return hand_over(args.verb, args)


def hand_over(verb: str, args: argparse.Namespace) -> int:
    """Gives the words on to the training program, which checks the configuration before it imports anything heavy."""
    from sciml.cli import fit

    words = [word for name in args.config for word in ("--config", name)]
    words += [word for package in args.trust for word in ("--trust", package)]
    words += ["--dry-run"] if args.dry_run else []
    words += ["--resume", args.resume] if getattr(args, "resume", None) else []
    return fit.run(verb, [*words, *(f"--{key}={value}" for key, value in args.overrides)])
