"""How initial data evolve by the linear part of an equation alone."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from sciml.fields import Dirichlet, Neumann, Periodic
from sciml.numerics import Field, Jet


class Evolution(ABC):
    """How a part of an equation that is solved exactly carries initial data along."""

    @abstractmethod
    def of(self, initial: Callable[[Tensor], Tensor]) -> nn.Module:
        """A module of x and t, each `(...)`, from the initial data as a function of x."""


@dataclass(frozen=True)
class HeatEvolution(Evolution):
    r"""$S(t) u_0$, the solution of $u_t = \nu u_{xx}$ on an interval, as a series of its modes.

    $$S(t) u_0 = \sum_{k \le m} c_k\, e^{-\nu \omega_k^2 t} \cos(\omega_k (x - a)), \qquad \omega_k = k\pi / (b - a),$$

    for ends without slope; sines for ends of value zero; both, with $\omega_k = 2k\pi / (b - a)$, for a periodic axis.
    A kink of $u_0$ at the ends is smoothed at once, as it is by the equation; what the series leaves out at $t = 0$
    falls with $m$ like the coefficients do.

    Args:
        diffusivity: $\nu$, unit length^2 / time.
        low, high: $a$ and $b$.
        ends: `Periodic()`, or `Neumann()` or `Dirichlet()` with value zero.
        modes: $m$.

    Raises:
        ValueError: a negative diffusivity, an empty interval, no mode, or ends with a value other than zero.
    """

    diffusivity: float
    low: float = -1.0
    high: float = 1.0
    ends: Periodic | Neumann | Dirichlet = field(default_factory=Periodic)
    modes: int = 64

    def __post_init__(self) -> None:
        if not self.diffusivity >= 0 or not self.low < self.high or self.modes < 1:
            raise ValueError(
                f"diffusivity={self.diffusivity} must be at least 0, low={self.low} below high={self.high} and "
                f"modes={self.modes} at least 1."
            )
        if getattr(self.ends, "value", 0.0) != 0.0:
            raise ValueError(f"ends={self.ends!r} must have the value 0; subtract a steady solution first.")

    def of(self, initial: Callable[[Tensor], Tensor]) -> "HeatSeries":
        """The evolution of data that are smooth within the interval: the coefficients, by a Gauss rule."""
        nodes, weights = (torch.from_numpy(v) for v in np.polynomial.legendre.leggauss(4 * self.modes + 64))
        length = self.high - self.low
        share = (nodes + 1) / 2
        values = initial(self.low + length * share) * weights / 2
        steps = torch.arange(self.modes + 1, dtype=torch.float64)
        steps = steps * (2 * math.pi if isinstance(self.ends, Periodic) else math.pi)
        cosine = 2 * values @ torch.cos(share[:, None] * steps) / (1.0 + (steps == 0))
        sine = 2 * values @ torch.sin(share[:, None] * steps)
        if isinstance(self.ends, Neumann):
            sine = torch.zeros_like(sine)
        if isinstance(self.ends, Dirichlet):
            cosine = torch.zeros_like(cosine)
        return HeatSeries(steps / length, self.diffusivity, self.low, cosine, sine)


class HeatSeries(nn.Module):
    r"""$\sum_k e^{-\nu \omega_k^2 t} (a_k \cos\omega_k (x - x_0) + b_k \sin\omega_k (x - x_0))$.

    Args:
        frequencies: $\omega_k$.
        diffusivity: $\nu$.
        origin: $x_0$.
        cosine: $a_k$.
        sine: $b_k$.
    """

    frequencies: Tensor
    cosine: Tensor
    sine: Tensor

    def __init__(self, frequencies: Tensor, diffusivity: float, origin: float, cosine: Tensor, sine: Tensor) -> None:
        super().__init__()
        self.diffusivity, self.origin = diffusivity, origin
        for name, series in (("frequencies", frequencies), ("cosine", cosine), ("sine", sine)):
            self.register_buffer(name, series, persistent=False)

    def forward(self, x: Field, t: Field) -> Field:
        """At points `(...)` and times after the initial one `(...)`, tensors or jets."""
        if not isinstance(x, Jet) or not isinstance(t, Jet):
            return self.derivatives(x, t, [(0, 0)])[..., 0]
        # Taylor's formula in what x and t add to their values: the sums over all modes run for values only.
        degree = x.space.degree
        orders = [(a, b) for a in range(degree + 1) for b in range(degree + 1 - a)]
        found = self.derivatives(x.value, t.value, orders)
        dx, dt = _powers(x - x.value, degree), _powers(t - t.value, degree)
        total = dx[0] * found[..., 0]
        for i, (a, b) in enumerate(orders[1:], start=1):
            share = found[..., i] * (1 / (math.factorial(a) * math.factorial(b)))
            total = total + (dx[a] * dt[b] if a and b else dx[a] if a else dt[b]) * share
        return total

    def derivatives(self, x: Tensor, t: Tensor, orders: Sequence[tuple[int, int]]) -> Float[Tensor, "... m"]:
        r"""$\partial_x^a \partial_t^b$ of the series for all given $(a, b)$."""
        frequencies, p, q = (v.to(x.dtype) for v in (self.frequencies, self.cosine, self.sine))
        rates = -self.diffusivity * frequencies**2
        scales = torch.stack([frequencies**a * rates**b for a, b in orders], dim=-1)
        # The derivatives of p cos + q sin are q cos - p sin, -p cos - q sin, -q cos + p sin.
        of_cosine = torch.stack([(p, q, -p, -q)[a % 4] for a, _ in orders], dim=-1)
        of_sine = torch.stack([(q, -p, -q, p)[a % 4] for a, _ in orders], dim=-1)
        phases, decay = (x[..., None] - self.origin) * frequencies, torch.exp(t[..., None] * rates)
        cosine, sine = decay * torch.cos(phases), decay * torch.sin(phases)
        return cosine @ (scales * of_cosine) + sine @ (scales * of_sine)


def _powers(delta: Jet, degree: int) -> list[Jet]:
    """1, delta, delta^2, ..."""
    powers = [delta * 0.0 + 1.0, delta]
    while len(powers) <= degree:
        powers.append(powers[-1] * delta)
    return powers
