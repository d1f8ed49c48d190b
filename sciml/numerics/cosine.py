r"""Real transforms that diagonalise the second difference on one axis: periodic, or with value or slope zero at ends.

With ghost cells that repeat a row of cells, or mirror it evenly (slope zero) or oddly (value zero) about the faces at
its ends, the second difference $(u_{j-1} - 2u_j + u_{j+1})/h^2$ has the eigenvectors below and the eigenvalues
$-(4/h^2) \sin^2(\theta_k/2)$. Each transform costs one real FFT of the axis' length, twice that length where a value
stands at one end and a slope at the other. The FFT runs along contiguous rows and products are real: libraries
round strided and complex ones by their place in memory, and a row's bits would depend on its neighbours.

Reference: Schumann & Sweet (1988), J. Comput. Phys. 75:123-137 (which transform belongs to which ends).
"""

import math
from abc import ABC, abstractmethod

import torch
from jaxtyping import Float
from torch import Tensor


def cosine_transform(x: Float[Tensor, "..."], dim: int) -> Float[Tensor, "..."]:
    r"""$X_k = \sum_j x_j \cos(\pi k (2j+1) / 2n)$ along `dim`, $k = 0, \dots, n-1$ (type II).

    Reference: Makhoul (1980), IEEE Trans. Acoust. Speech Signal Process. 28:27-34: even entries in order, odd ones
    backwards, make it a Fourier transform of the same length.
    """
    x = x.movedim(dim, -1)
    n = x.shape[-1]
    spectrum = torch.fft.rfft(torch.cat([x[..., ::2], x[..., 1::2].flip(-1)], dim=-1).contiguous())
    cos, sin = _quarter_turn(n, x)
    real = spectrum.real * cos + spectrum.imag * sin
    imag = spectrum.imag * cos - spectrum.real * sin
    return torch.cat([real, -imag[..., 1 : (n + 1) // 2].flip(-1)], dim=-1).movedim(-1, dim)


def inverse_cosine_transform(spectrum: Float[Tensor, "..."], dim: int) -> Float[Tensor, "..."]:
    """Inverse of `cosine_transform`."""
    spectrum = spectrum.movedim(dim, -1)
    n = spectrum.shape[-1]
    half = n // 2 + 1
    real = spectrum[..., :half]
    zero = torch.zeros_like(spectrum[..., :1])
    imag = -torch.cat([zero, spectrum[..., 1:].flip(-1)], dim=-1)[..., :half]
    cos, sin = _quarter_turn(n, spectrum)
    turned = torch.complex(real * cos - imag * sin, imag * cos + real * sin)
    folded = torch.fft.irfft(turned.contiguous(), n=n)
    evens = (n + 1) // 2
    back = folded[..., evens:].flip(-1)
    pairs = torch.stack([folded[..., : n // 2], back], dim=-1).flatten(-2)
    x = pairs if n % 2 == 0 else torch.cat([pairs, folded[..., evens - 1 : evens]], dim=-1)
    return x.movedim(-1, dim)


def _quarter_turn(n: int, like: Tensor) -> tuple[Tensor, Tensor]:
    angle = torch.arange(n // 2 + 1, dtype=like.dtype, device=like.device) * (math.pi / (2 * n))
    return angle.cos(), angle.sin()


def _alternating(x: Tensor, dim: int) -> Tensor:
    """The sequence with the sign of its odd entries changed."""
    signs = 1.0 - 2.0 * (torch.arange(x.shape[dim], device=x.device) % 2).to(x.dtype)
    return x * signs.view([-1 if i == dim % x.ndim else 1 for i in range(x.ndim)])


class LineTransform(ABC):
    """Eigenvectors of the second difference on one axis, as a transform and its inverse."""

    @abstractmethod
    def forward(self, x: Float[Tensor, "..."], dim: int) -> Float[Tensor, "..."]: ...

    @abstractmethod
    def backward(self, spectrum: Float[Tensor, "..."], dim: int) -> Float[Tensor, "..."]: ...

    @abstractmethod
    def angles(self, n: int) -> Float[Tensor, " n"]:
        r"""$\theta_k$, float64."""

    def eigenvalues(self, n: int, h: float) -> Float[Tensor, " n"]:
        r"""$-(4/h^2) \sin^2(\theta_k/2)$, in the order of the transform, float64."""
        return -((2.0 / h * torch.sin(0.5 * self.angles(n))) ** 2)


class Fourier(LineTransform):
    r"""Periodic: $\cos(2\pi kj/n)$ for $k = 0, \dots, \lfloor n/2 \rfloor$, then the sines; $\theta_k = 2\pi k/n$."""

    def forward(self, x: Float[Tensor, "..."], dim: int) -> Float[Tensor, "..."]:
        spectrum = torch.fft.rfft(x.movedim(dim, -1).contiguous())
        sines = spectrum.imag[..., 1 : (x.shape[dim] + 1) // 2]
        return torch.cat([spectrum.real, sines], dim=-1).movedim(-1, dim)

    def backward(self, spectrum: Float[Tensor, "..."], dim: int) -> Float[Tensor, "..."]:
        spectrum = spectrum.movedim(dim, -1)
        n = spectrum.shape[-1]
        cosines, sines = spectrum[..., : n // 2 + 1], spectrum[..., n // 2 + 1 :]
        zero = torch.zeros_like(cosines[..., :1])
        imag = torch.cat([zero, sines, zero], dim=-1)[..., : n // 2 + 1]
        return torch.fft.irfft(torch.complex(cosines.contiguous(), imag.contiguous()), n=n).movedim(-1, dim)

    def angles(self, n: int) -> Float[Tensor, " n"]:
        waves = torch.cat([torch.arange(n // 2 + 1), torch.arange(1, (n + 1) // 2)])
        return 2 * math.pi / n * waves.to(torch.float64)


class Cosine(LineTransform):
    r"""Slope zero at both ends: $\cos(\pi k (2j+1) / 2n)$, $\theta_k = \pi k / n$."""

    def forward(self, x: Float[Tensor, "..."], dim: int) -> Float[Tensor, "..."]:
        return cosine_transform(x, dim)

    def backward(self, spectrum: Float[Tensor, "..."], dim: int) -> Float[Tensor, "..."]:
        return inverse_cosine_transform(spectrum, dim)

    def angles(self, n: int) -> Float[Tensor, " n"]:
        return math.pi / n * torch.arange(n, dtype=torch.float64)


class Sine(LineTransform):
    r"""Value zero at both ends: $\sin(\pi (k+1) (2j+1) / 2n)$, $\theta_k = \pi (k+1) / n$."""

    def forward(self, x: Float[Tensor, "..."], dim: int) -> Float[Tensor, "..."]:
        return cosine_transform(_alternating(x, dim), dim).flip(dim)

    def backward(self, spectrum: Float[Tensor, "..."], dim: int) -> Float[Tensor, "..."]:
        return _alternating(inverse_cosine_transform(spectrum.flip(dim), dim), dim)

    def angles(self, n: int) -> Float[Tensor, " n"]:
        return math.pi / n * torch.arange(1, n + 1, dtype=torch.float64)


class QuarterCosine(LineTransform):
    r"""Slope zero at the low end, value zero at the high one: $\cos(\pi (2k+1) (2j+1) / 4n)$.

    $\theta_k = \pi (k + 1/2) / n$. The row continued oddly beyond its high end has twice the length and only odd modes.
    """

    def forward(self, x: Float[Tensor, "..."], dim: int) -> Float[Tensor, "..."]:
        whole = cosine_transform(torch.cat([x, -x.flip(dim)], dim=dim), dim).movedim(dim, -1)
        return (0.5 * whole[..., 1::2]).movedim(-1, dim)

    def backward(self, spectrum: Float[Tensor, "..."], dim: int) -> Float[Tensor, "..."]:
        # The matrix of this transform is symmetric, and its square is n/2 times the identity.
        return 2.0 / spectrum.shape[dim] * self.forward(spectrum, dim)

    def angles(self, n: int) -> Float[Tensor, " n"]:
        return math.pi / n * (torch.arange(n, dtype=torch.float64) + 0.5)


class QuarterSine(QuarterCosine):
    """Value zero at the low end, slope zero at the high one: `QuarterCosine` seen from the other side."""

    def forward(self, x: Float[Tensor, "..."], dim: int) -> Float[Tensor, "..."]:
        return super().forward(x.flip(dim), dim)

    def backward(self, spectrum: Float[Tensor, "..."], dim: int) -> Float[Tensor, "..."]:
        return (2.0 / spectrum.shape[dim] * super().forward(spectrum, dim)).flip(dim)
