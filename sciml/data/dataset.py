"""A split of a data set as arrays: many shards, opened per read, larger than memory."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sciml.data.hdf5 import content_hash, opened, read, read_spec
from sciml.data.manifest import Shard, check_bytes, manifest_shards, read_manifest, split_hash
from sciml.data.schema import SAMPLE_DTYPES, SPLITS, DatasetSpec, Place, places
from sciml.data.structure import check_structure
from sciml.status import DataError, Status

logger = logging.getLogger(__name__)

#: Numbers of trajectories or frames.
Samples = Sequence[int] | np.ndarray


class FieldDataset:
    """Trajectories of one split. Those whose solve failed (status other than `SUCCESS`) are left out.

    No file stays open between reads, so that loader workers neither share handles nor collect them.

    Args:
        root: folder of the data set, which holds a folder per split.
        split: `train`, `valid` or `test`.

    Raises:
        DataError: no such folder, no shard in it, or shards that are damaged or belong to different data sets.
    """

    def __init__(self, root: str | Path, split: str) -> None:
        self.root, self.split = Path(root), split
        if split not in SPLITS:
            raise ValueError(f"split={split!r} must be one of {', '.join(SPLITS)}.")
        self._shards = _listed(self.root, split)
        self.spec: DatasetSpec
        parts = [self._look_at(number, path) for number, path in enumerate(self._shards)]
        #: `/samples` of the trajectories in use, by name: `index`, `seed`, `residual`, `status`.
        self.samples = {k: np.concatenate([info[k] for _, info in parts]) for k in SAMPLE_DTYPES}
        usable = self.samples["status"] == Status.SUCCESS
        if not usable.any():
            raise DataError(f"{self.root / split}: no trajectory with status {Status.SUCCESS.value}.")
        if left_out := int((~usable).sum()):
            logger.warning("%s: %d of %d trajectories failed, left out", self.root / split, left_out, len(usable))
        self.samples = {k: v[usable] for k, v in self.samples.items()}
        counts = [count for count, _ in parts]
        self._shard_of = np.repeat(np.arange(len(counts)), counts)[usable]
        self._row_of = np.concatenate([np.arange(count) for count in counts])[usable]
        self._places = places(self.spec)
        self._hash: str | None = None

    def _look_at(self, number: int, path: Path) -> tuple[int, dict[str, np.ndarray]]:
        with opened(path) as file:
            check_structure(file, path)
            spec = read_spec(file, path)
            if number == 0:
                self.spec = spec
            elif repr(spec) != repr(self.spec):
                raise DataError(f"{path}: attribute spec differs from that of {self._shards[0].name}.")
            info = {k: read(file, path, f"samples/{k}") for k in SAMPLE_DTYPES}
            count = len(info["index"])
            if wrong := [k for k, v in info.items() if v.shape != (count,)]:
                raise DataError(f"{path}: /samples/{wrong[0]}: has shape {info[wrong[0]].shape}, not ({count},).")
            for place in places(spec).values():
                shape = getattr(file.get(place.path), "shape", None)
                if shape != (count, *place.shape):
                    raise DataError(f"{path}: /{place.path}: has shape {shape}, not {(count, *place.shape)}.")
        return count, info

    def __len__(self) -> int:
        return len(self._row_of)

    def __repr__(self) -> str:
        return f"FieldDataset({self.spec.name}/{self.split}: {len(self)} trajectories, {len(self.spec.times)} times)"

    @property
    def hash(self) -> str:
        """sha256 over the content of the split's shards: from the manifest, else computed."""
        if self._hash is None:
            manifest = read_manifest(self.root)
            if manifest is not None:
                shards = manifest_shards(manifest, self.split)
            else:
                names = [p.relative_to(self.root).as_posix() for p in self._shards]
                shards = [Shard(n, 0, 0, content_hash(p)) for n, p in zip(names, self._shards, strict=True)]
            self._hash = split_hash(shards)
        return self._hash

    @property
    def nbytes(self) -> int:
        """Size of all fields and static fields as they lie on disk."""
        numbers = sum(int(np.prod(place.shape)) for place in self._places.values())
        return len(self) * numbers * np.dtype(self.spec.dtype).itemsize

    def fields(self, samples: Samples, times: Samples | None = None, names: Sequence[str] | None = None) -> np.ndarray:
        """Fields with a time axis, `(n, t, c, *s)`, in the dtype on disk.

        Args:
            samples: numbers of trajectories, in any order, repeated or not.
            times: numbers of frames, in any order; all when left out.
            names: of fields; all when left out. A vector's components are channels in index order.

        Raises:
            IndexError: a trajectory or frame that is not there.
            DataError: data that do not match their checksum.
        """
        frames = np.arange(len(self.spec.times)) if times is None else np.asarray(times, dtype=int)
        if frames.size and not -1 < frames.min() <= frames.max() < len(self.spec.times):
            raise IndexError(f"times={list(frames)} leaves the {len(self.spec.times)} frames of {self!r}.")
        chosen = self._chosen(names, time_varying=True)
        parts = [_channels(self._read(place, samples, frames), place, 2) for place in chosen]
        return np.concatenate(parts, axis=2)

    def static(self, samples: Samples, names: Sequence[str] | None = None) -> np.ndarray:
        """Fields without a time axis, `(n, c, *s)`; no channel where the data set has none."""
        chosen = self._chosen(names, time_varying=False)
        if not chosen:
            return np.empty((len(samples), 0, *self.spec.grid.shape), dtype=self.spec.dtype)
        return np.concatenate([_channels(self._read(place, samples, None), place, 1) for place in chosen], axis=1)

    def params(self, samples: Samples) -> np.ndarray:
        """Scalars, `(n, p)`, float64, in the order of `spec.parameters`."""
        found = np.empty((len(samples), len(self.spec.parameters)))
        for path, file, mine, rows in self._shards_of(samples):
            for i, p in enumerate(self.spec.parameters):
                found[mine, i] = read(file, path, f"scalars/{p.name}")[rows]
        return found

    def _chosen(self, names: Sequence[str] | None, time_varying: bool) -> list[Place]:
        offered = {n: p for n, p in self._places.items() if p.time_varying == time_varying}
        if unknown := [n for n in names or () if n not in offered]:
            raise ValueError(f"names has {unknown[0]!r}; {self.spec.name} has {', '.join(offered) or 'none'}.")
        return [offered[n] for n in (offered if names is None else names)]

    def _shards_of(self, samples: Samples):  # type: ignore[no-untyped-def]
        """Opens each shard that is needed once: its path, the file, positions in `samples`, rows in the shard."""
        wanted = np.asarray(samples, dtype=int)
        if wanted.size and not -1 < wanted.min() <= wanted.max() < len(self):
            raise IndexError(f"samples={list(wanted[:8])} leaves the {len(self)} trajectories of {self!r}.")
        shards = self._shard_of[wanted]
        for number in np.unique(shards):
            mine = np.flatnonzero(shards == number)
            with opened(self._shards[number]) as file:
                yield self._shards[number], file, mine, self._row_of[wanted[mine]]

    def _read(self, place: Place, samples: Samples, frames: np.ndarray | None) -> np.ndarray:
        shape = place.shape if frames is None else (len(frames), *place.shape[1:])
        found = np.empty((len(samples), *shape), dtype=self.spec.dtype)
        for path, file, mine, rows in self._shards_of(samples):
            for start, stop in _runs(rows):
                selection, order = _selection(int(rows[start]), int(rows[stop - 1]) + 1, frames)
                found[mine[start:stop]] = _ordered(read(file, path, place.path, selection), order)
        return found


