"""Wave numbers of periodic grids, in the half layout of the real FFT."""

import math

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from sciml.fields import Axis, Grid


def wavenumbers(axis: Axis, *, half: bool = False, device: torch.device | str = "cpu") -> Float[Tensor, " k"]:
    r"""Angular wave numbers $k_j = 2\pi j / P$ of a periodic axis, float64, in FFT order.

    Args:
        axis: a periodic axis of length $P$.
        half: the non-negative half, as `torch.fft.rfft` returns it.

    Raises:
        ValueError: the axis is not periodic or not uniform.
    """
    if axis.kind != "periodic" or axis.points is not None:
        raise ValueError(f"an axis of kind {axis.kind!r} has no Fourier wave numbers; a uniform periodic one has.")
    frequencies = torch.fft.rfftfreq if half else torch.fft.fftfreq
    return frequencies(axis.n, d=1.0 / axis.n, dtype=torch.float64, device=device) * (2 * math.pi / axis.length)


def wave_vectors(grid: Grid, device: torch.device | str = "cpu") -> tuple[Float[Tensor, "..."], ...]:
    """Wave numbers per axis, each shaped to broadcast over the spectrum that `torch.fft.rfftn` returns."""
    last = grid.dimensions - 1
    vectors = [wavenumbers(axis, half=i == last, device=device) for i, axis in enumerate(grid.axes)]
    return tuple(v.view([-1 if j == i else 1 for j in range(grid.dimensions)]) for i, v in enumerate(vectors))


def derivative_symbol(
    grid: Grid, counts: tuple[int, ...], device: torch.device | str = "cpu"
) -> Complex[Tensor, "..."]:
    r"""$\prod_a (i k_a)^{m_a}$ over the half spectrum; broadcastable, complex128.

    At the Nyquist wave number of an even axis the odd derivatives of a real field are not representable: there the
    symbol of an odd $m_a$ is zero, which keeps the result real.
    """
    symbol = torch.ones([1] * grid.dimensions, dtype=torch.complex128, device=device)
    for axis, k, order in zip(grid.axes, wave_vectors(grid, device), counts, strict=True):
        if order == 0:
            continue
        factor = (1j * k) ** order
        if order % 2 and axis.n % 2 == 0:
            factor = torch.where(k.abs() == math.pi * axis.n / axis.length, 0.0, factor)
        symbol = symbol * factor
    return symbol


def inverse_laplacian_symbol(grid: Grid, device: torch.device | str = "cpu") -> Float[Tensor, "*k"]:
    r"""$-1/|k|^2$ over the half spectrum, float64; zero for the mean, which the Laplacian does not see."""
    square = sum(k**2 for k in wave_vectors(grid, device))
    assert isinstance(square, Tensor)
    return torch.where(square == 0, 0.0, -1.0 / torch.where(square == 0, 1.0, square))
