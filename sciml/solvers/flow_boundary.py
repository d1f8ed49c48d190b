"""Conditions of a flow on the faces of a box: values of normal velocities, ghost cells for everything else."""

import numbers
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sciml.fields import Condition, Dirichlet, Grid, Neumann, Outflow, Robin
from sciml.pdes import NavierStokes, Problem
from sciml.pdes.parameters import call_with_coordinates
from sciml.solvers.solids import SolidBoxes
from sciml.solvers.staggered import Faces, Staggered

#: Part of the flow through all faces by which in and out may differ, for rounding in the values that are given.
LEAK = 1e-10


class FlowBoundary:
    r"""What the boundary conditions of velocity and scalar mean on a staggered grid.

    A normal velocity with a value (walls, inflow) is set on its faces; with slope zero, or `Outflow`, the end is open:
    the fluid passes freely and the pressure is zero. Tangential components and the scalar take $a\,q + b\,q_n = g$
    through one ghost cell beyond the end; `Outflow` of theirs means slope zero. An open end is meant for fluid that
    leaves: where it enters, nothing damps it.

    Args:
        problem: a `NavierStokes` equation with conditions for every component.
        solids: bodies in the flow.
        device: where values are given.

    Raises:
        ValueError: conditions on the normal velocity that are none of these, an axis that is neither periodic nor one
            of uniform cells.
    """

    def __init__(
        self, problem: Problem, solids: SolidBoxes | None = None, device: torch.device | str | None = None
    ) -> None:
        assert isinstance(problem.pde, NavierStokes)
        self.grid, self.device = problem.domain, device
        self.velocity = problem.names[: self.grid.dimensions]
        self._conditions = _by_component(problem)
        self._coordinates = [_centres_and_faces(self.grid, a, device) for a in range(self.grid.dimensions)]
        open_ends = [self._open(a) for a in range(self.grid.dimensions)]
        solid = None if solids is None else solids.cells(self.grid)
        self.staggered = Staggered(self.grid, open_ends, solid, device)
        self.closed = not any(low or high for low, high in open_ends)

    def _open(self, axis: int) -> tuple[bool, bool]:
        """Whether the ends of an axis are open."""
        found = []
        for side, condition in zip("-+", self._conditions[self.velocity[axis]].get(axis, ()), strict=False):
            still = isinstance(condition, Neumann) and isinstance(condition.value, numbers.Real) and not condition.value
            if not isinstance(condition, Dirichlet) and not still:
                raise ValueError(
                    f"face {self.grid.names[axis] + side!r} is {type(condition).__name__} for the normal velocity; it"
                    " takes Wall, Dirichlet, Outflow, or Neumann with value zero."
                )
            found.append(not isinstance(condition, Dirichlet))
        return (found[0], found[1]) if found else (False, False)

    def coordinates(self, name: str, t: Float[Tensor, " b"], end: "tuple[int, int] | None" = None) -> dict[str, Tensor]:
        """Where a component of the velocity, or else a scalar, has its values; on one end `(axis, side)` if given."""
        own = self.velocity.index(name) if name in self.velocity else None
        found = {}
        for a, (axis, (centres, faces)) in enumerate(zip(self.grid.names, self._coordinates, strict=True)):
            found[axis] = faces if a == own else centres
            if end is not None and a == end[0]:
                ends = self.grid.axes[a].low, self.grid.axes[a].high
                found[axis] = torch.full_like(centres.narrow(a - self.grid.dimensions, 0, 1), ends[end[1]])
        return {**found, "t": t.view(-1, *[1] * self.grid.dimensions)}

    def values(self, name: str) -> Float[Tensor, "b *s"]:
        """Zeros where a component has its values."""
        places = self.coordinates(name, torch.zeros(1, dtype=torch.float64, device=self.device))
        shape = np.broadcast_shapes(*(p.shape for axis, p in places.items() if axis != "t"))
        return torch.zeros(1, *shape, dtype=torch.float64, device=self.device)

    def ghosts(self, q: Tensor, name: str, axis: int, t: Float[Tensor, " b"]) -> tuple[Tensor, Tensor]:
        """Values one cell beyond both ends of a bounded axis, for a field in cells along it."""
        conditions = self._conditions[name][axis]
        found = []
        for side, (inside, condition) in enumerate(zip(self.staggered.ends(q, axis), conditions, strict=True)):
            a, b, g = (self._value(v, name, axis, side, t) for v in condition.coefficients)
            # The difference beyond the end solves a (q + d/2) + b d/h = g; a slope of zero leaves it zero to the bit.
            found.append(inside + (g - a * inside) / (0.5 * a + b / self.staggered.h[axis]))
        return found[0], found[1]

    def impose(self, faces: Faces, t: Float[Tensor, " b"]) -> Faces:
        """The faces with the given normal velocities on closed ends, and none beside solids.

        Raises:
            ValueError: no end is open, and the values let in more than out.
        """
        imposed = tuple(self._impose(f, a, t) * self.staggered.clear[a] for a, f in enumerate(faces))
        if self.closed and any(self._conditions[name].get(a) for a, name in enumerate(self.velocity)):
            self._check_balance(imposed)
        return imposed

    def _impose(self, f: Tensor, axis: int, t: Tensor) -> Tensor:
        if self.staggered.periodic[axis]:
            return f
        name, dim = self.velocity[axis], self.staggered.dim(axis)
        low, high = (
            end if is_open else end * 0.0 + self._value(condition.coefficients[2], name, axis, side, t)
            for side, (end, is_open, condition) in enumerate(
                zip(
                    self.staggered.ends(f, axis),
                    self.staggered.open_ends[axis],
                    self._conditions[name][axis],
                    strict=True,
                )
            )
        )
        return torch.cat([low, f.narrow(dim, 1, f.shape[dim] - 2), high], dim=dim)

    def _check_balance(self, faces: Faces) -> None:
        net = total = torch.zeros(len(faces[0]), dtype=faces[0].dtype, device=faces[0].device)
        for a, f in enumerate(faces):
            if not self.staggered.periodic[a]:
                low, high = (end.flatten(1) / self.staggered.h[a] for end in self.staggered.ends(f, a))
                net = net + high.sum(1) - low.sum(1)
                total = total + high.abs().sum(1) + low.abs().sum(1)
        if not net.is_meta and bool((net.abs() > LEAK * total).any()):
            share = float((net.abs() / total.clamp_min(1e-300)).max())
            raise ValueError(
                f"the normal velocities on the boundary do not balance: {share:.1e} of the flow has no way out; an open"
                " face (Outflow) takes it up."
            )

    def _value(self, value: Any, name: str, axis: int, side: int, t: Tensor) -> Tensor | float:
        """A condition's value on one end, broadcastable to a row of the component's values there."""
        if isinstance(value, np.ndarray):
            return self._array(value, name, axis)
        if callable(value):
            value = call_with_coordinates(value, self.coordinates(name, t, (axis, side)))
        return value if isinstance(value, int | float) else torch.as_tensor(value, dtype=torch.float64, device=t.device)

    def _array(self, value: np.ndarray, name: str, axis: int) -> Tensor:
        """Values in the cells of an end, brought to the component's faces where it has its values there."""
        row = torch.as_tensor(value, dtype=torch.float64, device=self.device)
        wanted = [n for a, n in enumerate(self.grid.shape) if a != axis]
        if list(row.shape) != wanted:
            raise ValueError(f"values of {name!r} on a face have shape {tuple(row.shape)}; its cells have {wanted}.")
        row = row.unsqueeze(axis)
        own = self.velocity.index(name) if name in self.velocity else axis
        return row if own == axis else self.staggered.mean_on_faces(row, own)


