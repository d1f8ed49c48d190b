r"""Compiled set-up of black-box multigrid on a grid of two axes: relaxation, transfers, coarse matrices.

Points with two even indices are those of the next coarser level, at half their indices. The matrix of a level is

$$ (Au)_p = d_p u_p - \sum_q t_{pq} u_q $$

over eight neighbours, symmetric: `east` couples `(i, j)` with `(i+1, j)`, `north` with `(i, j+1)`, `northeast` with
`(i+1, j+1)` and `southeast` with `(i+1, j-1)`; couplings with ghosts are zero.
"""

from typing import NamedTuple

import numpy as np

from sciml.linalg.compiling import compiled
from sciml.linalg.multigrid_levels import extent

#: Where couplings along one axis exceed those along the other by this factor, points are strongly coupled in lines.
STRONG = 4.0
#: Share of such points from which on a level is relaxed by lines along that axis.
SHARE = 0.1
#: Part of the diagonal below which a pivot of a line is rounding.
SMALLEST = 1e-14


class Levels(NamedTuple):
    """A hierarchy in flat buffers.

    Args:
        shapes: inner points per level, `(levels, 2)`.
        starts: where a level begins in the buffers, `(levels + 1,)`.
        diagonal, inverse: $d$ and $1/d$ (zero outside).
        east, north, northeast, southeast: couplings.
        pivots_x, pivots_y: inverse pivots of the tridiagonal matrices along each axis, where lines are relaxed.
        lines: whether a level is relaxed by lines along axis 0, axis 1, `(levels, 2)`.
        weights: prolongation from a point of levels 1, 2, ... to the nine points around it, `(points, 3, 3)`.
        u, f, r: values, right sides, residuals.
        factor: Cholesky factor of the coarsest level by bands, `(points, band + 1)`.
    """

    shapes: np.ndarray
    starts: np.ndarray
    diagonal: np.ndarray
    inverse: np.ndarray
    east: np.ndarray
    north: np.ndarray
    northeast: np.ndarray
    southeast: np.ndarray
    pivots_x: np.ndarray
    pivots_y: np.ndarray
    lines: np.ndarray
    weights: np.ndarray
    u: np.ndarray
    f: np.ndarray
    r: np.ndarray
    factor: np.ndarray


@compiled
def weights_to(levels, level):
    """Prolongation weights of the points of a coarse level, `(nx + 2, ny + 2, 3, 3)`."""
    nx, _, start, s = extent(levels, level)
    first = levels.starts[1]
    return levels.weights[start - first : levels.starts[level + 1] - first].reshape((nx + 2, s, 3, 3))


@compiled
def set_up(levels):
    """Fills all levels below the finest, whose diagonal and couplings are there."""
    last = len(levels.shapes) - 1
    for level in range(last):
        prepare_relaxation(levels, level)
        interpolate(levels, level)
        coarsen(levels, level)
    factorise(levels, last)


@compiled
def prepare_relaxation(levels, level):
    """Inverse diagonal; the directions in which couplings are strong, and the pivots of lines along them."""
    d, e, n = levels.diagonal, levels.east, levels.north
    ne, se = levels.northeast, levels.southeast
    nx, ny, start, s = extent(levels, level)
    strong_x, strong_y = 0, 0
    for i in range(1, nx + 1):
        for p in range(start + i * s + 1, start + i * s + ny + 1):
            levels.inverse[p] = 1.0 / d[p]
            across = ne[p - s - 1] + ne[p] + se[p - s + 1] + se[p]
            x, y = e[p - s] + e[p] + across, n[p - 1] + n[p] + across
            strong_x += x > STRONG * y
            strong_y += y > STRONG * x
    levels.lines[level, 0] = strong_x > SHARE * nx * ny
    levels.lines[level, 1] = strong_y > SHARE * nx * ny
    for i in range(1, nx + 1):
        for p in range(start + i * s + 1, start + i * s + ny + 1):
            if levels.lines[level, 0]:
                pivot = d[p] - e[p - s] ** 2 * levels.pivots_x[p - s]
                levels.pivots_x[p] = 1.0 / max(pivot, SMALLEST * d[p])
            if levels.lines[level, 1]:
                pivot = d[p] - n[p - 1] ** 2 * levels.pivots_y[p - 1]
                levels.pivots_y[p] = 1.0 / max(pivot, SMALLEST * d[p])


@compiled
def shares(low, high, rest, at_wall):
    """Weights of the two coarse neighbours of a point between them, from its collapsed couplings to either side.

    Constants are kept. At a wall, where one neighbour is missing, what the row sum leaves (`rest`) is the coupling to
    the boundary value.
    """
    low, high = max(low, 0.0), max(high, 0.0)
    total = low + high + (max(rest, 0.0) if at_wall else 0.0)
    if total <= 0.0:
        return 0.0, 0.0
    return low / total, high / total


