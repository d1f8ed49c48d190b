"""Incompressible flows between walls."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from sciml.fields import Axis, Boundaries, Dirichlet, Grid, Periodic, Wall
from sciml.pdes.base import PDE
from sciml.pdes.exact.base import ExactSolution
from sciml.pdes.navier_stokes import NavierStokes
from sciml.pdes.smoke import Smoke


@dataclass(frozen=True)
class BoxedTaylorGreen(ExactSolution):
    r"""$u = e^{-2\nu t} (\sin x \cos y,\ -\cos x \sin y)$, $p = \tfrac14 e^{-4\nu t} (\cos 2x + \cos 2y)$.

    One decaying vortex of `NavierStokes` between walls with slip around $[0, \pi]^2$. The tracer $1 + e^{-2\nu t}
    \sin x \sin y$ is constant along streamlines, diffuses, and is one on the walls.

    Args:
        viscosity: $\nu$, and the tracer's diffusivity.

    Reference: Taylor & Green (1937), Proc. R. Soc. A 158:499-521, in two dimensions.
    """

    viscosity: float = 0.05
    dimensions = (2,)

    @property
    def pde(self) -> PDE:
        return NavierStokes(self.viscosity, self.viscosity)

    def __call__(self, *coordinates: Tensor) -> dict[str, Tensor]:
        x, y, t = coordinates
        decay = torch.exp(-2 * self.viscosity * t)
        return {
            "velocity_x": decay * torch.sin(x) * torch.cos(y),
            "velocity_y": -decay * torch.cos(x) * torch.sin(y),
            "tracer": 1 + decay * torch.sin(x) * torch.sin(y),
            "pressure": 0.25 * decay**2 * (torch.cos(2 * x) + torch.cos(2 * y)),
        }

    @property
    def boundary(self) -> Boundaries:
        return Boundaries({"all": Wall(), ("all", "tracer"): Dirichlet(1.0)})

    def grid(self, *n: int) -> Grid:
        return Grid.cells(*n, high=math.pi)


@dataclass(frozen=True)
class StratifiedShear(ExactSolution):
    r"""$u = e^{-\pi^2 \nu t} (\sin \pi y,\ 0)$, $s = 1 + e^{-\pi^2 \kappa t} \cos \pi y$, between $y = 0$ and $y = 1$.

    Decaying shear of `Smoke` in layers between walls without slip, periodic along $x$. The pressure, $p_y = b\,s$,
    carries the smoke; it has mean zero.

    Args:
        viscosity, diffusivity: $\nu$ and $\kappa$.
        buoyancy: $b$.
    """

    viscosity: float = 0.05
    diffusivity: float = 0.02
    buoyancy: float = 0.5
    dimensions = (2,)

    @property
    def pde(self) -> PDE:
        return Smoke(self.viscosity, self.diffusivity, self.buoyancy)

    def __call__(self, *coordinates: Tensor) -> dict[str, Tensor]:
        x, y, t = coordinates
        k = math.pi
        decay = torch.exp(-self.diffusivity * k**2 * t)
        return {
            "velocity_x": torch.exp(-self.viscosity * k**2 * t) * torch.sin(k * y) + 0 * x,
            "velocity_y": 0 * (x + y + t),
            "tracer": 1 + decay * torch.cos(k * y) + 0 * x,
            "pressure": self.buoyancy * (y - 0.5 + decay * (torch.sin(k * y) / k - 2 / k**2)) + 0 * x,
        }

    @property
    def boundary(self) -> Boundaries:
        return Boundaries({"x": Periodic(), "y": Wall(slip=False)})

    def grid(self, *n: int) -> Grid:
        return Grid((Axis(n[0]), Axis(n[1], kind="cells")))
