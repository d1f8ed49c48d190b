"""Tables of inputs and outputs of solution operators, sample first, as papers on neural operators pass them on."""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from sciml.data.adapters.base import Adapter, Arrays
from sciml.data.adapters.tables import read_table
from sciml.data.foreign import check_torch_file
from sciml.data.schema import DatasetSpec
from sciml.fields import Axis, Boundaries, FieldSpec, Grid, ParameterSpec
from sciml.status import DataError


def load_torch(path: Path) -> Any:
    """Content of a `.pt` file with NumPy arrays for tensors, after its check."""
    check_torch_file(path)
    import torch

    def plain(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            # Truth values (coefficients of two phases) become 0 and 1 before any arithmetic.
            return value.float().numpy() if value.dtype == torch.bool else value.numpy()
        return {k: plain(v) for k, v in value.items()} if isinstance(value, dict) else value

    try:
        return plain(torch.load(path, map_location="cpu", weights_only=True))
    # Whatever the loader stumbles over in a file that passed the check becomes one line.
    except Exception as error:
        raise DataError(f"{path}: cannot be read: {(str(error).splitlines() or ['unknown'])[0]}.") from None


def _dtype(*arrays: np.ndarray) -> str:
    return "float64" if any(a.dtype == np.float64 for a in arrays) else "float32"


class _Tables(Adapter):
    """Shared by the layouts below: the domain, which none of the files stores."""

    def __init__(self, kind: str, low: float = 0.0, high: float = 1.0) -> None:
        self.kind, self.low, self.high = kind, low, high

    def _grid(self, shape: tuple[int, ...]) -> Grid:
        return Grid(tuple(Axis(n, self.low, self.high, self.kind) for n in shape))

    def _boundaries(self) -> Boundaries:
        return Boundaries.periodic() if self.kind == "periodic" else Boundaries({})

    def _pair(self, path: Path, a: np.ndarray, u: np.ndarray, rows: slice) -> tuple[DatasetSpec, Arrays]:
        """Input `a` and output `u`, `(n, *s)` each, as static field and field of a stationary problem."""
        if a.shape != u.shape or not 2 <= a.ndim <= 4:
            raise DataError(f"{path}: input {a.shape} and output {u.shape} must have the same axes (sample, *space).")
        spec = DatasetSpec(
            path.stem,
            (FieldSpec("u"),),
            (FieldSpec("a"),),
            (),
            self._grid(a.shape[1:]),
            self._boundaries(),
            dtype=_dtype(a, u),
            meta={"source": path.name, "grid": "not stored; assumed"},
        )
        return spec, Arrays({"u": u[rows][:, None]}, {"a": a[rows]})


class TorchPairs(_Tables):
    """A `.pt` dictionary `x`, `y` of one shape `(n, *s)`: coefficient and solution. A boolean `x` becomes 0 and 1.

    Args:
        kind: of every axis.
        low, high: ends of every axis.
    """

    layout: ClassVar[str] = "pairs x, y of one shape (.pt)"

    def __init__(self, kind: str = "cells", low: float = 0.0, high: float = 1.0) -> None:
        super().__init__(kind, low, high)

    def matches(self, path: Path) -> bool:
        data: Any = load_torch(path) if path.suffix == ".pt" else None
        return _has_xy(data, ()) and data["x"].shape == data["y"].shape

    def count(self, path: Path) -> int:
        return len(load_torch(path)["x"])

    def read(self, path: Path, rows: slice = slice(None)) -> tuple[DatasetSpec, Arrays]:
        data = load_torch(path)
        return self._pair(path, data["x"], data["y"], rows)


class TorchTrajectories(_Tables):
    """A `.pt` dictionary with `y` `(n, t, *s)`, its first frame `x`, and optionally the viscosity `visc`.

    Args:
        kind: of every axis.
        low, high: ends of every axis.
        end: time of the last frame; frames are equally spaced from 0 on.
    """

    layout: ClassVar[str] = "trajectories y with initial states x (.pt)"

    def __init__(self, kind: str = "periodic", low: float = 0.0, high: float = 1.0, end: float = 1.0) -> None:
        super().__init__(kind, low, high)
        self.end = end

    def matches(self, path: Path) -> bool:
        data: Any = load_torch(path) if path.suffix == ".pt" else None
        if not _has_xy(data, ("visc",)) or data["y"].ndim != data["x"].ndim + 1:
            return False
        return data["y"][:, 0].shape == data["x"].shape and np.array_equal(data["y"][:, 0], data["x"])

    def count(self, path: Path) -> int:
        return len(load_torch(path)["x"])

    def read(self, path: Path, rows: slice = slice(None)) -> tuple[DatasetSpec, Arrays]:
        data = load_torch(path)
        u, viscosity = data["y"], data.get("visc")
        spec = DatasetSpec(
            path.stem,
            (FieldSpec("u"),),
            (),
            () if viscosity is None else (ParameterSpec("viscosity", low=0.0),),
            self._grid(u.shape[2:]),
            self._boundaries(),
            times=tuple(np.linspace(0.0, self.end, u.shape[1]).tolist()),
            dtype=_dtype(u),
            meta={"source": path.name, "grid": "not stored; assumed"},
        )
        chosen = u[rows]
        params = {}
        if viscosity is not None:
            params["viscosity"] = np.broadcast_to(np.ravel(viscosity), (len(u),))[rows]
        return spec, Arrays({"u": chosen}, params=params)


class TorchTensorPair(_Tables):
    """Two `.pt` files of one tensor `(n, *s, 1)` each, named alike but for `input` and `output`.

    Args:
        kind: of every axis.
        low, high: ends of every axis.
    """

    layout: ClassVar[str] = "two tensors, *input*.pt and *output*.pt"

    def __init__(self, kind: str = "nodes", low: float = 0.0, high: float = 1.0) -> None:
        super().__init__(kind, low, high)

    def _output(self, path: Path) -> Path:
        return path.with_name(path.name.replace("input", "output"))

    def matches(self, path: Path) -> bool:
        if path.suffix != ".pt" or "input" not in path.name or not self._output(path).is_file():
            return False
        return all(isinstance(load_torch(p), np.ndarray) for p in (path, self._output(path)))

    def count(self, path: Path) -> int:
        return len(load_torch(path))

    def read(self, path: Path, rows: slice = slice(None)) -> tuple[DatasetSpec, Arrays]:
        a, u = load_torch(path), load_torch(self._output(path))
        if a.shape[-1] != 1 or u.shape[-1] != 1:
            raise DataError(f"{path}: last axes of {a.shape} and {u.shape} must be one channel.")
        return self._pair(path, a[..., 0], u[..., 0], rows)


class MatPairs(_Tables):
    """MATLAB files of the first neural operators: `a`, `u` or `coeff`, `sol`, `(n, *s)`; or `u` with time last.

    With a time axis `a` is the state at t = 0, and `t`, where it is stored, holds the times of `u`.

    Args:
        kind: of every axis.
        low, high: ends of every axis.
    """

    layout: ClassVar[str] = "pairs a, u or coeff, sol (.mat)"

    def __init__(self, kind: str = "periodic", low: float = 0.0, high: float = 1.0) -> None:
        super().__init__(kind, low, high)

    def _names(self, path: Path) -> tuple[str, str] | None:
        table = read_table(path) if path.suffix == ".mat" else {}
        return next((pair for pair in (("a", "u"), ("coeff", "sol")) if set(pair) <= set(table)), None)

    def matches(self, path: Path) -> bool:
        return self._names(path) is not None

    def count(self, path: Path) -> int:
        table, (a, _) = read_table(path), self._names(path) or ("a", "u")
        return len(table[a])

    def read(self, path: Path, rows: slice = slice(None)) -> tuple[DatasetSpec, Arrays]:
        table, (first, second) = read_table(path), self._names(path) or ("a", "u")
        a, u = table[first], table[second]
        if u.ndim == a.ndim:
            return self._pair(path, a, u, rows)
        if u.ndim != a.ndim + 1 or u.shape[:-1] != a.shape:
            raise DataError(f"{path}: {second} {u.shape} must be {first} {a.shape}, or that and time.")
        times = np.ravel(table.get("t", np.arange(1, u.shape[-1] + 1)))
        if len(times) != u.shape[-1]:
            raise DataError(f"{path}: t has {len(times)} entries; {second} has {u.shape[-1]} times.")
        spec = DatasetSpec(
            path.stem,
            (FieldSpec("u"),),
            (),
            (),
            self._grid(a.shape[1:]),
            self._boundaries(),
            times=(0.0, *(float(t) for t in times)),
            dtype=_dtype(a, u),
            meta={"source": path.name, "grid": "not stored; assumed"},
        )
        return spec, Arrays({"u": np.concatenate([a[rows][:, None], np.moveaxis(u[rows], -1, 1)], axis=1)})


def _has_xy(data: Any, optional: tuple[str, ...]) -> bool:
    """Whether there are `x`, `y` and nothing but what is optional: other keys mean another layout (meshes, say)."""
    if not isinstance(data, dict) or not {"x", "y"} <= set(data) <= {"x", "y", *optional}:
        return False
    return all(isinstance(value, np.ndarray) for value in data.values())
