"""PDEBench's files: one array per variable, one group per sample, and incompressible flow."""

import re
from pathlib import Path
from typing import ClassVar

import h5py
import numpy as np

from sciml.data.adapters.axes import cells_axis
from sciml.data.adapters.base import Adapter, Arrays
from sciml.data.hdf5 import opened, read
from sciml.data.schema import DatasetSpec
from sciml.data.structure import check_structure
from sciml.fields import Axis, Boundaries, FieldSpec, Grid, Neumann, ParameterSpec
from sciml.status import DataError

_SUFFIXES = (".h5", ".hdf5")
_META = {"licence": "CC-BY-4.0", "origin": "PDEBench"}


def _has(path: Path, test) -> bool:  # type: ignore[no-untyped-def]
    if path.suffix not in _SUFFIXES:
        return False
    with opened(path) as file:
        check_structure(file, path)
        return bool(test(file))


class PDEBenchArrays(Adapter):
    """One array `(n, t, *s)` per variable: `tensor`, or `density`, `pressure`, `Vx`, ...; with `nu` a coefficient.

    Coordinates are midpoints of cells. The time axis of the 1-D files has one entry less than `t-coordinate`, which is
    cut; a leading axis of one device is dropped. Velocities become one vector field. Numbers among the root attributes
    (`beta`, `Nu`, `eta`, ...) become parameters.
    """

    layout: ClassVar[str] = "PDEBench, one array per variable (.hdf5)"

    def matches(self, path: Path) -> bool:
        return _has(path, lambda f: "x-coordinate" in f and ("tensor" in f or "density" in f))

    def count(self, path: Path) -> int:
        with opened(path) as file:
            check_structure(file, path)
            main = file["tensor" if "tensor" in file else "density"]
            return int(self._shape(main, self._dimensions(file), path)[0])

    def read(self, path: Path, rows: slice = slice(None)) -> tuple[DatasetSpec, Arrays]:
        with opened(path) as file:
            check_structure(file, path)
            d = self._dimensions(file)
            grid = Grid(tuple(self._axis(file, path, n) for n in "xyz"[:d]))
            fields = self._fields(file, path, d, rows)
            static = {"nu": read(file, path, "nu", rows)} if "nu" in file else {}
            n, frames = next(iter(fields.values())).shape[:2]
            times = read(file, path, "t-coordinate")[:frames] if "t-coordinate" in file else np.zeros(1)
            if len(times) != frames:
                raise DataError(f"{path}: /t-coordinate: has {len(times)} entries for {frames} frames.")
            params = {
                k: float(v) for k, v in file.attrs.items() if k.isidentifier() and isinstance(v, float | np.number)
            }
        spec = DatasetSpec(
            path.stem.replace(".", "_"),
            tuple(FieldSpec(name, rank=a.ndim - d - 2, location="cell") for name, a in fields.items()),
            tuple(FieldSpec(name, location="cell") for name in static),
            tuple(ParameterSpec(name) for name in params),
            grid,
            Boundaries.periodic() if "_periodic_" in path.name else Boundaries({}),
            times=tuple(float(t) for t in times),
            meta={**_META, "source": path.name},
        )
        return spec, Arrays(fields, static, {k: np.full(n, v) for k, v in params.items()})

    def _dimensions(self, file: h5py.File) -> int:
        return sum(f"{n}-coordinate" in file for n in "xyz")

    def _axis(self, file: h5py.File, path: Path, name: str) -> Axis:
        try:
            return cells_axis(read(file, path, f"{name}-coordinate"))
        except ValueError as error:
            raise DataError(f"{path}: /{name}-coordinate: {error}") from None

    def _shape(self, item: h5py.Dataset, d: int, path: Path) -> tuple[int, ...]:
        shape = item.shape[1:] if item.ndim == d + 3 and item.shape[0] == 1 else item.shape
        if len(shape) != d + 2:
            raise DataError(f"{path}: {item.name}: has shape {item.shape}; (sample, time, {d} of space) is expected.")
        return shape

    def _fields(self, file: h5py.File, path: Path, d: int, rows: slice) -> dict[str, np.ndarray]:
        def one(name: str) -> np.ndarray:
            device = file[name].ndim > len(self._shape(file[name], d, path))
            return read(file, path, name, (0, rows) if device else rows)

        found = {"u": one("tensor")} if "tensor" in file else {n: one(n) for n in ("density", "pressure") if n in file}
        velocities = [f"V{n}" for n in "xyz"[:d]]
        if all(v in file for v in velocities):
            found["velocity"] = np.stack([one(v) for v in velocities], axis=-1)
        return found


