"""Fields that other layouts want of a flow and that follow from what is stored."""

import math

import numpy as np

from sciml.fields import Grid


def velocity_of(vorticity: np.ndarray, grid: Grid, mean: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    r"""Velocity $U + (\psi_y, -\psi_x)$ with $-\Delta\psi = \omega$, by Fourier transforms on a periodic grid.

    Args:
        vorticity: $\omega$, `(..., nx, ny)`.
        grid: two uniform periodic axes.
        mean: $U$.

    Returns:
        `(..., 2, nx, ny)`, float64.
    """
    shape, (x, y) = grid.shape, grid.axes
    kx = (2 * math.pi / x.length * np.fft.fftfreq(x.n, 1 / x.n))[:, None]
    ky = 2 * math.pi / y.length * np.fft.rfftfreq(y.n, 1 / y.n)
    squares = kx**2 + ky**2
    stream = np.fft.rfft2(vorticity.astype("float64")) / np.where(squares > 0, squares, np.inf)
    # The derivative of the highest mode of an even axis is no real wave on the grid.
    kx = np.where(np.abs(kx) == math.pi * x.n / x.length, 0.0, kx)
    ky = np.where(np.abs(ky) == math.pi * y.n / y.length, 0.0, ky)
    parts = (np.fft.irfft2(1j * ky * stream, s=shape), np.fft.irfft2(-1j * kx * stream, s=shape))
    return np.stack([u + m for u, m in zip(parts, mean, strict=True)], axis=-3)


def total_energy(density: np.ndarray, velocity: np.ndarray, pressure: np.ndarray, gamma: float) -> np.ndarray:
    r"""$E = p / (\Gamma - 1) + \rho |v|^2 / 2$ of an ideal gas, float64; all arrays are `(n, t, c, *s)`."""
    squares = np.square(velocity.astype("float64")).sum(axis=2, keepdims=True)
    return pressure / (gamma - 1) + 0.5 * density * squares
