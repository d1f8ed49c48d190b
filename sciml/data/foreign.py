"""Files of other formats, looked at before anything reads them: torch archives, NumPy archives, MATLAB files.

Every check is one pass over headers, needs no torch, and raises `DataError` in one line that names the file.
"""

import math
import pickletools
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from sciml.data.structure import MAX_BYTES, check_hdf5
from sciml.status import DataError

_STORAGES = ("Bool", "Byte", "Char", "Short", "Int", "Long", "Half", "BFloat16", "Float", "Double", "ComplexFloat")
_INTEGERS = ("uint8", "int8", "int16", "int32", "int64")
_DTYPES = (*_INTEGERS, "bool", "float16", "bfloat16", "float32", "float64", "complex64", "complex128")
#: What a pickle of tensors and plain values names; nothing here runs code of a file's choice.
SAFE_GLOBALS = frozenset(
    {f"torch {name}Storage" for name in (*_STORAGES, "ComplexDouble", "Untyped")}
    | {f"torch {name}" for name in (*_DTYPES, "Size", "device")}
    | {"torch._utils _rebuild_tensor", "torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_parameter"}
    | {"torch.storage UntypedStorage", "torch.storage TypedStorage"}
    | {"collections OrderedDict", "collections defaultdict", "collections Counter"}
    | {f"{module} {name}" for module in ("__builtin__", "builtins") for name in ("set", "complex", "bytearray")}
    | {"_codecs encode"}
)
#: Other ways by which a pickle reaches a class: torch writes none of them, so that none has to be understood.
_REFUSED_OPCODES = frozenset({"STACK_GLOBAL", "INST", "OBJ", "EXT1", "EXT2", "EXT4", "PERSID", "NEWOBJ_EX"})
MAX_PICKLE_BYTES = 2**28