def _listed(root: Path, split: str) -> list[Path]:
    folder = root / split
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; a data set has a folder per split: {', '.join(SPLITS)}.")
    present = sorted(p for p in folder.glob("*.h5") if not p.name.startswith("."))
    if not present:
        raise DataError(f"{folder}: no shard; files named *.h5 are expected.")
    manifest = read_manifest(root)
    if manifest is not None:
        listed = {root / s.file: s for s in manifest_shards(manifest, split)}
        if odd := sorted(set(listed) ^ set(present)):
            what = "named by the manifest, not there" if odd[0] in listed else "not named by the manifest"
            raise DataError(f"{odd[0]}: {what}.")
        for path in present:
            check_bytes(path, listed[path])
    return present


def _runs(rows: np.ndarray) -> list[tuple[int, int]]:
    """Stretches of consecutive rows, which one read covers."""
    breaks = (np.flatnonzero(np.diff(rows) != 1) + 1).tolist()
    return list(zip([0, *breaks], [*breaks, len(rows)], strict=True))


def _selection(first: int, last: int, frames: np.ndarray | None) -> tuple[tuple, np.ndarray | None]:
    """What h5py reads, and the order that the frames which were read have to be brought into."""
    if frames is None:
        return (slice(first, last),), None
    distinct, order = np.unique(frames, return_inverse=True)
    steps = np.diff(distinct)
    if not len(steps) or (steps == steps[0]).all():
        step = int(steps[0]) if len(steps) else 1
        return (slice(first, last), slice(int(distinct[0]), int(distinct[-1]) + 1, step)), order
    return (slice(first, last), distinct), order


def _ordered(found: np.ndarray, order: np.ndarray | None) -> np.ndarray:
    return found if order is None else found[:, order]


def _channels(array: np.ndarray, place: Place, axis: int) -> np.ndarray:
    """Moves the components from the end to one channel axis: here, and nowhere else, axes are transposed."""
    rank = place.spec.rank
    flat = array.reshape(*array.shape[: array.ndim - rank], -1)
    return np.moveaxis(flat, -1, axis)


def open_dataset(name_or_path: str | Path, split: str) -> FieldDataset:
    """A split of a data set by path, or by its name below the data root `SCIML_DATA` (default `./data`).

    Raises:
        DataError: no such data set.
    """
    root = Path(os.environ.get("SCIML_DATA", "data"))
    for folder in (Path(name_or_path), root / name_or_path):
        if folder.is_dir():
            return FieldDataset(folder, split)
    raise DataError(f"{name_or_path}: no such data set, neither as a folder nor in {root}.")
