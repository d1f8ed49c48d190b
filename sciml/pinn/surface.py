"""Conditions on the boundary of a region of any shape."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sciml.fields import Dirichlet, Neumann, Robin
from sciml.fields.domain import SpatialRegion
from sciml.fields.space_time import SpaceTime
from sciml.numerics import call_with_coordinates, point_derivatives, value
from sciml.pdes import Problem
from sciml.pinn.conditions import Condition
from sciml.pinn.sampling import Sampler


@dataclass(frozen=True)
class Skin:
    """The boundary of a region, at times of an interval: a point is its coordinates, then its outward normal.

    Args:
        region: in space.
        interval: start and end, for an equation that evolves.
    """

    region: SpatialRegion
    interval: tuple[float, float] | None = None

    def sample(self, n: int, sequence: Any, generator: torch.Generator) -> Float[Tensor, "n c"]:
        if self.interval is None:
            points, normals = self.region.boundary(n, sequence, generator)
        else:
            points, normals = SpaceTime(self.region, *self.interval).lateral(n, sequence, generator)
        return torch.cat([points, normals], dim=1)


class Surface(Condition):
    r"""$a\,u + b\,\partial u/\partial n = g$ for one component on the boundary of a region.

    Args:
        region: whose boundary.
        condition: `Dirichlet`, `Neumann` or `Robin`; values are numbers or callables of the coordinates.
        field: the component.
        name: of the term, for problems with several surfaces.
        sampler: which points.
    """

    def __init__(
        self,
        region: SpatialRegion,
        condition: Dirichlet | Neumann | Robin | None = None,
        field: str = "u",
        name: str = "boundary",
        sampler: Sampler | None = None,
    ) -> None:
        super().__init__(sampler)
        self.condition = Dirichlet() if condition is None else condition
        self.shape, self.field, self.name = region, field, name

    @classmethod
    def example(cls) -> "Surface":
        from sciml.fields import Ball

        return cls(Ball((0.0, 0.0), 1.0))

    def check(self, problem: Problem) -> None:
        if self.field not in problem.unknowns:
            raise ValueError(f"field={self.field!r} must be one of {', '.join(problem.unknowns)}.")
        if self.shape.dimensions != problem.domain.dimensions:
            raise ValueError(
                f"region has {self.shape.dimensions} dimension(s); the problem {problem.domain.dimensions}."
            )

    def region(self, problem: Problem) -> Skin:
        if not problem.pde.evolves:
            return Skin(self.shape)
        assert problem.times is not None
        return Skin(self.shape, (float(problem.times[0]), float(problem.times[-1])))

    def residuals(self, problem: Problem, network: nn.Module, points: Float[Tensor, "n c"]) -> dict[str, Tensor]:
        width, space = len(problem.axes), problem.domain.dimensions
        points, normals = points[:, :width], points[:, width:]
        first = [tuple(int(i == j) for i in range(width)) for j in range(space)]
        d, u = point_derivatives(network, points, problem.axes, problem.unknowns, first)
        coordinates = dict(zip(problem.axes, points.unbind(-1), strict=True))
        a, b, g = (_at(v, coordinates) for v in self.condition.coefficients)
        slope = sum(value(d(u[self.field], (i,))) * normals[:, i] for i in range(space))
        return {self.field: a * value(u[self.field]) + b * slope - g}


def _at(given: Any, coordinates: dict[str, Tensor]) -> Any:
    return call_with_coordinates(given, coordinates) if callable(given) else given
