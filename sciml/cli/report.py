"""`sciml report`: the picture and the static page of a run."""

import argparse
from pathlib import Path

from sciml.status import ConfigError, DataError


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    from sciml.cli.main import add_verb
    from sciml.cli.test import add_dataset_argument

    parser = add_verb(
        subparsers, "report", "write a run's page: table and picture", "sciml report runs/darcy_2d_fno/latest"
    )
    parser.add_argument("folder", metavar="RUN", help="run folder")
    add_dataset_argument(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Writes `report.html` into the run folder."""
    from sciml.cli.checkpoints import check_run
    from sciml.cli.data_sets import check_dataset
    from sciml.cli.test import SOLVED, classical_solvers, run_dataset

    folder, kind = check_run(args.folder)
    if kind == "solution":
        return _solution(folder, args.dataset)
    try:
        data = run_dataset(folder, args.dataset)
    except DataError:
        if args.dataset:
            raise
        data = None  # gone: the page then has no pictures of fields
    if data is not None:
        check_dataset(data)
    from sciml.report import evaluate_run, render_page

    if data is not None and not (folder / "metrics.json").is_file():
        evaluate_run(folder, dataset=data, solvers=classical_solvers(data), solver_samples=SOLVED)
    print(render_page(folder, dataset=data))
    return 0


def _solution(folder: Path, dataset: str | None) -> int:
    if dataset:
        raise ConfigError(
            "report: --dataset does not go with the solution of an equation; its reference is configured."
        )
    from sciml.report import render_solution

    print(render_solution(folder))
    return 0
