"""The predictor file: a safetensors file whose one metadata entry describes everything beside the tensors.

    8 bytes      length of the header, little endian
    header       JSON: dtype, shape and offsets of each tensor; `__metadata__` = {"sciml": <JSON text>}
    data         the tensors, without gaps

The JSON text holds `format`, `schema`, `version`, `kind` (a surrogate of fields, which files without it are too, or
the solution of an equation), the description of the network, the specification of its fields, and `file_sha256`: the
SHA-256 of the whole file with those 64 digits set to zero, so that every bit is covered.
Nothing here needs torch: the command line looks at a file before it imports anything heavy.
"""

import hashlib
import json
import math
import re
import struct
from pathlib import Path
from typing import Any

from sciml.describe import is_allowed
from sciml.status import DataError

FORMAT = "sciml.predictor"
#: Version of the metadata's layout; a file of a later one is refused.
SCHEMA = 1
#: What a predictor may be.
KINDS = ("surrogate", "solution")
#: Sizes beyond which a file is refused before anything is allocated.
MAX_HEADER = 16 * 2**20
MAX_FILE = 8 * 2**30
MAX_TENSORS = 100_000

#: Packages whose classes a predictor may name: what a network is made of, nothing that trains, logs or writes.
NETWORKS = ("sciml.", "torch.nn.", "neuralop.models.")
_NOT_NETWORKS = ("sciml.cli.", "sciml.training.", "sciml.datagen.")

