r"""Univariate Taylor series of elementary functions: `series(u, n) = [f(u), f'(u), f''(u)/2!, ..., f^{(n)}(u)/n!]`.

Where a function satisfies a differential equation, the coefficients follow by its recurrence in $h$ about $u$.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

Series = Callable[[Tensor, int], list[Tensor]]


@dataclass(frozen=True)
class Riccati:
    r"""The series of a solution of $y' = a + b y + c y^2$.

    Args:
        value: $y$ itself.
        a, b, c: coefficients of the equation.
    """

    value: Callable[[Tensor], Tensor]
    a: float
    b: float
    c: float

    def slope(self, y: Tensor) -> Tensor:
        """$y'$ from $y$."""
        if self.b == 0:
            return torch.addcmul(y.new_full((), self.a), y, y, value=self.c)
        return self.a + y * (self.b + self.c * y)

    def __call__(self, u: Tensor, n: int) -> list[Tensor]:
        y = [self.value(u)]
        for m in range(n):
            if m == 0:
                right = self.slope(y[0])
            else:
                right = (2 * self.c * y[0] + self.b) * y[m]
                for j in range(1, m):
                    right = torch.addcmul(right, y[j], y[m - j], value=self.c)
            y.append(right / (m + 1) if m else right)
        return y


def _trigonometric(phase: int) -> Series:
    def series(u: Tensor, n: int) -> list[Tensor]:
        s, c = torch.sin(u), torch.cos(u)
        cycle = [s, c, -s, -c]
        return [cycle[(m + phase) % 4] / math.factorial(m) for m in range(n + 1)]

    return series


def _hyperbolic(phase: int) -> Series:
    def series(u: Tensor, n: int) -> list[Tensor]:
        pair = [torch.sinh(u), torch.cosh(u)]
        return [pair[(m + phase) % 2] / math.factorial(m) for m in range(n + 1)]

    return series


@lru_cache(maxsize=64)
def power(exponent: float) -> Series:
    r"""$(u+h)^r = \sum_m \binom{r}{m} u^{r-m} h^m$."""

    def series(u: Tensor, n: int) -> list[Tensor]:
        coefficients, binomial = [], 1.0
        for m in range(n + 1):
            # A polynomial ends here; negative powers of zero have no value.
            coefficients.append(binomial * u ** (exponent - m) if binomial else torch.zeros_like(u))
            binomial *= (exponent - m) / (m + 1)
        return coefficients

    return series


def _integrated(value: Callable[[Tensor], Tensor], derivative: Series) -> Series:
    """The series of a function from that of its derivative."""

    def series(u: Tensor, n: int) -> list[Tensor]:
        g = derivative(u, n - 1) if n else []
        return [value(u), *(g[m] / (m + 1) for m in range(n))]

    return series


def _gaussian(u: Tensor, n: int) -> list[Tensor]:
    r"""$g = \tfrac{2}{\sqrt\pi} e^{-u^2}$, by $g' = -2ug$."""
    g = [2 / math.sqrt(math.pi) * torch.exp(-u * u)]
    for m in range(n):
        g.append(-2 * (u * g[m] + (g[m - 1] if m else 0)) / (m + 1))
    return g


def _gated(gate: Series) -> Series:
    """$u g(u)$ from the series of $g$."""

    def series(u: Tensor, n: int) -> list[Tensor]:
        g = gate(u, n)
        return [u * g[0], *(u * g[m] + g[m - 1] for m in range(1, n + 1))]

    return series


def _normal_distribution(u: Tensor, n: int) -> list[Tensor]:
    r"""$\tfrac12 (1 + \mathrm{erf}(u / \sqrt2))$."""
    e = SERIES["erf"](u * math.sqrt(0.5), n)
    return [0.5 * (1 + e[0]), *(0.5 * 0.5 ** (m / 2) * e[m] for m in range(1, n + 1))]


def _piecewise(value: Callable[[Tensor], Tensor], slope: Callable[[Tensor], Tensor]) -> Series:
    """A function made of straight pieces: away from the kinks, where it has a series."""

    def series(u: Tensor, n: int) -> list[Tensor]:
        return [value(u), slope(u), *[torch.zeros_like(u)] * (n - 1)][: n + 1]

    return series


sigmoid = Riccati(torch.sigmoid, 0.0, 1.0, -1.0)

SERIES: dict[str, Any] = {
    "tanh": Riccati(torch.tanh, 1.0, 0.0, -1.0),
    "sigmoid": sigmoid,
    "sin": _trigonometric(0),
    "cos": _trigonometric(1),
    "tan": Riccati(torch.tan, 1.0, 0.0, 1.0),
    "sinh": _hyperbolic(0),
    "cosh": _hyperbolic(1),
    "exp": Riccati(torch.exp, 0.0, 1.0, 0.0),
    "log": _integrated(torch.log, power(-1.0)),
    "sqrt": power(0.5),
    "reciprocal": power(-1.0),
    "erf": _integrated(torch.erf, _gaussian),
    "softplus": _integrated(torch.nn.functional.softplus, sigmoid),
    "silu": _gated(sigmoid),
    "gelu": _gated(_normal_distribution),
    "pow": power,
    "abs": _piecewise(torch.abs, torch.sign),
    "sign": _piecewise(torch.sign, torch.zeros_like),
}
