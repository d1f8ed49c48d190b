"""`sciml data inspect | validate | convert`: data sets on disk."""

import argparse
import os
from pathlib import Path

from sciml.status import DataError


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    from sciml.cli.errors import Parser
    from sciml.cli.main import add_verb

    parser = add_verb(subparsers, "data", "inspect, validate or convert data sets", "sciml data inspect data/darcy_2d")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=Parser)
    validate = add_verb(actions, "validate", "name every fault of a data set", "sciml data validate data/darcy_2d")
    validate.add_argument("path", metavar="PATH", help="data set folder, or its name below SCIML_DATA (./data)")
    validate.set_defaults(run=run_validate)


def run_validate(args: argparse.Namespace) -> int:
    """Prints each fault with its path; exit code 3 if there is one."""
    from sciml.data import validate_dataset

    folder = dataset_folder(args.path)
    faults = validate_dataset(folder)
    for fault in faults:
        print(f"{fault.path}: {fault.message}")
    if faults:
        raise DataError(f"{folder}: {len(faults)} fault{'s' * (len(faults) > 1)}, listed on standard output.")
    print(f"{folder}: no fault")
    return 0


def dataset_folder(text: str) -> Path:
    """A data set by path, or by its name below `SCIML_DATA`.

    Raises:
        ConfigError: a remote address.
        DataError: no such folder, with what lies in the data root and, for a known recipe, the command that makes it.
    """
    from sciml.cli.config import shipped_datasets
    from sciml.cli.names import suggestion
    from sciml.cli.paths import local

    root = Path(os.environ.get("SCIML_DATA", "data"))
    path = local(text, "PATH")
    found = next((p for p in (path, root / text) if p.is_dir()), None)
    if found is not None:
        return found
    if text in shipped_datasets():
        raise DataError(f"{text}: not generated yet; sciml generate {text} makes it in {root / text}.")
    present = [p.name for p in root.glob("*") if p.is_dir()]
    raise DataError(f"{text}: no such data set; in {root}: {suggestion(text, present)}.")