@contextmanager
def _archive(path: str | Path, what: str) -> Iterator[zipfile.ZipFile]:
    """An open zip archive; whatever its parser stumbles over becomes one line."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if twice := sorted({n for n in names if names.count(n) > 1} if len(names) < 10_000 else set()):
                raise DataError(f"{path}: member {twice[0]!r} occurs twice.")
            if outside := [n for n in names if n.startswith(("/", "\\")) or ".." in Path(n).parts]:
                raise DataError(f"{path}: member {outside[0]!r} leads outside the archive.")
            yield archive
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"{path}: no such file.") from None
    # A hostile archive can make the parser raise nearly anything (struct, zlib, encoding, recursion errors).
    except Exception as error:
        raise DataError(f"{path}: no sound {what}: {(str(error).splitlines() or [type(error).__name__])[0]}.") from None


def check_torch_file(path: str | Path) -> None:
    """Refuses a torch file whose pickle names anything but tensors and plain values. Nothing is unpickled.

    `torch.load(path, weights_only=True)` comes after this, not instead of it: it filters while it already runs.

    Raises:
        DataError: no zip archive of `torch.save`, a name that is not allowed, damage (by the checksums of the archive).
    """
    with _archive(path, "torch file (zip archive of torch.save)") as archive:
        if packed := [i.filename for i in archive.infolist() if i.compress_type != zipfile.ZIP_STORED]:
            raise DataError(f"{path}: member {packed[0]!r} is compressed; torch stores tensors as they are.")
        pickles = [i for i in archive.infolist() if i.filename.rpartition("/")[2].endswith(".pkl")]
        if [i.filename.rpartition("/")[2] for i in pickles] != ["data.pkl"]:
            raise DataError(f"{path}: holds {len(pickles)} pickles; a torch file has one, data.pkl.")
        if pickles[0].file_size > MAX_PICKLE_BYTES:
            raise DataError(f"{path}: data.pkl takes {pickles[0].file_size} bytes, more than {MAX_PICKLE_BYTES}.")
        if (damaged := archive.testzip()) is not None:
            raise DataError(f"{path}: {damaged}: does not match its checksum.")
        _check_pickle(archive.read(pickles[0]), path)


def _check_pickle(content: bytes, path: str | Path) -> None:
    for opcode, argument, _ in pickletools.genops(content):
        if opcode.name == "GLOBAL" and argument not in SAFE_GLOBALS:
            name = str(argument).replace(" ", ".")
            raise DataError(f"{path}: data.pkl names {name}; accepted are tensors and plain values, it is not loaded.")
        if opcode.name in _REFUSED_OPCODES:
            raise DataError(f"{path}: data.pkl uses {opcode.name}, which torch does not write; it is not loaded.")


def check_npz(path: str | Path, max_bytes: int = MAX_BYTES) -> None:
    """Refuses a NumPy archive with object arrays, absurd sizes or damage.

    Raises:
        DataError: one line naming the file and the member.
    """
    with _archive(path, ".npz archive") as archive:
        for member in archive.infolist():
            with archive.open(member) as stream:
                _check_header(stream, f"{path}: {member.filename}", max_bytes)
        if (damaged := archive.testzip()) is not None:
            raise DataError(f"{path}: {damaged}: does not match its checksum.")


def check_npy(path: str | Path, max_bytes: int = MAX_BYTES) -> None:
    """The same for a single array.

    Raises:
        DataError: one line naming the file.
    """
    try:
        with Path(path).open("rb") as stream:
            wanted = _check_header(stream, str(path), max_bytes)
            if (stored := Path(path).stat().st_size - stream.tell()) != wanted:
                raise DataError(f"{path}: declares {wanted} bytes and holds {stored}.")
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}.") from None


def _check_header(stream: Any, where: str, max_bytes: int) -> int:
    """Bytes that an array takes, read from its header alone."""
    try:
        version = np.lib.format.read_magic(stream)
        if version not in ((1, 0), (2, 0)):
            raise DataError(f"{where}: .npy version {version}; (1, 0) and (2, 0) are accepted.")
        first = version == (1, 0)
        read = np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(stream)
    except DataError:
        raise
    except Exception as error:
        raise DataError(f"{where}: no .npy header: {(str(error).splitlines() or [type(error).__name__])[0]}.") from None
    if dtype.hasobject:
        raise DataError(f"{where}: holds Python objects, which are never read.")
    size = math.prod(shape) * dtype.itemsize
    if size > max_bytes or any(n < 0 for n in shape):
        raise DataError(f"{where}: declares {shape} of {dtype}, more than {max_bytes} bytes.")
    return size


_MAT_CLASSES = (*_INTEGERS, "uint16", "uint32", "uint64", "double", "single", "logical", "char")


def is_hdf5(path: str | Path) -> bool:
    """Whether HDF5's signature stands at one of the places where it may: MATLAB's v7.3 has it behind 512 bytes."""
    try:
        with Path(path).open("rb") as stream:
            head = stream.read(2048 + 8)
    except OSError:
        return False
    return any(head[k : k + 8] == b"\x89HDF\r\n\x1a\n" for k in (0, 512, 1024, 2048))


def check_mat(path: str | Path, max_bytes: int = MAX_BYTES) -> None:
    """Refuses a MATLAB file with anything but arrays of numbers and text, absurd sizes or a damaged header.

    Raises:
        DataError: one line naming the file and the variable.
    """
    if is_hdf5(path):
        check_hdf5(path, max_bytes)
        return
    import scipy.io

    try:
        variables = scipy.io.whosmat(str(path), appendmat=False)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file.") from None
    except Exception as error:
        what = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(f"{path}: no sound MATLAB file: {what}.") from None
    for name, shape, kind in variables:
        if kind not in _MAT_CLASSES:
            raise DataError(f"{path}: {name}: of class {kind}; arrays of numbers and text are accepted.")
        if math.prod(shape) * 16 > max_bytes or any(n < 0 for n in shape):
            raise DataError(f"{path}: {name}: declares {shape}, more than {max_bytes} bytes.")
