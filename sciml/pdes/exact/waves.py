"""Travelling waves of nonlinear equations."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from sciml.fields import Boundaries, Grid
from sciml.pdes.allen_cahn import AllenCahn
from sciml.pdes.base import PDE
from sciml.pdes.exact.base import ExactSolution
from sciml.pdes.korteweg_de_vries import KortewegDeVries
from sciml.pdes.kuramoto_sivashinsky import KuramotoSivashinsky
from sciml.pdes.schroedinger import Schroedinger


@dataclass(frozen=True)
class Soliton(ExactSolution):
    r"""$u = \tfrac{3c}{a} \operatorname{sech}^2\big(\tfrac12 \sqrt{c/b}\, (x - ct)\big)$.

    It solves `KortewegDeVries` on a line. The grid is a torus of length 40, at whose ends the wave is below
    rounding for the defaults.

    Args:
        speed: $c > 0$.
        advection, dispersion: $a$ and $b$.

    Reference: Zabusky & Kruskal (1965), Phys. Rev. Lett. 15:240-243.
    """

    speed: float = 4.0
    advection: float = 6.0
    dispersion: float = 1.0

    @property
    def pde(self) -> PDE:
        return KortewegDeVries(self.advection, self.dispersion)

    def __call__(self, *coordinates: Tensor) -> dict[str, Tensor]:
        x, t = coordinates
        argument = 0.5 * math.sqrt(self.speed / self.dispersion) * (x - self.speed * t)
        return {"u": 3 * self.speed / self.advection / torch.cosh(argument) ** 2}

    def grid(self, *n: int) -> Grid:
        return Grid.periodic(*n, low=-20.0, high=20.0)


@dataclass(frozen=True)
class KuramotoFront(ExactSolution):
    r"""$u = c + \tfrac{15}{19} \kappa\, (11 \tanh^3 \xi - 9 \tanh \xi)$ with $\xi = \tfrac12 \kappa (x - ct)$.

    Here $\kappa^2 = 11/19$. A front of `KuramotoSivashinsky` with unit coefficients, on the whole line.

    Args:
        speed: $c$.

    Reference: Kuramoto & Tsuzuki (1976), Prog. Theor. Phys. 55:356-369.
    """

    speed: float = 1.0

    @property
    def pde(self) -> PDE:
        return KuramotoSivashinsky(1.0, 1.0, 1.0)

    def __call__(self, *coordinates: Tensor) -> dict[str, Tensor]:
        x, t = coordinates
        root = math.sqrt(11 / 19)
        front = torch.tanh(0.5 * root * (x - self.speed * t))
        return {"u": self.speed + 15 / 19 * root * (11 * front**3 - 9 * front)}

    @property
    def boundary(self) -> Boundaries:
        return Boundaries.dirichlet(lambda x, t: self(x, t)["u"])

    def grid(self, *n: int) -> Grid:
        return Grid.nodes(*n, low=-20.0, high=20.0)


@dataclass(frozen=True)
class AllenCahnFront(ExactSolution):
    r"""$u = \tfrac12 (1 - \tanh (\xi / 2\sqrt2))$ with $\xi = \sqrt{r/\varepsilon}\, x - \tfrac{3}{\sqrt2} r t$.

    The front by which the phase 1 invades the unstable state 0, of `AllenCahn` on a line.

    Args:
        diffusivity, rate: $\varepsilon$ and $r$.

    Reference: Wazwaz (2007), Appl. Math. Comput. 188:1467-1475, whose equation is $u_t = u_{xx} + u - u^3$.
    """

    diffusivity: float = 1e-3
    rate: float = 2.0

    @property
    def pde(self) -> PDE:
        return AllenCahn(self.diffusivity, self.rate)

    def __call__(self, *coordinates: Tensor) -> dict[str, Tensor]:
        x, t = coordinates
        xi = math.sqrt(self.rate / self.diffusivity) * x - 3 / math.sqrt(2) * self.rate * t
        return {"u": 0.5 * (1 - torch.tanh(xi / (2 * math.sqrt(2))))}

    @property
    def boundary(self) -> Boundaries:
        return Boundaries.dirichlet(lambda x, t: self(x, t)["u"])

    def grid(self, *n: int) -> Grid:
        return Grid.nodes(*n, low=-1.0, high=1.0)


@dataclass(frozen=True)
class PlaneWave(ExactSolution):
    r"""$h = A e^{i (k \cdot x - (d |k|^2 - g A^2) t)}$ with $k = 2\pi (1, \dots, 1)$.

    It solves `Schroedinger` on the unit torus.

    Args:
        amplitude: $A$.
        dispersion, focusing: $d$ and $g$.
    """

    amplitude: float = 0.7
    dispersion: float = 0.5
    focusing: float = 1.0
    dimensions = (1, 2, 3)

    @property
    def pde(self) -> PDE:
        return Schroedinger(self.dispersion, self.focusing)

    def __call__(self, *coordinates: Tensor) -> dict[str, Tensor]:
        *space, t = coordinates
        k, a = 2 * math.pi, self.amplitude
        phase = k * sum(space) - (self.dispersion * k**2 * len(space) - self.focusing * a**2) * t
        return {"u": a * torch.cos(phase), "v": a * torch.sin(phase)}

    def grid(self, *n: int) -> Grid:
        return Grid.periodic(*n)


@dataclass(frozen=True)
class EnvelopeSoliton(ExactSolution):
    r"""$h = A \operatorname{sech}\big(A \sqrt{g/2d}\, (x - ct)\big)\, e^{i (cx/2d + (gA^2/2 - c^2/4d) t)}$.

    It solves `Schroedinger`. The grid is a torus of length 40; the phase closes on it for the default speed.

    Args:
        amplitude: $A$.
        speed: $c$.
        dispersion, focusing: $d$ and $g$, both positive.

    Reference: Zakharov & Shabat (1972), Sov. Phys. JETP 34:62-69.
    """

    amplitude: float = 2.0
    speed: float = math.pi / 20 * 4
    dispersion: float = 0.5
    focusing: float = 1.0

    @property
    def pde(self) -> PDE:
        return Schroedinger(self.dispersion, self.focusing)

    def __call__(self, *coordinates: Tensor) -> dict[str, Tensor]:
        x, t = coordinates
        a, c, d, g = self.amplitude, self.speed, self.dispersion, self.focusing
        envelope = a / torch.cosh(a * math.sqrt(g / (2 * d)) * (x - c * t))
        phase = c * x / (2 * d) + (g * a**2 / 2 - c**2 / (4 * d)) * t
        return {"u": envelope * torch.cos(phase), "v": envelope * torch.sin(phase)}

    def grid(self, *n: int) -> Grid:
        return Grid.periodic(*n, low=-20.0, high=20.0)
