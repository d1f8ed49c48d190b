"""Random initial states, one function per component."""

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
