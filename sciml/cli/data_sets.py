"""Data sets by name or path, looked at before torch is imported."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sciml.cli.paths import local
from sciml.status import DataError

#: Up to this size every value of a data set is looked at before a command begins; beyond it, the structure of its files
#: alone (values then meet their checksums when they are read).
MAX_BYTES = 2**28


def data_root() -> Path:
    """Where data sets are looked for by name."""
    return Path(os.environ.get("SCIML_DATA", "data"))


def find_dataset(text: str) -> Path | None:
    """A data set by path, or by its name below the data root.

    Raises:
        ConfigError: a remote address.
    """
    path = local(text, "data set")
    return next((p for p in (path, data_root() / text) if p.is_dir()), None)


def dataset_folder(text: str) -> Path:
    """A data set by path, or by its name below `SCIML_DATA`.

    Raises:
        ConfigError: a remote address.
        DataError: no such folder, with what lies in the data root and, for a known recipe, the command that makes it.
    """
    from sciml.cli.config import shipped_datasets
    from sciml.cli.names import suggestion

    found = find_dataset(text)
    if found is not None:
        return found
    if Path(text).is_file():
        raise DataError(f"{text}: is a file; accepted is a folder, which sciml data convert makes of a foreign file.")
    root = data_root()
    if text in shipped_datasets():
        raise DataError(f"{text}: not generated yet; sciml generate {text} makes it in {root / text}.")
    present = [p.name for p in root.glob("*") if p.is_dir()]
    raise DataError(f"{text}: no such data set; in {root}: {suggestion(text, present)}.")


def check_dataset(folder: Path) -> None:
    """Refuses a damaged or hostile data set: structure, checksums, values that are not finite.

    Raises:
        DataError: the first fault, with its file, and the command that names all of them.
    """
    from sciml.data import check_hdf5, check_listed, validate_dataset

    files = [p for p in folder.glob("*/*.h5") if not p.name.startswith(".")]
    check_listed(folder)
    for file in files:
        check_hdf5(file)
    if sum(file.stat().st_size for file in files) > MAX_BYTES:
        return
    faults = validate_dataset(folder)
    if faults:
        more = f" ({len(faults) - 1} more: sciml data validate {folder})" if len(faults) > 1 else ""
        raise DataError(f"{folder / faults[0].path}: {faults[0].message}{more}")


def check_configured(data: Mapping[str, Any], *, may_be_absent: bool = False) -> None:
    """Looks at the data set that a configuration's section `data` names, if it names one of ours.

    Args:
        data: the section.
        may_be_absent: a data set that is not there is no fault (a dry run says so later).

    Raises:
        DataError: see `dataset_folder` and `check_dataset`.
    """
    arguments = data.get("init_args", data) or {}
    name = arguments.get("dataset") if isinstance(arguments, Mapping) else None
    if isinstance(name, str) and not (may_be_absent and find_dataset(name) is None):
        check_dataset(dataset_folder(name))
