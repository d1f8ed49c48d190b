r"""Random flows without divergence on the periodic plane, as vorticity and as velocity of the same stream function.

$\omega = \partial_x v - \partial_y u = -\Delta\psi$, $u = \partial_y \psi$, $v = -\partial_x \psi$, all from the
Fourier coefficients of $\omega$, so that a state is one function on every grid and in either form of the equations.
"""

import math
from abc import abstractmethod

import numpy as np

from sciml.datagen.boxes import block_index, fourier_series, unit_coordinates
from sciml.datagen.samplers import Count, Range, StateSampler, draw_count, interval
from sciml.fields import Axis, Grid

Spectrum = tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]


def flow_of(spectrum: Spectrum, grid: Grid) -> dict[str, np.ndarray]:
    r"""Vorticity and velocity of the coefficients $\hat\omega_k$, and the integers $k$ per axis that they belong to.

    $\omega = \mathrm{Re} \sum_k \hat\omega_k e^{2\pi i k \cdot \xi}$; its mean is left out.
    """
    vorticity, k = spectrum
    kx, ky = np.ix_(*(2 * math.pi * n / axis.length for n, axis in zip(k, grid.axes, strict=True)))
    squares = kx**2 + ky**2
    vorticity = np.where(squares > 0, vorticity, 0.0)
    stream = vorticity / np.where(squares > 0, squares, 1.0)
    parts = {"vorticity": vorticity, "velocity_x": 1j * ky * stream, "velocity_y": -1j * kx * stream}
    return {name: fourier_series(part, k, grid) for name, part in parts.items()}


