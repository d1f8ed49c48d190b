"""`sciml test`: the table of a finished run beside its baselines, or a configuration's network on the test split."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sciml.status import ConfigError

if TYPE_CHECKING:
    import numpy as np

    from sciml.datagen import Recipe
    from sciml.fields import Grid

#: How many samples the classical solver is measured on.
SOLVED = 20


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
    add_dataset_argument(parser)
    add_config_arguments(parser)
    parser.set_defaults(run=run)


def add_dataset_argument(parser: argparse.ArgumentParser) -> None:
    """The option that names the data to judge on."""
    text = "judge on this data set instead of the run's own; for a run on a mixture, one of its members"
    parser.add_argument("--dataset", metavar="NAME", help=text)


def run(args: argparse.Namespace) -> int:
    """Tests.

    Raises:
        ConfigError: neither a run nor a configuration, or both.
        DataError: a folder without a predictor, or a file that is refused.
    """
    if args.folder is None:
        from sciml.cli.experiment import hand_over

        if args.dataset:
            raise ConfigError("test: --dataset goes with RUN; a configuration names its own, --data.dataset.")

        if not args.config:
            raise ConfigError("test: give a run folder, or --config FILE.")
        return hand_over("test", args)
    if args.config or args.overrides:
        raise ConfigError("test: a run carries its configuration; --config and overrides do not go with RUN.")
    from sciml.cli.checkpoints import check_run
    from sciml.cli.data_sets import check_dataset

    folder, kind = check_run(args.folder)
    if kind == "solution":
        return _solution(folder, args.dataset)
    data = run_dataset(folder, args.dataset)
    check_dataset(data)
    from sciml.evaluation import render
    from sciml.report import evaluate_run

    solvers = classical_solvers(data)
    print(render(evaluate_run(folder, dataset=data, solvers=solvers, solver_samples=SOLVED)).rstrip())
    print(folder / "metrics.json")
    return 0


def _solution(folder: Path, dataset: str | None) -> int:
    """Errors of a solution against the reference of its configuration."""
    if dataset:
        raise ConfigError("test: --dataset does not go with the solution of an equation; its reference is configured.")
    from sciml.report import measure_solution

    for name, errors in measure_solution(folder).items():
        print(f"{name}: relative L2 {errors['relative_l2']:.4g}, largest error {errors['largest']:.4g}")
    print(folder / "metrics.json")
    return 0


def run_dataset(folder: Path, chosen: str | None = None) -> Path:
    """Folder of the data set that a run is judged on: the chosen one, else that which it was trained on.

    Raises:
        ConfigError: a run on a mixture, and nothing was chosen.
        DataError: it is not there (any more).
    """
    from sciml.cli.data_sets import dataset_folder
    from sciml.inference import check_predictor
    from sciml.yaml_files import read_yaml

    file = folder / "config.yaml"
    data = read_yaml(file).data.get("data") or {} if file.is_file() else {}
    arguments = data.get("init_args", data)
    if chosen is None and arguments.get("members"):
        members = [str((m.get("init_args") or m).get("dataset")) for m in arguments["members"]]
        raise ConfigError(f"the run was trained on a mixture; name a member with --dataset: {', '.join(members)}.")
    name = chosen or arguments.get("dataset")
    return dataset_folder(str(name or check_predictor(folder / "model.sciml")["spec"]["dataset"]))


def classical_solvers(data: Path) -> "dict[str, Callable[[int], np.ndarray]]":
    """The solver that made a data set, on its grid and on half of it; none for data from elsewhere.

    Each is called with a sample's number and gives `(t, c, *s)` on the data set's grid. Problems are drawn and the
    solvers are warmed up here, so that their measured time is that of solving alone.
    """
    from sciml.data import FieldDataset, read_manifest

    manifest = read_manifest(data)
    if manifest is None or "recipe" not in manifest:
        return {}
    from dataclasses import replace

    from sciml.datagen import Recipe
    from sciml.datagen.calibration import settled

    stated = Recipe.from_dict(manifest["recipe"], str(data / "manifest.json"))
    # The method that was chosen for the data, not another one that `Auto` would take for a sample alone.
    recipe = settled(stated, manifest.get("choices", {}))
    numbers = FieldDataset(data, "test").samples["index"][:SOLVED].tolist()
    solvers = {"classical solver": _solver(recipe, numbers)}
    fine = recipe.solution_grid
    # The honest rival of a surrogate with some per cent of error is a solver that makes the same error.
    if all(axis.n % 2 == 0 and axis.n >= 8 and axis.points is None for axis in fine.axes):
        half = fine.resized(*(axis.n // 2 for axis in fine.axes))
        solvers["solver, half grid"] = _solver(replace(recipe, solution_grid=half, grid=half), numbers, recipe.grid)
    return solvers


def _solver(recipe: "Recipe", numbers: list[int], grid: "Grid | None" = None) -> "Callable[[int], np.ndarray]":
    from sciml.datagen.storing import store_on
    from sciml.numerics.interpolation import resample

    problems = {number: recipe.problem(number) for number in numbers}

    def solve(number: int) -> "np.ndarray":
        u = recipe.solver.solve(problems[number]).u[0].numpy()
        stored = store_on(u, recipe.solution_grid, recipe.grid)
        return stored if grid is None else resample(stored, recipe.grid, grid)

    solve(numbers[0])
    return solve
