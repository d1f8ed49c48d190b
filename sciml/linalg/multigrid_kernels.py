r"""Compiled loops of black-box multigrid on a grid of two axes: set-up and one V-cycle.

Every level carries one layer of ghost points, where all couplings are zero, so that no loop has a special case at a
wall. Inner points are `1..nx`, `1..ny`; those with two even indices are the points of the next coarser level, at half
their indices. Levels stand one behind the other in flat buffers: point `(i, j)` of a level at `start + i * s + j` with
the stride `s = ny + 2`. Loops run over slices of whole rows, which the compiler turns into vector instructions.

The matrix of a level is $(Au)_p = d_p u_p - \sum_q t_{pq} u_q$ over eight neighbours, symmetric: `east` couples
`(i, j)` with `(i+1, j)`, `north` with `(i, j+1)`, `northeast` with `(i+1, j+1)` and `southeast` with `(i+1, j-1)`.
"""

from typing import NamedTuple

import numpy as np

from sciml.linalg.compiling import compiled

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
def extent(levels, level):
    """Inner points along both axes, start in the buffers, stride of a row."""
    nx, ny = levels.shapes[level]
    return nx, ny, levels.starts[level], ny + 2


@compiled
def weights_to(levels, level):
    """Prolongation weights of the points of a coarse level, `(nx + 2, ny + 2, 3, 3)`."""
    nx, _, start, s = extent(levels, level)
    first = levels.starts[1]
    return levels.weights[start - first : levels.starts[level + 1] - first].reshape((nx + 2, s, 3, 3))


# ---- set-up ----------------------------------------------------------------------------------------------------------


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


# ---- one V-cycle -----------------------------------------------------------------------------------------------------


@compiled
def v_cycle(levels, b):
    """One cycle for `A z = b` from zero, symmetric: the relaxation after the correction reverses the one before."""
    last = len(levels.shapes) - 1
    nx, ny, _, s = extent(levels, 0)
    z = np.empty_like(b)
    for i in range(nx):
        for j in range(ny):
            levels.f[(i + 1) * s + j + 1] = b[i * ny + j]
    for p in range(levels.starts[last]):
        levels.u[p] = 0.0
    for level in range(last):
        relax(levels, level, True)
        residual(levels, level)
        restrict(levels, level)
    substitute(levels, last)
    for level in range(last - 1, -1, -1):
        prolong(levels, level)
        relax(levels, level, False)
    for i in range(nx):
        for j in range(ny):
            z[i * ny + j] = levels.u[(i + 1) * s + j + 1]
    return z


@compiled
def relax(levels, level, forward):
    """Gauss-Seidel once: by lines where couplings are strong, else by points, in colours that do not touch."""
    lines_x, lines_y = levels.lines[level]
    for step in range(4):
        which = step if forward else 3 - step
        if which < 2 and lines_x:
            relax_lines_along_x(levels, level, which)
        elif which >= 2 and (lines_y or not lines_x):
            relax_rows(levels, level, which - 2, forward, lines_y)


@compiled
def gather(levels, level, i, t):
    """`t` becomes the right side of row `i` with all that its points take from the rows before and behind."""
    _, ny, start, s = extent(levels, level)
    p = start + i * s
    before, behind, f = levels.u[p - s : p], levels.u[p + s : p + 2 * s], levels.f[p : p + s]
    west, east = levels.east[p - s : p], levels.east[p : p + s]
    for j in range(1, ny + 1):
        t[j] = f[j] + west[j] * before[j] + east[j] * behind[j]
    if level > 0:
        southwest, northeast = levels.northeast[p - s : p], levels.northeast[p : p + s]
        northwest, southeast = levels.southeast[p - s : p], levels.southeast[p : p + s]
        for j in range(1, ny + 1):
            t[j] += southwest[j - 1] * before[j - 1] + northeast[j] * behind[j + 1]
        for j in range(1, ny + 1):
            t[j] += northwest[j + 1] * before[j + 1] + southeast[j] * behind[j - 1]


@compiled
def relax_rows(levels, level, odd, forward, lines):
    """Every other row: its points in two colours, or all of them at once by a tridiagonal solve."""
    nx, ny, start, s = extent(levels, level)
    t, relaxed = np.empty(s), np.empty(s)
    for i in range(2 - odd, nx + 1, 2):
        gather(levels, level, i, t)
        p = start + i * s
        u, n = levels.u[p : p + s], levels.north[p : p + s]
        if lines:
            pivots = levels.pivots_y[p : p + s]
            for j in range(1, ny + 1):
                u[j] = pivots[j] * (t[j] + n[j - 1] * u[j - 1])
            for j in range(ny - 1, 0, -1):
                u[j] += pivots[j] * n[j] * u[j + 1]
        else:
            inverse = levels.inverse[p : p + s]
            for step in range(2):
                # All values of the row, half of which are used: vector instructions are worth more than that.
                for j in range(1, ny + 1):
                    relaxed[j] = inverse[j] * (t[j] + n[j - 1] * u[j - 1] + n[j] * u[j + 1])
                for j in range(1 + (step if forward else 1 - step), ny + 1, 2):
                    u[j] = relaxed[j]


