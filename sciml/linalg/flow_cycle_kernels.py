"""Compiled V-cycle of multigrid for convection and diffusion; ghost cells hold zero."""

import numpy as np

from sciml.linalg.compiling import compiled
from sciml.linalg.multigrid_levels import extent, load, unload


@compiled
def v_cycle(levels, b):
    """One cycle for `A z = b` from zero. On the coarsest level, a row of cells, the factors are exact."""
    last = len(levels.shapes) - 1
    load(levels, b)
    for level in range(last):
        smooth(levels, level, True)
        restrict(levels, level)
    smooth(levels, last, True)
    for level in range(last - 1, -1, -1):
        prolong(levels, level)
        smooth(levels, level, False)
    return unload(levels)


@compiled
def residual_of_row(levels, level, i, r):
    """`r` becomes row `i` of `f - A u`."""
    _, ny, start, s = extent(levels, level)
    p = start + i * s
    before, u, behind = levels.u[p - s : p], levels.u[p : p + s], levels.u[p + s : p + 2 * s]
    f, d = levels.f[p : p + s], levels.diagonal[p : p + s]
    west, east = levels.west[p : p + s], levels.east[p : p + s]
    south, north = levels.south[p : p + s], levels.north[p : p + s]
    for j in range(1, ny + 1):
        r[j] = f[j] - d[j] * u[j] + west[j] * before[j] + east[j] * behind[j]
    for j in range(1, ny + 1):
        r[j] += south[j] * u[j - 1] + north[j] * u[j + 1]


@compiled
def smooth(levels, level, from_zero):
    """Adds the correction `(L U)^-1 (f - A u)`: substitution forward, row by row, and back."""
    nx, ny, start, s = extent(levels, level)
    r = np.empty(s)
    for i in range(1, nx + 1):
        p = start + i * s
        if from_zero:
            r[:] = levels.f[p : p + s]
        else:
            residual_of_row(levels, level, i, r)
        before, z = levels.z[p - s : p], levels.z[p : p + s]
        west, inverse, forward = levels.west[p : p + s], levels.inverse[p : p + s], levels.forward[p : p + s]
        for j in range(1, ny + 1):
            r[j] = inverse[j] * (r[j] + west[j] * before[j])
        for j in range(1, ny + 1):
            z[j] = r[j] + forward[j] * z[j - 1]
    for i in range(nx, 0, -1):
        p = start + i * s
        z, behind, u = levels.z[p : p + s], levels.z[p + s : p + 2 * s], levels.u[p : p + s]
        east, inverse, backward = levels.east[p : p + s], levels.inverse[p : p + s], levels.backward[p : p + s]
        for j in range(1, ny + 1):
            r[j] = z[j] + inverse[j] * east[j] * behind[j]
        for j in range(ny, 0, -1):
            z[j] = r[j] + backward[j] * z[j + 1]
        for j in range(1, ny + 1):
            u[j] = z[j] if from_zero else u[j] + z[j]


@compiled
def restrict(levels, level):
    """Right side of the next level: sums of the residual over its cells."""
    nx, ny, _, s = extent(levels, level)
    mx, _, coarse_start, coarse_s = extent(levels, level + 1)
    r = np.empty(s)
    for a in range(1, mx + 1):
        f = levels.f[coarse_start + a * coarse_s : coarse_start + (a + 1) * coarse_s]
        f[:] = 0.0
        for i in range(2 * a - 1, min(2 * a, nx) + 1):
            residual_of_row(levels, level, i, r)
            for j in range(1, ny + 1):
                f[(j + 1) // 2] += r[j]


@compiled
def prolong(levels, level):
    """Adds the values of the next level, interpolated bilinearly between its centres, constant beyond them."""
    nx, ny, start, s = extent(levels, level)
    mx, my, coarse_start, coarse_s = extent(levels, level + 1)
    v = np.empty(coarse_s)
    for i in range(1, nx + 1):
        a = (i + 1) // 2
        other = min(max(a - 1 if i % 2 else a + 1, 1), mx)
        near = levels.u[coarse_start + a * coarse_s : coarse_start + (a + 1) * coarse_s]
        far = levels.u[coarse_start + other * coarse_s : coarse_start + (other + 1) * coarse_s]
        for b in range(1, my + 1):
            v[b] = 0.75 * near[b] + 0.25 * far[b]
        v[0], v[my + 1] = v[1], v[my]
        u = levels.u[start + i * s : start + (i + 1) * s]
        for j in range(1, ny + 1):
            b = (j + 1) // 2
            u[j] += 0.75 * v[b] + 0.25 * (v[b - 1] if j % 2 else v[b + 1])