#: Channels of the published families, by a part of the file's name.
_CHANNELS = {
    "diff-sorp": ("concentration",),
    "diff-react": ("activator", "inhibitor"),
    "rdb": ("water_depth",),
}


class PDEBenchGroups(Adapter):
    """One group per sample, `0000`, `0001`, ...: `data` `(t, *s, channel)`, `grid/x`, `grid/t`, attribute `config`.

    The name of the group is the seed. Channels of unknown families are named `c0`, `c1`, ....
    """

    layout: ClassVar[str] = "PDEBench, one group per sample (.h5)"

    def matches(self, path: Path) -> bool:
        return _has(path, lambda f: len(f) and all(re.fullmatch(r"\d{4,}", n) and f"{n}/data" in f for n in f))

    def count(self, path: Path) -> int:
        with opened(path) as file:
            return len(file)

    def read(self, path: Path, rows: slice = slice(None)) -> tuple[DatasetSpec, Arrays]:
        with opened(path) as file:
            check_structure(file, path)
            names = sorted(file, key=int)
            first = names[0]
            space = [n for n in "xyz" if f"{first}/grid/{n}" in file]
            try:
                grid = Grid(tuple(cells_axis(read(file, path, f"{first}/grid/{n}")) for n in space))
            except ValueError as error:
                raise DataError(f"{path}: /{first}/grid: {error}") from None
            times = read(file, path, f"{first}/grid/t")
            samples = []
            for name in names[rows]:
                samples.append(read(file, path, f"{name}/data"))
                if samples[-1].shape[:-1] != (len(times), *grid.shape):
                    raise DataError(f"{path}: /{name}/data: has shape {samples[-1].shape}, not that of the grid.")
            config = str(file[first].attrs.get("config", ""))
        values = np.stack(samples)
        known = next((c for part, c in _CHANNELS.items() if part in path.name), ())
        channels = known if len(known) == values.shape[-1] else tuple(f"c{k}" for k in range(values.shape[-1]))
        spec = DatasetSpec(
            path.stem,
            tuple(FieldSpec(c, location="cell") for c in channels),
            (),
            (),
            grid,
            Boundaries({"all": Neumann()}) if "diff-react" in path.name else Boundaries({}),
            times=tuple(float(t) for t in times),
            meta={**_META, "source": path.name, "config": config[:20_000]},
        )
        seeds = np.array([int(name) for name in names[rows]])
        return spec, Arrays({c: values[..., k] for k, c in enumerate(channels)}, seed=seeds)


class PDEBenchIncompressible(Adapter):
    """`velocity` `(n, t, x, y, 2)`, `particles` `(n, t, x, y, 1)`, `force` `(n, x, y, 2)`, `t` `(n, time)`.

    A file whose `latestIndex` is not its last frame was never finished, and is refused.

    Args:
        high: length of the square domain, which the file does not store.
    """

    layout: ClassVar[str] = "PDEBench, incompressible flow (.h5)"

    def __init__(self, high: float = 1.0) -> None:
        self.high = high

    def matches(self, path: Path) -> bool:
        return _has(path, lambda f: {"velocity", "particles", "force", "t"} <= set(f))

    def count(self, path: Path) -> int:
        with opened(path) as file:
            return int(file["velocity"].shape[0])

    def read(self, path: Path, rows: slice = slice(None)) -> tuple[DatasetSpec, Arrays]:
        with opened(path) as file:
            check_structure(file, path)
            every = read(file, path, "t")
            latest = file.attrs.get("latestIndex")
            if latest is not None and int(latest) < every.shape[1] - 1:
                raise DataError(f"{path}: /@latestIndex: {int(latest)} of {every.shape[1]} frames were written.")
            if not np.allclose(every, every[:1]):
                raise DataError(f"{path}: /t: samples have times of their own, which the schema does not hold.")
            velocity, particles, force = (read(file, path, n, rows) for n in ("velocity", "particles", "force"))
            config = str(file.attrs.get("config", ""))
        spec = DatasetSpec(
            path.stem,
            (FieldSpec("velocity", rank=1, location="cell"), FieldSpec("particles", location="cell")),
            (FieldSpec("force", rank=1, location="cell"),),
            (),
            Grid(tuple(Axis(n, 0.0, self.high, "cells") for n in force.shape[1:-1])),
            Boundaries({}),
            times=tuple(float(t) for t in every[0]),
            meta={**_META, "source": path.name, "config": config[:20_000]},
        )
        return spec, Arrays({"velocity": velocity, "particles": particles[..., 0]}, {"force": force})
