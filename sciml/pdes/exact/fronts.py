"""Fronts of diffusion: where there is nothing ahead, and where a population invades."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from sciml.fields import Boundaries, Grid, Neumann
from sciml.pdes.base import PDE
from sciml.pdes.exact.base import ExactSolution
from sciml.pdes.fisher_kpp import FisherKPP
from sciml.pdes.porous_medium import PorousMedium


@dataclass(frozen=True)
class Barenblatt(ExactSolution):
    r"""$u = \tau^{-\alpha} \big(C - \kappa |x|^2 \tau^{-2\alpha/d}\big)_+^{1/(m-1)}$ with $\tau = t + t_0$.

    The source solution of `PorousMedium` in $d$ dimensions, $\alpha = d / (d(m-1) + 2)$, $\kappa = \alpha (m-1) / 2md$.
    Its mass is constant, and its front is at $|x| = \sqrt{C/\kappa}\,\tau^{\alpha/d}$. No flux passes the boundary of
    the domain, which the front reaches at $t = 2$ or later.

    Args:
        exponent: $m > 1$.
        height: $C$.
        age: $t_0 > 0$.

    Reference: Vazquez (2007), The Porous Medium Equation, eq. (1.8).
    """

    exponent: float = 2.0
    height: float = 1.0
    age: float = 1.0
    dimensions = (1, 2, 3)

    @property
    def pde(self) -> PDE:
        return PorousMedium(self.exponent)

    def _constants(self, dimensions: int) -> tuple[float, float]:
        alpha = dimensions / (dimensions * (self.exponent - 1) + 2)
        return alpha, alpha * (self.exponent - 1) / (2 * self.exponent * dimensions)

    def front(self, t: float, dimensions: int = 1) -> float:
        """Distance of the front from the origin."""
        alpha, kappa = self._constants(dimensions)
        return math.sqrt(self.height / kappa) * (t + self.age) ** (alpha / dimensions)

    def __call__(self, *coordinates: Tensor) -> dict[str, Tensor]:
        *space, t = coordinates
        alpha, kappa = self._constants(len(space))
        age = t + self.age
        square = sum((x * x for x in space[1:]), start=space[0] * space[0])
        inner = torch.clamp(self.height - kappa * square * age ** (-2 * alpha / len(space)), min=0.0)
        return {"u": age**-alpha * inner ** (1 / (self.exponent - 1))}

    @property
    def boundary(self) -> Boundaries:
        return Boundaries({"all": Neumann()})

    def grid(self, *n: int) -> Grid:
        reach = self.front(2.0, len(n))
        return Grid.cells(*n, low=-reach, high=reach)


@dataclass(frozen=True)
class FisherFront(ExactSolution):
    r"""$u = (1 + e^\xi)^{-2}$ with $\xi = \sqrt{r / 6D}\, x - \tfrac56 r t$.

    The front of `FisherKPP` with the speed $\tfrac{5}{\sqrt6} \sqrt{rD}$.

    Args:
        diffusivity, rate: $D$ and $r$.

    Reference: Ablowitz & Zeppetella (1979), Bull. Math. Biol. 41:835-840.
    """

    diffusivity: float = 1e-3
    rate: float = 2.0

    @property
    def pde(self) -> PDE:
        return FisherKPP(self.diffusivity, self.rate)

    def __call__(self, *coordinates: Tensor) -> dict[str, Tensor]:
        x, t = coordinates
        xi = math.sqrt(self.rate / (6 * self.diffusivity)) * x - 5 / 6 * self.rate * t
        return {"u": 1 / (1 + torch.exp(xi)) ** 2}

    @property
    def boundary(self) -> Boundaries:
        return Boundaries.dirichlet(lambda x, t: self(x, t)["u"])

    def grid(self, *n: int) -> Grid:
        return Grid.cells(*n, low=-1.0, high=1.0)
