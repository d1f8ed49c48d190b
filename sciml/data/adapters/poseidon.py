"""Poseidon's files: netCDF-4 read as HDF5, channels before space, no coordinates."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, TypeVar

import h5py
import numpy as np

from sciml.data.adapters.base import Adapter, Arrays
from sciml.data.hdf5 import opened, read
from sciml.data.schema import DatasetSpec
from sciml.data.structure import check_structure
from sciml.fields import Axis, Boundaries, FieldSpec, Grid
from sciml.status import DataError

T = TypeVar("T")

_NAMES = ("data", "velocity", "solution")
#: Scalar channels behind the pressure of a gas, by the beginning of the file's name; of the others it is the energy.
_BEHIND = {"CE-RM": ("tracer",), "GCE-RT": ("tracer", "potential")}
#: Time of the last frame, by the beginning of the file's name; of the others it is 1.
_ENDS = {"CE-RM": 2.0, "GCE-RT": 5.0}


def stored_transposed(stem: str) -> bool:
    """Whether the published file of this name has its axes of space in the order y, x."""
    return stem.startswith("NS-SL")


class Poseidon(Adapter):
    """`velocity` `(n, t, 2 or 3, x, y)`, `data` `(n, t, 5, x, y)`, or `solution`, with `c` or `source` `(n, x, y)`.

    The third channel of `velocity` is a tracer. `data` is density, both velocities, pressure and energy. `solution` is
    one scalar `(n, t, x, y)`, `(n, x, y)` of a steady problem, or has channels: two or three are a flow, four and more
    a gas, whose fifth is a tracer and whose sixth the potential of gravity (`CE-RM`, `GCE-RT`); two of a steady problem
    (`SE-AF`) are the shape and the density. The files hold neither coordinates nor times.

    Args:
        kind: of both axes.
        high: length of the square domain.
        end: time of the last frame, the published one of the file's name when left out; frames are equally spaced from
            0 on.
        transposed: whether the axes of space are stored as y, x, as in `NS-SL`; found by the file's name when left out.
    """

    layout: ClassVar[str] = "Poseidon (.nc)"

    def __init__(
        self, kind: str = "periodic", high: float = 1.0, end: float | None = None, transposed: bool | None = None
    ) -> None:
        self.kind, self.high, self.end, self.transposed = kind, high, end, transposed

    def matches(self, path: Path) -> bool:
        if path.suffix != ".nc":
            return False
        with opened(path) as file:
            check_structure(file, path)
            return self._name(file) is not None

    def count(self, path: Path) -> int:
        with opened(path) as file:
            return int(self._variable(file, path).shape[0])

    def read(self, path: Path, rows: slice = slice(None)) -> tuple[DatasetSpec, Arrays]:
        with opened(path) as file:
            check_structure(file, path)
            variable = self._variable(file, path)
            steady = variable.ndim == 3 or path.stem.startswith("SE-AF")
            values = read(file, path, str(variable.name), rows)
            others = [n for n in ("c", "source") if n in file]
            static = {n: self._space(read(file, path, n, rows), path) for n in others}
        if steady:
            values = values[:, None]
        values = self._space(values, path)
        if path.stem.startswith("SE-AF"):
            static["shape"], values = values[:, 0, 0], values[:, :, 1]
            fields = {"density": values}
        else:
            fields = self._fields(values, path)
        for name, array in static.items():
            if array.shape != (len(values), *values.shape[-2:]):
                raise DataError(f"{path}: /{name}: has shape {array.shape}, not that of the solution.")
        grid = Grid(tuple(Axis(n, 0.0, self.high, self.kind) for n in values.shape[-2:]))
        end = by_name(_ENDS, path, 1.0) if self.end is None else self.end
        spec = DatasetSpec(
            path.stem.replace(" ", "_"),
            tuple(FieldSpec(n, rank=a.ndim - 4) for n, a in fields.items()),
            tuple(FieldSpec(n) for n in static),
            (),
            grid,
            Boundaries.periodic() if self.kind == "periodic" else Boundaries({}),
            times=(0.0,) if steady else tuple(np.linspace(0.0, end, values.shape[1]).tolist()),
            dtype="float64" if values.dtype == np.float64 else "float32",
            meta={"origin": "Poseidon", "source": path.name, "grid": "not stored; assumed"},
        )
        return spec, Arrays(fields, static)

    def _name(self, file: h5py.File) -> str | None:
        return next((n for n in _NAMES if n in file and isinstance(file[n], h5py.Dataset) and file[n].ndim >= 3), None)

    def _variable(self, file: h5py.File, path: Path) -> h5py.Dataset:
        name = self._name(file)
        if name is None:
            raise DataError(f"{path}: holds none of {', '.join(_NAMES)} with at least three axes.")
        if file[name].ndim > 5:
            raise DataError(f"{path}: /{name}: has shape {file[name].shape}; (n, t, channel, x, y) is the largest.")
        return file[name]

    def _space(self, values: np.ndarray, path: Path) -> np.ndarray:
        transposed = stored_transposed(path.stem) if self.transposed is None else self.transposed
        return np.swapaxes(values, -1, -2) if transposed else values

    def _fields(self, values: np.ndarray, path: Path) -> dict[str, np.ndarray]:
        """Fields of a trajectory `(n, t, x, y)` or `(n, t, c, x, y)`; vectors get their components at the end."""
        if values.ndim == 4:
            return {"u": values}
        channels = values.shape[2]
        if channels in (2, 3):
            velocity = {"velocity": np.moveaxis(values[:, :, :2], 2, -1)}
            return velocity if channels == 2 else {**velocity, "tracer": values[:, :, 2]}
        if channels < 4:
            raise DataError(f"{path}: has {channels} channel; a flow has two or three, a gas four or more.")
        found = {"density": values[:, :, 0], "velocity": np.moveaxis(values[:, :, 1:3], 2, -1)}
        found["pressure"] = values[:, :, 3]
        behind = by_name(_BEHIND, path, ("energy",))
        return found | {word: values[:, :, 4 + i] for i, word in enumerate(behind[: channels - 4])}


def by_name(table: Mapping[str, T], path: Path, otherwise: T) -> T:
    """The entry for the beginning of a file's name."""
    return next((entry for part, entry in table.items() if path.stem.startswith(part)), otherwise)
