"""Compiled access to the levels of a multigrid hierarchy in flat buffers, whatever else its levels hold.

Every level carries one layer of ghosts, so that no loop has a special case at a wall. Inner points (or cells) are
`1..nx`, `1..ny`. Levels stand one behind the other: point `(i, j)` of a level at `start + i * s + j` with the stride
`s = ny + 2`. Loops run over slices of whole rows, which the compiler turns into vector instructions.
"""

import numpy as np

from sciml.linalg.compiling import compiled


@compiled
def extent(levels, level):
    """Inner points along both axes of a level, its start in the buffers, the stride of a row."""
    nx, ny = levels.shapes[level]
    return nx, ny, levels.starts[level], ny + 2


@compiled
def load(levels, b):
    """The right side of the finest level becomes `b`."""
    nx, ny, _, s = extent(levels, 0)
    for i in range(nx):
        for j in range(ny):
            levels.f[(i + 1) * s + j + 1] = b[i * ny + j]


@compiled
def unload(levels):
    """The values of the finest level, in a new array."""
    nx, ny, _, s = extent(levels, 0)
    z = np.empty(nx * ny)
    for i in range(nx):
        for j in range(ny):
            z[i * ny + j] = levels.u[(i + 1) * s + j + 1]
    return z
