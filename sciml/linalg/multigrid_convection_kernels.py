r"""Compiled loops of multigrid for convection and diffusion on a grid of two axes: set-up and one V-cycle.

A level is a grid of cells with one layer of ghost cells, which hold zero. Inner cells are `1..nx`, `1..ny`; two by two
of them, one at an end if their number is odd, make a cell of the next level. Levels stand one behind the other in flat
buffers: cell `(i, j)` of a level at `start + i * s + j` with the stride `s = ny + 2`; a face has the index of the cell
before it, so that walls are the faces of ghost cells.

What crosses a face between cells $p$ and $q$, with the conductance $D$ and the volume flux $F$ from $p$ to $q$, is

$$ (D + F/2)\,u_p - (D - F/2)\,u_q. $$
"""

from typing import NamedTuple

import numpy as np

from sciml.linalg.compiling import compiled

#: Part of |F| / 2, the conductance of upwind differences, that coarse faces have at least. One is the most stable, and
#: damps closed stream lines so much that the correction is too small there; below 0.7 coarse levels begin to oscillate.
#: For four recirculating flows at cell Péclet number 10 one gave 17, 14, 13, 12 iterations, 0.8 gave 14, 12, 11, 10.
STABILISED = 0.8


class FlowLevels(NamedTuple):
    """A hierarchy in flat buffers.

    Args:
        shapes: inner cells per level, `(levels, 2)`.
        starts: where a level begins in the buffers, `(levels + 1,)`.
        conductance_x, conductance_y, flux_x, flux_y: $D$ and $F$ of the faces.
        reaction: what the diagonal has beside the faces.
        diagonal, west, east, south, north: of the matrix by rows; what a cell takes from each neighbour.
        inverse: inverse pivots of the incomplete factorisation.
        forward, backward: `south` and `north` times the inverse pivot.
        u, f, z: values, right sides, corrections.
    """

    shapes: np.ndarray
    starts: np.ndarray
    conductance_x: np.ndarray
    conductance_y: np.ndarray
    flux_x: np.ndarray
    flux_y: np.ndarray
    reaction: np.ndarray
    diagonal: np.ndarray
    west: np.ndarray
    east: np.ndarray
    south: np.ndarray
    north: np.ndarray
    inverse: np.ndarray
    forward: np.ndarray
    backward: np.ndarray
    u: np.ndarray
    f: np.ndarray
    z: np.ndarray


@compiled
def extent(levels, level):
    """Inner cells along both axes, start in the buffers, stride of a row."""
    nx, ny = levels.shapes[level]
    return nx, ny, levels.starts[level], ny + 2


# ---- set-up ----------------------------------------------------------------------------------------------------------


@compiled
def set_up(levels):
    """Fills all levels below the finest, whose diagonal and couplings are there."""
    last = len(levels.shapes) - 1
    split(levels)
    factorise(levels, 0)
    for level in range(last):
        coarsen(levels, level)
        discretise(levels, level + 1)
        factorise(levels, level + 1)


@compiled
def split(levels):
    """Conductances and fluxes of the finest level from its entries.

    The sums of columns and rows show what a wall gives and takes; where no wall is, they show the reaction. The two
    walls of a cell in a corner are taken to be alike.
    """
    nx, ny, _, s = extent(levels, 0)
    for i in range(1, nx + 1):
        for p in range(i * s + 1, i * s + ny + 1):
            if i < nx:
                levels.conductance_x[p] = 0.5 * (levels.west[p + s] + levels.east[p])
                levels.flux_x[p] = levels.west[p + s] - levels.east[p]
            if p < i * s + ny:
                levels.conductance_y[p] = 0.5 * (levels.south[p + 1] + levels.north[p])
                levels.flux_y[p] = levels.south[p + 1] - levels.north[p]
    for i in range(1, nx + 1):
        for j in range(1, ny + 1):
            p = i * s + j
            row = levels.diagonal[p] - levels.west[p] - levels.east[p] - levels.south[p] - levels.north[p]
            column = levels.diagonal[p] - levels.east[p - s] - levels.west[p + s]
            column -= levels.north[p - 1] + levels.south[p + 1]
            walls = (i == 1) + (i == nx) + (j == 1) + (j == ny)
            if walls == 0:
                levels.reaction[p] = column
                continue
            # Zero up to rounding at a wall without exchange.
            column, row = max(column, 0.0) / walls, max(row, 0.0) / walls
            d, outward = 0.5 * (column + row), column - row
            if i == 1:
                levels.conductance_x[p - s], levels.flux_x[p - s] = d, -outward
            if i == nx:
                levels.conductance_x[p], levels.flux_x[p] = d, outward
            if j == 1:
                levels.conductance_y[p - 1], levels.flux_y[p - 1] = d, -outward
            if j == ny:
                levels.conductance_y[p], levels.flux_y[p] = d, outward


