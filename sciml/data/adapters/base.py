"""What every adapter offers, and the conversion that uses it."""

import json
import logging
import os
import shutil
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np

from sciml.data.hdf5 import write_shard
from sciml.data.manifest import Shard, write_manifest
from sciml.data.normalization import write_statistics
from sciml.data.schema import SPLITS, DatasetSpec
from sciml.files import file_hash
from sciml.status import DataError, Status

logger = logging.getLogger(__name__)

#: What an export of ours writes beside its files.
RECORD = "layout.json"
#: Size of a shard that `convert` aims at.
SHARD_BYTES = 2**28


@dataclass(frozen=True)
class Arrays:
    """Some trajectories of a foreign file in the axes of the schema.

    Args:
        fields: `(n, t, *s[, component])` by name.
        static: `(n, *s[, component])` by name.
        params: `(n,)` by name.
        seed: `(n,)` where the file keeps one.
    """

    fields: dict[str, np.ndarray]
    static: dict[str, np.ndarray] = field(default_factory=dict)
    params: dict[str, np.ndarray] = field(default_factory=dict)
    seed: np.ndarray | None = None


class Adapter(ABC):
    """Reads files of one foreign layout. What a file does not say is an argument of the constructor."""

    #: The layout in a few words, for messages.
    layout: ClassVar[str]

    @abstractmethod
    def matches(self, path: Path) -> bool:
        """Whether the file has this layout, from its name and its header."""

    @abstractmethod
    def count(self, path: Path) -> int:
        """Number of trajectories."""

    @abstractmethod
    def read(self, path: Path, rows: slice = slice(None)) -> tuple[DatasetSpec, Arrays]:
        """What the file holds, and some of its trajectories.

        Raises:
            DataError: a damaged or hostile file, or one whose axes cannot be told.
        """


def find_adapter(path: str | Path, adapters: "tuple[type[Adapter], ...] | None" = None) -> Adapter:
    """The adapter whose layout a file has.

    Raises:
        DataError: no file, or none of the layouts.
    """
    from sciml.data.adapters import ADAPTERS

    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path}: no such file.")
    for cls in adapters or ADAPTERS:
        adapter = cls()
        if adapter.matches(path):
            return adapter
    known = "; ".join(cls.layout for cls in adapters or ADAPTERS)
    raise DataError(f"{path}: of no layout that is known: {known}.")


def convert(
    path: str | Path,
    out: str | Path,
    name: str | None = None,
    splits: tuple[int, int, int] | None = None,
    adapter: Adapter | None = None,
) -> Path:
    """Writes a foreign file as a data set of the schema, with manifest and statistics, whole or not at all.

    Trajectories keep their order: the first ones train, the last ones test. Those that are not finite, or zero
    everywhere, are kept with a status that says so.

    Args:
        path: of the file.
        out: folder that is made.
        name: of the data set; that of the folder when left out.
        splits: numbers of trajectories in train, valid and test; when left out, those that an export of ours records
            beside its file, else eight, one and one tenth.
        adapter: reads the file; found by the layout when left out.

    Returns:
        The folder.

    Raises:
        DataError: a file that cannot be read, splits that do not fit it, a folder that is there already.
    """
    path, out = Path(path), Path(out)
    adapter = adapter or find_adapter(path)
    sizes = _sizes(path, adapter.count(path), splits)
    if out.exists():
        raise DataError(f"{out}: is there already; nothing is overwritten.")
    temporary = out.with_name(f".{out.name}.tmp-{os.getpid()}")
    try:
        shards, start = {}, 0
        for split, size in zip(SPLITS, sizes, strict=True):
            shards[split] = _write_split(adapter, path, temporary, split, range(start, start + size), name or out.name)
            start += size
        source = {"file": path.name, "sha256": file_hash(path), "layout": adapter.layout}
        write_manifest(temporary, shards, {"source": source})
        write_statistics(temporary)
        os.replace(temporary, out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return out


def _sizes(path: Path, count: int, splits: tuple[int, int, int] | None) -> tuple[int, int, int]:
    splits = splits or _exported(path)
    if splits is None:
        held_out = count // 10
        return (count - 2 * held_out, held_out, held_out)
    if splits[0] < 1 or min(splits) < 0 or sum(splits) > count:
        raise DataError(f"{path}: splits={splits} must be at most {count} trajectories, one of them for training.")
    return splits


def _exported(path: Path) -> tuple[int, int, int] | None:
    """Sizes of the splits that an export of ours has recorded for this file; `None` where there is no such record."""
    try:
        record = json.loads((path.parent / RECORD).read_text(encoding="utf-8"))
        if path.name not in record["files"]:
            return None
        train, valid, test = (int(b) - int(a) for a, b in (record["rows"].get(s, (0, 0)) for s in SPLITS))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return train, valid, test


def _write_split(adapter: Adapter, path: Path, root: Path, split: str, rows: range, name: str) -> list[Shard]:
    found: list[Shard] = []
    start, step = rows.start, 1
    while start < rows.stop:
        stop = min(rows.stop, start + step)
        spec, arrays = adapter.read(path, slice(start, stop))
        spec = DatasetSpec.from_dict({**spec.to_dict(), "name": name})
        status = _status(arrays, stop - start)
        if failed := int((status != Status.SUCCESS).sum()):
            logger.warning("%s: %d of the trajectories %d to %d are no solutions", path, failed, start, stop - 1)
        file = root / split / f"shard-{len(found):05d}.h5"
        digest = write_shard(
            file,
            spec,
            fields=arrays.fields,
            static=arrays.static,
            params=arrays.params,
            index=np.arange(start, stop),
            seed=arrays.seed,
            status=status,
        )
        found.append(Shard(f"{split}/{file.name}", stop - start, file.stat().st_size, digest, file_hash(file)))
        # The first shard holds one trajectory and tells how large they are.
        one = sum(a[0].nbytes for a in (*arrays.fields.values(), *arrays.static.values()))
        start, step = stop, max(1, SHARD_BYTES // max(one, 1))
    return found


def _status(arrays: Arrays, n: int) -> np.ndarray:
    """A worker that crashed leaves zeros or NaN behind: such trajectories must not pass for solutions."""
    finite, zero = np.ones(n, dtype=bool), np.ones(n, dtype=bool)
    for group, timed in ((arrays.fields, True), (arrays.static, False)):
        for array in group.values():
            flat = array.reshape(n, -1)
            finite &= np.isfinite(flat).all(axis=1)
            zero &= ~flat.any(axis=1) if timed else True
    return np.select([~finite, zero], [Status.NON_FINITE, Status.BREAKDOWN], Status.SUCCESS)
