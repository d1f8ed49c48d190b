"""Finite differences in flux form that honour boundary conditions."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from sciml.fields import Boundaries, FieldSpec, Grid
from sciml.numerics.derivatives import GridDerivatives
from sciml.numerics.ghosts import GhostLayers
from sciml.numerics.staggered import Staggered, difference, padded
from sciml.shapes import TIME

#: Layers that two nested derivatives along different axes reach beyond the face, if each is taken at the points.
WIDTH = 2


class BoundedDifferences(GridDerivatives):
    r"""Centred differences of second order on fields that carry ghost layers filled by their boundary conditions.

    Fields are extended first, an equation's text is evaluated on them, and what comes out is restricted again:

        u = d.extend({"u": u})
        rate = d.restrict(pde.rhs(u, d, p)["u"])

    A first derivative lives on the faces between the points (`Staggered`) and is averaged to them only at the end, so
    that `d(a * d(u, "x"), "x")` is $(F_{i+1/2} - F_{i-1/2})/h$ with $F_{i+1/2} = a_{i+1/2} (u_{i+1} - u_i)/h$ and the
    mean $a_{i+1/2}$ of both neighbours. Every `d(flux, "x")` is such a difference (a flux at the points is averaged),
    hence on cells the sum over the grid telescopes to the fluxes through the two walls. For a flux $a\,u_x$ these are
    exactly zero where the slope is given as zero (`Neumann()`, `Wall` for a scalar); for $f(u)$ they are the mean of
    the last cell and its ghost, which is zero for a product with a velocity that vanishes at the wall. On nodes the sum
    weighted by the trapezoidal rule telescopes in the same way if no node is pinned.

    The differences are not upwinded: what is advected needs diffusion that the grid resolves.

    Args:
        grid: uniform axes of any kind.
        boundaries: the conditions of every component.
        fields: specs of the components.
        times, time_order, device: as in `GridDerivatives`.

    Raises:
        ValueError: an axis with given points, a face without a condition.
    """

    def __init__(
        self,
        grid: Grid,
        boundaries: Boundaries,
        fields: Sequence[FieldSpec],
        times: Sequence[float] | Tensor | None = None,
        time_order: int = 4,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__(grid, times, time_order, device)
        self.ghosts = GhostLayers(grid, boundaries, fields, WIDTH, device=device or "cpu")

    def extend(self, u: Mapping[str, Tensor], t: Tensor | float | None = None) -> dict[str, Tensor]:
        """Fields `(..., *s)` by name with their ghost layers; `t` is the time of boundary values, `(...)`."""
        if t is None and self.times is not None:
            t = torch.tensor(self.times, dtype=torch.float64)
        return self.ghosts.extend(u, t)

    def restrict(self, field: Any) -> Tensor:
        """What an equation made of extended fields, at the points of the grid."""
        return self.ghosts.restrict(field.at_points() if isinstance(field, Staggered) else field)

    def derivative(self, u: Any, counts: tuple[int, ...]) -> Any:
        dims = self.grid.dimensions
        if self.times is not None and counts[dims]:
            at_points = u.at_points() if isinstance(u, Staggered) else u
            u = super().derivative(at_points, (*[0] * dims, counts[dims]))
        return self.space_derivative(u, counts[:dims])

    def space_derivative(self, u: Any, counts: tuple[int, ...]) -> Any:
        for i, count in enumerate(counts):
            for _ in range(count):
                u = self._once(u, i - self.grid.dimensions, self.grid.axes[i].h)
        return u

    def _once(self, u: Any, axis: int, h: float) -> Any:
        """One derivative: from the points to the faces of the axis, from those to the points."""
        if not isinstance(u, Staggered):
            return Staggered(0.0, {axis: difference(u, axis, h)})
        inner = u.faces.get(axis)
        rest = Staggered(u.points, {a: part for a, part in u.faces.items() if a != axis})
        points = 0.0 if inner is None else padded(difference(inner, axis, h), axis)
        if rest.faces or isinstance(rest.points, Tensor):
            return Staggered(points, {axis: difference(rest.at_points(), axis, h)})
        return points

    def coordinates(self) -> dict[str, Tensor]:
        """Of the extended grid: coefficients are evaluated in the ghost layers too."""
        coordinates = self.ghosts.coordinates()
        if self.times is not None:
            times = torch.tensor(self.times, dtype=torch.float64, device=self.device or "cpu")
            coordinates[TIME] = times.view(-1, *[1] * self.grid.dimensions)
        return coordinates
