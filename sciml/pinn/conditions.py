"""What a network must satisfy, and where: the equation inside, its conditions, integrals."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sciml.describe import Described
from sciml.fields.domain import SpatialRegion
from sciml.numerics import call_with_coordinates
from sciml.pdes import Problem
from sciml.pdes.boundary_residual import boundary_residual
from sciml.pinn.regions import Cuboid, Start, at_times, whole
from sciml.pinn.sampling import Quasirandom, Sampler


class Condition(Described, nn.Module, ABC):
    """One thing that a network of the coordinates must satisfy on the points of a sampler.

    Args:
        sampler: which points.
    """

    #: Name of its terms; those of several equations are `name:equation`.
    name: str
    #: Whether its residuals are random estimates.
    random = False

    def __init__(self, sampler: Sampler | None = None) -> None:
        super().__init__()
        self.sampler = sampler or Quasirandom()

    @abstractmethod
    def region(self, problem: Problem) -> Any:
        """Where the points lie."""

    @abstractmethod
    def residuals(self, problem: Problem, network: nn.Module, points: Float[Tensor, "n d"]) -> dict[str, Tensor]:
        """What vanishes, one number per point `(n,)`, by equation; differentiable in the network's weights."""

    def squares(
        self, problem: Problem, network: nn.Module, points: Float[Tensor, "n d"]
    ) -> dict[str, tuple[Tensor, Tensor]]:
        """What is minimised, one number per point, and the residual that it is the square of, by equation."""
        return {name: (r.square(), r) for name, r in self.residuals(problem, network, points).items()}

    def check(self, problem: Problem) -> None:
        """Raises `ValueError` for a problem that the condition does not fit."""

    def prepare(self, statement: Any) -> None:
        """Called before points are asked for, with the problem as it was stated: what takes long is done then, once."""

    def magnitude(self, problem: Problem, network: nn.Module, points: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        r"""$\sqrt{\sum_k r_k^2}$ at points, without gradients: what adaptive samplers look at."""
        with torch.no_grad():
            found = self.residuals(problem, network, points.to(dtype_of(network)))
            return torch.stack(list(found.values())).square().sum(0).sqrt()


def dtype_of(network: nn.Module) -> torch.dtype:
    """That of the weights."""
    return next((p.dtype for p in network.parameters() if p.is_floating_point()), torch.float64)


class _Inside(Condition):
    """A condition on the domain, or on a part of it.

    Args:
        sampler: which points.
        within: a part of the domain, of any shape; all of it when left out.
    """

    def __init__(self, sampler: Sampler | None = None, within: SpatialRegion | None = None) -> None:
        super().__init__(sampler)
        self.within = within


class Interior(_Inside):
    """The equation, inside the domain.

    Args:
        sampler: which points.
        within: a part of the domain, of any shape; all of it when left out.
    """

    name = "pde"

    def region(self, problem: Problem) -> Any:
        return whole(problem) if self.within is None else at_times(self.within, problem)

    def residuals(self, problem: Problem, network: nn.Module, points: Float[Tensor, "n d"]) -> dict[str, Tensor]:
        return problem.network_residual(network, points)


class Initial(_Inside):
    """The initial state, of those components for which the problem gives one.

    Args:
        sampler: which points.
        within: a part of the domain, of any shape; all of it when left out.
    """

    name = "initial"

    def check(self, problem: Problem) -> None:
        if not problem.pde.evolves:
            raise ValueError(f"{type(problem.pde).__name__} does not evolve; it has no initial state.")
        if isinstance(problem.initial, Tensor):
            raise ValueError("initial is a tensor; at points it must be a callable of the coordinates.")

    def region(self, problem: Problem) -> Any:
        if self.within is not None:
            return Start(at_times(self.within, problem))
        region = whole(problem)
        return region.fixed(region.dimensions - 1, region.low[-1])

    def residuals(self, problem: Problem, network: nn.Module, points: Float[Tensor, "n d"]) -> dict[str, Tensor]:
        u = dict(zip(problem.unknowns, network(points).unbind(-1), strict=True))
        target = initial_state(problem, points)
        return {name: u[name] - value for name, value in target.items()}


def initial_state(problem: Problem, points: Float[Tensor, "n d"]) -> dict[str, Tensor]:
    """The initial state at points, by component."""
    given = problem.initial if isinstance(problem.initial, dict) else dict.fromkeys(problem.names, problem.initial)
    coordinates = dict(zip(problem.axes, points.unbind(-1), strict=True))
    return {name: _at(function, coordinates, points) for name, function in given.items()}


def _at(function: Any, coordinates: dict[str, Tensor], points: Tensor) -> Tensor:
    value = call_with_coordinates(function, coordinates) if callable(function) else function
    return torch.as_tensor(value, dtype=points.dtype, device=points.device).expand(len(points))


class Face(Condition):
    """The boundary condition of the problem on one face, all components; on a periodic axis, that the sides agree.

    Args:
        face: `"x-"`, `"x+"`, `"y-"`, ...
        sampler: which points.
    """

    def __init__(self, face: str = "x-", sampler: Sampler | None = None) -> None:
        super().__init__(sampler)
        self.face = face
        self.name = face

    def check(self, problem: Problem) -> None:
        if isinstance(problem.domain, SpatialRegion):
            raise ValueError(f"face={self.face!r} is one of a grid; the boundary of a region is a Surface.")
        faces = [f"{axis}{side}" for axis in problem.domain.names for side in "-+"]
        if self.face not in faces:
            raise ValueError(f"face={self.face!r} must be one of {', '.join(faces) or 'none: there is no boundary'}.")

    def region(self, problem: Problem) -> Cuboid:
        column, region = problem.domain.names.index(self.face[0]), whole(problem)
        return region.fixed(column, (region.low if self.face[1] == "-" else region.high)[column])

    def residuals(self, problem: Problem, network: nn.Module, points: Float[Tensor, "n d"]) -> dict[str, Tensor]:
        return boundary_residual(problem, network, points, self.face)


class Integral(Condition):
    r"""$\frac{1}{|\Omega|}\int_\Omega u \, dx = m$ at every time of the sampler's points, by Gauss-Legendre quadrature
    in space.

    Args:
        value: $m$.
        field: the component.
        nodes: of the quadrature, per axis.
        sampler: at which times; its coordinates of space do not matter.
    """

    name = "integral"

    def __init__(self, value: float = 0.0, field: str = "u", nodes: int = 32, sampler: Sampler | None = None) -> None:
        super().__init__(sampler or Quasirandom(32))
        self.value, self.field, self.nodes = value, field, nodes

    def check(self, problem: Problem) -> None:
        if self.field not in problem.unknowns:
            raise ValueError(f"field={self.field!r} must be one of {', '.join(problem.unknowns)}.")
        if isinstance(problem.domain, SpatialRegion):
            raise ValueError("Integral takes a quadrature of a grid's axes; the problem's domain is a region.")

    def region(self, problem: Problem) -> Cuboid:
        region = whole(problem)
        for column in range(problem.domain.dimensions):
            region = region.fixed(column, region.low[column])
        return region

    def residuals(self, problem: Problem, network: nn.Module, points: Float[Tensor, "n d"]) -> dict[str, Tensor]:
        space, weights = self._rule(problem)
        space, weights = space.to(points), weights.to(points)
        rest = points[:, problem.domain.dimensions :]
        every = torch.cat([space.repeat(len(rest), 1), rest.repeat_interleave(len(space), 0)], dim=1)
        u = network(every)[..., problem.unknowns.index(self.field)].view(len(rest), -1)
        return {self.field: u @ weights - self.value}

    def _rule(self, problem: Problem) -> tuple[Tensor, Tensor]:
        """Nodes in the domain, and weights of the mean."""
        import numpy as np

        nodes, weights = (torch.from_numpy(v) for v in np.polynomial.legendre.leggauss(self.nodes))
        axes = problem.domain.axes
        columns = [axis.low + (nodes + 1) / 2 * axis.length for axis in axes]
        points = torch.cartesian_prod(*columns).view(-1, len(axes))
        return points, torch.cartesian_prod(*[weights / 2] * len(axes)).view(-1, len(axes)).prod(1)
