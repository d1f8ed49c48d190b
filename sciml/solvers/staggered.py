"""The marker-and-cell arrangement: scalars in cells, each component of the velocity on the faces across its axis.

Cells hold `(b, *s)`. Component `a` holds the faces across axis `a`: one more than cells on a bounded axis, both ends
included, and as many on a periodic one, where face `i` is the low face of cell `i`.

Reference: Harlow & Welch (1965), Phys. Fluids 8:2182-2189.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sciml.fields import Grid

#: One tensor per axis.
Faces = tuple[Tensor, ...]


class Staggered:
    """Differences and means between cells and faces; every method acts on tensors `(b, *)`, batched over `b`.

    Args:
        grid: uniform axes of kind `periodic` or `cells`.
        open_ends: by axis, whether fluid passes freely at the low and at the high end, where the pressure is zero.
        solid: cells that no fluid enters; none if left out.
        device: where tensors are.
    """

    def __init__(
        self,
        grid: Grid,
        open_ends: Sequence[tuple[bool, bool]],
        solid: Bool[Tensor, "*s"] | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        self.grid, self.open_ends = grid, tuple(open_ends)
        self.h = tuple(axis.h for axis in grid.axes)
        self.periodic = tuple(axis.kind == "periodic" for axis in grid.axes)
        self.solid = None if solid is None or not bool(solid.any()) else solid.to(device)
        axes = range(grid.dimensions)
        #: One on faces beside no solid cell, zero on the others.
        self.clear = [self._clear(a, device) for a in axes]
        #: One on faces where an equation of motion holds: clear, and not on a closed end.
        self.moving = [self._moving(a) for a in axes]

    def _clear(self, axis: int, device: torch.device | str | None) -> Tensor:
        fluid = torch.ones(self.grid.shape, dtype=torch.float64, device=device)
        if self.solid is not None:
            fluid = fluid - self.solid.double()
        low, high = self._both_sides(fluid, axis)
        return low * high

    def _both_sides(self, q: Tensor, axis: int) -> tuple[Tensor, Tensor]:
        """Cell values on the low and on the high side of every face; beyond an end those inside."""
        dim = self.dim(axis)
        if self.periodic[axis]:
            return q.roll(1, dim), q
        low, high = self.ends(q, axis)
        return torch.cat([low, q], dim=dim), torch.cat([q, high], dim=dim)

    def _moving(self, axis: int) -> Tensor:
        if self.periodic[axis]:
            return self.clear[axis]
        dim, (open_low, open_high) = self.dim(axis), self.open_ends[axis]
        low, high = self.ends(self.clear[axis], axis)
        inner = self.clear[axis].narrow(dim, 1, self.clear[axis].shape[dim] - 2)
        return torch.cat([low * open_low, inner, high * open_high], dim=dim)

    def interfaces(self) -> list[Bool[Tensor, "..."]]:
        """Faces between a fluid and a solid cell, by axis."""
        solid = torch.zeros(self.grid.shape, dtype=torch.bool) if self.solid is None else self.solid
        sides = [self._both_sides(solid, a) for a in range(self.grid.dimensions)]
        return [low != high for low, high in sides]

    def dim(self, axis: int) -> int:
        """The position of an axis of space, counted from the last."""
        return axis - self.grid.dimensions

    def ends(self, q: Tensor, axis: int) -> tuple[Tensor, Tensor]:
        """First and last row along an axis, each of length one."""
        dim = self.dim(axis)
        return q.narrow(dim, 0, 1), q.narrow(dim, q.shape[dim] - 1, 1)

    def across_cells(self, q: Tensor, axis: int) -> Tensor:
        """Difference quotients of face values, in the cells between."""
        dim = self.dim(axis)
        change = q.roll(-1, dim) - q if self.periodic[axis] else q.diff(dim=dim)
        return change / self.h[axis]

    def divergence(self, faces: Faces) -> Float[Tensor, "b *s"]:
        parts = [self.across_cells(f, a) for a, f in enumerate(faces)]
        return sum(parts[1:], start=parts[0])

    def gradient(self, phi: Float[Tensor, "b *s"]) -> Faces:
        """Slopes on faces that move: zero on closed ends and beside solid cells."""
        return self.free(self.slopes(phi))

    def slopes(self, phi: Float[Tensor, "b *s"]) -> Faces:
        """Slopes on all faces: zero on a closed end; at an open one the value is zero half a cell away."""
        return tuple(self._slopes(phi, a) for a in range(self.grid.dimensions))

    def _slopes(self, phi: Tensor, axis: int) -> Tensor:
        dim, h = self.dim(axis), self.h[axis]
        if self.periodic[axis]:
            return (phi - phi.roll(1, dim)) / h
        low, high = self.ends(phi, axis)
        open_low, open_high = self.open_ends[axis]
        return torch.cat([2 * open_low * low, phi.diff(dim=dim), -2 * open_high * high], dim=dim) / h

    def free(self, faces: Faces) -> Faces:
        """The same with zeros where no equation of motion holds."""
        return tuple(f * m for f, m in zip(faces, self.moving, strict=True))

    def wall_factor(self, component: int, axis: int) -> Tensor | float:
        """By what the slope of a velocity component along another axis grows on edges where a solid begins.

        The wall stands midway between a face in the fluid and the next one in the solid.
        """
        if self.solid is None:
            return 1.0
        low, high = self._both_sides(self.clear[component], axis)
        return 1.0 + (low - high).abs()

    def mean_on_faces(self, q: Tensor, axis: int) -> Tensor:
        """Means of neighbours along an axis, at the faces between; at an end the value inside."""
        dim = self.dim(axis)
        if self.periodic[axis]:
            return 0.5 * (q + q.roll(1, dim))
        low, high = self.ends(q, axis)
        count = q.shape[dim] - 1
        return torch.cat([low, 0.5 * (q.narrow(dim, 0, count) + q.narrow(dim, 1, count)), high], dim=dim)

    def to_cells(self, faces: Faces) -> Float[Tensor, "b c *s"]:
        """The velocity at the centres, interpolated at fourth order along each component's axis."""
        centred = [midpoints(f, self.dim(a), self.periodic[a]) for a, f in enumerate(faces)]
        parts = [c.roll(-1, self.dim(a)) if self.periodic[a] else c for a, c in enumerate(centred)]
        return torch.stack(parts, dim=1)

    def to_faces(self, velocity: Float[Tensor, "b c *s"]) -> Faces:
        """Centre values interpolated to the faces at fourth order; at an end the value of the nearest centre."""
        return tuple(self._to_faces(q, a) for a, q in enumerate(velocity.unbind(1)))

    def _to_faces(self, q: Tensor, axis: int) -> Tensor:
        middle = midpoints(q, self.dim(axis), self.periodic[axis])
        if self.periodic[axis]:
            return middle
        low, high = self.ends(q, axis)
        return torch.cat([low, middle, high], dim=self.dim(axis))


def midpoints(q: Float[Tensor, "..."], dim: int, periodic: bool) -> Float[Tensor, "..."]:
    """Cubic interpolation midway between neighbours along `dim`; one-sided beside the ends.

    On a periodic axis entry `i` lies between `i - 1` and `i`. Rows of less than four take the mean.
    """
    if periodic:
        return (9 * (q + q.roll(1, dim)) - (q.roll(2, dim) + q.roll(-1, dim))) / 16
    count = q.shape[dim]
    if count < 4:
        return 0.5 * (q.narrow(dim, 0, count - 1) + q.narrow(dim, 1, count - 1))
    a, b, c, d = (q.narrow(dim, i, count - 3) for i in range(4))
    inner = (9 * (b + c) - (a + d)) / 16
    first, last = (
        (5 * p + 15 * q_ - 5 * r + s) / 16
        for p, q_, r, s in (
            [q.narrow(dim, i, 1) for i in range(4)],
            [q.narrow(dim, count - 1 - i, 1) for i in range(4)],
        )
    )
    return torch.cat([first, inner, last], dim=dim)
