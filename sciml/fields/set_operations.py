"""Unions, intersections and differences of regions."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sciml.fields.domain import SpatialRegion, choose

#: Distance from a boundary point, relative to the bounding box, at which both of its sides are looked at.
PROBE = 1e-7


def conjunction(a: Any, b: Any) -> Any:
    r"""$a \wedge b = a + b - \sqrt{a^2 + b^2}$: positive where both are.

    Reference: Shapiro (2007), Acta Numerica 16:239-303, section 3.2.
    """
    return a + b - torch.sqrt(a * a + b * b)


@dataclass(frozen=True)
class _Combination(SpatialRegion):
    """Two regions, of which `contains` says how they are combined.

    Args:
        first: one region.
        second: the other one.

    Raises:
        ValueError: regions of unequal dimension.
    """

    first: SpatialRegion
    second: SpatialRegion

    def __post_init__(self) -> None:
        if self.first.dimensions != self.second.dimensions:
            raise ValueError(f"first has {self.first.dimensions} dimension(s), second has {self.second.dimensions}.")

    @property
    def low(self) -> tuple[float, ...]:
        return tuple(map(min, self.first.low, self.second.low))

    @property
    def high(self) -> tuple[float, ...]:
        return tuple(map(max, self.first.high, self.second.high))

    @property
    def parts(self) -> tuple[SpatialRegion, ...]:
        return (*self.first.parts, *self.second.parts)

    @property
    def surface(self) -> float:
        """The boundaries of all parts, of which the one of the combination is a piece."""
        return sum(part.surface for part in self.parts)

    @property
    def skin_columns(self) -> int:
        return max(part.skin_columns for part in self.parts)

    @abstractmethod
    def contains(self, points: Float[Tensor, "n d"]) -> Bool[Tensor, " n"]: ...

    def skin(self, unit: Float[Tensor, "n k"]) -> tuple[Tensor, Tensor, Tensor]:
        """Points of the parts' boundaries; those are kept which have the combination on one side only."""
        parts = self.parts
        chosen, rest = choose(torch.tensor([part.surface for part in parts]), unit[:, 0])
        unit = torch.cat([rest[:, None], unit[:, 1:]], dim=1)
        points, normals = unit.new_empty(2, len(unit), self.dimensions)
        kept = torch.zeros(len(unit), dtype=torch.bool)
        for i, part in enumerate(parts):
            rows = (chosen == i).nonzero()[:, 0]
            if len(rows) == 0:
                continue
            p, normal, kept[rows] = part.skin(unit[rows, : part.skin_columns])
            points[rows], normals[rows] = p, normal
            inside, outside = self._sides(self, p, normal)
            kept[rows] &= inside != outside
            # A hole's normal points into the hole: outward from the part that is left.
            normals[rows] = torch.where((outside & ~inside)[:, None], -normal, normal)
            for earlier in parts[:i]:  # a boundary that two parts share counts once
                here, there = self._sides(earlier, p, normal)
                kept[rows] &= here == there
        return points, normals, kept

    def _sides(self, region: SpatialRegion, points: Tensor, normals: Tensor) -> tuple[Tensor, Tensor]:
        """Whether the region is there a little against, and along, the normal."""
        step = PROBE * max(b - a for a, b in zip(self.low, self.high, strict=True))
        return region.contains(points - step * normals), region.contains(points + step * normals)


@dataclass(frozen=True)
class Union(_Combination):
    r"""The points of one region or the other.

    Where the regions only touch, the distance function vanishes between them too: let them overlap. Where their
    boundaries coincide its slope is $2 + \sqrt 2$ instead of one.
    """

    def contains(self, points: Float[Tensor, "n d"]) -> Bool[Tensor, " n"]:
        return self.first.contains(points) | self.second.contains(points)

    def distance(self, points: Any) -> Any:
        return -conjunction(-self.first.distance(points), -self.second.distance(points))


@dataclass(frozen=True)
class Intersection(_Combination):
    """The points of both regions."""

    @property
    def low(self) -> tuple[float, ...]:
        return tuple(map(max, self.first.low, self.second.low))

    @property
    def high(self) -> tuple[float, ...]:
        return tuple(map(min, self.first.high, self.second.high))

    def contains(self, points: Float[Tensor, "n d"]) -> Bool[Tensor, " n"]:
        return self.first.contains(points) & self.second.contains(points)

    def candidates(self, unit: Float[Tensor, "n d"]) -> tuple[Tensor, Tensor]:
        points, kept = self.first.candidates(unit)
        return points, kept & self.second.contains(points)

    def distance(self, points: Any) -> Any:
        return conjunction(self.first.distance(points), self.second.distance(points))

    def bubble(self, points: Any) -> Any:
        return self.first.bubble(points) * self.second.bubble(points)


@dataclass(frozen=True)
class Difference(_Combination):
    """The points of the first region that do not lie within the second."""

    @property
    def low(self) -> tuple[float, ...]:
        return self.first.low

    @property
    def high(self) -> tuple[float, ...]:
        return self.first.high

    def contains(self, points: Float[Tensor, "n d"]) -> Bool[Tensor, " n"]:
        return self.first.contains(points) & ~self.second.contains(points)

    def candidates(self, unit: Float[Tensor, "n d"]) -> tuple[Tensor, Tensor]:
        points, kept = self.first.candidates(unit)
        return points, kept & ~self.second.contains(points)

    def distance(self, points: Any) -> Any:
        return conjunction(self.first.distance(points), -self.second.distance(points))

    def bubble(self, points: Any) -> Any:
        return self.first.bubble(points) * -self.second.distance(points)
