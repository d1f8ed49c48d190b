"""An equation, written once: residual, right-hand side and Fourier symbol follow from what differentiates."""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from jaxtyping import Complex
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
    #: Unknowns that the state determines at every instant (a pressure, a stream function); no solver stores them.
    diagnostics: ClassVar[tuple[FieldSpec, ...]] = ()
    parameters: ClassVar[tuple[ParameterSpec, ...]] = ()
    #: Numbers of space dimensions in which the equation is meant.
    dimensions: ClassVar[tuple[int, ...]] = (1, 2, 3)
    #: Components of the state that stay at or above zero once they are: solvers that can, see to it.
    nonnegative: ClassVar[tuple[str, ...]] = ()
    #: Whether the equation has a time derivative.
    evolves: ClassVar[bool] = False

    @property
    def text(self) -> str:
        """The equation in one line, for files."""
        doc = (type(self).__doc__ or "").strip().splitlines()
        return doc[0] if doc else type(self).__name__

    def names(self, dimensions: int) -> tuple[str, ...]:
        """Names of the state's components in `dimensions` space dimensions."""
        return channel_names(self.fields, dimensions)

    def unknowns(self, dimensions: int) -> tuple[str, ...]:
        """Names of all that `residual` reads: the state's components, then the diagnostic ones."""
        return channel_names((*self.fields, *self.diagnostics), dimensions)

    @abstractmethod
    def residual(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        """Left minus right side of each equation, by name; zero for a solution."""


class EvolutionPDE(PDE):
    r"""$u_t = F(u, w)$, $0 = C(u, w)$: `rhs` is $F$, `constraints` is $C$, and $w$ are the diagnostic unknowns."""

    evolves = True

    @abstractmethod
    def rhs(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        """Time derivative of each component of the state; `u` holds the diagnostic unknowns as well."""

    def constraints(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        """What vanishes for the right diagnostic unknowns, by their names."""
        return {}

    def diagnose(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        """The diagnostic unknowns of a state, by derivatives that can invert the Laplacian."""
        return {}

    def project(self, u: Fields, d: Derivatives) -> Fields:
        """The nearest state that the constraints admit; of rates and forces likewise, which are such vectors too."""
        return u

    def residual(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        rates = {name: d(u[name], "t") - right for name, right in self.rhs(u, d, p).items()}
        return {**rates, **self.constraints(u, d, p)}


class SemilinearPDE(EvolutionPDE):
    r"""$u_t = Lu + N(u)$ with $L$ linear and of constant coefficients; it may couple the components."""

    @abstractmethod
    def linear(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        """$Lu$ by component; a component without a linear part is left out."""

    def nonlinear(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        """$N(u)$ by component; a component without one is left out."""
        return {}

    def rhs(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        linear, nonlinear = self.linear(u, d, p), self.nonlinear(u, d, p)
        both = {name: part + nonlinear[name] for name, part in linear.items() if name in nonlinear}
        return {**linear, **nonlinear, **both}

    def symbol(self, grid: Grid, p: Parameters, device: torch.device | str = "cpu") -> Complex[Tensor, "b c c *k"]:
        r"""Fourier symbol of $L$ over the half spectrum of the real FFT, complex128; `b` is 1 without samples.

        It is `linear` run on plane waves, one component after the other: the entry `[i, j]` is component $i$ of
        $L (e_j e^{ik \cdot x})$, divided by the wave.
        """
        waves, names = WaveNumbers(grid, device), self.names(grid.dimensions)
        wave, rows = waves.one(), len(grid.shape)
        columns = []
        for active in names:
            image = self.linear({n: wave if n == active else 0 * wave for n in names}, waves, p)
            parts = [image.get(n, 0.0) + 0 * wave for n in names]
            parts = [part if part.ndim > rows else part[None] for part in parts]
            columns.append(torch.stack(torch.broadcast_tensors(*parts), dim=1))
        return torch.stack(torch.broadcast_tensors(*columns), dim=2)


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
