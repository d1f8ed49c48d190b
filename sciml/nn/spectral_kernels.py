r"""Truncated Fourier transforms of real fields on `(b, *s, c)`: by FFT, or by matrix products.

Kept modes of an axis with `n` modes: a leading axis keeps $-\lfloor n/2\rfloor \dots \lceil n/2\rceil - 1$, stored in
the order $0, 1, \dots, -1, -2, \dots$; the last axis keeps $0 \dots \lfloor n/2\rfloor$, all that a real field needs.
A coarser grid keeps what it can represent of these.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    Size = int
else:
    # The length of an axis is a symbol while a graph with dynamic sizes is exported.
    Size = int | torch.SymInt


def signed_counts(n: int, size: Size) -> tuple[Size, Size]:
    """How many modes `0, 1, ...` and how many modes `-1, -2, ...` of `n` a grid of `size` points holds."""
    if size >= n:
        return n - n // 2, n // 2
    return (size + 1) // 2, size // 2


def half_count(n: int, size: Size) -> Size:
    """How many of the modes `0 ... n // 2` a grid of `size` points holds."""
    return n // 2 + 1 if size >= n else size // 2 + 1


class Transform(ABC):
    """Analysis and synthesis on one grid. Coefficients are real and imaginary part, `(2, b, *k, c)`.

    $\\hat u_k = \\frac1N \\sum_j u_j e^{-2\\pi i\\, k\\cdot j/N}$, so that mode 0 is the mean.
    """

    @abstractmethod
    def analyse(self, u: Float[Tensor, "b *s c"]) -> Float[Tensor, "2 b *k c"]: ...

    @abstractmethod
    def synthesise(self, coefficients: Float[Tensor, "2 b *k c"]) -> Float[Tensor, "b *s c"]: ...


class SpectralKernel(ABC):
    """A way to compute truncated Fourier transforms; the same weights serve every kernel."""

    @abstractmethod
    def plan(self, sizes: Sequence[Size], modes: Sequence[int], like: Tensor) -> Transform:
        """The transform on a grid of `sizes` points that keeps `modes`, in dtype and on the device of `like`."""


@dataclass(frozen=True)
class FFT(SpectralKernel):
    """Fast Fourier transforms, axis by axis, cut after each; best when many modes are kept."""

    def plan(self, sizes: Sequence[Size], modes: Sequence[int], like: Tensor) -> Transform:
        return _FFTTransform(tuple(sizes), tuple(modes))


class _FFTTransform(Transform):
    def __init__(self, sizes: tuple[Size, ...], modes: tuple[int, ...]) -> None:
        self.sizes, self.modes, self.last = sizes, modes, len(sizes)

    def analyse(self, u: Float[Tensor, "b *s c"]) -> Float[Tensor, "2 b *k c"]:
        v = torch.fft.rfft(u, dim=self.last, norm="forward").narrow(
            self.last, 0, half_count(self.modes[-1], self.sizes[-1])
        )
        for axis in range(1, self.last):
            p, m = signed_counts(self.modes[axis - 1], self.sizes[axis - 1])
            v = torch.fft.fft(v, dim=axis, norm="forward")
            negative = v.narrow(axis, self.sizes[axis - 1] - m, m).flip(axis)
            v = torch.cat([v.narrow(axis, 0, p), negative], dim=axis)
        return torch.stack([v.real, v.imag])

    def synthesise(self, coefficients: Float[Tensor, "2 b *k c"]) -> Float[Tensor, "b *s c"]:
        v = torch.complex(coefficients[0], coefficients[1])
        for axis in range(1, self.last):
            size = self.sizes[axis - 1]
            p, m = signed_counts(self.modes[axis - 1], size)
            shape = [*v.shape[:axis], size - p - m, *v.shape[axis + 1 :]]
            negative = v.narrow(axis, p, m).flip(axis)
            v = torch.cat([v.narrow(axis, 0, p), v.new_zeros(shape), negative], dim=axis)
            v = torch.fft.ifft(v, dim=axis, norm="forward")
        size, kept = self.sizes[-1], half_count(self.modes[-1], self.sizes[-1])
        v = torch.cat([v, v.new_zeros([*v.shape[:-2], size // 2 + 1 - kept, v.shape[-1]])], dim=self.last)
        return torch.fft.irfft(v, n=size, dim=self.last, norm="forward")


@dataclass(frozen=True)
class DFT(SpectralKernel):
    """Products with cosine and sine matrices; the cost per grid point grows with the kept modes, not with the grid.

    Leading axes are contracted in real arithmetic: with $C$ and $S$ the cosine and sine sums of wave number $j$, mode
    $j$ is $C - iS$ and mode $-j$ is $C + iS$, half the work of one complex row per mode.
    """

    def plan(self, sizes: Sequence[Size], modes: Sequence[int], like: Tensor) -> Transform:
        return _DFTTransform(tuple(sizes), tuple(modes), like)


def _angles(rows: Size, size: Size, like: Tensor) -> Float[Tensor, "k s"]:
    k = torch.arange(rows, device=like.device)
    j = torch.arange(size, device=like.device)
    # The product is reduced modulo the size in integers: large angles would lose digits.
    return (k[:, None] * j[None, :] % size).to(torch.float64) * (2 * math.pi / size)


def _contract(matrix: Float[Tensor, "r s"], v: Float[Tensor, "..."], axis: int) -> Float[Tensor, "..."]:
    """Applies `matrix` along `axis` of a contiguous `v`, as one batched product without a transposed copy."""
    batch = math.prod(v.shape[:axis])
    flat = v.reshape(batch, v.shape[axis], math.prod(v.shape[axis + 1 :]))
    out = torch.bmm(matrix.expand(batch, *matrix.shape), flat)
    return out.reshape(*v.shape[:axis], matrix.shape[0], *v.shape[axis + 1 :])


class _DFTTransform(Transform):
    def __init__(self, sizes: tuple[Size, ...], modes: tuple[int, ...], like: Tensor) -> None:
        self.sizes = sizes
        self.counts = [signed_counts(n, s) for n, s in zip(modes[:-1], sizes[:-1], strict=True)]
        self.forward, self.backward = [], []
        for (_, m), size in zip(self.counts, sizes[:-1], strict=True):
            angle = _angles(m + 1, size, like)
            rows = torch.cat([angle.cos(), angle.sin()])
            self.forward.append((rows / size).to(like.dtype))
            self.backward.append(rows.T.contiguous().to(like.dtype))
        angle = _angles(half_count(modes[-1], sizes[-1]), sizes[-1], like)
        rows = torch.cat([angle.cos(), -angle.sin()])
        # Modes 0 and N/2 are their own conjugates; every other one stands for two.
        k = torch.arange(angle.shape[0], device=like.device)
        twice = torch.where(2 * k % sizes[-1] == 0, 1.0, 2.0).to(torch.float64).repeat(2)
        self.forward.append((rows / sizes[-1]).to(like.dtype))
        self.backward.append((rows * twice[:, None]).T.contiguous().to(like.dtype))

    def analyse(self, u: Float[Tensor, "b *s c"]) -> Float[Tensor, "2 b *k c"]:
        d = len(self.sizes)
        for axis, matrix in enumerate(self.forward, start=1):
            u = _contract(matrix, u, axis)
        re, im = u.chunk(2, dim=d)
        for axis, (p, m) in enumerate(self.counts, start=1):
            (c_re, s_re), (c_im, s_im) = re.split(m + 1, dim=axis), im.split(m + 1, dim=axis)
            re = torch.cat([(c_re + s_im).narrow(axis, 0, p), (c_re - s_im).narrow(axis, 1, m)], dim=axis)
            im = torch.cat([(c_im - s_re).narrow(axis, 0, p), (c_im + s_re).narrow(axis, 1, m)], dim=axis)
        return torch.stack([re, im])

    def synthesise(self, coefficients: Float[Tensor, "2 b *k c"]) -> Float[Tensor, "b *s c"]:
        d = len(self.sizes)
        re, im = coefficients[0], coefficients[1]
        for axis, (p, m) in enumerate(self.counts, start=1):
            (a_re, b_re), (a_im, b_im) = (_paired(part, axis, p, m) for part in (re, im))
            re = torch.cat([a_re + b_re, b_im - a_im], dim=axis)
            im = torch.cat([a_im + b_im, a_re - b_re], dim=axis)
        u = torch.cat([re, im], dim=d)
        for axis in range(d, 0, -1):
            u = _contract(self.backward[axis - 1], u, axis)
        return u


def _paired(part: Tensor, axis: int, p: Size, m: Size) -> tuple[Tensor, Tensor]:
    """Modes $+j$ and $-j$ side by side for $j = 0 \\dots m$, with zeros where one is not kept."""
    behind = 2 * (part.ndim - 1 - axis)
    plus, minus = part.narrow(axis, 0, p), part.narrow(axis, p, m)
    return functional.pad(plus, [0] * behind + [0, m + 1 - p]), functional.pad(minus, [0] * behind + [1, 0])


@dataclass(frozen=True)
class Auto(SpectralKernel):
    """Matrix products while few modes are kept, FFT beyond.

    The cost of both per grid point hardly depends on the grid, so that the modes alone decide, and an exported graph
    stays dynamic. On a CPU the two break even at 64 modes an axis, from 64 x 64 to 256 x 256 and for 8192 points.

    Args:
        most: largest count of kept modes on any axis for which the matrices are used.
    """

    most: int = 64

    def plan(self, sizes: Sequence[Size], modes: Sequence[int], like: Tensor) -> Transform:
        kernel = DFT() if max(modes) <= self.most else FFT()
        return kernel.plan(sizes, modes, like)
