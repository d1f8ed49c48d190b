r"""Finite volumes for $-\nabla\cdot(a\nabla u) + cu = f$ on cells, with harmonic means at the faces."""

from dataclasses import dataclass

import numpy as np
import torch

from sciml.fields import Boundaries, Condition, Dirichlet, Grid, Neumann
from sciml.linalg import Stencil
from sciml.linalg.stencil import sides


@dataclass(frozen=True)
class Diffusion:
    r"""Second-order finite volumes for $-\nabla\cdot(a\nabla u) + cu = f$ on cells, with Dirichlet and Neumann faces.

    Inner faces carry $2 / (1/a_i + 1/a_j)$, which keeps the flux continuous where $a$ jumps; a Dirichlet face lies half
    a cell away. On a Neumann face with a given slope, $a$ is extrapolated geometrically (it stays positive).

    Args:
        grid: cells in one to three dimensions.
        boundaries: the conditions on all faces.
        field: name of the unknown, where conditions are given per field.

    Raises:
        ValueError: an axis that is no uniform one of cells, or a condition that this scheme cannot honour.

    Reference: Patankar (1980), sections 4.2-3 to 4.2-5.
    """

    grid: Grid
    boundaries: Boundaries
    field: str = ""

    def __post_init__(self) -> None:
        for name, axis in zip(self.grid.names, self.grid.axes, strict=True):
            if axis.kind != "cells" or axis.points is not None:
                raise ValueError(f"axis {name!r} is {axis.kind!r}; finite volumes need uniform axes of kind 'cells'.")
        for face, condition in self.conditions.items():
            if not isinstance(condition, Dirichlet | Neumann):
                raise ValueError(
                    f"face {face!r} is {type(condition).__name__}; this solver honours Dirichlet and Neumann."
                )

    @property
    def conditions(self) -> dict[str, Condition]:
        """The condition of every face."""
        faces = [f"{name}{side}" for name in self.grid.names for side in "-+"]
        return {face: self.boundaries.on(face, self.field) for face in faces}

    def assemble(self, a: np.ndarray, f: np.ndarray, c: "np.ndarray | float" = 0.0) -> tuple[Stencil, np.ndarray]:
        """Matrix and right side of one sample.

        Args:
            a: coefficient at the cell centres, `(*s)`, positive.
            f: source at the cell centres, `(*s)`.
            c: reaction coefficient, not negative.

        Returns:
            The matrix and `b` of shape `(n,)`.
        """
        a, b = np.asarray(a, dtype=np.float64), np.array(f, dtype=np.float64)
        diagonal, faces, resistance = np.zeros(self.grid.shape) + c, [], 1.0 / a
        for axis in range(a.ndim):
            h = self.grid.axes[axis].h
            low, high = sides(a.ndim, axis)
            t = resistance[low] + resistance[high]
            np.divide(2.0 / h**2, t, out=t)
            diagonal[low] += t
            diagonal[high] += t
            faces.append(t)
            for side in "-+":
                self._close(a, b, diagonal, axis, side)
        return Stencil(diagonal, tuple(faces)), b.ravel()

    def _close(self, a: np.ndarray, b: np.ndarray, diagonal: np.ndarray, axis: int, side: str) -> None:
        """Adds what one boundary face contributes to the diagonal and the right side."""
        h, first = self.grid.axes[axis].h, layer(a.ndim, axis, 0 if side == "-" else -1)
        condition = self.boundaries.on(f"{self.grid.names[axis]}{side}", self.field)
        value = face_values(self.grid, condition, axis, side)
        if isinstance(condition, Dirichlet):
            diagonal[first] += 2.0 * a[first] / h**2
            b[first] += 2.0 * a[first] / h**2 * value
        elif np.any(value):
            next_one = layer(a.ndim, axis, 1 if side == "-" else -2)
            at_face = a[first] * np.sqrt(a[first] / a[next_one]) if a.shape[axis] > 1 else a[first]
            b[first] += at_face * value / h


def face_values(grid: Grid, condition: Condition, axis: int, side: str) -> "float | np.ndarray":
    """Boundary data on one face: a number, or an array of the face's shape.

    Raises:
        ValueError: an array of another shape.
    """
    value = condition.value  # type: ignore[union-attr]
    if isinstance(value, int | float):
        return float(value)
    shape = tuple(n for i, n in enumerate(grid.shape) if i != axis)
    if callable(value):
        end = grid.axes[axis].low if side == "-" else grid.axes[axis].high
        others = [x.coords for i, x in enumerate(grid.axes) if i != axis]
        mesh = list(np.meshgrid(*others, indexing="ij")) if others else []
        mesh.insert(axis, np.full(shape, end))
        value = value(*(torch.from_numpy(np.array(m)) for m in mesh))
    array = np.asarray(value, dtype=np.float64)
    if array.ndim and array.shape != shape:
        face = f"{grid.names[axis]}{side}"
        raise ValueError(f"the values on face {face!r} have shape {array.shape}; the face has {shape}.")
    return array


def layer(dimensions: int, axis: int, index: int) -> tuple[slice | int, ...]:
    """One layer of cells (or faces) across an axis."""
    return tuple(index if i == axis else slice(None) for i in range(dimensions))
