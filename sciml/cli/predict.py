"""`sciml predict`: a trained network on a file or on the data of a configuration; a solution on a grid of its own."""

import argparse
from pathlib import Path

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
    parser.add_argument("--points", type=int, metavar="N", help="of a solution: points per axis, instead of its own")
    parser.add_argument(
        "--frames", type=int, metavar="N", help="of a solution: evenly spaced times, instead of its own"
    )
    add_config_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Predicts.

    Raises:
        ConfigError: neither a predictor with `--in` and `--out` nor a configuration; a solution with `--in`.
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
    if args.out is None:
        raise ConfigError("predict: MODEL needs --out FILE, and --in FILE unless it is the solution of an equation.")
    from sciml.cli.checkpoints import check_predictor_file

    model, kind, axes = check_predictor_file(args.model)
    return _solution(model, args) if kind == "solution" else _surrogate(model, axes, args)


def _surrogate(model: Path, axes: tuple[str, ...], args: argparse.Namespace) -> int:
    from sciml.cli.field_files import FORMATS, check_fields, read_fields, write_fields
    from sciml.cli.paths import existing, writable

    if args.input is None:
        raise ConfigError("predict: MODEL is a surrogate; it needs --in FILE.")
    if args.points is not None or args.frames is not None:
        raise ConfigError("predict: --points and --frames go with the solution of an equation; MODEL is a surrogate.")
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


def _solution(model: Path, args: argparse.Namespace) -> int:
    from sciml.cli.field_files import FORMATS, write_fields
    from sciml.cli.paths import writable

    if args.input is not None:
        raise ConfigError("predict: MODEL is the solution of an equation; it takes no --in.")
    for name, least in (("points", 2), ("frames", 1)):
        if (given := getattr(args, name)) is not None and given < least:
            raise ConfigError(f"predict: --{name}={given} must be at least {least}.")
    target = writable(args.out, "--out", FORMATS)
    import torch

    from sciml.inference import Solution

    solution = Solution.load(model)
    span = solution.spec.times
    times = (
        None if args.frames is None or not span else torch.linspace(span[0], span[-1], args.frames, dtype=torch.float64)
    )
    try:
        dataset = solution.to_xarray(args.points, times)
    except ValueError as error:
        raise ConfigError(f"{args.model}: {error}") from None
    write_fields(target, dataset)
    print(target)
    return 0
