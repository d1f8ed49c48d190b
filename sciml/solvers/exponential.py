"""Phi functions, and the coefficients of exponential Runge–Kutta steps made of them."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor


def phi_functions(z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    r"""$\varphi_1, \varphi_2, \varphi_3$ with $\varphi_{j+1}(z) = (\varphi_j(z) - 1/j!)/z$, $\varphi_0 = e^z$.

    Accurate to a few units in the last place for every `z`: the recursion cancels near zero, where the Taylor series,
    cut after twenty terms, is exact to rounding for $|z| < 1$.

    Args:
        z: any shape, float64 or complex128.

    Reference: Cox & Matthews (2002), J. Comput. Phys. 176:430-455, section 2.1; Kassam & Trefethen (2005), SIAM J. Sci.
    Comput. 26:1214-1233, section 3, describes the cancellation.
    """
    near = z.abs() < 1.0
    small, large = torch.where(near, z, 0.0), torch.where(near, 1.0, z)
    series = []
    for j in (1, 2, 3):
        total = torch.full_like(small, 1.0 / math.factorial(20 + j))
        for m in range(19, -1, -1):
            total = total * small + 1.0 / math.factorial(m + j)
        series.append(total)
    one = torch.expm1(large) / large
    two = (one - 1.0) / large
    three = (two - 0.5) / large
    return (
        torch.where(near, series[0], one),
        torch.where(near, series[1], two),
        torch.where(near, series[2], three),
    )


@dataclass(frozen=True)
class ETDRK4Coefficients:
    """What one step of length `dt` multiplies with; every tensor has the shape of the symbol.

    Args:
        full, half: $e^{z}$ and $e^{z/2}$.
        stage: $\\tfrac{\\Delta t}{2} \\varphi_1(z/2)$.
        first, middle, last: weights of $N$ at the start, at the two midpoints, and at the end.
    """

    full: Tensor
    half: Tensor
    stage: Tensor
    first: Tensor
    middle: Tensor
    last: Tensor

    @classmethod
    def of(cls, symbol: Tensor, dt: float) -> "ETDRK4Coefficients":
        """Coefficients for $u_t = Lu + N(u)$ with the Fourier symbol of $L$ (real or complex, unit 1/time).

        Reference: Cox & Matthews (2002), eq. (26)-(29), written with phi functions.
        """
        z = symbol * dt
        one, two, three = phi_functions(z)
        half_one, _, _ = phi_functions(0.5 * z)
        return cls(
            full=torch.exp(z),
            half=torch.exp(0.5 * z),
            stage=0.5 * dt * half_one,
            first=dt * (one - 3.0 * two + 4.0 * three),
            middle=dt * (2.0 * two - 4.0 * three),
            last=dt * (4.0 * three - two),
        )