def _by_component(problem: Problem) -> dict[str, dict[int, tuple[Dirichlet | Neumann | Robin, ...]]]:
    """The conditions at both ends of every bounded axis, by component; what flows out freely has slope zero."""
    grid, found = problem.domain, {name: {} for name in problem.names}  # type: ignore[var-annotated]
    for a, (axis_name, axis) in enumerate(zip(grid.names, grid.axes, strict=True)):
        if axis.kind not in ("periodic", "cells") or axis.points is not None:
            raise ValueError(f"axis {axis_name!r} is {axis.kind!r}; a staggered grid needs uniform cells or periods.")
        if axis.kind == "periodic":
            continue
        sides = [problem.boundaries.by_component(axis_name + s, problem.pde.fields, grid.dimensions) for s in "-+"]
        for name in problem.names:
            found[name][a] = tuple(_without_outflow(side[name]) for side in sides)
    return found


def _without_outflow(condition: Condition) -> Dirichlet | Neumann | Robin:
    if isinstance(condition, Outflow):
        return Neumann()
    assert isinstance(condition, Dirichlet | Neumann | Robin)
    return condition


def _centres_and_faces(grid: Grid, axis: int, device: torch.device | str | None) -> tuple[Tensor, Tensor]:
    """Coordinates of cells and faces along an axis, shaped to broadcast over the grid."""
    line, shape = grid.axes[axis], [-1 if a == axis else 1 for a in range(grid.dimensions)]
    centres = torch.as_tensor(line.coords, dtype=torch.float64, device=device)
    low = centres - 0.5 * line.h
    faces = low if line.kind == "periodic" else torch.cat([low, low.new_tensor([line.high])])
    return centres.view(shape), faces.view(shape)
