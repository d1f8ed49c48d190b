r"""Univariate Taylor series of elementary functions: `series(u, n) = [f(u), f'(u), f''(u)/2!, ..., f^{(n)}(u)/n!]`.

Where a function satisfies a differential equation, the coefficients follow by its recurrence in $h$ about $u$.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Series = Callable[[Tensor, int], list[Tensor]]


def _riccati(value: Callable[[Tensor], Tensor], rule: Callable[[Tensor, Tensor, bool], Tensor]) -> Series:
    """$y' = P(y)$ with $P$ quadratic: `rule(c_m, (y^2)_m, m == 0)` is the coefficient of $h^m$ in $P(y)$."""

    def series(u: Tensor, n: int) -> list[Tensor]:
        c = [value(u)]
        for m in range(n):
            square = sum((c[j] * c[m - j] for j in range(1, m + 1)), start=c[0] * c[m])
            c.append(rule(c[m], square, m == 0) / (m + 1))
        return c

    return series


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


def _exp(u: Tensor, n: int) -> list[Tensor]:
    e = torch.exp(u)
    return [e / math.factorial(m) for m in range(n + 1)]


def power(exponent: float) -> Series:
    r"""$(u+h)^r = \sum_m \binom{r}{m} u^{r-m} h^m$."""

    def series(u: Tensor, n: int) -> list[Tensor]:
        coefficients, binomial = [], 1.0
        for m in range(n + 1):
            coefficients.append(binomial * u ** (exponent - m))
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


def _piecewise(value: Callable[[Tensor], Tensor], slope: Callable[[Tensor], Tensor]) -> Series:
    """A function made of straight pieces: away from the kinks, where it has a series."""

    def series(u: Tensor, n: int) -> list[Tensor]:
        return [value(u), slope(u), *[torch.zeros_like(u)] * (n - 1)][: n + 1]

    return series


sigmoid = _riccati(torch.sigmoid, lambda c, square, _: c - square)

SERIES: dict[str, Any] = {
    "tanh": _riccati(torch.tanh, lambda c, square, constant: (1 - square) if constant else -square),
    "sigmoid": sigmoid,
    "sin": _trigonometric(0),
    "cos": _trigonometric(1),
    "tan": _riccati(torch.tan, lambda c, square, constant: (1 + square) if constant else square),
    "sinh": _hyperbolic(0),
    "cosh": _hyperbolic(1),
    "exp": _exp,
    "log": _integrated(torch.log, power(-1.0)),
    "sqrt": power(0.5),
    "reciprocal": power(-1.0),
    "erf": _integrated(torch.erf, _gaussian),
    "softplus": _integrated(torch.nn.functional.softplus, sigmoid),
    "pow": power,
    "abs": _piecewise(torch.abs, torch.sign),
    "sign": _piecewise(torch.sign, torch.zeros_like),
}
