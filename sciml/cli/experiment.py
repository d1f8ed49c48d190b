"""`fit` and `validate`, and the hand-over of a checked configuration to the training program."""

import argparse

from sciml.cli.errors import Parser
from sciml.status import ConfigError


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
        add_config_arguments(parser, required=True)
        parser.set_defaults(run=run)


def add_config_arguments(parser: Parser, *, required: bool) -> None:
    """The options of every verb that reads a configuration."""
    parser.add_argument(
        "--config", action="append", default=[], required=required, metavar="FILE",
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
    """Gives a checked configuration to the training program.

    Raises:
        ConfigError, DataError: a mistake in the configuration, or a refused checkpoint; nothing heavy was imported.
    """
    from sciml.cli.checkpoints import check_checkpoint
    from sciml.cli.config import check

    if not args.config:
        raise ConfigError(f"{verb}: --config FILE is needed; sciml list configs shows the shipped ones.")
    configuration = check(args.config, args.overrides, tuple(args.trust))
    checkpoint = configuration.data.get("ckpt_path")
    if isinstance(checkpoint, str) and checkpoint not in ("best", "last"):
        check_checkpoint(checkpoint, "ckpt_path")
    from sciml.cli import fit

    return fit.run(verb, configuration.arguments())
