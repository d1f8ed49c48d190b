"""Waves of linear equations with constant coefficients."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from sciml.fields import Grid
from sciml.pdes.advection import Advection
from sciml.pdes.advection_diffusion import AdvectionDiffusion
from sciml.pdes.base import PDE
from sciml.pdes.exact.base import ExactSolution
from sciml.pdes.heat import Heat
from sciml.pdes.wave import Wave


def _phase(coordinates: tuple[Tensor, ...], speed: float) -> Tensor:
    r"""$2\pi \sum_i (x_i - ct)$: the diagonal wave of period one on every axis."""
    *space, t = coordinates
    return 2 * math.pi * sum(x - speed * t for x in space)  # type: ignore[return-value]


@dataclass(frozen=True)
class MovingWave(ExactSolution):
    r"""$u = \sin(2\pi \sum_i (x_i - ct))$, of `Advection` with the speed $c$ along every axis of the unit torus."""

    speed: float = 1.0
    dimensions = (1, 2, 3)

    @property
    def pde(self) -> PDE:
        return Advection(self.speed, self.speed, self.speed)

    def __call__(self, *coordinates: Tensor) -> dict[str, Tensor]:
        return {"u": torch.sin(_phase(coordinates, self.speed))}

    def grid(self, *n: int) -> Grid:
        return Grid.periodic(*n)


@dataclass(frozen=True)
class DecayingWave(ExactSolution):
    r"""$u = e^{-4\pi^2 n \kappa t} \sin(2\pi \sum_i x_i)$, of `Heat` in $n$ dimensions on the unit torus."""

    diffusivity: float = 0.01
    dimensions = (1, 2, 3)

    @property
    def pde(self) -> PDE:
        return Heat(self.diffusivity)

    def __call__(self, *coordinates: Tensor) -> dict[str, Tensor]:
        return {"u": _decay(self.diffusivity, coordinates) * torch.sin(_phase(coordinates, 0.0))}

    def grid(self, *n: int) -> Grid:
        return Grid.periodic(*n)


def _decay(diffusivity: float, coordinates: tuple[Tensor, ...]) -> Tensor:
    rate = 4 * math.pi**2 * diffusivity * (len(coordinates) - 1)
    return torch.exp(-rate * coordinates[-1])


@dataclass(frozen=True)
class MovingDecayingWave(ExactSolution):
    r"""$u = e^{-4\pi^2 n \kappa t} \sin(2\pi \sum_i (x_i - ct))$, of `AdvectionDiffusion` on the unit torus."""

    speed: float = 1.0
    diffusivity: float = 0.01
    dimensions = (1, 2, 3)

    @property
    def pde(self) -> PDE:
        return AdvectionDiffusion(self.speed, self.speed, self.speed, self.diffusivity)

    def __call__(self, *coordinates: Tensor) -> dict[str, Tensor]:
        return {"u": _decay(self.diffusivity, coordinates) * torch.sin(_phase(coordinates, self.speed))}

    def grid(self, *n: int) -> Grid:
        return Grid.periodic(*n)


@dataclass(frozen=True)
class StandingWave(ExactSolution):
    r"""$u = \sin(2\pi \sum_i x_i) \cos(2\pi \sqrt n\, c t)$, $v = u_t$, of `Wave` on the unit torus."""

    speed: float = 1.0
    dimensions = (1, 2, 3)

    @property
    def pde(self) -> PDE:
        return Wave(self.speed)

    def __call__(self, *coordinates: Tensor) -> dict[str, Tensor]:
        frequency = 2 * math.pi * math.sqrt(len(coordinates) - 1) * self.speed
        shape, t = torch.sin(_phase(coordinates, 0.0)), coordinates[-1]
        return {"u": shape * torch.cos(frequency * t), "v": -frequency * shape * torch.sin(frequency * t)}

    def grid(self, *n: int) -> Grid:
        return Grid.periodic(*n)
