"""Regions of which only points are known."""

from collections.abc import Sequence as Numbers
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sciml.describe import Described
from sciml.fields.domain import SpatialRegion


class PointCloud(Described, SpatialRegion):
    """A finite set of points, from which samples are drawn with equal chances (and may repeat).

    Args:
        points: coordinates, `(p, d)`.
        boundary_points: points on the boundary, `(q, d)`, where they are known.
        normals: outward normals there, `(q, d)`; scaled to length 1.

    Raises:
        ValueError: no points, shapes that do not fit, or boundary points without normals.
    """

    def __init__(
        self,
        points: Numbers[Numbers[float]] | Tensor,
        boundary_points: Numbers[Numbers[float]] | Tensor | None = None,
        normals: Numbers[Numbers[float]] | Tensor | None = None,
    ) -> None:
        self.points = torch.as_tensor(points, dtype=torch.float64)
        if self.points.ndim != 2 or not self.points.numel():
            raise ValueError(f"points of shape {tuple(self.points.shape)} must be (p, d) with at least one point.")
        if (boundary_points is None) != (normals is None):
            raise ValueError("boundary_points and normals must be given together.")
        none = self.points[:0]
        self.boundary_points = (
            none if boundary_points is None else torch.as_tensor(boundary_points, dtype=torch.float64)
        )
        self.normals = none if normals is None else torch.as_tensor(normals, dtype=torch.float64)
        if self.boundary_points.shape != self.normals.shape or self.normals.shape[1:] != self.points.shape[1:]:
            raise ValueError(
                f"boundary_points of shape {tuple(self.boundary_points.shape)} and normals of shape "
                f"{tuple(self.normals.shape)} must both be (q, {self.points.shape[1]})."
            )
        self.normals = self.normals / self.normals.norm(dim=1, keepdim=True)

    @property
    def low(self) -> tuple[float, ...]:
        return tuple(self.points.amin(dim=0).tolist())

    @property
    def high(self) -> tuple[float, ...]:
        return tuple(self.points.amax(dim=0).tolist())

    @cached_property
    def measure(self) -> float:
        """1: integrals over a cloud are means."""
        return 1.0

    @property
    def surface(self) -> float:
        """Number of boundary points."""
        return float(len(self.boundary_points))

    def contains(self, points: Float[Tensor, "n d"]) -> Bool[Tensor, " n"]:
        """Whether points are of the cloud."""
        cloud = self.points.to(points.device, points.dtype)
        return torch.cat([(p[:, None] == cloud).all(dim=2).any(dim=1) for p in points.split(1024)])

    def candidates(self, unit: Float[Tensor, "n d"]) -> tuple[Tensor, Tensor]:
        chosen = self.points[(unit[:, 0] * len(self.points)).long()]
        return chosen, torch.ones(len(unit), dtype=torch.bool)

    def skin(self, unit: Float[Tensor, "n k"]) -> tuple[Tensor, Tensor, Tensor]:
        if not len(self.boundary_points):
            raise ValueError("the point cloud has no boundary_points; give them with their normals.")
        chosen = (unit[:, 0] * len(self.boundary_points)).long()
        return self.boundary_points[chosen], self.normals[chosen], torch.ones(len(unit), dtype=torch.bool)

    def distance(self, points: Any) -> Any:
        """None.

        Raises:
            ValueError: always; points have no distance function that vanishes on a boundary.
        """
        raise ValueError("a point cloud has no distance function; give a region with a boundary.")
