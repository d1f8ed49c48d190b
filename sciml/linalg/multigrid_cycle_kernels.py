"""Compiled V-cycle of black-box multigrid on a grid of two axes."""

import numpy as np

from sciml.linalg.compiling import compiled
from sciml.linalg.multigrid_levels import extent, load, unload
from sciml.linalg.multigrid_setup_kernels import weights_to


@compiled
def v_cycle(levels, b):
    """One cycle for `A z = b` from zero, symmetric: the relaxation after the correction reverses the one before."""
    last = len(levels.shapes) - 1
    load(levels, b)
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
    return unload(levels)


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