class VorticitySampler(StateSampler):
    """A periodic flow in two dimensions: components `vorticity`, `velocity_x` and `velocity_y`."""

    def components(self, generator: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
        if grid.dimensions != 2:
            raise ValueError(f"{type(self).__name__} is meant in 2 dimensions; the grid has {grid.dimensions}.")
        return self.flow(generator, grid)

    @abstractmethod
    def flow(self, generator: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
        """The three components on a grid in two dimensions."""


class VortexSum(VorticitySampler):
    r"""$\omega = \sum_{i=1}^{n} \frac{\alpha_i}{\sigma_i} \exp\left(-|x - x_i|^2 / (2\sigma_i^2)\right)$, with images.

    Published (Poseidon's NS-Gauss), on the unit square: $n = 100$, $\alpha \in [-1, 1]$, $\sigma \in [0.01, 0.1]$,
    centres anywhere, all uniform. The mean of the vorticity, which a periodic flow cannot have, is left out. Wave
    numbers go up to where the narrowest vortex is below the rounding of double precision.

    Args:
        count: $n$, or its distribution.
        strength: ends of $\alpha$.
        width: ends of $\sigma > 0$, unit of length.

    Reference: Herde et al. (2024), Poseidon, arXiv:2405.19101, appendix B.1.
    """

    def __init__(self, count: Count = 100, strength: Range = (-1.0, 1.0), width: Range = (0.01, 0.1)) -> None:
        self.count, self.strength, self.width = count, interval("strength", strength), interval("width", width)
        if self.width[0] <= 0:
            raise ValueError(f"width={width!r} must be positive.")

    def flow(self, generator: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
        n = draw_count(self.count, generator)
        strength, width = generator.uniform(*self.strength, size=n), generator.uniform(*self.width, size=n)
        centres = generator.random((2, n))
        k = tuple(self._numbers(axis) for axis in grid.axes)
        factors = [
            self._factor(width / axis.length, c, numbers)
            for axis, c, numbers in zip(grid.axes, centres, k, strict=True)
        ]
        return flow_of(((factors[0] * (strength / width)[:, None]).T @ factors[1], (k[0], k[1])), grid)

    def _numbers(self, axis: Axis) -> np.ndarray:
        """Integers up to where $e^{-(2\\pi k \\sigma / L)^2 / 2}$ is $10^{-16}$ for the smallest $\\sigma$."""
        largest = math.ceil(math.sqrt(2 * 16 * math.log(10)) * axis.length / (2 * math.pi * self.width[0]))
        return np.arange(-largest, largest + 1)

    def _factor(self, width: np.ndarray, centre: np.ndarray, k: np.ndarray) -> np.ndarray:
        """Fourier coefficients along one axis of Gaussians with all their images; lengths are fractions, `(n, k)`."""
        decay = np.exp(-((2 * math.pi * np.outer(width, k)) ** 2) / 2)
        return math.sqrt(2 * math.pi) * width[:, None] * decay * np.exp(-2j * math.pi * np.outer(centre, k))


class PiecewiseVorticity(VorticitySampler):
    r"""$\omega = c_{ij}$ in the blocks of a box that is cut into $p \times p$ equal ones, less its mean.

    Published (Poseidon's NS-PwC): $p = 10$, $c_{ij} \in [-1, 1]$ uniform. The vorticity is exact; the velocity is that
    of its Fourier series up to the wave number `modes`, with an error of first order where the vorticity jumps.

    Args:
        blocks: $p$, parts per axis.
        vorticity: ends of $c_{ij}$.
        modes: largest wave number of the velocity.

    Reference: Herde et al. (2024), Poseidon, arXiv:2405.19101, appendix B.2.
    """

    def __init__(self, blocks: int = 10, vorticity: Range = (-1.0, 1.0), modes: int = 256) -> None:
        if blocks < 1 or modes < 1:
            raise ValueError(f"blocks={blocks} and modes={modes} must be at least 1.")
        self.blocks, self.vorticity, self.modes = blocks, interval("vorticity", vorticity), modes

    def flow(self, generator: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
        values = generator.uniform(*self.vorticity, size=(self.blocks, self.blocks))
        values -= values.mean()
        k = np.arange(-self.modes, self.modes + 1)
        # Integral of exp(-2 pi i k xi) over one block around its middle.
        middles = (np.arange(self.blocks) + 0.5) / self.blocks
        factor = np.sinc(k / self.blocks) / self.blocks * np.exp(-2j * math.pi * np.outer(middles, k))
        where = np.ix_(*(block_index(unit_coordinates(a), self.blocks) for a in grid.axes))
        return {**flow_of((factor.T @ values @ factor, (k, k)), grid), "vorticity": values[where]}


class SineVortices(VorticitySampler):
    r"""Velocity of sine modes, $u = \sum_{i,j=1}^{p} a_{ij}\,\frac{j(i+j)}{i^2+j^2} \sin X_{ij} \sin Y_{ij}$,
    $v = \sum_{i,j} a_{ij}\,\frac{i(i+j)}{i^2+j^2} \cos X_{ij} \cos Y_{ij}$.

    $X_{ij} = 2\pi i \xi_x + \beta_{ij}$, $Y_{ij} = 2\pi j \xi_y + \gamma_{ij}$, $a_{ij} = \alpha_{ij} / \sqrt{2\pi(i +
    j)}$ on a square box. Published (Poseidon's NS-Sines): the same sums without the two fractions, $p = 10$, $\alpha
    \in [-1, 1]$, $\beta, \gamma \in [0, 2\pi]$, all uniform. That field has a divergence where $i \ne j$; our reading
    is its projection on fields without one, which is what the fractions do, and $\omega = -\frac{2\pi}{L} \sum_{i,j} (i
    + j)\,a_{ij} \sin X_{ij} \cos Y_{ij}$.

    Args:
        modes: $p$.
        amplitude: ends of $\alpha$.

    Reference: Herde et al. (2024), Poseidon, arXiv:2405.19101, appendix B.1.
    """

    def __init__(self, modes: int = 10, amplitude: Range = (-1.0, 1.0)) -> None:
        if modes < 1:
            raise ValueError(f"modes={modes} must be at least 1.")
        self.modes, self.amplitude = modes, interval("amplitude", amplitude)

    def flow(self, generator: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
        length = grid.axes[0].length
        if not math.isclose(length, grid.axes[-1].length):
            raise ValueError(f"SineVortices is meant on a square; the grid is {length} by {grid.axes[-1].length}.")
        p = self.modes
        alpha = generator.uniform(*self.amplitude, size=(p, p))
        beta, gamma = 2 * math.pi * generator.random((2, p, p))
        i, j = np.ix_(np.arange(1, p + 1), np.arange(1, p + 1))
        scale = -2 * math.pi / length * (i + j) * alpha / np.sqrt(2 * math.pi * (i + j))
        # sin X cos Y = (sin(X + Y) + sin(X - Y)) / 2, and sin(theta) is the real part of -i exp(i theta).
        found = np.zeros((p, 2 * p + 1), dtype=complex)
        found[:, p + 1 :] = -0.5j * scale * np.exp(1j * (beta + gamma))
        found[:, p - 1 :: -1] = -0.5j * scale * np.exp(1j * (beta - gamma))
        return flow_of((found, (np.arange(1, p + 1), np.arange(-p, p + 1))), grid)