_BYTES = {"BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2, "I32": 4}
_BYTES |= {"U32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8, "C64": 8}
_ZEROS = b"0" * 64
_DIGEST = re.compile(rb'\\"file_sha256\\":\\"([0-9a-f]{64})\\"')


def metadata_text(metadata: dict[str, Any]) -> str:
    """Canonical JSON of the metadata, with the checksum's place set to zero."""
    content = {**metadata, "format": FORMAT, "schema": SCHEMA, "file_sha256": _ZEROS.decode()}
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


def sealed(content: bytes) -> bytes:
    """The file's content with its checksum filled in.

    Raises:
        ValueError: the metadata name `file_sha256` more than once.
    """
    places = list(_DIGEST.finditer(content, 0, 8 + struct.unpack("<Q", content[:8])[0]))
    if len(places) != 1:
        raise ValueError(f"the metadata must name file_sha256 once, not {len(places)} times.")
    start, end = places[0].span(1)
    return content[:start] + hashlib.sha256(content).hexdigest().encode() + content[end:]


def check_predictor(path: str | Path) -> dict[str, Any]:
    """Looks at a predictor file without torch: structure, sizes, schema and checksum.

    Returns:
        The metadata: `network`, `spec`, `version`, `schema`, `kind`.

    Raises:
        DataError: what is wrong, in one line that names the file.
    """
    return read_predictor(path)[0]


def read_predictor(path: str | Path) -> tuple[dict[str, Any], bytes]:
    """Metadata and content of a predictor file, checked. The content is what was checked: it is read once.

    Raises:
        DataError: see `check_predictor`.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise DataError(f"{path}: is not a file.")
        if size > MAX_FILE:
            raise DataError(f"{path}: {size} bytes are more than the {MAX_FILE} that a predictor file may have.")
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}.") from None
    try:
        return _checked(content), content
    except _Fault as fault:
        raise DataError(f"{path}: {fault}") from None


class _Fault(ValueError):
    """A fault of the content; the caller adds the file's name."""


def _checked(content: bytes) -> dict[str, Any]:
    header, start = _header(content)
    metadata = _metadata(header)
    places = list(_DIGEST.finditer(content, 0, start))
    if len(places) != 1:
        raise _Fault("has no checksum.")
    first, last = places[0].span(1)
    digest = hashlib.sha256(content[:first] + _ZEROS)
    digest.update(memoryview(content)[last:])
    if digest.hexdigest().encode() != places[0].group(1):
        raise _Fault("is damaged: its checksum does not match its content.")
    _check_layout(header, len(content) - start)
    return metadata


def _header(content: bytes) -> tuple[dict[str, Any], int]:
    if content[:2] in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
        raise _Fault("is a pickle or a zip archive, not a predictor file (sciml export makes one of a checkpoint).")
    if len(content) < 8:
        raise _Fault("is truncated: it ends within the header.")
    length = struct.unpack("<Q", content[:8])[0]
    if length > MAX_HEADER:
        raise _Fault("is no predictor file, or its first bytes are damaged.")
    if len(content) < 8 + length:
        raise _Fault("is truncated: it ends within the header.")
    try:
        header = json.loads(content[8 : 8 + length].decode(), object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise _Fault("is no predictor file, or its header is damaged.") from None
    if not isinstance(header, dict):
        raise _Fault("is no predictor file: its header is no table of tensors.")
    return header, 8 + length


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({k for k, _ in pairs}) != len(pairs):
        raise ValueError("duplicate key")
    return dict(pairs)


def _metadata(header: dict[str, Any]) -> dict[str, Any]:
    entries = header.pop("__metadata__", None)
    text = entries.get("sciml") if isinstance(entries, dict) else None
    if not isinstance(text, str):
        raise _Fault("is a safetensors file without sciml's metadata.")
    try:
        metadata = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise _Fault("is damaged: its metadata are no JSON.") from None
    if not isinstance(metadata, dict) or metadata.get("format") != FORMAT:
        raise _Fault(f"is no predictor file: its format is not {FORMAT!r}.")
    if metadata.get("schema") != SCHEMA:
        raise _Fault(f"has schema {metadata.get('schema')!r}; this version reads schema {SCHEMA}.")
    for key in ("network", "spec"):
        if not isinstance(metadata.get(key), dict):
            raise _Fault(f"is no predictor file: its metadata lack {key!r}.")
    if not isinstance(metadata["network"].get("class_path"), str):
        raise _Fault("is no predictor file: its network has no class_path.")
    check_classes(metadata["network"])
    if metadata.setdefault("kind", KINDS[0]) not in KINDS:
        raise _Fault(f"is of the kind {metadata['kind']!r}; this version reads {' and '.join(KINDS)}.")
    return metadata


def check_classes(value: Any) -> None:
    """Every class path of a description, however deep, must be a network's: it would be imported.

    Raises:
        ValueError: one that is not.
    """
    if isinstance(value, list):
        for entry in value:
            check_classes(entry)
    elif isinstance(value, dict):
        if "class_path" in value and not _is_network(value["class_path"]):
            path = value["class_path"]
            raise _Fault(f"names the class {path!r}; accepted are those of {', '.join(p[:-1] for p in NETWORKS)}.")
        for entry in value.values():
            check_classes(entry)


def _check_layout(header: dict[str, Any], size: int) -> None:
    """Tensors must lie one after another, without gap or overlap, up to the last byte."""
    if len(header) > MAX_TENSORS:
        raise _Fault(f"declares {len(header)} tensors; at most {MAX_TENSORS} are accepted.")
    end = 0
    try:
        for name, entry in sorted(header.items(), key=lambda item: tuple(item[1]["data_offsets"])):
            low, high = entry["data_offsets"]
            declared = math.prod(int(n) for n in entry["shape"]) * _BYTES[entry["dtype"]]
            if low != end or high - low != declared or min(entry["shape"], default=0) < 0:
                raise _Fault(f"is damaged: tensor {name!r} has wrong offsets.")
            end = high
    except (KeyError, TypeError, ValueError):
        raise _Fault("is damaged: its table of tensors cannot be read.") from None
    if end != size:
        raise _Fault(f"is truncated or has bytes to spare: {size} bytes of tensors, {end} declared.")


def _is_network(path: Any) -> bool:
    if not isinstance(path, str) or not is_allowed(path):
        return False
    return path.startswith(NETWORKS) and not path.startswith(_NOT_NETWORKS)
