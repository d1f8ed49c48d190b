"""What every foreign layout offers, and the export of a finished data set that uses it."""

import json
import math
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import h5py
import numpy as np

from sciml.data.adapters.base import RECORD
from sciml.data.dataset import FieldDataset
from sciml.data.schema import SPLITS, DatasetSpec
from sciml.describe import Described, describe
from sciml.fields import FieldSpec
from sciml.files import file_hash, replacing, write_json
from sciml.status import DataError

#: Bytes of trajectories that are in memory at once.
PIECE_BYTES = 2**26


@dataclass(frozen=True)
class Piece:
    """Some trajectories: `fields` `(n, t, c, *s)` and `static` `(n, c, *s)` by name, and their rows in the file."""

    rows: slice
    fields: dict[str, np.ndarray]
    static: dict[str, np.ndarray]
    params: dict[str, np.ndarray]


class Trajectories:
    """All trajectories of a data set, training first, then validation, then test, a few at a time.

    Args:
        root: folder of the data set.

    Raises:
        DataError: no data set, or a damaged one.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        self.splits = {s: FieldDataset(self.root, s) for s in SPLITS if (self.root / s).is_dir()}
        if not self.splits:
            raise DataError(f"{root}: no data set; a folder per split is expected: {', '.join(SPLITS)}.")
        self.spec: DatasetSpec = next(iter(self.splits.values())).spec
        self._order = [(split, row) for split, data in self.splits.items() for row in range(len(data))]

    def __len__(self) -> int:
        return len(self._order)

    @property
    def hashes(self) -> dict[str, str]:
        """Identity of every split."""
        return {split: data.hash for split, data in self.splits.items()}

    @property
    def rows(self) -> dict[str, list[int]]:
        """First and last row (exclusive) of every split among all trajectories."""
        ends = np.cumsum([0, *(len(d) for d in self.splits.values())]).tolist()
        return {split: [ends[i], ends[i + 1]] for i, split in enumerate(self.splits)}

    @property
    def index(self) -> np.ndarray:
        """Number of every trajectory in the data set, `(n,)`."""
        return np.concatenate([data.samples["index"] for data in self.splits.values()])

    @property
    def params(self) -> np.ndarray:
        """Scalars of all trajectories, `(n, p)`, in the order of `spec.parameters`."""
        return np.concatenate([data.params(range(len(data))) for data in self.splits.values()])

    def pieces(self, rows: Sequence[int] | None = None) -> Iterator[Piece]:
        """Trajectories in order, all or those of `rows`, in pieces that bound the memory."""
        chosen = list(range(len(self))) if rows is None else list(rows)
        names = [f.name for f in self.spec.fields]
        step = max(1, PIECE_BYTES * len(self) // max(sum(d.nbytes for d in self.splits.values()), 1))
        start = 0
        while start < len(chosen):
            split = self._order[chosen[start]][0]
            part = [self._order[r] for r in chosen[start : start + step]]
            # A piece lies in one split.
            local = [row for s, row in part if s == split]
            data = self.splits[split]
            params = data.params(local)
            yield Piece(
                slice(start, start + len(local)),
                {n: data.fields(local, names=[n]) for n in names},
                {f.name: data.static(local, names=[f.name]) for f in self.spec.static},
                {p.name: params[:, i] for i, p in enumerate(self.spec.parameters)},
            )
            start += len(local)


class Layout(Described, ABC):
    """Writes a data set as files that others read. What our schema does not say is an argument of the constructor."""

    #: The layout in a few words, for messages.
    layout: ClassVar[str]

    def __init__(self) -> None:
        """A layout without choices; its description is recorded in the export."""

    @abstractmethod
    def refuses(self, spec: DatasetSpec) -> str | None:
        """Why the layout has no place for a data set, in one sentence; `None` when it has."""

    @abstractmethod
    def write(self, source: Trajectories, folder: Path) -> None:
        """Writes the files of a data set that is not refused; each appears under its name when it is whole."""


def export(root: str | Path, out: str | Path, layout: Layout) -> Path:
    """Writes a finished data set in a foreign layout, whole or not at all.

    Trajectories keep their order, training first, then validation, then test; those whose solve failed are left out.
    `layout.json` beside the files records the rows of each split, the hashes of what was exported and of what was
    written. The same data set gives the same bytes. An export of the same data that is there already, whole, is kept.

    Args:
        root: folder of the data set.
        out: folder that is made.
        layout: the layout.

    Returns:
        The folder.

    Raises:
        DataError: a layout that has no place for the data set, a damaged data set, another export or anything else in
            `out`.
    """
    source, out = Trajectories(root), Path(out)
    if reason := layout.refuses(source.spec):
        raise DataError(f"{root}: {reason}")
    record: dict[str, Any] = {"layout": describe(layout), "source": source.hashes, "rows": source.rows}
    if out.exists():
        return _kept(out, record)
    temporary = out.with_name(f".{out.name}.tmp-{os.getpid()}")
    try:
        temporary.mkdir(parents=True)
        layout.write(source, temporary)
        write_json(temporary / RECORD, {**record, "files": _hashes(temporary)})
        os.replace(temporary, out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return out


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != RECORD)
    return {p.relative_to(folder).as_posix(): file_hash(p) for p in files}


def _kept(out: Path, record: Mapping[str, Any]) -> Path:
    try:
        found = json.loads((out / RECORD).read_text())
    except (OSError, ValueError):
        raise DataError(f"{out}: is there already and no export; nothing is overwritten.") from None
    if {k: found.get(k) for k in record} != json.loads(json.dumps(record)):
        raise DataError(f"{out}: holds an export of other data or in another layout; nothing is overwritten.")
    if found.get("files") != _hashes(out):
        raise DataError(f"{out}: files of this export are missing or changed; remove the folder to write it again.")
    return out


@contextmanager
def created(path: Path) -> Iterator[h5py.File]:
    """A new HDF5 file in the library's oldest format, which every reader opens; it appears when it is whole."""
    with replacing(path) as temporary, h5py.File(temporary, "w", libver=("earliest", "v108")) as file:
        yield file


def float32(file: h5py.File, name: str, shape: tuple[int, ...]) -> h5py.Dataset:
    """A data set to be filled piece by piece; nothing in it is stamped with a time."""
    return file.create_dataset(name, shape=shape, dtype="<f4", track_times=False)


def constants(spec: DatasetSpec) -> dict[str, float]:
    """Parameters of the equation that are the same in every trajectory."""
    found = spec.meta.get("constants", {})
    return {k: float(v) for k, v in found.items() if isinstance(v, int | float) and not isinstance(v, bool)}


def channel_words(fields: Sequence[FieldSpec]) -> tuple[str, ...]:
    """What each field is in one word, `water_depth`: its long name, or its name where it has none."""
    return tuple((f.long_name or f.name).replace(" ", "_") for f in fields)


def round_number(value: float) -> float:
    """Without what arithmetic left in the last digits: 0.0009999999999999998 is 0.001."""
    return float(f"{value:.12g}") if math.isfinite(value) else value
