"""Smooth random states of a gas: vortices, sound and entropy waves, turbulence."""

import math

import numpy as np

from sciml.datagen.boxes import fourier_series
from sciml.datagen.riemann import gas
from sciml.datagen.samplers import Range, StateSampler, interval
from sciml.datagen.sines import sine_waves
from sciml.datagen.vortices import VortexSum, VorticitySampler
from sciml.fields import Grid


class GaussianGas(StateSampler):
    r"""Gas of uniform density and pressure in the flow of random vortices, in two dimensions.

    Published (Poseidon's CE-Gauss): $\rho = 0.1$, $p = 2.5$ and the velocity of `VortexSum` with its defaults.

    Args:
        density: $\rho > 0$.
        pressure: $p > 0$.
        flow: the velocity; `VortexSum()` when left out.

    Reference: Herde et al. (2024), Poseidon, arXiv:2405.19101, appendix B.1.
    """

    def __init__(self, density: float = 0.1, pressure: float = 2.5, flow: VorticitySampler | None = None) -> None:
        if not (density > 0 and pressure > 0):
            raise ValueError(f"density={density} and pressure={pressure} must be positive.")
        self.density, self.pressure, self.flow = density, pressure, flow or VortexSum()

    def components(self, generator: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
        flow = self.flow.components(generator, grid)
        velocity = np.stack([flow["velocity_x"], flow["velocity_y"]])
        return gas(np.array(self.density), velocity, np.array(self.pressure), grid)


class RandomGas(StateSampler):
    r"""Sums of sine waves on a uniform background: $\rho = \rho_0(1 + \epsilon s_\rho)$, $p = p_0(1 + \epsilon s_p)$,
    $v_a = M c_s s_a$ with $c_s = \sqrt{\Gamma p_0 / \rho_0}$.

    Published (PDEBench, "random field"): every field is a sum of sines as in `SineSum`, density and pressure on a
    uniform background. Our reading of what is not published: each $s = \sum_i A_i \sin(k_i \cdot x + \phi_i) / \sum_i
    A_i$ lies between -1 and 1, so that density and pressure stay positive on every grid; $\rho_0$, $p_0$ are uniform on
    $[0.5, 1.5]$.

    Args:
        waves: number of waves per field.
        largest: bound of the wave numbers.
        contrast: $\epsilon$ in `[0, 1)`.
        mach: $M$, largest Mach number of a component.
        density: ends of $\rho_0 > 0$.
        pressure: ends of $p_0 > 0$.
        gamma: $\Gamma > 1$, ratio of specific heats; PDEBench has 5/3.

    Reference: Takamoto et al. (2022), PDEBench, arXiv:2210.07182, eq. (8) and appendix D.
    """

    def __init__(
        self,
        waves: int = 4,
        largest: int = 4,
        contrast: float = 0.5,
        mach: float = 0.1,
        density: Range = (0.5, 1.5),
        pressure: Range = (0.5, 1.5),
        gamma: float = 5 / 3,
    ) -> None:
        if waves < 1 or largest < 1:
            raise ValueError(f"waves={waves} and largest={largest} must be at least 1.")
        if not (0 <= contrast < 1 and mach >= 0 and gamma > 1):
            raise ValueError(f"contrast={contrast} must lie in [0, 1), mach={mach} not be < 0, gamma={gamma} be > 1.")
        self.waves, self.largest, self.contrast, self.mach, self.gamma = waves, largest, contrast, mach, gamma
        self.density, self.pressure = interval("density", density), interval("pressure", pressure)
        if self.density[0] <= 0 or self.pressure[0] <= 0:
            raise ValueError(f"density={density!r} and pressure={pressure!r} must be positive.")

    def components(self, generator: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
        density, pressure = generator.uniform(*self.density), generator.uniform(*self.pressure)
        speed = self.mach * math.sqrt(self.gamma * pressure / density)
        first, second, *others = (self._waves(generator, grid) for _ in range(2 + grid.dimensions))
        return gas(
            density * (1 + self.contrast * first),
            speed * np.stack(others),
            pressure * (1 + self.contrast * second),
            grid,
        )

    def _waves(self, generator: np.random.Generator, grid: Grid) -> np.ndarray:
        shape = (self.waves, grid.dimensions)
        numbers = generator.integers(1, self.largest + 1, size=shape)
        numbers[:, 1:] *= generator.choice((-1, 1), size=shape)[:, 1:]
        amplitude = generator.random(self.waves)
        return sine_waves(numbers, amplitude / amplitude.sum(), 2 * math.pi * generator.random(self.waves), grid)


class TurbulentGas(StateSampler):
    r"""Uniform density and pressure, a random flow without divergence: $v = \sum_k A_k \sin(k \cdot x + \phi_k)$.

    Published (PDEBench, "turbulence"): $|A_k| = \bar v / |k|^d$ with $d = 1$ in two dimensions and 2 in three, wave
    numbers up to 4, $\bar v = M c_s$, and the compressible part is taken away. Our reading: the sum runs over all
    integer wave vectors with components up to `largest`; $A_k$ has a random direction across $k$; and the whole is
    scaled so that the root mean square of $|v|$ is $M c_s$, $c_s = \sqrt{\Gamma p / \rho}$, exactly.

    Args:
        largest: bound of the components of $k$.
        mach: $M$.
        density: $\rho > 0$.
        pressure: $p > 0$.
        gamma: $\Gamma > 1$, ratio of specific heats.

    Reference: Takamoto et al. (2022), PDEBench, arXiv:2210.07182, eq. (17).
    """

    def __init__(
        self, largest: int = 4, mach: float = 1.0, density: float = 1.0, pressure: float = 1.0, gamma: float = 5 / 3
    ) -> None:
        if not (largest >= 1 and mach >= 0 and density > 0 and pressure > 0 and gamma > 1):
            raise ValueError(
                f"largest={largest} must be at least 1, mach={mach} not < 0, density={density} and pressure={pressure}"
                f" positive, gamma={gamma} above 1."
            )
        self.largest, self.mach, self.density, self.pressure, self.gamma = largest, mach, density, pressure, gamma

    def components(self, generator: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
        d = grid.dimensions
        if d not in (2, 3):
            raise ValueError(f"TurbulentGas is meant in 2 or 3 dimensions; the grid has {d}.")
        numbers = np.arange(-self.largest, self.largest + 1)
        n = np.stack(np.meshgrid(*[numbers] * d, indexing="ij"))
        k = n * (2 * math.pi / np.array([a.length for a in grid.axes])).reshape(-1, *[1] * d)
        size = np.linalg.norm(n, axis=0)
        # One of k and -k is enough: the first one in the order of the array.
        used = (size > 0) & (np.arange(size.size).reshape(size.shape) > size.size // 2)
        direction = generator.standard_normal(k.shape)
        phase = 2 * math.pi * generator.random(size.shape)
        squares = np.where(used, (k**2).sum(axis=0), 1.0)
        direction -= k * (k * direction).sum(axis=0) / squares
        direction /= np.linalg.norm(direction, axis=0)
        amplitude = np.where(used, 1.0 / np.where(used, size, 1.0) ** (d - 1), 0.0)
        # The mean of sin^2 is one half, and different waves are orthogonal.
        scale = self.mach * math.sqrt(self.gamma * self.pressure / self.density) / math.sqrt((amplitude**2).sum() / 2)
        spectrum = -1j * scale * amplitude * direction * np.exp(1j * phase)
        velocity = np.stack([fourier_series(part, [numbers] * d, grid) for part in spectrum])
        return gas(np.array(self.density), velocity, np.array(self.pressure), grid)