@compiled
def interpolate(levels, level):
    """Weights of the prolongation from the next level: the stencil collapsed on lines, then eliminated at centres.

    Reference: Dendy (1982), section 2.
    """
    d, e, n = levels.diagonal, levels.east, levels.north
    ne, se = levels.northeast, levels.southeast
    w = weights_to(levels, level + 1)
    nx, ny, start, s = extent(levels, level)
    for a in range(1, nx // 2 + 1):
        for b in range(1, ny // 2 + 1):
            w[a, b, 1, 1] = 1.0
    for i in range(1, nx + 1):
        for j in range(1 + i % 2, ny + 1, 2):
            p, a, b = start + i * s + j, i // 2, j // 2
            west, east, south, north = e[p - s], e[p], n[p - 1], n[p]
            rest = d[p] - (west + east + south + north + ne[p - s - 1] + ne[p] + se[p - s + 1] + se[p])
            if i % 2:
                low, high = west + ne[p - s - 1] + se[p - s + 1], east + ne[p] + se[p]
                w[a, b, 2, 1], w[a + 1, b, 0, 1] = shares(low, high, rest, i == 1 or i == nx)
            else:
                low, high = south + ne[p - s - 1] + se[p], north + ne[p] + se[p - s + 1]
                w[a, b, 1, 2], w[a, b + 1, 1, 0] = shares(low, high, rest, j == 1 or j == ny)
    for i in range(1, nx + 1, 2):
        for j in range(1, ny + 1, 2):
            p, a, b = start + i * s + j, i // 2, j // 2
            west, east, south, north, c = e[p - s], e[p], n[p - 1], n[p], 1.0 / d[p]
            w[a, b, 2, 2] = c * (ne[p - s - 1] + west * w[a, b, 1, 2] + south * w[a, b, 2, 1])
            w[a + 1, b, 0, 2] = c * (se[p] + east * w[a + 1, b, 1, 2] + south * w[a + 1, b, 0, 1])
            w[a, b + 1, 2, 0] = c * (se[p - s + 1] + west * w[a, b + 1, 1, 0] + north * w[a, b + 1, 2, 1])
            w[a + 1, b + 1, 0, 0] = c * (ne[p] + east * w[a + 1, b + 1, 1, 0] + north * w[a + 1, b + 1, 0, 1])


@compiled
def coarsen(levels, level):
    r"""The matrix of the next level, $P^T A P$: column by column, `A P e` on five by five points, then its products."""
    d, e, n = levels.diagonal, levels.east, levels.north
    ne, se = levels.northeast, levels.southeast
    w = weights_to(levels, level + 1)
    _, _, start, s = extent(levels, level)
    nx, ny, coarse_start, coarse_s = extent(levels, level + 1)
    image = np.empty((5, 5))
    for a in range(1, nx + 1):
        for b in range(1, ny + 1):
            image[:] = 0.0
            for k in range(3):
                for m in range(3):
                    p, x = start + (2 * a + k - 1) * s + 2 * b + m - 1, w[a, b, k, m]
                    # Beyond a wall, where the buffer may end, weights are zero.
                    if x == 0.0:
                        continue
                    image[k + 1, m + 1] += d[p] * x
                    image[k, m + 1] -= e[p - s] * x
                    image[k + 2, m + 1] -= e[p] * x
                    image[k + 1, m] -= n[p - 1] * x
                    image[k + 1, m + 2] -= n[p] * x
                    if level > 0:
                        image[k, m] -= ne[p - s - 1] * x
                        image[k + 2, m + 2] -= ne[p] * x
                        image[k, m + 2] -= se[p - s + 1] * x
                        image[k + 2, m] -= se[p] * x
            own, east, north, northeast, southeast = 0.0, 0.0, 0.0, 0.0, 0.0
            for k in range(3):
                for m in range(3):
                    own += w[a, b, k, m] * image[k + 1, m + 1]
            for k in range(2):
                for m in range(3):
                    east -= w[a + 1, b, k, m] * image[k + 3, m + 1]
                    north -= w[a, b + 1, m, k] * image[m + 1, k + 3]
            for k in range(2):
                for m in range(2):
                    northeast -= w[a + 1, b + 1, k, m] * image[k + 3, m + 3]
                    southeast -= w[a + 1, b - 1, k, m + 1] * image[k + 3, m]
            p = coarse_start + a * coarse_s + b
            levels.diagonal[p], levels.east[p], levels.north[p] = own, east, north
            levels.northeast[p], levels.southeast[p] = northeast, southeast


@compiled
def factorise(levels, level):
    """Cholesky factor of a level by bands, rows along the shorter axis; a pivot that vanishes is left out.

    That happens where constants are the null space: the last unknown is then zero, one of the solutions.
    """
    nx, ny, start, s = extent(levels, level)
    x, y = (ny, 1) if ny <= nx else (1, nx)
    factor, band = levels.factor, levels.factor.shape[1] - 1
    factor[:] = 0.0
    for i in range(1, nx + 1):
        for j in range(1, ny + 1):
            p, row = start + i * s + j, (i - 1) * x + (j - 1) * y
            factor[row, 0] = levels.diagonal[p]
            if i < nx:
                factor[row + x, x] -= levels.east[p]
            if j < ny:
                factor[row + y, y] -= levels.north[p]
            if i < nx and j < ny:
                factor[row + x + y, x + y] -= levels.northeast[p]
            if i < nx and j > 1:
                factor[row + max(x - y, 0), abs(x - y)] -= levels.southeast[p]
    for row in range(nx * ny):
        for k in range(min(band, row), 0, -1):
            total = factor[row, k]
            for m in range(k + 1, min(band, row) + 1):
                total -= factor[row, m] * factor[row - k, m - k]
            factor[row, k] = total * factor[row - k, 0]
        pivot, size = factor[row, 0], factor[row, 0]
        for k in range(1, min(band, row) + 1):
            pivot -= factor[row, k] ** 2
        factor[row, 0] = 1.0 / np.sqrt(pivot) if pivot > 1e-13 * size else 0.0
