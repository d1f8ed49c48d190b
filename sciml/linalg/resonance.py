"""A constant-coefficient operator that knows the actual coefficient where it is nearly singular."""

import functools
from collections.abc import Callable

import numpy as np

from sciml.linalg.fast_poisson import FastPoisson
from sciml.linalg.stencil import Stencil


def near_resonance(poisson: FastPoisson, a: Stencil, count: int) -> Callable[[np.ndarray], np.ndarray]:
    r"""Applies $(L + \bar q)^{-1}$, and $(\Phi^T A \Phi)^{-1}$ on the modes $\Phi$ whose eigenvalues are next to zero.

    $A = L + q$ with constant couplings. Of two modes, products are sums of two cosines, $\sin a \sin b = \frac12(\cos(a
    - b) - \cos(a + b))$, so that all entries of the Galerkin matrix are found in one cosine transform of $q$.

    Args:
        poisson: $L$ and the mean $\bar q$ as its shift.
        a: the matrix.
        count: number of modes.

    Raises:
        ValueError: couplings that vary, or not two axes.
        LinAlgError: the Galerkin matrix is singular.
    """
    if len(a.shape) != 2 or not (a.symmetric and a.constant_couplings):
        raise ValueError("resonant modes need a symmetric stencil of two axes with constant couplings.")
    values = poisson.eigenvalues
    nearest = np.argsort(np.abs(values), axis=None, kind="stable")[:count]
    galerkin = np.diag(values.ravel()[nearest]) + _galerkin(poisson, a.diagonal - poisson.diagonal, nearest)
    small = np.linalg.inv(galerkin)
    rest = poisson.inverse_eigenvalues

    def apply(r: np.ndarray) -> np.ndarray:
        modes = poisson.transform(r.reshape(a.shape), forward=True).reshape(-1)
        chosen = small @ modes[nearest]
        modes = modes * rest.reshape(-1)
        modes[nearest] = chosen
        return poisson.transform(modes.reshape(a.shape), forward=False, overwrite=True).reshape(-1)

    return apply


def _galerkin(poisson: FastPoisson, q: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    r"""$\langle \varphi_i, q \varphi_j \rangle$ of the chosen modes."""
    (x, sign_x, size_x), (y, sign_y, size_y) = (_cosines(poisson, axis) for axis in (0, 1))
    sums = x @ q @ y.T
    i, j = np.unravel_index(chosen, q.shape)
    (low_i, high_i), (low_j, high_j) = _sums(poisson, 0, i), _sums(poisson, 1, j)
    total = sums[low_i, low_j] + sign_x * sums[high_i, low_j] + sign_y * sums[low_i, high_j]
    total = 0.25 * (total + sign_x * sign_y * sums[high_i, high_j])
    weight = size_x[i] * size_y[j]
    return weight[:, None] * total * weight


def _sums(poisson: FastPoisson, axis: int, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Differences and sums of the wave numbers of all pairs, which are integers."""
    k = poisson.wavenumbers(axis)[index]
    return np.abs(k[:, None] - k).round().astype(int), (k[:, None] + k).round().astype(int)


def _cosines(poisson: FastPoisson, axis: int) -> tuple[np.ndarray, float, np.ndarray]:
    r"""$\cos \pi m \xi$ for all sums of wave numbers, the sign of the sum, and what normalises the modes."""
    points, k = poisson.points(axis), poisson.wavenumbers(axis)
    # Modes vanish at a lower Dirichlet wall: sines; all others are cosines.
    sign = -1.0 if poisson.walls[axis][0] else 1.0
    table = _table(tuple(points.tolist()), round(2 * k[-1]) + 1)
    squares = 0.5 * (len(points) + sign * table[(2 * k).round().astype(int)].sum(axis=1))
    return table, sign, 1.0 / np.sqrt(squares)


@functools.lru_cache(maxsize=8)
def _table(points: tuple[float, ...], count: int) -> np.ndarray:
    return np.cos(np.pi * np.outer(np.arange(count), points))
