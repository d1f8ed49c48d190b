"""Boxes and balls of any dimension."""

import math
from collections.abc import Sequence as Numbers
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sciml.fields.domain import SpatialRegion, choose, gather
from sciml.fields.grid import Grid
from sciml.fields.sequences import Sequence
from sciml.fields.set_operations import conjunction
from sciml.shapes import SPACE


@dataclass(frozen=True)
class Box(SpatialRegion):
    """An interval, a rectangle, a cuboid, ...

    Args:
        low, high: corners.

    Raises:
        ValueError: corners of unequal length, or an empty box.
    """

    low: tuple[float, ...]  # type: ignore[assignment]
    high: tuple[float, ...]  # type: ignore[assignment]

    def __post_init__(self) -> None:
        object.__setattr__(self, "low", tuple(float(a) for a in self.low))
        object.__setattr__(self, "high", tuple(float(b) for b in self.high))
        if not self.low or len(self.low) != len(self.high):
            raise ValueError(f"low={self.low} and high={self.high} must have one entry for each dimension.")
        if not all(a < b and math.isfinite(b - a) for a, b in zip(self.low, self.high, strict=True)):
            raise ValueError(f"low={self.low} must be below high={self.high} in every dimension.")

    @classmethod
    def of(cls, grid: Grid) -> "Box":
        """The box that the axes of a grid span."""
        return cls(tuple(a.low for a in grid.axes), tuple(a.high for a in grid.axes))

    @property
    def lengths(self) -> tuple[float, ...]:
        return tuple(b - a for a, b in zip(self.low, self.high, strict=True))

    @cached_property
    def measure(self) -> float:
        """Length, area or volume."""
        return math.prod(self.lengths)

    @property
    def surface(self) -> float:
        return 2 * sum(self.measure / length for length in self.lengths)

    def contains(self, points: Float[Tensor, "n d"]) -> Bool[Tensor, " n"]:
        low, high = (torch.tensor(c, dtype=points.dtype, device=points.device) for c in (self.low, self.high))
        return ((points >= low) & (points <= high)).all(dim=1)

    def place(self, unit: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """The affine map of the unit cube to the box."""
        low = torch.tensor(self.low, dtype=unit.dtype, device=unit.device)
        return low + unit * torch.tensor(self.lengths, dtype=unit.dtype, device=unit.device)

    def candidates(self, unit: Float[Tensor, "n d"]) -> tuple[Tensor, Tensor]:
        return self.place(unit), torch.ones(len(unit), dtype=torch.bool)

    def skin(self, unit: Float[Tensor, "n k"]) -> tuple[Tensor, Tensor, Tensor]:
        return self._on_faces(unit, range(2 * self.dimensions))

    def boundary(
        self,
        n: int,
        sequence: Sequence | None = None,
        generator: torch.Generator | None = None,
        faces: Numbers[str] | None = None,
    ) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n d"]]:
        """As for every region; `faces` chooses some: `"x-"` is the low one of the first axis, `"x+"` the high one.

        Raises:
            ValueError: `n` below 1, or a face that the box does not have.
        """
        if faces is None:
            return super().boundary(n, sequence, generator)
        chosen = self._numbers(faces)
        points, normals = gather(self, lambda u: self._on_faces(u, chosen), n, self.skin_columns, sequence, generator)
        return points, normals

    def _numbers(self, faces: Numbers[str]) -> list[int]:
        names = [f"{a}{s}" for a in SPACE[: self.dimensions] for s in "-+"]
        if not faces or not set(faces) <= set(names):
            raise ValueError(f"faces={list(faces)} must be some of {', '.join(names)}.")
        return [names.index(face) for face in faces]

    def _on_faces(self, unit: Tensor, faces: Numbers[int]) -> tuple[Tensor, Tensor, Tensor]:
        """Face 2i is the low one of axis i, 2i + 1 the high one."""
        areas = torch.tensor([self.measure / self.lengths[f // 2] for f in faces], dtype=unit.dtype)
        part, rest = choose(areas, unit[:, 0])
        face = torch.tensor(list(faces))[part]
        axis, side = face // 2, (face % 2).to(unit.dtype)
        within = torch.cat([rest[:, None], unit[:, 1:]], dim=1)[:, : self.dimensions - 1]
        # The columns of a face are those of the axes other than its own, in their order.
        columns = torch.arange(self.dimensions).expand(len(unit), -1)
        source = (columns - (columns > axis[:, None]).long()).clamp(0, max(self.dimensions - 2, 0))
        spread = within.gather(1, source) if self.dimensions > 1 else side[:, None]
        normal_column = columns == axis[:, None]
        cube = torch.where(normal_column, side[:, None], spread)
        normals = torch.where(normal_column, 2 * side[:, None] - 1, 0.0)
        # Points of the high faces are set exactly: low + (high - low) may round past them.
        points = torch.where(normal_column & (cube == 1), torch.tensor(self.high, dtype=unit.dtype), self.place(cube))
        return points, normals, torch.ones(len(unit), dtype=torch.bool)

    def distance(self, points: Any) -> Any:
        """The conjunction of $(x - a)(b - x)/(b - a)$ over the axes."""
        result = None
        for i, (a, b) in enumerate(zip(self.low, self.high, strict=True)):
            slab = (points[..., i] - a) * (b - points[..., i]) * (1 / (b - a))
            result = slab if result is None else conjunction(result, slab)
        return result

    def bubble(self, points: Any, faces: Numbers[str] | None = None) -> Any:
        """A product over the axes, smooth everywhere and 1 at most; `faces` chooses on which it vanishes.

        Both faces of an axis give $4 (x - a)(b - x)/(b - a)^2$, one of them gives a linear function.

        Raises:
            ValueError: a face that the box does not have.
        """
        chosen = range(2 * self.dimensions) if faces is None else self._numbers(faces)
        result = None
        for i, (a, b) in enumerate(zip(self.low, self.high, strict=True)):
            scale = 1 / (b - a)
            rising, falling = (points[..., i] - a) * scale, (b - points[..., i]) * scale
            both = 2 * i in chosen and 2 * i + 1 in chosen
            factor = 4 * (rising * falling) if both else rising if 2 * i in chosen else falling
            if 2 * i in chosen or 2 * i + 1 in chosen:
                result = factor if result is None else result * factor
        return result


@dataclass(frozen=True)
class Ball(SpatialRegion):
    """An interval, a disc, a ball, ...

    Args:
        centre: of the ball.
        radius: of the ball.

    Raises:
        ValueError: no centre, or a radius that is not positive.
    """

    centre: tuple[float, ...]
    radius: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "centre", tuple(float(c) for c in self.centre))
        if not self.centre or not (self.radius > 0 and math.isfinite(self.radius)):
            raise ValueError(f"centre={self.centre} must have entries and radius={self.radius} must be positive.")

    @property
    def low(self) -> tuple[float, ...]:
        return tuple(c - self.radius for c in self.centre)

    @property
    def high(self) -> tuple[float, ...]:
        return tuple(c + self.radius for c in self.centre)

    @cached_property
    def measure(self) -> float:
        """Length, area or volume."""
        d = self.dimensions
        return math.pi ** (d / 2) / math.gamma(d / 2 + 1) * self.radius**d

    @property
    def surface(self) -> float:
        return self.dimensions * self.measure / self.radius

    def contains(self, points: Float[Tensor, "n d"]) -> Bool[Tensor, " n"]:
        return (points - self._centre(points)).square().sum(dim=1) <= self.radius**2

    def candidates(self, unit: Float[Tensor, "n d"]) -> tuple[Tensor, Tensor]:
        """All are kept: normal numbers have a uniform direction, and the distribution of their length is known."""
        normal = _normal(unit)
        square = normal.square().sum(dim=1, keepdim=True)
        share = torch.special.gammainc(torch.full_like(square, self.dimensions / 2), square / 2)
        radius = self.radius * share ** (1 / self.dimensions)
        return self._centre(unit) + radius * normal / square.sqrt(), torch.ones(len(unit), dtype=torch.bool)

    @property
    def skin_columns(self) -> int:
        return 1 if self.dimensions == 2 else self.dimensions

    def skin(self, unit: Float[Tensor, "n k"]) -> tuple[Tensor, Tensor, Tensor]:
        if self.dimensions == 2:
            angle = 2 * math.pi * unit[:, 0]
            normals = torch.stack([torch.cos(angle), torch.sin(angle)], dim=1)
        else:
            direction = _normal(unit[:, : self.dimensions])
            normals = direction / direction.norm(dim=1, keepdim=True)
        return self._centre(unit) + self.radius * normals, normals, torch.ones(len(unit), dtype=torch.bool)

    def distance(self, points: Any) -> Any:
        """$(R^2 - |x - c|^2) / 2R$, smooth everywhere."""
        r = points - self._centre(points)
        ones = torch.ones(self.dimensions, dtype=points.dtype, device=points.device)
        return (self.radius**2 - torch.matmul(r * r, ones)) * (0.5 / self.radius)

    def _centre(self, points: Any) -> Tensor:
        return torch.tensor(self.centre, dtype=points.dtype, device=points.device)


def _normal(unit: Tensor) -> Tensor:
    """Standard normal numbers from uniform ones; 0 is moved to the middle of the first bin of a quasi-random point."""
    return torch.special.ndtri(unit.clamp(2.0**-31, 1 - 2.0**-31))
