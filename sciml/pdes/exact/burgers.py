"""Burgers equations through the transformation of Cole and Hopf."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from sciml.fields import Grid
from sciml.pdes.base import PDE
from sciml.pdes.burgers import Burgers, VectorBurgers
from sciml.pdes.exact.base import ExactSolution


@dataclass(frozen=True)
class ColeHopf(ExactSolution):
    r"""$u = -2\nu\, \theta_x / \theta$ with $\theta = 1 + c\, e^{-4\pi^2 \nu t} \cos 2\pi x$, of `Burgers`.

    Args:
        viscosity: $\nu$.
        amplitude: $c$, below one.

    Reference: Cole (1951), Quart. Appl. Math. 9:225-236.
    """

    viscosity: float = 0.02
    amplitude: float = 0.8

    @property
    def pde(self) -> PDE:
        return Burgers(self.viscosity)

    def __call__(self, *coordinates: Tensor) -> dict[str, Tensor]:
        x, t = coordinates
        k = 2 * math.pi
        decay = self.amplitude * torch.exp(-self.viscosity * k**2 * t)
        return {"u": 2 * self.viscosity * k * decay * torch.sin(k * x) / (1 + decay * torch.cos(k * x))}

    def grid(self, *n: int) -> Grid:
        return Grid.periodic(*n)


@dataclass(frozen=True)
class VectorColeHopf(ExactSolution):
    r"""$u = -2\nu\, \nabla\theta / \theta$, $\theta = 1 + c\, e^{-8\pi^2 \nu t} \cos 2\pi x \cos 2\pi y$.

    It solves `VectorBurgers` on the unit torus.

    Args:
        viscosity: $\nu$.
        amplitude: $c$, below one.

    Reference: Fletcher (1983), Int. J. Numer. Methods Fluids 3:213-216.
    """

    viscosity: float = 0.02
    amplitude: float = 0.8
    dimensions = (2,)

    @property
    def pde(self) -> PDE:
        return VectorBurgers(self.viscosity)

    def __call__(self, *coordinates: Tensor) -> dict[str, Tensor]:
        x, y, t = coordinates
        k = 2 * math.pi
        decay = self.amplitude * torch.exp(-2 * self.viscosity * k**2 * t)
        theta = 1 + decay * torch.cos(k * x) * torch.cos(k * y)
        scale = 2 * self.viscosity * k * decay / theta
        return {
            "u_x": scale * torch.sin(k * x) * torch.cos(k * y),
            "u_y": scale * torch.cos(k * x) * torch.sin(k * y),
        }

    def grid(self, *n: int) -> Grid:
        return Grid.periodic(*n)


@dataclass(frozen=True)
class StandingShock(ExactSolution):
    r"""`Burgers` on $[-1, 1]$ from $-\sin \pi x$: a shock forms at $t = 1/\pi$ and stands at $x = 0$.

    $$u = -\frac{\int \sin \pi y \; w\, ds}{\int w\, ds}, \quad y = x - \sqrt{4\nu t}\, s, \quad
      w = \exp\!\Big(-\frac{\cos \pi y}{2\pi\nu} - s^2\Big)$$

    by the trapezoidal rule, which converges geometrically here. It is odd, so that it is periodic and also vanishes at
    both ends.

    Args:
        viscosity: $\nu$; the rule holds all digits from 1e-3 on.

    Reference: Cole (1951), Quart. Appl. Math. 9:225-236; the problem is that of Basdevant et al. (1986), Comput. Fluids
    14:23-41.
    """

    viscosity: float = 0.01 / math.pi

    @property
    def pde(self) -> PDE:
        return Burgers(self.viscosity)

    def __call__(self, *coordinates: Tensor) -> dict[str, Tensor]:
        x, t = torch.broadcast_tensors(*coordinates)
        # The cosine varies by 1 / pi nu, so that so much of the Gaussian's tail counts as well.
        reach = math.sqrt(1 / (math.pi * self.viscosity) + 40)
        s = torch.linspace(-reach, reach, 2 * math.ceil(reach / 0.08) + 1, dtype=x.dtype, device=x.device)
        y = math.pi * (x[..., None] - (4 * self.viscosity * t).sqrt()[..., None] * s)
        weights = torch.softmax(-torch.cos(y) / (2 * math.pi * self.viscosity) - s**2, dim=-1)
        return {"u": -(torch.sin(y) * weights).sum(-1)}

    def grid(self, *n: int) -> Grid:
        return Grid.periodic(*n, low=-1.0, high=1.0)
