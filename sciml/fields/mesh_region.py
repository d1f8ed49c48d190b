"""Regions that a mesh of simplices fills."""

from collections.abc import Sequence as Numbers
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sciml.describe import Described
from sciml.fields.domain import SpatialRegion
from sciml.fields.facets import distance_to_facets, measures, signed, uniform

#: Points that are compared with all simplices at once.
CHUNK = 1024


class MeshRegion(Described, SpatialRegion):
    """The union of intervals, triangles or tetrahedra that share nodes.

    Args:
        nodes: coordinates, `(p, d)` with d of 1 to 3.
        simplices: numbers of the d + 1 nodes of each, `(m, d + 1)`.

    Raises:
        ValueError: shapes that do not fit, a node that is not there, or a simplex without volume.
    """

    def __init__(self, nodes: Numbers[Numbers[float]] | Tensor, simplices: Numbers[Numbers[int]] | Tensor) -> None:
        self.nodes = torch.as_tensor(nodes, dtype=torch.float64)
        self.simplices = torch.as_tensor(simplices, dtype=torch.long)
        d = self.nodes.shape[-1]
        if self.nodes.ndim != 2 or not 1 <= d <= 3 or self.simplices.ndim != 2 or self.simplices.shape[1] != d + 1:
            raise ValueError(
                f"nodes of shape {tuple(self.nodes.shape)} and simplices of shape {tuple(self.simplices.shape)} "
                "must be (p, d) and (m, d + 1) with d of 1 to 3."
            )
        if not len(self.simplices) or not 0 <= int(self.simplices.min()) <= int(self.simplices.max()) < len(self.nodes):
            raise ValueError(f"simplices must number the {len(self.nodes)} nodes from 0 and hold at least one row.")
        self._cells = self.nodes[self.simplices]
        self._measures = measures(self._cells)
        scale = (self.nodes.amax(0) - self.nodes.amin(0)).max() ** d
        if flat := int((self._measures <= 1e-14 * scale).sum()):
            raise ValueError(f"simplices holds {flat} without volume.")
        edges = self._cells[:, 1:] - self._cells[:, :1]
        # Columns are the gradients of the barycentric coordinates 1..d; all of them add up to zero.
        gradients = torch.linalg.inv(edges)
        self._gradients = torch.cat([-gradients.sum(dim=2, keepdim=True), gradients], dim=2)
        self._facets, self.normals = self._boundary_facets()

    def _boundary_facets(self) -> tuple[Tensor, Tensor]:
        """Facets that belong to one simplex only, with their outward normals."""
        count = self.simplices.shape[1]
        faces, normals = [], []
        for i in range(count):
            faces.append(self.simplices[:, [j for j in range(count) if j != i]])
            downhill = -self._gradients[:, :, i]
            normals.append(downhill / downhill.norm(dim=1, keepdim=True))
        every = torch.cat(faces)
        _, which, shared = every.sort(dim=1).values.unique(dim=0, return_inverse=True, return_counts=True)
        outer = shared[which] == 1
        return self.nodes[every[outer]], torch.cat(normals)[outer]

    @property
    def low(self) -> tuple[float, ...]:
        return tuple(self._cells.amin(dim=(0, 1)).tolist())

    @property
    def high(self) -> tuple[float, ...]:
        return tuple(self._cells.amax(dim=(0, 1)).tolist())

    @cached_property
    def measure(self) -> float:
        """Length, area or volume."""
        return float(self._measures.sum())

    @property
    def surface(self) -> float:
        return float(measures(self._facets).sum())

    def contains(self, points: Float[Tensor, "n d"]) -> Bool[Tensor, " n"]:
        gradients = self._gradients.to(points.device, points.dtype)
        first = self._cells[:, 0].to(points.device, points.dtype)
        at_zero = torch.zeros(gradients.shape[2], dtype=points.dtype, device=points.device)
        at_zero[0] = 1.0
        # A point on a facet between two simplices must not fall through by rounding.
        slack = 16 * torch.finfo(points.dtype).eps
        found = []
        for chunk in points.split(CHUNK):
            weights = torch.einsum("nmd,mdk->nmk", chunk[:, None] - first, gradients) + at_zero
            found.append((weights >= -slack).all(dim=2).any(dim=1))
        return torch.cat(found) if found else points.new_zeros(0, dtype=torch.bool)

    def candidates(self, unit: Float[Tensor, "n d"]) -> tuple[Tensor, Tensor]:
        return uniform(self._cells, self._measures, unit)[0], torch.ones(len(unit), dtype=torch.bool)

    def skin(self, unit: Float[Tensor, "n k"]) -> tuple[Tensor, Tensor, Tensor]:
        points, facet = uniform(self._facets, measures(self._facets), unit)
        return points, self.normals[facet], torch.ones(len(unit), dtype=torch.bool)

    def distance(self, points: Any) -> Any:
        plain = getattr(points, "value", points).detach()
        inside = self.contains(plain.reshape(-1, self.dimensions)).reshape(plain.shape[:-1])
        return signed(distance_to_facets(points, self._facets, self.normals), inside)