@compiled
def in_series(across, before, behind):
    """Conductance between two coarse centres: half an inner face, the face across, half an inner face.

    A negative one stands for a coarse cell of one fine cell, which has no inner face.
    """
    if across == 0.0 or before == 0.0 or behind == 0.0:
        return 0.0
    resistance = 1.0 / across
    if before > 0.0:
        resistance += 0.5 / before
    if behind > 0.0:
        resistance += 0.5 / behind
    return 1.0 / resistance


@compiled
def coarsen(levels, level):
    """Conductances, fluxes and reaction of the next level: faces side by side add up, faces in a row are in series."""
    nx, ny, start, s = extent(levels, level)
    mx, my, coarse_start, coarse_s = extent(levels, level + 1)
    for a in range(mx + 1):
        i = min(2 * a, nx)
        for j in range(1, ny + 1):
            p, q = start + i * s + j, coarse_start + a * coarse_s + (j + 1) // 2
            # A coarse cell before the face has an inner face unless it is a ghost or ends in a single cell.
            before = levels.conductance_x[p - s] if i > 0 and i == 2 * a else -1.0
            behind = levels.conductance_x[p + s] if i + 2 <= nx else -1.0
            levels.conductance_x[q] += in_series(levels.conductance_x[p], before, behind)
            levels.flux_x[q] += levels.flux_x[p]
    for i in range(1, nx + 1):
        for b in range(my + 1):
            j = min(2 * b, ny)
            p, q = start + i * s + j, coarse_start + (i + 1) // 2 * coarse_s + b
            before = levels.conductance_y[p - 1] if j > 0 and j == 2 * b else -1.0
            behind = levels.conductance_y[p + 1] if j + 2 <= ny else -1.0
            levels.conductance_y[q] += in_series(levels.conductance_y[p], before, behind)
            levels.flux_y[q] += levels.flux_y[p]
    for i in range(1, nx + 1):
        for j in range(1, ny + 1):
            q = coarse_start + (i + 1) // 2 * coarse_s + (j + 1) // 2
            levels.reaction[q] += levels.reaction[start + i * s + j]


@compiled
def discretise(levels, level):
    """Rows of the matrix of a level: central differences with as much conductance as keeps them stable."""
    nx, ny, start, s = extent(levels, level)
    for i in range(nx + 1):
        for p in range(start + i * s + 1, start + i * s + ny + 1):
            half = 0.5 * levels.flux_x[p]
            d = max(levels.conductance_x[p], STABILISED * abs(half))
            levels.east[p], levels.west[p + s] = d - half, d + half
    for i in range(1, nx + 1):
        for p in range(start + i * s, start + i * s + ny + 1):
            half = 0.5 * levels.flux_y[p]
            d = max(levels.conductance_y[p], STABILISED * abs(half))
            levels.north[p], levels.south[p + 1] = d - half, d + half
    for i in range(1, nx + 1):
        for p in range(start + i * s + 1, start + i * s + ny + 1):
            given = levels.east[p - s] + levels.west[p + s] + levels.north[p - 1] + levels.south[p + 1]
            levels.diagonal[p] = levels.reaction[p] + given


@compiled
def factorise(levels, level):
    """Incomplete factorisation without fill-in: only the pivots are new; Saad (2003), section 10.3.2."""
    nx, ny, start, s = extent(levels, level)
    inverse = levels.inverse
    for i in range(1, nx + 1):
        for p in range(start + i * s + 1, start + i * s + ny + 1):
            pivot = levels.diagonal[p] - levels.west[p] * levels.east[p - s] * inverse[p - s]
            inverse[p] = 1.0 / (pivot - levels.south[p] * levels.north[p - 1] * inverse[p - 1])
            levels.forward[p] = levels.south[p] * inverse[p]
            levels.backward[p] = levels.north[p] * inverse[p]


# ---- one V-cycle -----------------------------------------------------------------------------------------------------


@compiled
def v_cycle(levels, b):
    """One cycle for `A z = b` from zero. On the coarsest level, a row of cells, the factors are exact."""
    last = len(levels.shapes) - 1
    nx, ny, _, s = extent(levels, 0)
    z = np.empty_like(b)
    for i in range(nx):
        for j in range(ny):
            levels.f[(i + 1) * s + j + 1] = b[i * ny + j]
    for level in range(last):
        smooth(levels, level, True)
        restrict(levels, level)
    smooth(levels, last, True)
    for level in range(last - 1, -1, -1):
        prolong(levels, level)
        smooth(levels, level, False)
    for i in range(nx):
        for j in range(ny):
            z[i * ny + j] = levels.u[(i + 1) * s + j + 1]
    return z


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
