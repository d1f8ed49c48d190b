"""Simple polygons in the plane."""

from collections.abc import Sequence as Numbers
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sciml.fields.domain import SpatialRegion
from sciml.fields.facets import distance_to_facets, measures, signed, uniform


@dataclass(frozen=True)
class Polygon(SpatialRegion):
    """The inside of a closed line of straight edges that does not cross itself.

    Args:
        vertices: corners in order, in either sense.

    Raises:
        ValueError: fewer than three corners, an edge of length zero, or edges that cross.
    """

    vertices: tuple[Numbers[float], ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "vertices", tuple((float(x), float(y)) for x, y in self.vertices))
        if len(self.vertices) < 3:
            raise ValueError(f"vertices has {len(self.vertices)} entries; a polygon has at least three.")
        if float(measures(self.edges).min()) == 0:
            raise ValueError("vertices repeats a corner; every edge needs a length.")
        if _cross(self.edges):
            raise ValueError("vertices makes edges that cross; give the corners in their order along the boundary.")

    @cached_property
    def edges(self) -> Float[Tensor, "m 2 2"]:
        """First and last point of each edge."""
        corners = torch.tensor(self.vertices, dtype=torch.float64)
        return torch.stack([corners, corners.roll(-1, 0)], dim=1)

    @property
    def low(self) -> tuple[float, ...]:
        return tuple(map(min, zip(*self.vertices, strict=True)))

    @property
    def high(self) -> tuple[float, ...]:
        return tuple(map(max, zip(*self.vertices, strict=True)))

    @cached_property
    def measure(self) -> float:
        """Area."""
        return abs(self._signed_area)

    @cached_property
    def _signed_area(self) -> float:
        """Positive where the corners go round counterclockwise."""
        a, b = self.edges.unbind(1)
        return 0.5 * float((a[:, 0] * b[:, 1] - b[:, 0] * a[:, 1]).sum())

    @property
    def surface(self) -> float:
        return float(measures(self.edges).sum())

    @cached_property
    def normals(self) -> Float[Tensor, "m 2"]:
        """Outward unit normal of each edge."""
        along = self.edges[:, 1] - self.edges[:, 0]
        turned = torch.stack([along[:, 1], -along[:, 0]], dim=1) / along.norm(dim=1, keepdim=True)
        return turned if self._signed_area > 0 else -turned

    def contains(self, points: Float[Tensor, "n d"]) -> Bool[Tensor, " n"]:
        """By the number of edges that a ray along x crosses."""
        (x1, y1), (x2, y2) = (end.unbind(1) for end in self.edges.to(points.device, points.dtype).unbind(1))
        x, y = points[:, :1], points[:, 1:]
        # A horizontal edge is crossed by no ray along it, whatever its quotient.
        crossing = x1 + (x2 - x1) * (y - y1) / torch.where(y1 == y2, 1.0, y2 - y1)
        return (((y1 > y) != (y2 > y)) & (x < crossing)).sum(dim=1) % 2 == 1

    def skin(self, unit: Float[Tensor, "n k"]) -> tuple[Tensor, Tensor, Tensor]:
        points, edge = uniform(self.edges, measures(self.edges), unit)
        return points, self.normals[edge], torch.ones(len(unit), dtype=torch.bool)

    def distance(self, points: Any) -> Any:
        plain = getattr(points, "value", points).detach()
        inside = self.contains(plain.reshape(-1, 2)).reshape(plain.shape[:-1])
        return signed(distance_to_facets(points, self.edges, self.normals), inside)


def _cross(edges: Tensor) -> bool:
    """Whether the ends of one edge lie strictly on both sides of another, and the other way round."""

    def side(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
        u, v = b - a, c - a
        return torch.sign(u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0])

    a, b = edges.unbind(1)
    on_sides = side(a[:, None], b[:, None], a) * side(a[:, None], b[:, None], b)
    return bool(((on_sides < 0) & (on_sides.T < 0)).any())
