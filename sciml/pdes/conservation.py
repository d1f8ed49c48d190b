"""Conservation laws: conserved quantities and their fluxes, written in the variables that a user wants to see."""

from abc import abstractmethod
from typing import ClassVar

import torch

from sciml.fields import FieldSpec, channel_names
from sciml.numerics import Derivatives, Field
from sciml.pdes.base import EvolutionPDE, Fields
from sciml.pdes.parameters import Parameters
from sciml.pdes.waves import Waves
from sciml.shapes import SPACE


class ConservationLaw(EvolutionPDE):
    r"""$\partial_t q(u) + \nabla\cdot (f(u) - g(u, \nabla u)) = s(u)$.

    `fields` are the primitive variables $u$ (density, velocity, pressure); `equations` name the conserved quantities
    $q$, one equation each, and are the keys of fluxes, sources and residuals.
    """

    equations: ClassVar[tuple[FieldSpec, ...]]

    @property
    def is_viscous(self) -> bool:
        """Whether it has fluxes that contain derivatives."""
        return type(self).viscous is not ConservationLaw.viscous

    def equation_names(self, dimensions: int) -> tuple[str, ...]:
        """Names of the equations in `dimensions` space dimensions, in the order of `conserved`."""
        return channel_names(self.equations, dimensions)

    @abstractmethod
    def conserved(self, u: Fields, p: Parameters) -> Fields:
        """$q(u)$ by equation."""

    @abstractmethod
    def primitive(self, q: Fields, p: Parameters) -> Fields:
        """$u(q)$ by component, the inverse of `conserved`."""

    @abstractmethod
    def flux(self, u: Fields, p: Parameters) -> dict[str, tuple[Field, ...]]:
        """$f(u)$ by equation, one entry per axis."""

    def viscous(self, u: Fields, d: Derivatives, p: Parameters) -> dict[str, tuple[Field, ...]]:
        """$g$, made of `u` and of first derivatives of its components; an equation without one is left out."""
        return {}

    def diffusivity(self, u: Fields, p: Parameters) -> Field:
        """The largest diffusivity in $g$, which bounds explicit steps."""
        return 0.0

    def source(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        """$s(u)$ by equation; an equation without one is left out."""
        return {}

    @abstractmethod
    def waves(self, dimensions: int, p: Parameters) -> Waves:
        """Speeds and characteristic variables, which finite volumes need."""

    def rates(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        r"""$q_t = s - \nabla\cdot (f - g)$ by equation."""
        source, viscous = self.source(u, d, p), self.viscous(u, d, p)
        rates = {name: source.get(name, 0.0) - d.div(flux) for name, flux in self.flux(u, p).items()}
        return {name: rate + d.div(viscous[name]) if name in viscous else rate for name, rate in rates.items()}

    def rhs(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        r"""$u_t = (\partial u / \partial q)\, q_t$ on a grid, by forward-mode differentiation of `primitive`."""
        q, rates = self.conserved(u, p), self.rates(u, d, p)
        return torch.func.jvp(lambda q: self.primitive(q, p), (q,), (rates,))[1]

    def residual(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        q = self.conserved(u, p)
        return {name: d(q[name], "t") - rate for name, rate in self.rates(u, d, p).items()}


def vector(u: Fields, name: str) -> tuple[Field, ...]:
    """The components of a vector among fields, in the order of the axes."""
    return tuple(u[f"{name}_{i}"] for i in SPACE if f"{name}_{i}" in u)