@compiled
def relax_lines_along_x(levels, level, odd):
    """Every other line of constant `j`: tridiagonal solves, all lines side by side."""
    nx, ny, start, s = extent(levels, level)
    t = np.empty(s)
    for i in range(1, nx + 1):
        p = start + i * s
        before, u, behind = levels.u[p - s : p], levels.u[p : p + s], levels.u[p + s : p + 2 * s]
        f, n, west, pivots = levels.f[p : p + s], levels.north[p : p + s], levels.east[p - s : p], levels.pivots_x[p:]
        southwest, northeast = levels.northeast[p - s : p], levels.northeast[p : p + s]
        northwest, southeast = levels.southeast[p - s : p], levels.southeast[p : p + s]
        for j in range(1, ny + 1):
            t[j] = f[j] + n[j - 1] * u[j - 1] + n[j] * u[j + 1]
        if level > 0:
            for j in range(1, ny + 1):
                t[j] += southwest[j - 1] * before[j - 1] + northeast[j] * behind[j + 1]
            for j in range(1, ny + 1):
                t[j] += northwest[j + 1] * before[j + 1] + southeast[j] * behind[j - 1]
        for j in range(2 - odd, ny + 1, 2):
            u[j] = pivots[j] * (t[j] + west[j] * before[j])
    for i in range(nx - 1, 0, -1):
        p = start + i * s
        u, behind, east, pivots = levels.u[p : p + s], levels.u[p + s :], levels.east[p : p + s], levels.pivots_x[p:]
        for j in range(2 - odd, ny + 1, 2):
            u[j] += pivots[j] * east[j] * behind[j]


@compiled
def residual(levels, level):
    """`r = f - A u`."""
    nx, ny, start, s = extent(levels, level)
    t = np.empty(s)
    for i in range(1, nx + 1):
        gather(levels, level, i, t)
        p = start + i * s
        r, u = levels.r[p : p + s], levels.u[p : p + s]
        d, n = levels.diagonal[p : p + s], levels.north[p : p + s]
        for j in range(1, ny + 1):
            r[j] = t[j] - d[j] * u[j] + n[j - 1] * u[j - 1] + n[j] * u[j + 1]


@compiled
def restrict(levels, level):
    """Right side of the next level, $P^T r$."""
    w = weights_to(levels, level + 1)
    _, _, start, s = extent(levels, level)
    nx, ny, coarse_start, coarse_s = extent(levels, level + 1)
    for a in range(1, nx + 1):
        p = start + 2 * a * s
        before, here, behind = levels.r[p - s : p], levels.r[p : p + s], levels.r[p + s : p + 2 * s]
        f = levels.f[coarse_start + a * coarse_s : coarse_start + (a + 1) * coarse_s]
        for b in range(1, ny + 1):
            v, j = w[a, b], 2 * b
            low = v[0, 0] * before[j - 1] + v[0, 1] * before[j] + v[0, 2] * before[j + 1]
            middle = v[1, 0] * here[j - 1] + here[j] + v[1, 2] * here[j + 1]
            f[b] = low + middle + v[2, 0] * behind[j - 1] + v[2, 1] * behind[j] + v[2, 2] * behind[j + 1]


@compiled
def prolong(levels, level):
    """Adds $P u$ of the next level."""
    w = weights_to(levels, level + 1)
    _, _, start, s = extent(levels, level)
    nx, ny, coarse_start, coarse_s = extent(levels, level + 1)
    for a in range(1, nx + 1):
        p = start + 2 * a * s
        before, here, behind = levels.u[p - s : p], levels.u[p : p + s], levels.u[p + s : p + 2 * s]
        coarse = levels.u[coarse_start + a * coarse_s : coarse_start + (a + 1) * coarse_s]
        for b in range(1, ny + 1):
            v, j, x = w[a, b], 2 * b, coarse[b]
            before[j - 1] += v[0, 0] * x
            before[j] += v[0, 1] * x
            before[j + 1] += v[0, 2] * x
            here[j - 1] += v[1, 0] * x
            here[j] += x
            here[j + 1] += v[1, 2] * x
            behind[j - 1] += v[2, 0] * x
            behind[j] += v[2, 1] * x
            behind[j + 1] += v[2, 2] * x


@compiled
def substitute(levels, level):
    """Solves on the coarsest level with its factor."""
    nx, ny, start, s = extent(levels, level)
    x, y = (ny, 1) if ny <= nx else (1, nx)
    factor, band, size = levels.factor, levels.factor.shape[1] - 1, nx * ny
    z = np.empty(size)
    for i in range(nx):
        for j in range(ny):
            z[i * x + j * y] = levels.f[start + (i + 1) * s + j + 1]
    for row in range(size):
        for k in range(1, min(band, row) + 1):
            z[row] -= factor[row, k] * z[row - k]
        z[row] *= factor[row, 0]
    for row in range(size - 1, -1, -1):
        for k in range(1, min(band, size - 1 - row) + 1):
            z[row] -= factor[row + k, k] * z[row + k]
        z[row] *= factor[row, 0]
    for i in range(nx):
        for j in range(ny):
            levels.u[start + (i + 1) * s + j + 1] = z[i * x + j * y]
