"""What a recipe draws: numbers and functions of space, each from its own generator."""

import math
from abc import ABC, abstractmethod

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


class FieldSampler(Described, ABC):
    """A random function per sample.

    The same generator state gives the same function on every grid of a domain, so that a solution grid and a storage
    grid see one sample.
    """

    @abstractmethod
    def draw(self, generator: np.random.Generator, grid: Grid) -> np.ndarray:
        """Values at the points of a grid, `(*s)`, float64."""
