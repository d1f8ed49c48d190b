"""Cartesian grids: an axis knows its kind, so nobody has to guess where a point lies."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sciml.shapes import SPACE

if TYPE_CHECKING:
    import torch

KINDS = ("periodic", "nodes", "cells")


@dataclass(frozen=True)
class Axis:
    """One coordinate axis with `n` points on `[low, high]`.

    Args:
        n: number of points.
        low, high: ends of the interval.
        kind: `periodic` omits the right end, `nodes` keeps both ends, `cells` sits at midpoints.
        points: the coordinates themselves where they are not uniform (ascending, within the interval).
    """

    n: int
    low: float = 0.0
    high: float = 1.0
    kind: str = "periodic"
    points: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind={self.kind!r} must be one of {', '.join(KINDS)}.")
        if self.n < (2 if self.kind == "nodes" else 1):
            raise ValueError(f"n={self.n} is too small for an axis of kind {self.kind!r}.")
        if not self.low < self.high:
            raise ValueError(f"low={self.low} must be below high={self.high}.")
        if self.points is not None:
            object.__setattr__(self, "points", tuple(float(x) for x in self.points))
            if len(self.points) != self.n or not np.all(np.diff(self.points) > 0):
                raise ValueError(f"points must be {self.n} ascending numbers.")

    @property
    def length(self) -> float:
        return self.high - self.low

    @property
    def h(self) -> float:
        """Spacing of a uniform axis.

        Raises:
            ValueError: the axis has coordinates of its own.
        """
        if self.points is not None:
            raise ValueError("an axis with given points has no single spacing h.")
        return self.length / (self.n - 1 if self.kind == "nodes" else self.n)

    @property
    def coords(self) -> np.ndarray:
        """Coordinates of the points, float64, `(n,)`."""
        if self.points is not None:
            return np.array(self.points)
        return self.low + self.h * (np.arange(self.n) + (0.5 if self.kind == "cells" else 0.0))

    def to_dict(self) -> dict[str, Any]:
        data: dict[str, Any] = {"n": self.n, "low": self.low, "high": self.high, "kind": self.kind}
        return data if self.points is None else {**data, "points": list(self.points)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Axis":
        # JSON knows no tuples.
        points = data.get("points")
        return cls(**data) if points is None else cls(**{**data, "points": tuple(points)})


@dataclass(frozen=True)
class Grid:
    """A tensor product of axes named x, y, z; arrays are indexed `ij`, so that axis -1 is the last coordinate.

    Args:
        axes: up to three, in the order x, y, z; none for a system of ordinary differential equations.
    """

    axes: tuple[Axis, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "axes", tuple(self.axes))
        if len(self.axes) > len(SPACE):
            raise ValueError(f"axes has {len(self.axes)} entries; a grid has at most {len(SPACE)}.")

    @classmethod
    def uniform(
        cls, *n: int, low: float | Sequence[float] = 0.0, high: float | Sequence[float] = 1.0, kind: str = "periodic"
    ) -> "Grid":
        """A uniform grid; `low` and `high` are one number for all axes or one per axis."""
        lows, highs = np.broadcast_to(low, len(n)), np.broadcast_to(high, len(n))
        return cls(tuple(Axis(int(k), float(a), float(b), kind) for k, a, b in zip(n, lows, highs, strict=True)))

    @classmethod
    def periodic(cls, *n: int, low: float | Sequence[float] = 0.0, high: float | Sequence[float] = 1.0) -> "Grid":
        return cls.uniform(*n, low=low, high=high, kind="periodic")

    @classmethod
    def nodes(cls, *n: int, low: float | Sequence[float] = 0.0, high: float | Sequence[float] = 1.0) -> "Grid":
        return cls.uniform(*n, low=low, high=high, kind="nodes")

    @classmethod
    def cells(cls, *n: int, low: float | Sequence[float] = 0.0, high: float | Sequence[float] = 1.0) -> "Grid":
        return cls.uniform(*n, low=low, high=high, kind="cells")

    @property
    def names(self) -> tuple[str, ...]:
        return SPACE[: len(self.axes)]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(a.n for a in self.axes)

    @property
    def dimensions(self) -> int:
        return len(self.axes)

    @property
    def is_periodic(self) -> bool:
        return all(a.kind == "periodic" for a in self.axes)

    def axis(self, name: str) -> Axis:
        return self.axes[self.names.index(name)]

    def meshgrid(self, dtype: "torch.dtype | None" = None, device: str = "cpu") -> "tuple[torch.Tensor, ...]":
        """Coordinates of all points, one tensor of the grid's shape per axis; float64 unless said otherwise."""
        import torch

        arrays = np.meshgrid(*(a.coords for a in self.axes), indexing="ij")
        return tuple(torch.as_tensor(a, dtype=dtype or torch.float64, device=device) for a in arrays)

    def resized(self, *n: int) -> "Grid":
        """The same domain with other numbers of points (uniform axes only)."""
        if any(a.points is not None for a in self.axes):
            raise ValueError("a grid with given points cannot be resized.")
        return type(self)(tuple(Axis(k, a.low, a.high, a.kind) for k, a in zip(n, self.axes, strict=True)))

    def to_dict(self) -> dict[str, Any]:
        return {name: axis.to_dict() for name, axis in zip(self.names, self.axes, strict=True)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Grid":
        """Reads what `to_dict` writes; axes are taken in the order x, y, z.

        Raises:
            ValueError: axes other than the first ones of x, y, z.
        """
        names = SPACE[: len(data)]
        if set(names) != set(data):
            raise ValueError(f"a grid of {len(data)} axes names them {', '.join(names)}, not {', '.join(data)}.")
        return cls(tuple(Axis.from_dict(data[name]) for name in names))
