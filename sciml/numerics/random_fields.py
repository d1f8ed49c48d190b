"""Gaussian random fields drawn by wave number, so that one draw is one function whatever grid it is looked at on."""

import functools
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from sciml.describe import Described
from sciml.fields import Axis, Grid


class GaussianField(Described, ABC):
    r"""Karhunen–Loève series $g(x) = \sum_k \sigma (\lambda_k + \tau^2)^{-\alpha/2} \xi_k e_k(x)$ of normal $\xi_k$.

    $e_k$ are orthonormal eigenfunctions of the Laplacian on the box of the grid, with eigenvalues $-\lambda_k$, and
    products of one-dimensional ones. A draw is the array of all $\xi_k$; it is drawn in shells of the largest index, so
    that neither the grid nor the number of modes changes what the lower modes are.

    Args:
        alpha: decay of the spectrum; larger is smoother.
        tau: inverse correlation length, unit 1/length.
        sigma: amplitude; `None` means the scaling $\tau^{\alpha - d/2}$ of Li et al.
        modes: largest wave number per axis.
        zero_mean: drops the constant mode.

    Reference: Li et al. (2021), Fourier neural operator, appendix A.3; Lord, Powell & Shardlow (2014), ch. 7.
    """

    def __init__(
        self,
        alpha: float = 2.0,
        tau: float = 3.0,
        sigma: float | None = None,
        modes: int = 64,
        zero_mean: bool = True,
    ) -> None:
        if modes < 1:
            raise ValueError(f"modes={modes} must be at least 1.")
        if tau < 0 or (tau == 0 and not zero_mean):
            raise ValueError(f"tau={tau} must be positive (or zero with zero_mean).")
        if sigma is not None and sigma < 0:
            raise ValueError(f"sigma={sigma} must not be negative.")
        self.alpha, self.tau, self.sigma, self.modes, self.zero_mean = alpha, tau, sigma, modes, zero_mean

    @property
    @abstractmethod
    def functions(self) -> int:
        """Number of basis functions per axis."""

    @abstractmethod
    def basis(self, axis: Axis) -> np.ndarray:
        """Basis functions at the points of an axis, `(n, functions)`, orthonormal on its interval."""

    @abstractmethod
    def wavenumbers(self, length: float) -> np.ndarray:
        r"""$\sqrt{\lambda}$ of the basis functions on an interval of that length, `(functions,)`."""

    def draw(self, generators: Sequence[np.random.Generator], dimensions: int) -> np.ndarray:
        r"""The $\xi_k$ of one field per generator, `(b, functions, ...)`; sample `i` depends on its generator alone."""
        shape = (self.functions,) * dimensions
        order = _shells(self.functions, dimensions)
        noise = np.empty((len(generators), math.prod(shape)))
        for row, generator in zip(noise, generators, strict=True):
            row[order] = generator.standard_normal(row.size)
        return noise.reshape(-1, *shape)

    def evaluate(self, noise: np.ndarray, grid: Grid) -> np.ndarray:
        """The fields of `draw` at the points of any grid of the same box, `(b, *s)`, float64."""
        # The axis of length one keeps the samples apart: a product over all of them would round by their number.
        field = (noise * self.amplitudes(grid)).reshape(len(noise), 1, *noise.shape[1:])
        for axis in grid.axes:
            # Contracts the first mode axis and appends its points, so that axes come out in their order.
            field = np.moveaxis(field, 2, -1) @ self.basis(axis).T
        return field[:, 0]

    def amplitudes(self, grid: Grid) -> np.ndarray:
        r"""Standard deviation of the coefficients, $\sigma (\lambda_k + \tau^2)^{-\alpha/2}$, `(functions, ...)`."""
        sigma = self.tau ** (self.alpha - grid.dimensions / 2) if self.sigma is None else self.sigma
        squares = np.zeros([1] * grid.dimensions)
        for i, axis in enumerate(grid.axes):
            k = self.wavenumbers(axis.length)
            squares = squares + (k**2).reshape([-1 if j == i else 1 for j in range(grid.dimensions)])
        flat = squares.reshape(-1) + self.tau**2
        if self.zero_mean:
            flat[0] = np.inf
        return sigma * (flat ** (-0.5 * self.alpha)).reshape(squares.shape)

    def sample(self, generators: Sequence[np.random.Generator], grid: Grid) -> np.ndarray:
        """Draws and evaluates: one field per generator, `(b, *s)`."""
        return self.evaluate(self.draw(generators, grid.dimensions), grid)


class PeriodicField(GaussianField):
    r"""Stationary field on a torus: $1, \sqrt2\cos(2\pi kx/P), \sqrt2\sin(2\pi kx/P)$ per axis (over $\sqrt P$)."""

    @property
    def functions(self) -> int:
        return 2 * self.modes + 1

    def wavenumbers(self, length: float) -> np.ndarray:
        return 2 * math.pi / length * ((np.arange(self.functions) + 1) // 2)

    def basis(self, axis: Axis) -> np.ndarray:
        return _waves(axis, self.modes)


class NeumannField(GaussianField):
    r"""Field with zero normal derivative on the box: $1, \sqrt2\cos(\pi kx/P)$ per axis (over $\sqrt P$)."""

    @property
    def functions(self) -> int:
        return self.modes + 1

    def wavenumbers(self, length: float) -> np.ndarray:
        return math.pi / length * np.arange(self.functions)

    def basis(self, axis: Axis) -> np.ndarray:
        return _cosines(axis, self.modes)


@functools.lru_cache(maxsize=8)
def _waves(axis: Axis, modes: int) -> np.ndarray:
    k = (np.arange(2 * modes + 1) + 1) // 2
    phase = 2 * math.pi / axis.length * np.outer(axis.coords - axis.low, k)
    values = np.sqrt(2.0 / axis.length) * np.where(np.arange(len(k)) % 2, np.cos(phase), np.sin(phase))
    values[:, 0] = math.sqrt(1.0 / axis.length)
    return values


@functools.lru_cache(maxsize=8)
def _cosines(axis: Axis, modes: int) -> np.ndarray:
    phase = math.pi / axis.length * np.outer(axis.coords - axis.low, np.arange(modes + 1))
    values = np.sqrt(2.0 / axis.length) * np.cos(phase)
    values[:, 0] = math.sqrt(1.0 / axis.length)
    return values


@functools.lru_cache(maxsize=8)
def _shells(functions: int, dimensions: int) -> np.ndarray:
    """Flat positions of all modes, sorted by their largest index: fewer modes are a prefix of more."""
    indices = np.indices((functions,) * dimensions).reshape(dimensions, -1)
    return np.lexsort((*indices[::-1], indices.max(axis=0)))
