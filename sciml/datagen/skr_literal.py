r"""The matrices of a published benchmark of Krylov recycling, with their defects, for comparing iteration counts only.

The paper states $-\nabla\cdot(K\nabla u) = 1$; its released code assembles something else, which `literal_darcy`
reproduces. Three things are wrong with these matrices, and no data should be made of them:

- they apply the five-point Laplacian to $Ku$, not the divergence of a flux: the solution is $L^{-1}b / K$;
- they are nonsymmetric for that reason alone;
- the diagonal below, which couples a point with the one a row before, holds values of $K$ taken two entries too early.

`sciml.solvers.FiniteVolumeElliptic` discretises the equation that is stated.

Reference: Wang et al. (2024), Accelerating data generation for neural operators via Krylov subspace recycling, ICLR.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import scipy.sparse


def literal_field(seed: int, size: int) -> np.ndarray:
    r"""Coefficient $K = e^g$ of one system, `(size, size)`: $g$ is periodic, with $\alpha = 2.5$, $\tau = 7$.

    $g$ is the real part of the inverse transform of complex white noise, of unit variance per mode, times
    $s^2 \sqrt2 \tau^{\alpha-1} (4\pi^2|k|^2 + \tau^2)^{-\alpha/2}$, without its mean.

    Args:
        seed: the system's own.
        size: points per axis, those on the boundary included.
    """
    alpha, tau = 2.5, 7.0
    rng = np.random.default_rng(seed)
    noise = (rng.standard_normal((size, size)) + 1j * rng.standard_normal((size, size))) / np.sqrt(2.0)
    k = np.fft.fftfreq(size, 1.0 / size)
    squares = k[:, None] ** 2 + k[None, :] ** 2
    spectrum = np.sqrt(2.0) * size**2 * tau ** (alpha - 1) * (4 * np.pi**2 * squares + tau**2) ** (-alpha / 2)
    spectrum[0, 0] = 0.0
    return np.exp(np.fft.ifft2(spectrum * noise).real)


def literal_darcy(k: np.ndarray) -> "tuple[scipy.sparse.csr_array, np.ndarray]":
    r"""Matrix and right side as released: $4K_i$ on the diagonal, $-K_j$ off it, $b = h^2$.

    The misplaced values make the matrix indefinite: about six of 10,000 eigenvalues are negative.

    Args:
        k: coefficient at all points, `(s + 2, s + 2)`; the unknowns are the inner ones, row by row.

    Raises:
        ValueError: a field that is not square, or without inner points.
    """
    from scipy.sparse import diags_array

    if k.ndim != 2 or k.shape[0] != k.shape[1] or k.shape[0] < 4:
        raise ValueError(f"k has shape {k.shape}; the benchmark's fields are square, with 4 points per axis or more.")
    s = k.shape[0] - 2
    n, here, above = s * s, k[1:-1, 1:-1].ravel(), k[:-2, 1:-1].ravel()
    right, left = -here[1:].copy(), -here[:-1].copy()
    # No coupling between the end of a row and the start of the next.
    right[s - 1 :: s] = left[s - 1 :: s] = 0.0
    # `above[i]` is the value over point i; the first row has no point over it, and then two entries are missing.
    misplaced = -above[s - 2 : n - 2]
    matrix = diags_array([4 * here, right, left, -here[s:], misplaced], offsets=[0, 1, -1, s, -s], format="csr")
    return matrix, np.full(n, 1.0 / (s - 1) ** 2)
