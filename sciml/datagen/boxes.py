"""The box of a grid in fractions of its sides, in which partitions, layers and waves are drawn."""

from collections.abc import Sequence

import numpy as np

from sciml.fields import Axis, Grid

#: Points this close to an interface, as a fraction of a block, belong to the block above it on every grid.
_ROUNDING = 1e-9


def unit_coordinates(axis: Axis) -> np.ndarray:
    r"""$\xi = (x - x_\mathrm{low}) / L$ at the points of an axis, `(n,)`."""
    return (axis.coords - axis.low) / axis.length


def shaped(values: np.ndarray, i: int, dimensions: int) -> np.ndarray:
    """Values along axis `i`, shaped to broadcast over a grid."""
    return values.reshape([-1 if j == i else 1 for j in range(dimensions)])


def meshgrid(grid: Grid) -> list[np.ndarray]:
    """Unit coordinates of all points, one array per axis, each shaped to broadcast over the grid."""
    return [shaped(unit_coordinates(a), i, grid.dimensions) for i, a in enumerate(grid.axes)]


def block_index(fraction: np.ndarray, blocks: int) -> np.ndarray:
    """Number of the block of `[0, 1]`, cut into equal ones, that each fraction lies in."""
    return np.clip(np.floor(fraction * blocks + _ROUNDING).astype(int), 0, blocks - 1)


def fourier_series(coefficients: np.ndarray, indices: Sequence[np.ndarray], grid: Grid) -> np.ndarray:
    r"""$\mathrm{Re} \sum_k c_k \exp(2\pi i\, k \cdot \xi)$ at the points of any grid, `(*s)`.

    Args:
        coefficients: complex $c_k$, one axis per axis of the grid.
        indices: integers $k$ along each axis.
        grid: where it is evaluated.
    """
    values = coefficients
    for axis, k in zip(grid.axes, indices, strict=True):
        waves = np.exp(2j * np.pi * np.outer(unit_coordinates(axis), k))
        # Contracts the first axis of waves and appends its points, so that axes come out in their order.
        values = np.tensordot(values, waves, axes=(0, 1))
    return values.real
