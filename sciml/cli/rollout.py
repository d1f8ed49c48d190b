"""`sciml rollout`: a state carried through time, by a trained network or by the classical solver of a recipe."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sciml.cli.arguments import count, times
from sciml.status import ConfigError, DataError

if TYPE_CHECKING:
    import xarray
    from torch import Tensor


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    from sciml.cli.main import add_verb

    parser = add_verb(
        subparsers,
        "rollout",
        "carry a state through time, with a predictor or a recipe's solver",
        "sciml rollout burgers.sciml --in u0.nc --times 0:1:11 --out u.nc",
    )
    parser.add_argument("model", metavar="MODEL|RECIPE", help="predictor file (.sciml), or a recipe's name or file")
    parser.add_argument(
        "--in", dest="input", metavar="FILE", help="initial state: .nc, .npz or .h5; a recipe draws one"
    )
    parser.add_argument(
        "--times", type=times, metavar="TIMES", help="0,0.5,1 or FIRST:LAST:COUNT; a recipe has its own"
    )
    parser.add_argument("--out", required=True, metavar="FILE", help="where to write: .nc, .npz or .h5")
    parser.add_argument("--sample", type=count(0), default=0, metavar="N", help="which problem of a recipe (default 0)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Rolls out and writes.

    Raises:
        ConfigError: options that do not go together.
        DataError: a file that is refused.
        SolveFailure: a state that stopped being finite; the frames up to there are written.
    """
    from sciml.cli.field_files import FORMATS, check_fields, write_fields
    from sciml.cli.paths import existing, local, writable

    local(args.model, "MODEL")
    source = None if args.input is None else existing(args.input, "--in", folder=False)
    target = writable(args.out, "--out", FORMATS)
    if source is not None:
        check_fields(source)
    result = _predictor(args, source) if args.model.endswith(".sciml") else _recipe(args, source)
    write_fields(target, result)
    print(target)
    return 0


def _predictor(args: argparse.Namespace, source: Path | None) -> "xarray.Dataset":
    from sciml.cli.checkpoints import check_predictor_file
    from sciml.cli.field_files import read_fields

    if source is None or args.times is None:
        raise ConfigError("rollout: a predictor needs --in FILE and --times TIMES.")
    model, kind, axes = check_predictor_file(args.model)
    if kind == "solution":
        raise ConfigError(f"{args.model}: a solution is known at all times; sciml predict MODEL --out FILE writes it.")
    fields = read_fields(source, axes)
    # Of a trajectory the first frame is the initial state.
    initial = fields.isel(time=0) if "time" in fields.sizes else fields
    from sciml.inference import Surrogate

    surrogate = Surrogate.load(model)
    try:
        return surrogate.rollout(initial, args.times)  # type: ignore[return-value]  # xarray in, xarray out
    except ValueError as error:
        raise DataError(f"{source}: {error}") from None


def _recipe(args: argparse.Namespace, source: Path | None) -> "xarray.Dataset":
    import dataclasses

    from sciml.cli.field_files import read_fields
    from sciml.cli.recipes import check_recipe

    recipe = check_recipe(args.model)
    from sciml.datagen import Recipe

    loaded = Recipe.load(recipe)
    problem = loaded.problem(args.sample)
    if args.times is not None and problem.times is None:
        raise ConfigError(f"--times: {args.model} is a stationary problem; it has no times to choose.")
    changes: dict[str, Any] = {} if args.times is None else {"times": args.times}
    if source is not None:
        state = _state(read_fields(source, problem.domain.names), problem.names, source)
        changes |= {"initial": state, "domain": problem.domain.resized(*state.shape[1:])}
    try:
        return loaded.solver.solve(dataclasses.replace(problem, **changes)).check().to_xarray()
    except ValueError as error:
        raise ConfigError(f"{args.model}: {error}") from None


def _state(dataset: "xarray.Dataset", names: tuple[str, ...], source: Path) -> "Tensor":
    """The initial state `(c, *s)`: the first frame of the only sample.

    Raises:
        DataError: a field that the file lacks, or more than one sample.
    """
    import numpy as np
    import torch

    missing = [name for name in names if name not in dataset]
    if missing:
        raise DataError(f"{source}: {missing[0]} is missing; the file holds {', '.join(map(str, dataset.data_vars))}.")
    if dataset.sizes.get("sample", 1) != 1:
        raise DataError(f"{source}: holds {dataset.sizes['sample']} samples; one initial state is accepted.")
    state = dataset[list(names)].isel({d: 0 for d in ("sample", "time") if d in dataset.sizes})
    return torch.from_numpy(np.stack([state[name].values for name in names])).double()
