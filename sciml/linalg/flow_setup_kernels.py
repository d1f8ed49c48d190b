r"""Compiled set-up of multigrid for convection and diffusion on a grid of two axes.

Two by two cells, one at an end if their number is odd, make a cell of the next level. A face has the index of the cell
before it, so that walls are the faces of ghost cells. What crosses a face between cells $p$ and $q$, with the
conductance $D$ and the volume flux $F$ from $p$ to $q$, is

$$ (D + F/2)\,u_p - (D - F/2)\,u_q. $$
"""

from typing import NamedTuple

import numpy as np

from sciml.linalg.compiling import compiled
from sciml.linalg.multigrid_levels import extent

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
