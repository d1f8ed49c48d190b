"""Random initial states, one function per component."""

import math
from collections.abc import Sequence

import numpy as np

from sciml.datagen.samplers import FieldSampler
from sciml.fields import Grid
from sciml.numerics.random_fields import GaussianField, PeriodicField


class GaussianInitial(FieldSampler):
    r"""$u_0 = \bar u + g$ with a Gaussian field $g$.

    Args:
        mean: $\bar u$.
        field: the Gaussian field $g$; the default is that of the operator-learning Burgers set, with covariance
            $625(-\Delta + 25)^{-2}$ on a torus.

    Reference: Li et al. (2021), Fourier Neural Operator, section A.3.1.
    """

    def __init__(self, mean: float = 0.0, field: GaussianField | None = None) -> None:
        self.mean = mean
        self.field = field or PeriodicField(alpha=2.0, tau=5.0, sigma=25.0)

    def draw(self, generator: np.random.Generator, grid: Grid) -> np.ndarray:
        return self.draw_batch([generator], grid)[0]

    def draw_batch(self, generators: Sequence[np.random.Generator], grid: Grid) -> np.ndarray:
        return self.mean + self.field.sample(generators, grid)


class PowerLawNoise(FieldSampler):
    r"""Gaussian noise without a mean on a torus, whose power spectral density goes with $|k|^s$ up to a wave number.

    Published (PDEBench, incompressible flow): isotropic Gaussian fields of that kind, $s = -3$ and the scale 0.15 for
    each component of the initial velocity, $s = -1$ and the scale 0.4 for each component of the force. Our reading of
    what is not published: the scale is the standard deviation, and the density ends at `modes` waves per axis.

    Args:
        slope: $s < 0$.
        deviation: standard deviation at every point.
        modes: largest wave number per axis.

    Reference: Takamoto et al. (2022), PDEBench, arXiv:2210.07182, appendix D.
    """

    def __init__(self, slope: float = -3.0, deviation: float = 1.0, modes: int = 16) -> None:
        if not slope < 0:
            raise ValueError(f"slope={slope} must be negative.")
        if deviation < 0:
            raise ValueError(f"deviation={deviation} must not be negative.")
        self.slope, self.deviation, self.modes = slope, deviation, modes
        self._field = PeriodicField(alpha=-0.5 * slope, tau=0.0, sigma=1.0, modes=modes)

    def draw(self, generator: np.random.Generator, grid: Grid) -> np.ndarray:
        volume = math.prod(axis.length for axis in grid.axes)
        # The basis is orthonormal: the mean square of the field is that of its coefficients over the volume.
        found = math.sqrt(float((self._field.amplitudes(grid) ** 2).sum()) / volume)
        return self.deviation / found * self._field.sample([generator], grid)[0]
