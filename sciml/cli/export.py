"""`sciml export`: a checkpoint becomes one predictor file, or a program that torch alone can run."""

import argparse

from sciml.status import ConfigError


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    from sciml.cli.main import add_verb

    parser = add_verb(
        subparsers,
        "export",
        "make a predictor file of a checkpoint",
        "sciml export runs/darcy_2d_fno/latest/checkpoints/best.ckpt --out darcy.sciml",
    )
    parser.add_argument("checkpoint", metavar="CHECKPOINT", help="checkpoint of a training run (.ckpt)")
    parser.add_argument("--out", required=True, metavar="FILE", help="file to write: .sciml, or .pt2 with --format pt2")
    parser.add_argument(
        "--format", choices=("sciml", "pt2"), default="sciml",
        help="sciml: weights, fields, units and grid in one file; pt2: a torch.export program",
    )  # fmt: skip
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Exports; the checkpoint is looked at before torch is imported."""
    from sciml.cli.checkpoints import check_checkpoint
    from sciml.cli.paths import writable

    checkpoint = check_checkpoint(args.checkpoint, "CHECKPOINT")
    target = writable(args.out, "--out", (f".{args.format}",))
    from sciml.inference import Surrogate, export_program, from_checkpoint

    predictor = from_checkpoint(checkpoint)
    if args.format == "sciml":
        predictor.save(target)
    elif isinstance(predictor, Surrogate):
        export_program(predictor, target)
    else:
        raise ConfigError("export: a solution of the coordinates becomes a .sciml file alone; leave out --format pt2.")
    print(target)
    return 0
