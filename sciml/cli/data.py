"""`sciml data inspect | validate | convert | export`: data sets on disk."""

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sciml.cli.arguments import LAYOUTS, splits
from sciml.cli.data_sets import dataset_folder
from sciml.status import ConfigError, DataError

if TYPE_CHECKING:
    from sciml.data import DatasetSpec, FieldDataset


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    from sciml.cli.errors import Parser
    from sciml.cli.main import add_verb

    parser = add_verb(
        subparsers, "data", "inspect, validate, convert or export data sets", "sciml data inspect data/darcy_2d"
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=Parser)
    inspect = add_verb(actions, "inspect", "show fields, units, shapes and ranges", "sciml data inspect data/darcy_2d")
    inspect.add_argument("path", metavar="PATH", help="data set folder, or its name below SCIML_DATA (./data)")
    inspect.set_defaults(run=run_inspect)
    validate = add_verb(actions, "validate", "name every fault of a data set", "sciml data validate data/darcy_2d")
    validate.add_argument(
        "path", metavar="PATH", help="data set folder, its name below SCIML_DATA (./data), or a shard"
    )
    validate.set_defaults(run=run_validate)
    convert = add_verb(
        actions,
        "convert",
        "turn a foreign file into a data set",
        "sciml data convert burgers_train_16.pt data/burgers_pairs --splits 700,0,100",
    )
    convert.add_argument("source", metavar="IN", help="foreign file; its layout is recognised")
    convert.add_argument("target", metavar="OUT", help="data set folder to make")
    convert.add_argument("--name", help="of the data set; that of the folder by default")
    convert.add_argument(
        "--splits",
        type=splits,
        metavar="N,N,N",
        help="numbers of train, valid and test; those of our own export, else 8, 1 and 1 tenths by default",
    )
    convert.set_defaults(run=run_convert)
    export = add_verb(
        actions,
        "export",
        "write a data set as files of a foreign layout",
        "sciml data export data/darcy_2d --layout pdebench --out darcy_pdebench",
    )
    export.add_argument("path", metavar="FOLDER", help="data set folder, or its name below SCIML_DATA (./data)")
    export.add_argument("--layout", required=True, choices=LAYOUTS, help="the layout")
    export.add_argument("--out", required=True, metavar="FOLDER", help="folder to make")
    export.set_defaults(run=run_export)


def run_inspect(args: argparse.Namespace) -> int:
    """Prints what a data set holds; ranges are those of its training split."""
    from sciml.data import SPLITS, FieldDataset, read_statistics, statistics

    folder = dataset_folder(args.path)
    splits = {name: FieldDataset(folder, name) for name in SPLITS if (folder / name).is_dir()}
    if not splits:
        raise DataError(f"{folder}: no data set; a folder per split is expected: {', '.join(SPLITS)}.")
    spec = next(iter(splits.values())).spec
    _print_table([[title, text] for title, text in (*_facts(spec, splits), *_choices(folder))])
    found = read_statistics(folder)
    if "train" in splits and (found is None or found["hash"] != splits["train"].hash):
        found = statistics(splits["train"])
    print()
    _print_table(_rows(spec, found or {}))
    return 0


def _facts(spec: "DatasetSpec", splits: "dict[str, FieldDataset]") -> list[tuple[str, str]]:
    axes = zip(spec.grid.names, spec.grid.axes, strict=True)
    times = f"{len(spec.times)} from {spec.times[0]:g} to {spec.times[-1]:g} {_unit(spec.time_unit)}".rstrip()
    conditions = (f"{face}: {_condition(value)}" for face, value in spec.boundaries.to_dict().items())
    return [
        ("data set", spec.name),
        ("splits", ", ".join(f"{name} {len(data)}" for name, data in splits.items())),
        (
            "grid",
            ", ".join(
                f"{n}: {a.n} {a.kind} in [{a.low:g}, {a.high:g}] {_unit(spec.length_unit)}".rstrip() for n, a in axes
            ),
        ),
        ("times", times if len(spec.times) > 1 else "stationary"),
        ("boundary", ", ".join(conditions)),
        ("on disk", f"{spec.dtype}, {sum(data.nbytes for data in splits.values()) / 1e6:.1f} MB"),
        *((key, str(value)) for key, value in spec.meta.items() if isinstance(value, str | int | float)),
    ]


