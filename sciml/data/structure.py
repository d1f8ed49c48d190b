"""What an HDF5 file may consist of: looked at before a single value is read. Files of others are hostile until then."""

import math
from pathlib import Path
from typing import Any

import h5py

from sciml.data.hdf5 import opened
from sciml.status import DataError

#: Size of one data set beyond which a file is refused before anything is allocated.
MAX_BYTES = 64 * 2**30
#: Objects in one file.
MAX_OBJECTS = 1_000_000
#: How many times its stored size a data set may take in memory: compression of real fields stays far below.
MAX_EXPANSION = 2000
#: Older libraries have known holes in their parser (CVE-2026-26200 among them).
MIN_HDF5 = (1, 14, 4)
#: What ties the axes of a NetCDF file to their coordinates: references, which stay in the file and are not followed.
_SCALE_ATTRIBUTES = ("DIMENSION_LIST", "REFERENCE_LIST")


def check_hdf5(path: str | Path, max_bytes: int = MAX_BYTES) -> None:
    """Refuses a file whose structure reaches outside of itself or asks for absurd amounts of memory. Reads no values.

    Args:
        path: of the file.
        max_bytes: largest data set that is accepted.

    Raises:
        DataError: one line naming the file and the path in it: external storage, external or soft links, virtual data
            sets, object or variable-length numbers, sizes beyond the limit, a truncated file.
    """
    with opened(path) as file:
        check_structure(file, path, max_bytes)


def check_structure(file: h5py.File, path: str | Path, max_bytes: int = MAX_BYTES) -> None:
    """`check_hdf5` on a file that is open."""
    if h5py.version.hdf5_version_tuple < MIN_HDF5:
        wanted = ".".join(map(str, MIN_HDF5))
        raise DataError(f"{path}: not opened by HDF5 {h5py.version.hdf5_version}; {wanted} or newer is needed.")
    try:
        _walk(file, path, max_bytes)
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: damaged structure: {(str(error).splitlines() or ['unknown'])[0]}.") from None


def _walk(file: h5py.File, path: str | Path, max_bytes: int) -> None:
    pending: list[h5py.Group] = [file]
    seen: set[Any] = set()
    while pending:
        group = pending.pop()
        _check_attributes(group, path)
        for name in group:
            where = f"{group.name.rstrip('/')}/{name}"
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise DataError(f"{path}: {where}: a {type(link).__name__} to somewhere else; it is not followed.")
            item = group[name]
            # Hard links may form a cycle.
            address = h5py.h5o.get_info(item.id).addr
            if address in seen:
                raise DataError(f"{path}: {where}: a second link to the same object.")
            seen.add(address)
            if len(seen) > MAX_OBJECTS:
                raise DataError(f"{path}: more than {MAX_OBJECTS} objects.")
            if isinstance(item, h5py.Group):
                pending.append(item)
            elif isinstance(item, h5py.Dataset):
                _check_dataset(item, where, path, max_bytes)
            else:
                raise DataError(f"{path}: {where}: a named type; groups and data sets are accepted.")


def _check_dataset(item: h5py.Dataset, where: str, path: str | Path, max_bytes: int) -> None:
    if item.external:
        raise DataError(f"{path}: {where}: external storage in {item.external[0][0]!r}; it is not read.")
    if item.is_virtual:
        raise DataError(f"{path}: {where}: a virtual data set over other files; it is not read.")
    _check_type(item.dtype, where, path)
    size = math.prod(item.shape or (0,)) * item.dtype.itemsize
    stored = item.id.get_storage_size()
    if size > max_bytes or size > 2**20 + MAX_EXPANSION * stored:
        raise DataError(f"{path}: {where}: declares {item.shape} of {item.dtype}, {size} bytes, but stores {stored}.")
    if item.chunks and math.prod(item.chunks) * item.dtype.itemsize > max_bytes:
        raise DataError(f"{path}: {where}: declares chunks of {item.chunks}.")
    _check_attributes(item, path)


def _check_type(dtype: Any, where: str, path: str | Path) -> None:
    """Numbers, truth values and text are accepted; objects, references and ragged arrays are not."""
    string = h5py.check_string_dtype(dtype)
    if dtype.kind == "V" and dtype.names:
        for name in dtype.names:
            _check_type(dtype[name], f"{where}.{name}", path)
    elif dtype.kind not in "biufcS" and string is None:
        raise DataError(f"{path}: {where}: of type {dtype}; numbers and text are accepted.")


def _check_attributes(item: Any, path: str | Path) -> None:
    for name in item.attrs:
        where = f"{item.name}@{name}"
        attribute = item.attrs.get_id(name)
        if name not in _SCALE_ATTRIBUTES:
            _check_type(attribute.dtype, where, path)
        if math.prod(attribute.shape or ()) * attribute.dtype.itemsize > 2**24:
            raise DataError(f"{path}: {where}: declares {attribute.shape}.")
