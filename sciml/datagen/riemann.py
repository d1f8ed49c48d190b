"""Initial states of a gas with jumps: constant states in blocks, in curved pieces, left and right, and shear layers."""

import math

import numpy as np

from sciml.datagen.boxes import block_index, fourier_series, meshgrid
from sciml.datagen.samplers import Range, StateSampler, interval
from sciml.fields import Grid


def gas(density: np.ndarray, velocity: np.ndarray, pressure: np.ndarray, grid: Grid) -> dict[str, np.ndarray]:
    """Components of a gas by name; `velocity` is `(d, ...)`, and everything is spread over the grid."""
    parts = {"density": density, **{f"velocity_{n}": v for n, v in zip(grid.names, velocity, strict=True)}}
    return {name: np.array(np.broadcast_to(a, grid.shape)) for name, a in {**parts, "pressure": pressure}.items()}


class _Pieces(StateSampler):
    """Constant states, uniform between given ends, in the pieces that a subclass cuts the box into.

    Args:
        blocks: pieces per axis.
        density: ends of the density, positive.
        velocity: ends of each component of the velocity.
        pressure: ends of the pressure, positive.
    """

    def __init__(self, blocks: int, density: Range, velocity: Range, pressure: Range) -> None:
        if blocks < 1:
            raise ValueError(f"blocks={blocks} must be at least 1.")
        self.blocks, self.velocity = blocks, interval("velocity", velocity)
        self.density, self.pressure = interval("density", density), interval("pressure", pressure)
        if self.density[0] <= 0 or self.pressure[0] <= 0:
            raise ValueError(f"density={density!r} and pressure={pressure!r} must be positive.")

    def states(self, generator: np.random.Generator, d: int, pieces: tuple[int, ...]) -> tuple[np.ndarray, ...]:
        """Density, velocity `(d, ...)` and pressure of each piece."""
        density = generator.uniform(*self.density, size=pieces)
        velocity = generator.uniform(*self.velocity, size=(d, *pieces))
        return density, velocity, generator.uniform(*self.pressure, size=pieces)


