"""Phi functions of numbers and small matrices, and the coefficients of exponential Runge–Kutta steps made of them."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Shaped
from torch import Tensor

#: Terms of a Taylor series that is exact to rounding for arguments of size one.
TERMS = 20


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
        total = torch.full_like(small, 1.0 / math.factorial(TERMS + j))
        for m in range(TERMS - 1, -1, -1):
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


def matrix_phi_functions(z: Shaped[Tensor, "*n c c"]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    r"""$\varphi_0, \dots, \varphi_3$ of square matrices, repeated and missing eigenvectors included.

    Taylor series of $z / 2^s$, then $s$ doublings
    $\varphi_k(2z) = 2^{-k} (\varphi_0(z) \varphi_k(z) + \sum_{j=1}^k \varphi_j(z) / (k-j)!)$. The error is that of
    rounding the entries of `z`: relative to the largest, times the norm of `z` where it turns or mixes fast and slow.

    Args:
        z: matrices in the last two axes, float64 or complex128.

    Reference: Skaflestad & Wright (2009), Appl. Numer. Math. 59:783-799, section 3.1.
    """
    norm = z.abs().sum(dim=-1).amax(dim=-1)[..., None, None]
    doublings = torch.where(norm > 1.0, norm, 1.0).log2().ceil()
    unit = torch.eye(z.shape[-1], dtype=z.dtype, device=z.device)
    small = z * torch.exp2(-doublings)
    phi = []
    for j in range(4):
        total = unit * (1.0 / math.factorial(TERMS + j))
        for m in range(TERMS - 1, -1, -1):
            total = total @ small + unit * (1.0 / math.factorial(m + j))
        phi.append(total)
    for done in range(int(doublings.max()) if doublings.numel() else 0):
        doubled = [phi[0] @ phi[0]]
        for k in (1, 2, 3):
            parts = [phi[j] / math.factorial(k - j) for j in range(1, k + 1)]
            doubled.append((phi[0] @ phi[k] + sum(parts[1:], start=parts[0])) / 2**k)
        phi = [torch.where(doublings > done, new, old) for new, old in zip(doubled, phi, strict=True)]
    return phi[0], phi[1], phi[2], phi[3]


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
    def of(cls, symbol: Tensor, dt: float, coupled: bool = False) -> "ETDRK4Coefficients":
        """Coefficients for $u_t = Lu + N(u)$ with the Fourier symbol of $L$ (real or complex, unit 1/time).

        Args:
            symbol: any shape; matrices in the last two axes where it is `coupled`.
            dt: length of the step.
            coupled: whether the symbol is a matrix per wave number.

        Reference: Cox & Matthews (2002), eq. (26)-(29), written with phi functions.
        """
        z = symbol * dt
        if coupled:
            full, one, two, three = matrix_phi_functions(z)
            half, half_one, *_ = matrix_phi_functions(0.5 * z)
        else:
            full, (one, two, three) = torch.exp(z), phi_functions(z)
            half, half_one = torch.exp(0.5 * z), phi_functions(0.5 * z)[0]
        return cls(
            full=full,
            half=half,
            stage=0.5 * dt * half_one,
            first=dt * (one - 3.0 * two + 4.0 * three),
            middle=dt * (2.0 * two - 4.0 * three),
            last=dt * (4.0 * three - two),
        )


def inside_coefficients(symbol: Tensor, dt: float, part: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    r"""What the state after a part of a step multiplies with: the start, and $N$ at start, middle and end.

    They integrate $\int_0^{\theta\Delta t} e^{(\theta\Delta t - s)L} N(s)\,ds$ with the quadratic $N(s)$ through the
    three values; at the end, `part` one, they are those of `ETDRK4Coefficients`.

    Args:
        symbol: any shape; of a linear part that does not couple.
        dt: length of the step.
        part: $\theta$, in (0, 1].
    """
    time = part * dt
    z = symbol * time
    one, two, three = phi_functions(z)
    bend = part * part * three
    return (
        torch.exp(z),
        time * (one - 3.0 * part * two + 4.0 * bend),
        time * (2.0 * part * two - 4.0 * bend),
        time * (4.0 * bend - part * two),
    )
