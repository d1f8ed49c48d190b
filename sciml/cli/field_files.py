"""Fields in files, in and out: NetCDF, NumPy archives and plain HDF5, looked at before they are read.

One variable per channel, named as the surrogate names it, with dimensions `(sample, time, *s)` of which the first two
may be missing. NetCDF carries names and units of its own; in the other two an array's axes are taken in that order. A
shard of a data set (`sciml.data`) is read as well.
"""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sciml.cli.shards import is_shard, read_shard
from sciml.files import replacing
from sciml.status import DataError

if TYPE_CHECKING:
    import numpy as np
    import xarray

FORMATS = (".nc", ".npz", ".h5")
#: Size of one array beyond which a file is refused before anything is allocated.
MAX_BYTES = 16 * 2**30


def check_fields(path: Path) -> None:
    """Refuses what no file of fields holds: objects, links to elsewhere, absurd sizes, damage. Needs no torch.

    Raises:
        DataError: one line that names the file and what is wrong with it.
    """
    if path.suffix not in FORMATS:
        raise DataError(f"{path}: ends in {path.suffix or 'nothing'!r}; accepted are {', '.join(FORMATS)}.")
    from sciml.data import check_hdf5, check_listed, check_npz

    if path.suffix == ".h5":
        check_listed(path)
    (check_npz if path.suffix == ".npz" else check_hdf5)(path, MAX_BYTES)


def read_fields(path: Path, axes: Sequence[str]) -> "xarray.Dataset":
    """Reads a file that `check_fields` has passed.

    Args:
        path: `.nc`, `.npz` or `.h5`.
        axes: names of the space axes, in order.

    Raises:
        DataError: an unreadable array, values that are not finite, more axes than `sample`, `time` and those of space.
    """
    import xarray

    if path.suffix == ".nc":
        try:
            with xarray.open_dataset(path, engine="h5netcdf", decode_times=False) as opened:
                dataset = opened.load()
        except (OSError, ValueError, KeyError) as error:
            raise DataError(f"{path}: no sound NetCDF file: {error}.") from None
    elif path.suffix == ".h5" and is_shard(path):
        dataset = read_shard(path)
    else:
        dataset = xarray.Dataset(
            {name: (_dimensions(path, name, array.ndim, axes), array) for name, array in _arrays(path).items()}
        )
    _check_finite(path, dataset)
    return dataset


def _arrays(path: Path) -> "dict[str, np.ndarray]":
    import h5py
    import numpy as np

    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
        with h5py.File(path, "r") as file:
            return {name: item[()] for name, item in file.items() if isinstance(item, h5py.Dataset)}
    except (zipfile.BadZipFile, ValueError, OSError, EOFError) as error:
        raise DataError(f"{path}: an array cannot be read: {error}.") from None


def _dimensions(path: Path, name: str, ndim: int, axes: Sequence[str]) -> tuple[str, ...]:
    missing = ndim - len(axes)
    if ndim == 0:
        return ()
    if ndim == 1 and name in ("sample", "time", *axes):
        return (name,)  # a coordinate
    if ndim == 1 and len(axes) > 1:
        return ("sample",)  # a parameter, one number per sample
    if not 0 <= missing <= 2:
        raise DataError(f"{path}: {name} has {ndim} axes; accepted are ({', '.join(axes)}) after sample and time.")
    return (*("sample", "time")[:missing], *axes)


def _check_finite(path: Path, dataset: "xarray.Dataset") -> None:
    import numpy as np

    for name, variable in dataset.variables.items():
        if variable.dtype.kind not in "fiub":
            raise DataError(f"{path}: {name} is of type {variable.dtype}; accepted are numbers.")
        finite = np.isfinite(variable.values)
        if not finite.all():
            place = ", ".join(f"{d}={i}" for d, i in zip(variable.dims, np.argwhere(~finite)[0], strict=True))
            raise DataError(f"{path}: {name} is not finite at {place or 'its only value'}.")


def write_fields(path: Path, dataset: "xarray.Dataset") -> None:
    """Writes under a temporary name and renames when the file is whole."""
    import h5py
    import numpy as np

    with replacing(path) as temporary:
        arrays = {str(k): v.values for k, v in dataset.variables.items()}
        if path.suffix == ".nc":
            dataset.to_netcdf(temporary, engine="h5netcdf")
        elif path.suffix == ".npz":
            np.savez(temporary, **arrays)  # type: ignore[arg-type]
        else:
            with h5py.File(temporary, "w") as file:
                for key, array in arrays.items():
                    file.create_dataset(key, data=array, fletcher32=array.ndim > 0)
