r"""Ghost layers: values beyond the faces of a grid that make a polynomial satisfy the condition on the face.

Along an axis, the polynomial of degree $k$ runs through $k$ points of the grid and satisfies
$a\,u + b\,\partial u/\partial n = g$ at the face $s = 0$ ($s$ counts spacings inwards). With the Lagrange polynomials
$\ell_i$ of those points and $W(s) = \prod_i (s - s_i)$ it is $P = \sum_i u_i \ell_i + c\,W$, where

$$c = \frac{g - \sum_i u_i (a\,\ell_i(0) - \tfrac{b}{h} \ell_i'(0))}{a\,W(0) - \tfrac{b}{h} W'(0)}.$$
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sciml.fields import Axis, Boundaries, Condition, Dirichlet, FieldSpec, Grid, Outflow, Periodic, Robin
from sciml.numerics.coordinates import call_with_coordinates
from sciml.shapes import TIME

#: What a condition's weights and value become: numbers, or tensors of the face's shape with size 1 across it.
Weight = float | Tensor


def is_pinned(axis: Axis, condition: Condition) -> bool:
    """Whether the condition gives the value of the point on the face itself, as Dirichlet does on an axis of nodes."""
    if axis.kind != "nodes":
        return False
    return isinstance(condition, Dirichlet) or (isinstance(condition, Robin) and _is_zero(condition.b))


def _is_zero(weight: Any) -> bool:
    return isinstance(weight, int | float) and weight == 0


@dataclass(frozen=True)
class _Extrapolation:
    r"""Polynomials at the face and at the ghosts, in spacings inwards; entries belong to the points from `first` on.

    `values` and `slopes` are $\ell_i(0)$ and $\ell_i'(0)$, `ghosts[j, i]` is $\ell_i$ at ghost $j$, the nearest first;
    `w`, `w_slope` and `w_ghosts` the same of $W$.
    """

    first: int
    values: np.ndarray
    slopes: np.ndarray
    ghosts: np.ndarray
    w: float
    w_slope: float
    w_ghosts: np.ndarray


@lru_cache(maxsize=64)
def _extrapolation(kind: str, pinned: bool, width: int, order: int) -> _Extrapolation:
    if kind == "cells":
        first, points, outside = 0, np.arange(order - 1) + 0.5, -np.arange(width) - 0.5
    elif pinned:
        first, points, outside = 1, np.arange(order - 1) + 1.0, -np.arange(width) - 1.0
    else:
        # A slope at a node needs one point more: the flux that leaves there is that of the nearest ghost.
        first, points, outside = 0, np.arange(order) + 0.0, -np.arange(width) - 1.0
    w = np.poly1d(points, r=True)
    lagrange = []
    for i, p in enumerate(points):
        numerator = np.poly1d(np.delete(points, i), r=True) if len(points) > 1 else np.poly1d([1.0])
        lagrange.append(numerator / numerator(p))
    return _Extrapolation(
        first,
        np.array([one(0.0) for one in lagrange]),
        np.array([one.deriv()(0.0) for one in lagrange]),
        np.array([[one(s) for one in lagrange] for s in outside]),
        float(w(0.0)),
        float(w.deriv()(0.0)),
        np.array([w(s) for s in outside]),
    )


def ghost_layer(
    u: Float[Tensor, "..."],
    axis: Axis,
    dim: int,
    side: str,
    condition: Condition,
    weights: tuple[Weight, Weight, Weight] = (0.0, 1.0, 0.0),
    width: int = 1,
    order: int = 2,
) -> Float[Tensor, "..."]:
    """The `width` layers beyond one face, in the order of the coordinate; differentiable in `u`.

    Args:
        u: values on the grid; those of a pinned node are not read.
        axis: uniform, along `dim`.
        dim: negative number of the axis in `u`.
        side: `"-"` for the low face, `"+"` for the high one.
        condition: not a wall, which means something else for every component (`Boundaries.by_component`).
        weights: $a, b, g$ of the condition, for all but `Periodic` and `Outflow`.
        width: number of layers.
        order: of accuracy of the nearest ghost, in powers of the spacing; one more for a given slope at nodes.

    Raises:
        ValueError: fewer points than the polynomial needs.
    """
    inward = u if side == "-" else u.flip(dim)
    if isinstance(condition, Periodic):
        if axis.n < width:
            raise ValueError(f"an axis of n={axis.n} points is too short for {width} ghost layers.")
        return u.narrow(dim, axis.n - width if side == "-" else 0, width)
    if isinstance(condition, Outflow):
        return inward.narrow(dim, 0, 1).expand(*(width if i == u.ndim + dim else -1 for i in range(u.ndim)))
    pinned = is_pinned(axis, condition)
    rule = _extrapolation(axis.kind, pinned, width, order)
    if axis.n < rule.first + len(rule.values):
        raise ValueError(f"an axis of n={axis.n} points is too short for ghosts of order {order}.")
    a, b, g = weights
    slope = -b / axis.h
    points = [inward.narrow(dim, rule.first + i, 1) for i in range(len(rule.values))]
    known = sum((a * v + slope * s) * p for v, s, p in zip(rule.values, rule.slopes, points, strict=True))
    c = (g - known) / (a * rule.w + slope * rule.w_slope)
    layers = [
        sum((float(e) * p for e, p in zip(row, points, strict=True)), start=float(w) * c)
        for row, w in zip(rule.ghosts, rule.w_ghosts, strict=True)
    ]
    return torch.cat(layers[::-1] if side == "-" else layers, dim)


def _without_nan(gradient: Tensor | None) -> Tensor | None:
    """What is not read has the gradient zero: a root of a negative ghost, which is cut off again, would make it NaN."""
    if gradient is None:
        return None
    return torch.nan_to_num(gradient, nan=0.0, posinf=torch.inf, neginf=-torch.inf)


class GhostLayers:
    """Extends the fields of a grid beyond its faces by their boundary conditions, and restricts them again.

    Axes are extended one after the other, so that corners are filled too. Nodes on which a condition gives the value
    take it.

    Args:
        grid: uniform axes.
        boundaries: conditions; a value is a number, an array of the face's shape, or a callable of the coordinates and
            of `t`.
        fields: specs of the components.
        width: number of layers.
        order: accuracy of the nearest ghost, see `ghost_layer`.
        device: where coordinates and arrays are brought.

    Raises:
        ValueError: an axis with given points, a face without a condition.
    """

    def __init__(
        self,
        grid: Grid,
        boundaries: Boundaries,
        fields: Sequence[FieldSpec],
        width: int = 1,
        order: int = 2,
        device: torch.device | str = "cpu",
    ) -> None:
        if any(axis.points is not None for axis in grid.axes):
            raise ValueError("ghost layers need uniform axes; this grid has given points.")
        self.grid, self.width, self.order, self.device = grid, width, order, device
        dims = grid.dimensions
        self.conditions = {
            f"{n}{s}": boundaries.by_component(f"{n}{s}", fields, dims) for n in grid.names for s in "-+"
        }
        self._extended = [torch.from_numpy(self._coords(axis)).to(device) for axis in grid.axes]

    def _coords(self, axis: Axis) -> np.ndarray:
        start = axis.low + axis.h * (0.5 if axis.kind == "cells" else 0.0)
        return start + axis.h * np.arange(-self.width, axis.n + self.width)

    def coordinates(self) -> dict[str, Tensor]:
        """Of all points, ghosts included, `(*s)` extended, by axis name."""
        return dict(zip(self.grid.names, torch.meshgrid(*self._extended, indexing="ij"), strict=True))

    def extend(self, u: Mapping[str, Tensor], t: Tensor | float | None = None) -> dict[str, Tensor]:
        """Fields `(..., *s)` by name with ghosts on every axis.

        Args:
            u: the fields.
            t: time for values that depend on it, `(...)` behind which the axes of space are added.
        """
        return {name: self._extend(name, values, t) for name, values in u.items()}

    def _extend(self, name: str, u: Tensor, t: Tensor | float | None) -> Tensor:
        u = self._pin(name, u, t)
        for i, axis in enumerate(self.grid.axes):
            dim = i - self.grid.dimensions
            layers = []
            for side in "-+":
                condition = self.conditions[self.grid.names[i] + side][name]
                weights = self._weights(condition, i, side, t, done=i)
                layers.append(ghost_layer(u, axis, dim, side, condition, weights, self.width, self.order))
            for layer in layers:
                if layer.requires_grad:
                    layer.register_hook(_without_nan)
            u = torch.cat([layers[0], u, layers[1]], dim)
        return u

    def pinned(self, name: str) -> list[tuple[int, str]]:
        """Faces, as pairs of axis number and side, on which nodes of a field hold given values."""
        found = [(i, s) for i in range(self.grid.dimensions) for s in "-+"]
        return [(i, s) for i, s in found if is_pinned(self.grid.axes[i], self.conditions[self.grid.names[i] + s][name])]

    def _pin(self, name: str, u: Tensor, t: Tensor | float | None) -> Tensor:
        """`u` with the values that conditions give at nodes; later axes prevail at corners."""
        for i, side in self.pinned(name):
            a, _, g = self._weights(self.conditions[self.grid.names[i] + side][name], i, side, t, done=0)
            dim = i - self.grid.dimensions
            given = torch.as_tensor(g / a, dtype=u.dtype, device=u.device)
            face = (u.narrow(dim, 0, 1) if side == "-" else u.narrow(dim, -1, 1)) * 0 + given
            rest = u.narrow(dim, 1, u.shape[dim] - 1) if side == "-" else u.narrow(dim, 0, u.shape[dim] - 1)
            u = torch.cat([face, rest] if side == "-" else [rest, face], dim)
        return u

    def impose(self, u: Mapping[str, Tensor], t: Tensor | float | None = None) -> dict[str, Tensor]:
        """The fields with the values that conditions give at nodes, without ghosts."""
        return {name: self._pin(name, values, t) for name, values in u.items()}

    def continued(self, coefficient: Tensor) -> Tensor:
        """A coefficient `(..., *s)`, which has no condition: the outermost values go on, or the period does."""
        for i, axis in enumerate(self.grid.axes):
            dim, w = i - self.grid.dimensions, self.width
            kind = Periodic() if axis.kind == "periodic" else Outflow()
            low, high = (ghost_layer(coefficient, axis, dim, side, kind, width=w) for side in "-+")
            coefficient = torch.cat([low, coefficient, high], dim)
        return coefficient

    def restrict(self, u: Tensor) -> Tensor:
        """Without the ghosts."""
        for i, axis in enumerate(self.grid.axes):
            u = u.narrow(i - self.grid.dimensions, self.width, axis.n)
        return u

    def _weights(
        self, condition: Condition, i: int, side: str, t: Tensor | float | None, done: int
    ) -> tuple[Weight, Weight, Weight]:
        """$a, b, g$ on a face across axis `i`, where the first `done` axes have ghosts already."""
        if isinstance(condition, Periodic | Outflow):
            return 0.0, 1.0, 0.0
        a, b, g = (self._on_face(v, i, side, t, done) for v in condition.coefficients)  # type: ignore[union-attr]
        return a, b, g

    def _on_face(self, value: Any, i: int, side: str, t: Tensor | float | None, done: int) -> Weight:
        if isinstance(value, int | float):
            return float(value)
        if callable(value):
            value = call_with_coordinates(value, self._face_coordinates(i, side, t, done))
            return value if isinstance(value, Tensor) else torch.as_tensor(value, dtype=torch.float64)
        array = torch.as_tensor(np.asarray(value, dtype=np.float64), device=self.device)
        shape = tuple(axis.n for j, axis in enumerate(self.grid.axes) if j != i)
        if array.ndim == 0:
            return array
        if array.shape != shape:
            raise ValueError(
                f"the values on face {self.grid.names[i]}{side} have shape {tuple(array.shape)}; the face has {shape}."
            )
        array = array.unsqueeze(i)
        for j in range(done):
            first, last = array.narrow(j, 0, 1), array.narrow(j, -1, 1)
            array = torch.cat([*[first] * self.width, array, *[last] * self.width], j)
        return array

    def _face_coordinates(self, i: int, side: str, t: Tensor | float | None, done: int) -> dict[str, Any]:
        w, axes = self.width, []
        for j, (axis, points) in enumerate(zip(self.grid.axes, self._extended, strict=True)):
            if j == i:
                axes.append(points.new_tensor([axis.low if side == "-" else axis.high]))
            else:
                axes.append(points if j < done else points[w : w + axis.n])
        coordinates: dict[str, Any] = dict(zip(self.grid.names, torch.meshgrid(*axes, indexing="ij"), strict=True))
        if t is not None:
            clock = torch.as_tensor(t, dtype=torch.float64, device=self.device)
            coordinates[TIME] = clock.view(*clock.shape, *[1] * self.grid.dimensions)
        return coordinates
