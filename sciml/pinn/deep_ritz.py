"""Deep Ritz: the network that minimises an energy solves the equation whose solution is the minimiser."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sciml.batch import Batch
from sciml.fields import Box, FieldSpec, Grid, SpatialRegion
from sciml.numerics import call_with_coordinates, point_derivatives, value
from sciml.numerics.quadrature import GaussLegendre, Rule
from sciml.objective import Objective, Term
from sciml.pdes import SolutionSpec
from sciml.pdes.function import as_function
from sciml.rng import torch_generator
from sciml.shapes import SPACE

#: Per side of the grid on which a minimiser is shown.
POINTS = 65


@dataclass(frozen=True)
class Energy(ABC):
    r"""$E(u) = \int_\Omega W(u, |\nabla u|^2) - f u \,dx$.

    Args:
        forcing: $f$, a number, a function as text, or a callable of the coordinates.
    """

    forcing: float | str | Callable[..., Any] = 0.0

    @abstractmethod
    def stored(self, u: Tensor, square: Tensor) -> Tensor:
        r"""$W$, from the values of $u$ and of $|\nabla u|^2$."""

    def density(self, u: Tensor, square: Tensor, coordinates: dict[str, Tensor]) -> Tensor:
        """What is integrated, at points."""
        f = as_function(self.forcing)
        return self.stored(u, square) - (call_with_coordinates(f, coordinates) if callable(f) else f) * u


@dataclass(frozen=True)
class DirichletEnergy(Energy):
    r"""$W = \tfrac12 |\nabla u|^2$, minimal where $-\Delta u = f$."""

    def stored(self, u: Tensor, square: Tensor) -> Tensor:
        return 0.5 * square


@dataclass(frozen=True)
class PLaplaceEnergy(Energy):
    r"""$W = \tfrac1p (\epsilon^2 + |\nabla u|^2)^{p/2}$, minimal where $-\nabla\cdot(|\nabla u|^{p-2} \nabla u) = f$.

    Args:
        exponent: $p > 1$.
        regularization: $\epsilon$; for $p < 2$ some is needed where the gradient vanishes.

    Raises:
        ValueError: an exponent of 1 or less, or a negative regularisation.
    """

    exponent: float = 2.0
    regularization: float = 0.0

    def __post_init__(self) -> None:
        if not self.exponent > 1 or not self.regularization >= 0:
            raise ValueError(
                f"exponent={self.exponent} must be above 1 and regularization={self.regularization} at least 0."
            )

    def stored(self, u: Tensor, square: Tensor) -> Tensor:
        return (self.regularization**2 + square) ** (self.exponent / 2) / self.exponent


@dataclass(frozen=True)
class MinimalSurfaceEnergy(Energy):
    r"""$W = \sqrt{1 + |\nabla u|^2}$, the area of the graph of $u$."""

    def stored(self, u: Tensor, square: Tensor) -> Tensor:
        return torch.sqrt(1 + square)


@dataclass(frozen=True)
class ReactionEnergy(Energy):
    r"""$W = \tfrac12 |\nabla u|^2 + V(u)$, stationary where $-\Delta u + V'(u) = f$; minimal for convex $V$.

    Args:
        potential: $V$ of the values of $u$.
    """

    potential: Callable[[Tensor], Tensor] = torch.square

    def stored(self, u: Tensor, square: Tensor) -> Tensor:
        return 0.5 * square + self.potential(u)


class DeepRitz(Objective):
    r"""$\min_\theta E(u_\theta)$ over networks that satisfy their Dirichlet conditions by their form (`HardBoundary`).

    The term `energy` has the contribution of each point as its values and their sum as its value. It may be negative.
    A rule that is too coarse lets the network lower the sum and not the integral: that of `GaussLegendre` is exact
    for smooth functions, and the points of a randomised rule are renewed.

    Args:
        energy: $E$.
        region: $\Omega$.
        rule: of quadrature.
        every: steps after which a randomised rule is drawn anew; never without.
        seed: of the rule.

    Raises:
        ValueError: a number of steps below 1.

    Reference: E & Yu (2018), Commun. Math. Stat. 6:1-12, section 2.
    """

    without_data = True
    points: Tensor
    weights: Tensor

    def __init__(
        self, energy: Energy, region: SpatialRegion, rule: Rule | None = None, every: int | None = None, seed: int = 0
    ) -> None:
        super().__init__()
        if every is not None and every < 1:
            raise ValueError(f"every={every} must be at least 1.")
        self.energy, self.region, self.rule = energy, region, GaussLegendre() if rule is None else rule
        self.every, self.seed = every, seed
        points, weights = self.rule.on(region, torch_generator(seed, 0))
        self.register_buffer("points", points)
        self.register_buffer("weights", weights)

    @classmethod
    def example(cls) -> "DeepRitz":
        return cls(DirichletEnergy(1.0), Box((0.0,), (1.0,)), GaussLegendre(3, 1))

    @classmethod
    def example_network(cls) -> nn.Module:
        """A network for the example."""
        from sciml.nn import MLP
        from sciml.pinn.ansatz import HardBoundary

        return HardBoundary(MLP(1, 1, width=6, depth=1), Box((0.0,), (1.0,)))

    def advance(self, step: int, epoch: int, network: nn.Module | None = None) -> None:
        if self.every is not None and step % self.every == 0:
            points, weights = self.rule.on(self.region, torch_generator(self.seed, step))
            self.points.copy_(points)
            self.weights.copy_(weights)

    def solution(self) -> SolutionSpec:
        """What is known of the minimiser."""
        d, low, high = self.region.dimensions, self.region.low, self.region.high
        shown = isinstance(self.region, Box) and d <= len(SPACE)
        return SolutionSpec(
            fields=(FieldSpec("u"),),
            axes=_axes(d),
            low=low,
            high=high,
            grid=Grid.nodes(*[POINTS] * d, low=low, high=high) if shown else None,
            equation=f"minimum of the energy: {(type(self.energy).__doc__ or '').strip().splitlines()[0]}",
        )

    def terms(self, network: nn.Module, batch: Batch) -> dict[str, Term]:
        if (channels := getattr(network, "out_features", 1)) != 1:
            raise ValueError(f"the network has {channels} channels; an energy is that of one field.")
        dtype = next((p.dtype for p in network.parameters()), self.points.dtype)
        points, d = self.points.to(dtype), self.region.dimensions
        axes = _axes(d)
        first = [tuple(int(i == j) for i in range(d)) for j in range(d)]
        engine, fields = point_derivatives(network, points, axes, ["u"], first)
        gradient = [value(engine.derivative(fields["u"], index)) for index in first]
        square = torch.stack([g * g for g in gradient]).sum(dim=0)
        coordinates = dict(zip(axes, points.unbind(-1), strict=True))
        density = self.energy.density(value(fields["u"]), square, coordinates)
        return {"energy": Term(self.weights.to(dtype) * density, points, reduce=torch.sum)}


def _axes(dimensions: int) -> tuple[str, ...]:
    """Names of the coordinates."""
    return SPACE[:dimensions] if dimensions <= len(SPACE) else tuple(f"x{i + 1}" for i in range(dimensions))
