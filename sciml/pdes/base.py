"""An equation, written once: residual, right-hand side and Fourier symbol follow from what differentiates."""

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor

from sciml.fields import FieldSpec, Grid, ParameterSpec, channel_names
from sciml.numerics import Derivatives, Field, WaveNumbers
from sciml.pdes.parameters import Parameters

Fields = dict[str, Field]


class PDE(ABC):
    """A system of equations for `fields` with `parameters`.

    Subclasses are frozen dataclasses whose fields are the default values of parameters. A field of rank 1 or 2 enters
    `residual` by component: `u["u_x"]`, `u["u_y"]`.
    """

    fields: ClassVar[tuple[FieldSpec, ...]]
    parameters: ClassVar[tuple[ParameterSpec, ...]] = ()
    #: Numbers of space dimensions in which the equation is meant.
    dimensions: ClassVar[tuple[int, ...]] = (1, 2, 3)
    #: Whether the equation has a time derivative.
    evolves: ClassVar[bool] = False

    def names(self, dimensions: int) -> tuple[str, ...]:
        """Names of the components in `dimensions` space dimensions."""
        return channel_names(self.fields, dimensions)

    @abstractmethod
    def residual(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        """Left minus right side of each equation, by name; zero for a solution."""


class EvolutionPDE(PDE):
    r"""$u_t = F(u)$; `rhs` is $F$."""

    evolves = True

    @abstractmethod
    def rhs(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        """Time derivative of each component."""

    def residual(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        return {name: d(u[name], "t") - right for name, right in self.rhs(u, d, p).items()}


class SemilinearPDE(EvolutionPDE):
    r"""$u_t = Lu + N(u)$ with $L$ linear, of constant coefficients, and each component of $Lu$ in its own $u$ alone."""

    @abstractmethod
    def linear(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        """$Lu$ by component."""

    def nonlinear(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        """$N(u)$ by component; a component without one is left out."""
        return {}

    def rhs(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        linear, nonlinear = self.linear(u, d, p), self.nonlinear(u, d, p)
        return {name: part + nonlinear[name] if name in nonlinear else part for name, part in linear.items()}

    def symbol(self, grid: Grid, p: Parameters, device: str = "cpu") -> dict[str, Tensor]:
        r"""Fourier symbol of $L$ by component, over the half spectrum of the real FFT, complex128.

        It is `linear` run on plane waves: $L e^{ik \cdot x} = \hat L(k) e^{ik \cdot x}$.
        """
        waves = WaveNumbers(grid, device)
        ones = {name: waves.one() for name in self.names(grid.dimensions)}
        return {name: part + 0 * waves.one() for name, part in self.linear(ones, waves, p).items()}


class EllipticPDE(PDE):
    r"""$-\nabla\cdot(a \nabla u) + c\,u = f$ for one scalar field; `diffusion` is $a$, `reaction` $c$, `source` $f$."""

    @abstractmethod
    def diffusion(self, p: Parameters) -> Field:
        """$a(x) > 0$."""

    @abstractmethod
    def source(self, p: Parameters) -> Field:
        """$f(x)$."""

    def reaction(self, p: Parameters) -> Field:
        """$c(x)$."""
        return 0.0

    def residual(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        (name,) = (spec.name for spec in self.fields)
        a = self.diffusion(p)
        flux = tuple(a * slope for slope in d.grad(u[name]))
        return {name: self.reaction(p) * u[name] - d.div(flux) - self.source(p)}
