"""Plates with a hole, and the temperatures of their edges."""

from collections.abc import Sequence

import numpy as np

from sciml.datagen.boxes import meshgrid
from sciml.datagen.samplers import Distribution, FieldSampler, Range, interval
from sciml.fields import Grid

#: Points this close to an edge, as a fraction of the box, lie on it.
_ROUNDING = 1e-9


class PlateWithHole(FieldSampler):
    """1 inside a plate that is the box without a rectangle, 0 on its edges and in the hole; the same for all samples.

    Args:
        hole: ends of the rectangle along x and y, as fractions of the box.

    Raises:
        ValueError: a hole that is not inside.
    """

    def __init__(self, hole: Sequence[Range] = ((0.25, 0.5), (0.375, 0.75))) -> None:
        self.hole = [interval("hole", ends) for ends in hole]
        if len(self.hole) != 2 or not all(0 < low < high < 1 for low, high in self.hole):
            raise ValueError(f"hole={hole!r} must be two ranges [low, high] inside [0, 1], not empty.")

    def draw(self, generator: np.random.Generator, grid: Grid) -> np.ndarray:
        if grid.dimensions != 2:
            raise ValueError(f"PlateWithHole is meant in 2 dimensions; the grid has {grid.dimensions}.")
        axes = meshgrid(grid)
        plate, hole = np.ones(grid.shape, bool), np.ones(grid.shape, bool)
        for xi, (low, high) in zip(axes, self.hole, strict=True):
            plate &= (xi > _ROUNDING) & (xi < 1 - _ROUNDING)
            hole &= (xi > low - _ROUNDING) & (xi < high + _ROUNDING)
        return (plate & ~hole).astype(np.float64)


class RimAndInterior(FieldSampler):
    """One random number on the sides of the box and another one at all points between them, as those of cells are.

    Args:
        rim, interior: their distributions.
    """

    def __init__(self, rim: Distribution, interior: Distribution) -> None:
        self.rim, self.interior = rim, interior

    def draw(self, generator: np.random.Generator, grid: Grid) -> np.ndarray:
        rim, interior = self.rim.draw(generator), self.interior.draw(generator)
        between = np.ones(grid.shape, bool)
        for xi in meshgrid(grid):
            between &= (xi > _ROUNDING) & (xi < 1 - _ROUNDING)
        return np.where(between, interior, rim)
