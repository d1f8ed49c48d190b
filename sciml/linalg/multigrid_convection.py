"""Multigrid for convection and diffusion on a grid of two axes."""

from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from sciml.linalg.extras import optional
from sciml.linalg.multigrid import in_words
from sciml.linalg.operator import LinearOperator
from sciml.linalg.preconditioner import Preconditioner
from sciml.linalg.stencil import Stencil

if TYPE_CHECKING:
    from sciml.linalg.flow_setup_kernels import FlowLevels


class ConvectionMultigrid(Preconditioner):
    r"""One multigrid V-cycle for finite volumes of $-\nabla\cdot(a\nabla u) + \nabla\cdot(wu) + cu$ with two axes.

    Conductances and fluxes of the faces are read off the entries: the mean of the two coefficients of a face is its
    conductance, their difference its flux. Coarse cells are two by two fine ones; their fluxes are sums, their
    conductances follow the rules for resistances, and every coarse level is discretised anew from them, with as much
    more conductance as keeps it stable where convection dominates. Smoothing is an incomplete factorisation without
    fill-in, once before and once after; transfers are sums and bilinear interpolation. The cycle is not symmetric: it
    preconditions `BiCGStab` and `GMRES`.

    Any size of grid is taken. The loops are compiled by numba at the first use, for about ten seconds, and kept on
    disk.

    Reference: Wesseling (1992), An Introduction to Multigrid Methods, sections 4.5 and 7.6; Brandt & Yavneh (1993),
    SIAM J. Sci. Comput. 14:607-626 on closed stream lines.
    """

    def prepare(self, a: LinearOperator) -> Callable[[np.ndarray], np.ndarray]:
        """The hierarchy for a matrix, and its cycle.

        Raises:
            ValueError: no real `Stencil` of two axes, or one with negative couplings.
            ConfigError: numba is not installed.
        """
        if not (isinstance(a, Stencil) and len(a.shape) == 2 and a.dtype == np.float64):
            raise ValueError(f"ConvectionMultigrid takes real stencils of two axes; got {in_words(a)}.")
        smallest = min(t.min(initial=0.0) for t in (*a.faces, *(a.back or ())))
        if smallest < 0:
            raise ValueError(
                f"couplings must not be negative; the smallest is {smallest:g}. Discretise by upwind differences or"
                " exponential fitting where cell Peclet numbers exceed 2."
            )
        kernels = optional("sciml.linalg.flow_setup_kernels", "numba", "ConvectionMultigrid")
        cycle = optional("sciml.linalg.flow_cycle_kernels", "numba", "ConvectionMultigrid")
        levels = allocate(kernels, a)
        kernels.set_up(levels)
        return lambda r: cycle.v_cycle(levels, r)


def allocate(kernels: ModuleType, a: Stencil) -> "FlowLevels":
    """Buffers of all levels down to a single row of cells, with the matrix on the finest one."""
    shapes = [a.shape]
    while min(shapes[-1]) > 1:
        shapes.append(((shapes[-1][0] + 1) // 2, (shapes[-1][1] + 1) // 2))
    starts = np.concatenate([[0], np.cumsum([(nx + 2) * (ny + 2) for nx, ny in shapes])])
    names = [name for name in kernels.FlowLevels._fields if name not in ("shapes", "starts")]
    flat = {name: np.zeros(int(starts[-1])) for name in names}
    nx, ny = a.shape
    fine = {name: flat[name][: starts[1]].reshape(nx + 2, ny + 2) for name in names}
    fine["diagonal"][1:-1, 1:-1] = a.diagonal
    fine["east"][1:-2, 1:-1], fine["north"][1:-1, 1:-2] = a.faces
    fine["west"][2:-1, 1:-1], fine["south"][1:-1, 2:-1] = a.back or a.faces
    return kernels.FlowLevels(shapes=np.array(shapes), starts=starts, **flat)
