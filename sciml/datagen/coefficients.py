"""Random positive coefficient fields."""

from collections.abc import Sequence

import numpy as np

from sciml.datagen.samplers import FieldSampler
from sciml.fields import Grid
from sciml.numerics.random_fields import GaussianField, NeumannField


class TwoPhase(FieldSampler):
    r"""$a = $ `high` where a Gaussian field is at or above `threshold`, else `low`: a medium of two materials.

    The defaults are the Darcy set of the operator-learning literature: values 12 and 3, cosine basis,
    $\tau(\pi^2|k|^2 + 9)^{-1}$.

    Args:
        low, high: the two values, positive.
        threshold: level of the Gaussian field that separates them.
        field: the Gaussian field; the default is `NeumannField(alpha=2, tau=3)`.

    Reference: Li et al. (2021), Fourier Neural Operator, section A.3.2.
    """

    def __init__(
        self, low: float = 3.0, high: float = 12.0, threshold: float = 0.0, field: GaussianField | None = None
    ) -> None:
        if not (low > 0 and high > 0):
            raise ValueError(f"low={low} and high={high} must be positive.")
        self.low, self.high, self.threshold = low, high, threshold
        self.field = field or NeumannField(alpha=2.0, tau=3.0)

    def draw(self, generator: np.random.Generator, grid: Grid) -> np.ndarray:
        return self.draw_batch([generator], grid)[0]

    def draw_batch(self, generators: Sequence[np.random.Generator], grid: Grid) -> np.ndarray:
        return np.where(self.field.sample(generators, grid) >= self.threshold, self.high, self.low)


class LogNormal(FieldSampler):
    r"""$a = m \exp(s\,g)$ with a Gaussian field $g$: a smooth medium whose contrast grows with $s$.

    Args:
        scale: $s$, not negative.
        median: $m > 0$.
        field: the Gaussian field $g$; the default is `NeumannField(alpha=2, tau=3)`.
    """

    def __init__(self, scale: float = 1.0, median: float = 1.0, field: GaussianField | None = None) -> None:
        if scale < 0:
            raise ValueError(f"scale={scale} must not be negative.")
        if not median > 0:
            raise ValueError(f"median={median} must be positive.")
        self.scale, self.median = scale, median
        self.field = field or NeumannField(alpha=2.0, tau=3.0)

    def draw(self, generator: np.random.Generator, grid: Grid) -> np.ndarray:
        return self.draw_batch([generator], grid)[0]

    def draw_batch(self, generators: Sequence[np.random.Generator], grid: Grid) -> np.ndarray:
        # In place: the arrays of a batch are large enough for their first touch to cost as much as the exponential.
        a = self.field.sample(generators, grid)
        a *= self.scale
        np.exp(a, out=a)
        a *= self.median
        return a
