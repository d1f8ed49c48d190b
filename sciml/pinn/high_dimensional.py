"""Problems in any number of dimensions: what a network sees of a problem, where no grid could be laid."""

import inspect
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sciml.describe import Described
from sciml.fields.domain import SpatialRegion
from sciml.nn import Frozen
from sciml.numerics import Derivatives, RandomDirections, value
from sciml.pdes import Parameters, Problem
from sciml.pinn.reference import Reference
from sciml.rng import torch_generator


@dataclass(frozen=True)
class HighDimensional(Described, Problem):
    r"""A steady equation in a region of any number of dimensions.

    The coordinates are `x1`, `x2`, ...; what varies is a function of all of them at once. Where `exact` is given the
    equation is forced so that it has this solution, $R[u] = R[u_*]$: a manufactured solution.

    Args:
        pde: of scalar fields, by its Laplacian, gradients and divergences.
        domain: where it holds; conditions on its boundary are a `Surface`, or the form of the network.
        parameters: numbers or functions of points, `(n, d) -> (n,)`, by name; the equation's own defaults otherwise.
        exact: $u_*$, without trainable weights, `(..., d) -> (..., c)` on tensors and jets.

    Raises:
        ValueError: an equation that evolves or has fields of more than one component, a parameter that it does not have
            or that is out of range, or one to be found where `exact` solves the equation for any value of it.
    """

    domain: SpatialRegion  # type: ignore[assignment]
    initial: None = field(default=None, init=False)
    boundary: None = field(default=None, init=False)
    forcing: None = field(default=None, init=False)
    times: None = field(default=None, init=False)
    exact: nn.Module | None = None

    def __post_init__(self) -> None:
        if self.pde.evolves or any(spec.rank for spec in (*self.pde.fields, *self.pde.diagnostics)):
            raise ValueError(f"pde={type(self.pde).__name__} must be steady and have scalar fields alone.")
        self._check_parameters()
        if self.exact is not None and (free := [n for n, given in self.parameters.items() if _is_unknown(given)]):
            raise ValueError(f"{free[0]!r} cannot be found: the equation is forced to have the exact solution anyway.")

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the coordinates."""
        return tuple(f"x{i + 1}" for i in range(self.domain.dimensions))

    def bind(self, d: Derivatives) -> Parameters:
        """The parameters, of which those that vary are evaluated at the points of `d`."""
        defaults = {s.name: getattr(self.pde, s.name, None) for s in self.pde.parameters}
        points = value(d.coords) if hasattr(d, "coords") else None
        given = {name: _at(given, points) for name, given in self.parameters.items()}
        return Parameters(self.pde.parameters, given, defaults, {}, pointwise=True)

    def network_residual(
        self, network: nn.Module, points: Float[Tensor, "n d"], estimator: RandomDirections | None = None
    ) -> dict[str, Float[Tensor, " n"]]:
        """Residual of a network at points; what the equation is forced by is exact also where that is estimated."""
        found = super().network_residual(network, points, estimator)
        if self._solution is None:
            return found
        # No part of the network or the objective, hence moved by neither.
        forced = super().network_residual(self._solution.to(points.device), points)
        return {name: r - forced[name] for name, r in found.items()}

    @cached_property
    def _solution(self) -> Frozen | None:
        return None if self.exact is None else Frozen(self.exact)


def _is_unknown(given: Any) -> bool:
    """Whether a parameter is a coefficient that is trained: a function without arguments."""
    return callable(given) and not isinstance(given, Tensor) and not inspect.signature(given).parameters


def _at(given: Any, points: Tensor | None) -> Any:
    """A function of points as one of none; any number stands for it where there are no points."""
    if isinstance(given, Tensor) or not callable(given) or _is_unknown(given):
        return given
    values = 1.0 if points is None else given(points)
    return lambda: values


class Scattered(Reference):
    """The exact solution of a `HighDimensional` problem at random points of its domain.

    Args:
        points: how many.
        seed: of the points.

    Raises:
        ValueError: a problem without an exact solution.
    """

    def __init__(self, points: int = 2000, seed: int = 0) -> None:
        self.points, self.seed = points, seed

    def samples(self, problem: Any) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n c"]]:
        exact = getattr(problem, "exact", None)
        if not isinstance(problem, HighDimensional) or exact is None:
            raise ValueError("reference=Scattered needs a HighDimensional problem with an exact solution.")
        from sciml.fields.sequences import MonteCarlo

        points = problem.domain.sample(self.points, MonteCarlo(), torch_generator(self.seed))
        with torch.no_grad():
            return points, exact(points).double()
