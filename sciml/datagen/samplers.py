"""What a recipe draws: numbers, functions of space and whole states, each from its own generator."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np

from sciml.describe import Described
from sciml.fields import Grid


class Distribution(Described, ABC):
    """A random number per sample."""

    @abstractmethod
    def draw(self, generator: np.random.Generator) -> float: ...


class Uniform(Distribution):
    """Uniform on `[low, high)`.

    Args:
        low: smallest value.
        high: bound of the largest.
    """

    def __init__(self, low: float, high: float) -> None:
        if not low < high:
            raise ValueError(f"low={low} must be below high={high}.")
        self.low, self.high = low, high

    def draw(self, generator: np.random.Generator) -> float:
        return float(generator.uniform(self.low, self.high))


class LogUniform(Distribution):
    """A number whose logarithm is uniform on `[log low, log high)`.

    Args:
        low: smallest value, positive.
        high: bound of the largest.
    """

    def __init__(self, low: float, high: float) -> None:
        if not 0 < low < high:
            raise ValueError(f"low={low} must be positive and below high={high}.")
        self.low, self.high = low, high

    def draw(self, generator: np.random.Generator) -> float:
        return float(math.exp(generator.uniform(math.log(self.low), math.log(self.high))))


class Choice(Distribution):
    """One of a list of numbers, each as likely as the others.

    Args:
        values: the list.
    """

    def __init__(self, values: Sequence[float]) -> None:
        if not len(values) or not all(isinstance(v, int | float) and math.isfinite(v) for v in values):
            raise ValueError(f"values={values!r} must be a list of at least one finite number.")
        self.values = tuple(float(v) for v in values)

    def draw(self, generator: np.random.Generator) -> float:
        return self.values[int(generator.integers(len(self.values)))]


class Integers(Distribution):
    """A whole number, uniform on `low, ..., high`.

    Args:
        low: smallest value.
        high: largest value.
    """

    def __init__(self, low: int, high: int) -> None:
        if not (isinstance(low, int) and isinstance(high, int) and low <= high):
            raise ValueError(f"low={low!r} and high={high!r} must be integers, the first one not above the second.")
        self.low, self.high = low, high

    def draw(self, generator: np.random.Generator) -> float:
        return float(generator.integers(self.low, self.high + 1))


class Geometric(Distribution):
    r"""A whole number $n \ge 1$ with probability $p (1 - p)^{n-1}$: the first success among independent trials.

    Args:
        probability: $p$ of a success, in `(0, 1]`.
    """

    def __init__(self, probability: float) -> None:
        if not 0 < probability <= 1:
            raise ValueError(f"probability={probability} must lie in (0, 1].")
        self.probability = probability

    def draw(self, generator: np.random.Generator) -> float:
        return float(generator.geometric(self.probability))


#: Two ascending numbers, `[low, high]`, between which others are uniform.
Range = Sequence[float]
#: A number of things: always the same one, or drawn per sample.
Count = int | Distribution


def draw_count(count: Count, generator: np.random.Generator) -> int:
    """The number itself, or one from its distribution."""
    return count if isinstance(count, int) else int(count.draw(generator))


def interval(name: str, ends: Range) -> tuple[float, float]:
    """Two numbers between which others are drawn uniformly; equal ends mean a constant.

    Raises:
        ValueError: anything but two finite ascending numbers.
    """
    if len(ends) != 2 or not all(isinstance(e, int | float) and math.isfinite(e) for e in ends) or ends[0] > ends[1]:
        raise ValueError(f"{name}={ends!r} must be two ascending numbers, [low, high].")
    return float(ends[0]), float(ends[1])


class FieldSampler(Described, ABC):
    """A random function per sample.

    The same generator state gives the same function on every grid of a domain, so that a solution grid and a storage
    grid see one sample.
    """

    @abstractmethod
    def draw(self, generator: np.random.Generator, grid: Grid) -> np.ndarray:
        """Values at the points of a grid, `(*s)`, float64."""

    def draw_batch(self, generators: Sequence[np.random.Generator], grid: Grid) -> np.ndarray:
        """One function per generator, `(b, *s)`, each with the bits that `draw` gives it."""
        return np.stack([self.draw(generator, grid) for generator in generators])


class StateSampler(Described, ABC):
    """A random initial state whose components are drawn together: the two sides of a shock, a vortex and its velocity.

    As with a `FieldSampler`, the same generator state gives the same functions on every grid of a domain.
    """

    @abstractmethod
    def components(self, generator: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
        """Every component that is known, by name, `(*s)` each, float64; vectors as `velocity_x`, `velocity_y`."""

    def draw(self, generator: np.random.Generator, grid: Grid, names: Sequence[str]) -> np.ndarray:
        """The components that a state consists of, in its order, `(c, *s)`, float64.

        Raises:
            ValueError: a component that the sampler does not draw.
        """
        found = self.components(generator, grid)
        if missing := [n for n in names if n not in found]:
            raise ValueError(f"{type(self).__name__} draws {', '.join(found)}; the state has {missing[0]!r} too.")
        return np.stack([found[n] for n in names])


class WithFields(StateSampler):
    """A state with further components that do not depend on it, such as a tracer in a flow.

    Args:
        state: draws most of the state.
        fields: draw the others, by name of the component, one after the other.
    """

    def __init__(self, state: StateSampler, fields: Mapping[str, FieldSampler]) -> None:
        self.state, self.fields = state, dict(fields)

    def components(self, generator: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
        found = self.state.components(generator, grid)
        return found | {name: field.draw(generator, grid) for name, field in self.fields.items()}