def _choices(folder: Path) -> list[tuple[str, str]]:
    """Which linear solver was chosen, and why, where the manifest says so."""
    from sciml.data.manifest import read_manifest

    found = (read_manifest(folder) or {}).get("choices", {})
    if not isinstance(found, dict) or "reason" not in found:
        return []
    method = found["linear_solver"]["class_path"] + (", learned all along" if found.get("adaptive") else "")
    return [("linear solver", method), ("chosen", str(found["reason"]))]


def _unit(unit: str) -> str:
    return "" if unit == "1" else unit


def _condition(value: Any) -> str:
    return " ".join(str(v).lower() for v in value.values()) if isinstance(value, dict) else str(value)


def _rows(spec: "DatasetSpec", statistics: dict[str, Any]) -> list[list[str]]:
    shape = "x".join(map(str, spec.grid.shape))
    rows = [["name", "kind", "unit", "shape", "min", "mean", "max"]]
    for kind, fields in (("field", spec.fields), ("static", spec.static)):
        for one in fields:
            size = shape if kind == "static" else f"{len(spec.times)}x{shape}"
            numbers = [_number(statistics.get(key, {}).get(one.name)) for key in ("min", "mean", "max")]
            rows.append([one.name, kind, one.unit, size, *numbers])
    return rows + [[p.name, "parameter", p.unit, "", _number(p.low), "", _number(p.high)] for p in spec.parameters]


def _number(value: Any) -> str:
    if isinstance(value, list):  # components of a vector
        return "(" + ", ".join(map(_number, value)) + ")"
    return "" if value is None else f"{value:.4g}"


def _print_table(rows: list[list[str]]) -> None:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def run_validate(args: argparse.Namespace) -> int:
    """Prints each fault with its path; exit code 3 if there is one."""
    from sciml.cli.paths import local
    from sciml.data import validate_dataset

    path = local(args.path, "PATH")
    folder = path if path.is_file() else dataset_folder(args.path)
    faults = validate_dataset(folder)
    for fault in faults:
        print(f"{fault.path}: {fault.message}")
    if faults:
        raise DataError(f"{folder}: {len(faults)} fault{'s' * (len(faults) > 1)}, listed on standard output.")
    print(f"{folder}: no fault")
    return 0


def run_convert(args: argparse.Namespace) -> int:
    """Converts; the file is looked at before anything heavy is imported, and nothing is overwritten."""
    from sciml.cli.paths import existing, local
    from sciml.data.schema import NAME

    target = local(args.target, "OUT")
    name = args.name or target.absolute().name
    if not re.fullmatch(NAME, name):
        option = "--name" if args.name else "--name (the folder's by default)"
        raise ConfigError(f"{option}: {name!r} is not accepted; letters, digits, '_', '-' and '.' are.")
    source = existing(args.source, "IN", folder=False)
    from sciml.data.adapters import convert

    print(convert(source, target, name=args.name, splits=args.splits))
    return 0


def run_export(args: argparse.Namespace) -> int:
    """Exports; nothing is overwritten, and an export that is there already is kept."""
    from sciml.cli.data_sets import check_dataset
    from sciml.cli.paths import folder_to_make, local
    from sciml.data.layouts import Trajectories, export, find_layout

    folder = dataset_folder(args.path)
    out = folder_to_make(local(args.out, "--out"), "--out")
    check_dataset(folder)
    print(export(folder, out, find_layout(args.layout, Trajectories(folder).spec)))
    return 0
