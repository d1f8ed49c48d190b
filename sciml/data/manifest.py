"""`manifest.json`: which shards a data set consists of, with the sha256 of their content and of their bytes.

The content's identifies the data, whatever library wrote the file; that of the bytes tells that a file is whole before
the HDF5 library, which damage can crash or keep busy for ever, touches it.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sciml.data.schema import SCHEMA_VERSION, SPLITS
from sciml.files import file_hash, replacing
from sciml.status import DataError

MANIFEST = "manifest.json"
#: Files that this process has found whole: path, identity on disk, and the checksum that they were compared with.
_WHOLE: set[tuple[Any, ...]] = set()


@dataclass(frozen=True)
class Shard:
    """One finished file.

    Args:
        file: relative to the data set's folder, `train/shard-00000.h5`.
        samples: number of trajectories.
        bytes: size of the file.
        sha256: what `write_shard` returned.
        file_sha256: of the file's bytes; `None` in manifests that do not know it.
    """

    file: str
    samples: int
    bytes: int
    sha256: str
    file_sha256: str | None = None


def write_manifest(
    folder: str | Path, shards: Mapping[str, Sequence[Shard]], extra: Mapping[str, Any] | None = None
) -> None:
    """Writes `manifest.json` whole or not at all.

    Args:
        folder: of the data set.
        shards: by split.
        extra: choices, timings, versions: whatever else is worth keeping, as plain data.
    """
    splits = {split: [_entry(s) for s in sorted(given, key=lambda s: s.file)] for split, given in shards.items()}
    hashes = {split: split_hash([Shard(**s) for s in listed]) for split, listed in splits.items()}
    text = json.dumps({"schema_version": SCHEMA_VERSION, **(extra or {}), "splits": splits, "hashes": hashes}, indent=1)
    with replacing(Path(folder) / MANIFEST) as temporary:
        temporary.write_text(text + "\n")


def _entry(shard: Shard) -> dict[str, Any]:
    return {k: v for k, v in asdict(shard).items() if v is not None}


def check_bytes(path: str | Path, shard: Shard) -> None:
    """Compares a file with its manifest's entry: once per process, as long as the file stays as it is.

    Raises:
        DataError: another size or checksum; an entry without one passes.
    """
    path = Path(path)
    if shard.file_sha256 is None:
        return
    try:
        now = path.stat()
        key = (str(path.absolute()), now.st_ino, now.st_size, now.st_mtime_ns, shard.file_sha256)
        if key in _WHOLE:
            return
        if now.st_size != shard.bytes:
            raise DataError(f"{path}: damaged: has {now.st_size} bytes; {MANIFEST} says {shard.bytes}.")
        found = file_hash(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}.") from None
    if found != shard.file_sha256:
        raise DataError(f"{path}: damaged: sha256 {found[:12]}...; {MANIFEST} says {shard.file_sha256[:12]}....")
    _WHOLE.add(key)


def check_listed(path: str | Path) -> None:
    """`check_bytes` on a data set's folder, or on one shard where a manifest of the data set around it names it.

    Raises:
        DataError: see `check_bytes` and `read_manifest`.
    """
    path = Path(path).absolute()
    root = path if path.is_dir() else path.parent.parent
    if path != root and path.parent.name not in SPLITS:
        return
    manifest = read_manifest(root)
    if manifest is None:
        return
    for split in manifest["splits"]:
        for shard in manifest_shards(manifest, split):
            if path in (root, root / shard.file) and (root / shard.file).is_file():
                check_bytes(root / shard.file, shard)


def read_manifest(folder: str | Path) -> dict[str, Any] | None:
    """The manifest of a data set, or `None` where it has none.

    Raises:
        DataError: one that is not in the form of `write_manifest`.
    """
    path = Path(folder) / MANIFEST
    if not path.is_file():
        return None
    try:
        data = json.loads(path.read_text())
        for listed in data["splits"].values():
            for shard in listed:
                _check_inside(Shard(**shard).file)
        return data
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: no manifest: {type(error).__name__}: {error}.") from None


def _check_inside(file: str) -> None:
    if Path(file).is_absolute() or ".." in Path(file).parts:
        raise ValueError(f"{file!r} lies outside the data set")


def manifest_shards(manifest: Mapping[str, Any], split: str) -> list[Shard]:
    return [Shard(**s) for s in manifest["splits"].get(split, [])]


def split_hash(shards: Sequence[Shard]) -> str:
    """Identity of a split: sha256 over names and content hashes of its shards."""
    lines = sorted(f"{s.file} {s.sha256}\n" for s in shards)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
