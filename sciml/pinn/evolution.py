"""How initial data evolve by the linear part of an equation alone."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from sciml.fields import Dirichlet, Neumann, Periodic
from sciml.numerics import Field


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
        cosine: Tensor | None = 2 * values @ torch.cos(share[:, None] * steps) / (1.0 + (steps == 0))
        sine: Tensor | None = 2 * values @ torch.sin(share[:, None] * steps)
        if isinstance(self.ends, Neumann):
            sine = None
        if isinstance(self.ends, Dirichlet):
            cosine = None
        return HeatSeries(steps / length, self.diffusivity, self.low, cosine, sine)


class HeatSeries(nn.Module):
    r"""$\sum_k e^{-\nu \omega_k^2 t} (a_k \cos\omega_k (x - x_0) + b_k \sin\omega_k (x - x_0))$.

    Args:
        frequencies: $\omega_k$.
        diffusivity: $\nu$.
        origin: $x_0$.
        cosine: $a_k$, zero without.
        sine: $b_k$, zero without.
    """

    frequencies: Tensor
    cosine: Tensor | None
    sine: Tensor | None

    def __init__(
        self, frequencies: Tensor, diffusivity: float, origin: float, cosine: Tensor | None, sine: Tensor | None
    ) -> None:
        super().__init__()
        self.diffusivity, self.origin = diffusivity, origin
        for name, series in (("frequencies", frequencies), ("cosine", cosine), ("sine", sine)):
            self.register_buffer(name, series, persistent=False)

    def forward(self, x: Field, t: Field) -> Field:
        """At points `(...)` and times after the initial one `(...)`, tensors or jets."""
        frequencies = self.frequencies.to(x.dtype)
        phases = (x[..., None] - self.origin) * frequencies
        decay = torch.exp(t[..., None] * (-self.diffusivity * frequencies**2))
        parts = [
            torch.matmul(decay * function(phases), coefficients.to(x.dtype))
            for function, coefficients in ((torch.cos, self.cosine), (torch.sin, self.sine))
            if coefficients is not None
        ]
        return parts[0] if len(parts) == 1 else parts[0] + parts[1]
