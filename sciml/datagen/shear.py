"""Flows of thin layers of vorticity that roll up: a double shear layer, and a smoothed vortex sheet."""

import functools
import math

import numpy as np

from sciml.datagen.boxes import meshgrid
from sciml.datagen.samplers import Count, Integers, Range, draw_count, interval
from sciml.datagen.vortices import VorticitySampler, flow_of
from sciml.fields import Grid


class ShearLayers(VorticitySampler):
    r"""Two layers, across which the flow turns round: the part without divergence of $v = 0$ and
    $u = \tanh(2\pi(\eta - \tfrac14)/\rho)$ for $\eta \le \tfrac12$, $u = \tanh(2\pi(\tfrac34 - \eta)/\rho)$ above.

    $\eta = y + \xi + \delta \sum_{k=1}^{p} \alpha_k \sin(2\pi k x - \beta_k)$ modulo one, on the unit square. Published
    (Poseidon's NS-SL): $\rho \in [0.08, 0.12]$, $\xi \in [-0.0625, 0.0625]$, $\alpha \in [0, 1]$, $\beta \in [0, 2\pi]$
    and $p \in \{7, ..., 12\}$, all uniform, $\delta = 0.025$. As it is printed, the displacement decides only which of
    the two cases holds, where both are one: nothing would be displaced. Our reading is that both layers are. That field
    has a divergence; its part without one has the vorticity $-\partial_y u$, which is exact here. The velocity is that
    of the Fourier interpolant of the vorticity on `points` points per axis.

    Args:
        thickness: ends of $\rho > 0$.
        shift: ends of $\xi$.
        perturbation: $\delta$.
        modes: $p$, or its distribution; the default is the published one.
        points: per axis, from which the velocity is found.

    Reference: Herde et al. (2024), Poseidon, arXiv:2405.19101, appendix B.2.
    """

    def __init__(
        self,
        thickness: Range = (0.08, 0.12),
        shift: Range = (-0.0625, 0.0625),
        perturbation: float = 0.025,
        modes: Count | None = None,
        points: int = 512,
    ) -> None:
        self.thickness, self.shift = interval("thickness", thickness), interval("shift", shift)
        if self.thickness[0] <= 0:
            raise ValueError(f"thickness={thickness!r} must be positive.")
        if points < 8:
            raise ValueError(f"points={points} must be at least 8.")
        self.perturbation, self.points = perturbation, points
        self.modes: Count = Integers(7, 12) if modes is None else modes

    def flow(self, generator: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
        rho, xi = generator.uniform(*self.thickness), generator.uniform(*self.shift)
        p = draw_count(self.modes, generator)
        alpha, beta = generator.random(p), 2 * math.pi * generator.random(p)

        def vorticity(where: Grid) -> np.ndarray:
            x, y = meshgrid(where)
            k = np.arange(1, p + 1)
            waves = np.sin(2 * math.pi * k * x[..., None] - beta) @ alpha
            eta = np.mod(y + xi + self.perturbation * waves, 1.0)
            lower = eta <= 0.5
            apart = np.where(lower, eta - 0.25, 0.75 - eta)
            return np.where(lower, -1.0, 1.0) * 2 * math.pi / rho / np.cosh(2 * math.pi * apart / rho) ** 2

        reference = vorticity(grid.resized(self.points, self.points))
        return {**flow_of(spectrum_of(reference), grid), "vorticity": vorticity(grid)}


def spectrum_of(values: np.ndarray) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Fourier coefficients of values on a periodic grid, and their integers per axis."""
    k = [np.fft.fftfreq(n, 1 / n) for n in values.shape]
    return np.fft.fft2(values, norm="forward"), (k[0], k[1])


class VortexSheet(VorticitySampler):
    r"""$\omega = \psi_\rho * (\delta_\Gamma - |\Gamma|)$ on the unit square, a curve of vorticity made smooth.

    $\Gamma$ is the curve $y = \tfrac12 + A \sin 2\pi x + \sum_{i=1}^{n} \alpha_i \sin 2\pi(x + \beta_i)$. Published
    (Poseidon's NS-SVS): $A = 0.2$, $n = 10$, $\alpha \in [0, 0.003125]$ and $\beta \in [0, 1]$ uniform, $\rho =
    5/128$. Our reading of what is not in what we follow: $\delta_\Gamma$ has unit strength per length of the curve, and
    $\psi_\rho(x) = \rho^{-2} \psi(|x|/\rho)$ is the cubic spline $\psi(r) = \frac{80}{7\pi} [(1 - r)_+^3 - 4 (\tfrac12
    - r)_+^3]$, the one of the statistical solutions that the set is taken from. Wave numbers go up to `modes`.

    Args:
        baseline: $A$.
        count: $n$, or its distribution.
        amplitude: ends of $\alpha$.
        width: $\rho > 0$.
        modes: largest wave number.

    Reference: Herde et al. (2024), Poseidon, arXiv:2405.19101, appendix B.2; Lanthaler, Mishra & Parés-Pulido (2021),
    Math. Models Methods Appl. Sci. 31:223-292 (the kernel).
    """

    def __init__(
        self,
        baseline: float = 0.2,
        count: Count = 10,
        amplitude: Range = (0.0, 0.003125),
        width: float = 5 / 128,
        modes: int = 128,
    ) -> None:
        if not width > 0:
            raise ValueError(f"width={width} must be positive.")
        if modes < 1:
            raise ValueError(f"modes={modes} must be at least 1.")
        self.baseline, self.count, self.amplitude = baseline, count, interval("amplitude", amplitude)
        self.width, self.modes = width, modes

    def flow(self, generator: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
        n = draw_count(self.count, generator)
        alpha, beta = generator.uniform(*self.amplitude, size=n), generator.random(n)
        # The trapezoidal rule along a closed smooth curve converges faster than any power.
        x = np.arange(8 * self.modes)[:, None] / (8 * self.modes)
        angles = 2 * math.pi * np.concatenate([x, x + beta], axis=1)
        heights = np.concatenate([[self.baseline], alpha])
        y, slope = 0.5 + np.sin(angles) @ heights, 2 * math.pi * np.cos(angles) @ heights
        k = np.arange(-self.modes, self.modes + 1)
        along, across = (np.exp(-2j * math.pi * np.outer(k, c)) for c in (x[:, 0], y))
        curve = (along * (np.sqrt(1 + slope**2) / len(x))) @ across.T
        return flow_of((curve * _kernel(self.width, self.modes), (k, k)), grid)


@functools.lru_cache(maxsize=4)
def _kernel(width: float, modes: int) -> np.ndarray:
    r"""$\hat\psi(\kappa) = 2\pi \int_0^1 \psi(r) J_0(2\pi\kappa r)\, r\, dr$ at $\kappa = \rho |k|$ of every $k$."""
    from scipy.special import j0

    k = np.arange(-modes, modes + 1)
    squares, where = np.unique(k[:, None] ** 2 + k**2, return_inverse=True)
    # Gauss rules for either piece of the spline, with points enough for the fastest wave.
    points, weights = np.polynomial.legendre.leggauss(32 + math.ceil(math.sqrt(2) * math.pi * width * modes))
    r = np.concatenate([0.25 * (points + 1), 0.25 * (points + 3)])
    w = np.tile(0.25 * weights, 2) * r * 2 * math.pi
    psi = 80 / (7 * math.pi) * ((1 - r) ** 3 - 4 * np.clip(0.5 - r, 0, None) ** 3)
    values = j0(2 * math.pi * width * np.sqrt(squares)[:, None] * r) @ (w * psi)
    return values[where].reshape(len(k), len(k))