class RiemannPartition(_Pieces):
    r"""Constant states in $p \times p$ equal blocks of the box: Riemann problems at every face and corner.

    Published (Poseidon's CE-RP), on the periodic unit square: $p = 2$; uniform and independent per block,
    $\rho \in [0.1, 1]$, $v_x, v_y \in [-1, 1]$, $p \in [0.1, 1]$.

    Args:
        blocks: $p$, pieces per axis.
        density: ends of the density, positive.
        velocity: ends of each component of the velocity.
        pressure: ends of the pressure, positive.

    Reference: Herde et al. (2024), Poseidon, arXiv:2405.19101, appendix B.1.
    """

    def __init__(
        self, blocks: int = 2, density: Range = (0.1, 1.0), velocity: Range = (-1.0, 1.0), pressure: Range = (0.1, 1.0)
    ) -> None:
        super().__init__(blocks, density, velocity, pressure)

    def components(self, generator: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
        d = grid.dimensions
        density, velocity, pressure = self.states(generator, d, (self.blocks,) * d)
        where = tuple(block_index(xi, self.blocks) for xi in meshgrid(grid))
        return gas(density[where], np.stack([v[where] for v in velocity]), pressure[where], grid)


class CurvedRiemann(_Pieces):
    r"""Constant states in $p \times p$ pieces, whose displaced coordinates $\{\xi_a + \sigma_a(\xi)\}$ share a block.

    $\sigma_a(\xi) = \sum_{i,j=1}^{m} \alpha_{a,ij} \sin(2\pi(i \xi_x + j \xi_y + \beta_{a,ij}))$, two dimensions.
    Published (Poseidon's CE-CRP): $\alpha \in [-0.1, 0.1]$, $\beta \in [0, 1]$, states as in `RiemannPartition`. Our
    reading: the numbers of blocks and of modes are not published and are 2 and 3 here, and the factor $2\pi$, printed
    before $i x$ alone, belongs before the whole phase, without which $\sigma_a$ would not be periodic. CE-RPUI has the
    wave numbers $i + 2m^2$, $j + 2m^2$ (`offset`), $\alpha \in [-0.01, 0.01]$, and the states $\rho \in [1, 3]$, $v \in
    [-10, 10]$, $p \in [5, 7]$.

    Args:
        blocks: $p$, pieces per axis.
        modes: $m$.
        amplitude: largest $|\alpha|$.
        offset: added to every wave number.
        density: ends of the density, positive.
        velocity: ends of each component of the velocity.
        pressure: ends of the pressure, positive.

    Reference: Herde et al. (2024), Poseidon, arXiv:2405.19101, appendices B.1 and B.2.
    """

    def __init__(
        self,
        blocks: int = 2,
        modes: int = 3,
        amplitude: float = 0.1,
        offset: int = 0,
        density: Range = (0.1, 1.0),
        velocity: Range = (-1.0, 1.0),
        pressure: Range = (0.1, 1.0),
    ) -> None:
        super().__init__(blocks, density, velocity, pressure)
        if modes < 1 or offset < 0 or amplitude < 0:
            raise ValueError(f"modes={modes} must be at least 1, offset={offset} and amplitude={amplitude} not < 0.")
        self.modes, self.amplitude, self.offset = modes, amplitude, offset

    def components(self, generator: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
        if grid.dimensions != 2:
            raise ValueError(f"CurvedRiemann is meant in 2 dimensions; the grid has {grid.dimensions}.")
        density, velocity, pressure = self.states(generator, 2, (self.blocks, self.blocks))
        k = np.arange(1, self.modes + 1) + self.offset
        where = []
        for xi in meshgrid(grid):
            alpha = generator.uniform(-self.amplitude, self.amplitude, size=(self.modes, self.modes))
            beta = generator.random((self.modes, self.modes))
            # sin(theta) is the real part of -i exp(i theta).
            moved = xi + fourier_series(-1j * alpha * np.exp(2j * math.pi * beta), (k, k), grid)
            where.append(block_index(np.mod(moved, 1.0), self.blocks))
        piece = tuple(where)
        return gas(density[piece], np.stack([v[piece] for v in velocity]), pressure[piece], grid)


class ShockTube(_Pieces):
    r"""Two constant states, left and right of a plane $\xi_x = s$: a Riemann problem.

    Published (PDEBench, "shock tube"): states and place of the jump are random. Our reading of the ranges, which are
    not published: those of `RiemannPartition`, and $s \in [0.25, 0.75]$.

    Args:
        place: ends of $s$, a fraction of the first axis.
        density: ends of the density, positive.
        velocity: ends of each component of the velocity.
        pressure: ends of the pressure, positive.

    Reference: Takamoto et al. (2022), PDEBench, arXiv:2210.07182, appendix D.
    """

    def __init__(
        self,
        place: Range = (0.25, 0.75),
        density: Range = (0.1, 1.0),
        velocity: Range = (-1.0, 1.0),
        pressure: Range = (0.1, 1.0),
    ) -> None:
        super().__init__(1, density, velocity, pressure)
        self.place = interval("place", place)

    def components(self, generator: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
        place = generator.uniform(*self.place)
        density, velocity, pressure = self.states(generator, grid.dimensions, (2,))
        side = (meshgrid(grid)[0] >= place).astype(int)
        return gas(density[side], velocity[:, side], pressure[side], grid)


class KelvinHelmholtz(StateSampler):
    r"""A layer of dense gas that moves against the gas around it, with perturbed interfaces, in two dimensions.

    $(\rho, v_x, v_y, p) = (1, 1/2, 0, 5/2)$ where $\xi_y < 1/4 + \sigma_0(\xi_x)$ or $\xi_y > 3/4 + \sigma_1(\xi_x)$,
    and $(2, -1/2, 0, 5/2)$ in between, with $\sigma_i = \varepsilon \sum_{j=1}^{m} \alpha_{ij} \cos(2\pi j (\xi_x +
    \beta_{ij})) / \sum_j \alpha_{ij}$. Published (Poseidon's CE-KH): $\alpha, \beta \in [0, 1]$ uniform, $\varepsilon =
    0.05$; $m$ is not published and is 10 here.

    Args:
        modes: $m$.
        amplitude: $\varepsilon < 1/4$.
        density: of the outer and of the inner gas.
        velocity: of both along x.
        pressure: of both.

    Reference: Herde et al. (2024), Poseidon, arXiv:2405.19101, appendix B.1.
    """

    def __init__(
        self,
        modes: int = 10,
        amplitude: float = 0.05,
        density: Range = (1.0, 2.0),
        velocity: Range = (0.5, -0.5),
        pressure: float = 2.5,
    ) -> None:
        if not (modes >= 1 and 0 <= amplitude < 0.25):
            raise ValueError(f"modes={modes} must be at least 1 and amplitude={amplitude} lie in [0, 0.25).")
        if min(density) <= 0 or pressure <= 0:
            raise ValueError(f"density={density!r} and pressure={pressure} must be positive.")
        self.modes, self.amplitude = modes, amplitude
        self.density, self.velocity, self.pressure = tuple(density), tuple(velocity), pressure

    def components(self, generator: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
        if grid.dimensions != 2:
            raise ValueError(f"KelvinHelmholtz is meant in 2 dimensions; the grid has {grid.dimensions}.")
        x, y = meshgrid(grid)
        below, above = (self._interface(generator, x) for _ in range(2))
        inner = ((y >= 0.25 + below) & (y <= 0.75 + above)).astype(int)
        density, velocity = np.array(self.density)[inner], np.array(self.velocity)[inner]
        return gas(density, np.stack([velocity, np.zeros_like(velocity)]), np.array(self.pressure), grid)

    def _interface(self, generator: np.random.Generator, x: np.ndarray) -> np.ndarray:
        alpha, beta = generator.random((2, self.modes))
        j = np.arange(1, self.modes + 1)
        return self.amplitude * (np.cos(2 * math.pi * j * (x[..., None] + beta)) @ (alpha / alpha.sum()))
