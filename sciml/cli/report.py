"""`sciml report`: the picture and the static page of a run."""

import argparse


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    from sciml.cli.main import add_verb

    parser = add_verb(
        subparsers, "report", "write a run's page: table and picture", "sciml report runs/darcy_2d_fno/latest"
    )
    parser.add_argument("folder", metavar="RUN", help="run folder")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Writes `report.html` into the run folder."""
    from sciml.cli.checkpoints import check_run

    folder = check_run(args.folder)
    from sciml.report import render_page

    print(render_page(folder))
    return 0
