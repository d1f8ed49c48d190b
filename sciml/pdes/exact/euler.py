"""Smooth flows of an ideal gas that keep their shape while the mean flow carries them."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from sciml.fields import Grid
from sciml.pdes.base import PDE
from sciml.pdes.euler import Euler
from sciml.pdes.exact.base import ExactSolution
from sciml.shapes import SPACE

TAU = 2 * math.pi


@dataclass(frozen=True)
class EntropyShearWave(ExactSolution):
    r"""$\rho = 1 + a \sin\xi$, $v = (1, \dots, 1) + s \cos\xi\,(1, -1, 0)$ with $\xi = 2\pi \sum_i (x_i - t)$.

    Waves of entropy and, beyond one dimension, of shear under a uniform pressure, on the unit torus: the shear points
    across the wave vector, so that it carries nothing along it.

    Args:
        density: amplitude $a$ of the density, below one.
        shear: amplitude $s$ of the velocity.
        pressure: uniform.
        gamma: ratio of the heat capacities.
    """

    density: float = 0.2
    shear: float = 0.1
    pressure: float = 0.1
    gamma: float = 1.4
    dimensions = (1, 2, 3)

    @property
    def pde(self) -> PDE:
        return Euler(gamma=self.gamma)

    def __call__(self, *coordinates: Tensor) -> dict[str, Tensor]:
        *x, t = coordinates
        phase = TAU * sum((a - t for a in x[1:]), start=x[0] - t)
        shear = self.shear * torch.cos(phase) if len(x) > 1 else 0 * phase
        velocity = [1 + shear, 1 - shear, 1 + 0 * phase]
        return {
            "density": 1 + self.density * torch.sin(phase),
            **{f"velocity_{i}": v for i, v, _ in zip(SPACE, velocity, x, strict=False)},
            "pressure": self.pressure + 0 * phase,
        }

    def grid(self, *n: int) -> Grid:
        return Grid.periodic(*n)


@dataclass(frozen=True)
class IsentropicVortex(ExactSolution):
    r"""$v = (1, 1) + s\,(-\eta, \xi)$, $p / \rho = T = 1 - \frac{\gamma - 1}{2\gamma} s^2$, $\rho^{\gamma - 1} = T$.

    Here $s = \frac{\beta}{2\pi} e^{(1 - \xi^2 - \eta^2)/2}$. A vortex around the middle of $[0, 10)^2$ that the
    mean flow carries, $(\xi, \eta) = x - t - (5, 5)$, taken at its nearest periodic image; at the edge it has decayed
    to $10^{-5}$.

    Args:
        strength: $\beta$.
        gamma: ratio of the heat capacities.

    Reference: Shu (1998), Essentially non-oscillatory and weighted essentially non-oscillatory schemes for hyperbolic
    conservation laws, section 4.1, in: Lecture Notes in Mathematics 1697.
    """

    strength: float = 5.0
    gamma: float = 1.4
    dimensions = (2,)

    @property
    def pde(self) -> PDE:
        return Euler(gamma=self.gamma)

    def __call__(self, *coordinates: Tensor) -> dict[str, Tensor]:
        x, y, t = coordinates
        xi, eta = torch.remainder(x - t, 10.0) - 5.0, torch.remainder(y - t, 10.0) - 5.0
        swirl = self.strength / TAU * torch.exp(0.5 * (1 - xi * xi - eta * eta))
        temperature = 1 - (self.gamma - 1) / (2 * self.gamma) * swirl * swirl
        return {
            "density": temperature ** (1 / (self.gamma - 1)),
            "velocity_x": 1 - eta * swirl,
            "velocity_y": 1 + xi * swirl,
            "pressure": temperature ** (self.gamma / (self.gamma - 1)),
        }

    def grid(self, *n: int) -> Grid:
        return Grid.periodic(*n, high=10.0)
