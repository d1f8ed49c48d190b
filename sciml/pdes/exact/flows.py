"""Incompressible flows whose nonlinear term is a gradient."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from sciml.fields import Grid
from sciml.pdes.base import PDE
from sciml.pdes.exact.base import ExactSolution
from sciml.pdes.navier_stokes import NavierStokes
from sciml.pdes.vorticity import Vorticity

TAU = 2 * math.pi


@dataclass(frozen=True)
class TaylorGreenVorticity(ExactSolution):
    r"""$\psi = e^{-2\nu t} \cos \xi \cos \eta$, $\omega = 2\psi$, with $(\xi, \eta) = x - Ut$.

    Decaying vortices that the mean flow $U$ carries, of `Vorticity` on $[0, 2\pi)^2$; the tracer is $1 + \omega /
    2$ and diffuses as fast as the vorticity.

    Args:
        viscosity: $\nu$, and the tracer's diffusivity.
        velocity: both components of the mean flow $U$.

    Reference: Taylor & Green (1937), Proc. R. Soc. A 158:499-521, in two dimensions.
    """

    viscosity: float = 0.05
    velocity: float = 0.0
    dimensions = (2,)

    @property
    def pde(self) -> PDE:
        nu, mean = self.viscosity, self.velocity
        return Vorticity(viscosity=nu, diffusivity=nu, velocity_x=mean, velocity_y=mean)

    def __call__(self, *coordinates: Tensor) -> dict[str, Tensor]:
        x, y, t = coordinates
        xi, eta = x - self.velocity * t, y - self.velocity * t
        stream = torch.exp(-2 * self.viscosity * t) * torch.cos(xi) * torch.cos(eta)
        return {"vorticity": 2 * stream, "tracer": 1 + stream, "stream": stream}

    def grid(self, *n: int) -> Grid:
        return Grid.periodic(*n, high=TAU)


@dataclass(frozen=True)
class TaylorGreen(ExactSolution):
    r"""$u = U + e^{-2\nu t} (-\cos \xi \sin \eta,\ \sin \xi \cos \eta)$ with $(\xi, \eta) = x - Ut$.

    Decaying vortices that the mean flow $U$ carries, of `NavierStokes` on $[0, 2\pi)^2$, with the pressure
    $-\tfrac14 e^{-4\nu t} (\cos 2\xi + \cos 2\eta)$; the tracer $1 + e^{-2\nu t} \cos \xi \cos \eta$ is constant
    along streamlines and diffuses.

    Args:
        viscosity: $\nu$, and the tracer's diffusivity.
        velocity: both components of $U$.

    Reference: Taylor & Green (1937), Proc. R. Soc. A 158:499-521, in two dimensions.
    """

    viscosity: float = 0.05
    velocity: float = 0.0
    dimensions = (2,)

    @property
    def pde(self) -> PDE:
        return NavierStokes(self.viscosity, self.viscosity)

    def __call__(self, *coordinates: Tensor) -> dict[str, Tensor]:
        x, y, t = coordinates
        xi, eta = x - self.velocity * t, y - self.velocity * t
        decay = torch.exp(-2 * self.viscosity * t)
        return {
            "velocity_x": self.velocity - decay * torch.cos(xi) * torch.sin(eta),
            "velocity_y": self.velocity + decay * torch.sin(xi) * torch.cos(eta),
            "tracer": 1 + decay * torch.cos(xi) * torch.cos(eta),
            "pressure": -0.25 * decay**2 * (torch.cos(2 * xi) + torch.cos(2 * eta)),
        }

    def grid(self, *n: int) -> Grid:
        return Grid.periodic(*n, high=TAU)


@dataclass(frozen=True)
class Beltrami(ExactSolution):
    r"""$u = e^{-\nu t} (\sin z + \cos y,\ \sin x + \cos z,\ \sin y + \cos x)$, $p = \bar p - |u|^2/2$.

    The flow of Arnold, Beltrami and Childress with unit amplitudes, $\nabla \times u = u$, of `NavierStokes` on
    $[0, 2\pi)^3$. The tracer is uniform.

    Args:
        viscosity: $\nu$.

    Reference: Majda & Bertozzi (2002), Vorticity and Incompressible Flow, section 2.3 (Beltrami flows).
    """

    viscosity: float = 0.05
    dimensions = (3,)

    @property
    def pde(self) -> PDE:
        return NavierStokes(self.viscosity, self.viscosity)

    def __call__(self, *coordinates: Tensor) -> dict[str, Tensor]:
        x, y, z, t = coordinates
        decay = torch.exp(-self.viscosity * t)
        a = decay * (torch.sin(z) + torch.cos(y))
        b = decay * (torch.sin(x) + torch.cos(z))
        c = decay * (torch.sin(y) + torch.cos(x))
        pressure = 1.5 * decay**2 - 0.5 * (a**2 + b**2 + c**2)
        return {"velocity_x": a, "velocity_y": b, "velocity_z": c, "tracer": 0 * a + 1.0, "pressure": pressure}

    def grid(self, *n: int) -> Grid:
        return Grid.periodic(*n, high=TAU)
