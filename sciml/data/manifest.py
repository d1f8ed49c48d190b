"""`manifest.json`: which shards a data set consists of, with the sha256 of their content."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sciml.data.schema import SCHEMA_VERSION
from sciml.files import replacing
from sciml.status import DataError

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Shard:
    """One finished file.

    Args:
        file: relative to the data set's folder, `train/shard-00000.h5`.
        samples: number of trajectories.
        bytes: size of the file.
        sha256: what `write_shard` returned.
    """

    file: str
    samples: int
    bytes: int
    sha256: str


def write_manifest(
    folder: str | Path, shards: Mapping[str, Sequence[Shard]], extra: Mapping[str, Any] | None = None
) -> None:
    """Writes `manifest.json` whole or not at all.

    Args:
        folder: of the data set.
        shards: by split.
        extra: choices, timings, versions: whatever else is worth keeping, as plain data.
    """
    splits = {split: [asdict(s) for s in sorted(given, key=lambda s: s.file)] for split, given in shards.items()}
    hashes = {split: split_hash([Shard(**s) for s in listed]) for split, listed in splits.items()}
    text = json.dumps({"schema_version": SCHEMA_VERSION, **(extra or {}), "splits": splits, "hashes": hashes}, indent=1)
    with replacing(Path(folder) / MANIFEST) as temporary:
        temporary.write_text(text + "\n")


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
