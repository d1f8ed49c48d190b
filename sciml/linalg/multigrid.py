"""Black-box multigrid for symmetric matrices of a grid of two axes."""

from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from sciml.linalg.extras import optional
from sciml.linalg.operator import LinearOperator
from sciml.linalg.preconditioner import Preconditioner
from sciml.linalg.solver import check_limit
from sciml.linalg.stencil import Stencil

if TYPE_CHECKING:
    from sciml.linalg.multigrid_setup_kernels import Levels


class BlackBoxMultigrid(Preconditioner):
    r"""One multigrid V-cycle whose transfers and coarse matrices follow from the entries alone.

    The prolongation is found from the five- or nine-point matrix by collapsing it on lines, so that it follows jumps of
    the coefficient; coarse matrices are $P^T A P$. Relaxation is Gauss-Seidel by colours, by lines along the axes where
    a level is strongly anisotropic. The cycle is symmetric and positive definite: it preconditions `CG`.

    Any size of grid is taken. The loops are compiled by numba at the first use, for about twenty seconds, and kept on
    disk. They run in double precision: single precision was 12 % faster and failed at contrasts above 1e5.

    Args:
        coarsest: number of points along the shorter axis from which on a level is factorised.

    Reference: Dendy (1982), J. Comput. Phys. 48:366-386; Alcouffe, Brandt, Dendy & Painter (1981), SIAM J. Sci. Stat.
    Comput. 2:430-454.
    """

    def __init__(self, coarsest: int = 4) -> None:
        self.coarsest = check_limit("coarsest", coarsest)

    def prepare(self, a: LinearOperator) -> Callable[[np.ndarray], np.ndarray]:
        """The hierarchy for a matrix, and its cycle.

        Raises:
            ValueError: no symmetric real `Stencil` of two axes with a positive diagonal.
            ConfigError: numba is not installed.
        """
        if not (isinstance(a, Stencil) and len(a.shape) == 2 and a.symmetric and a.dtype == np.float64):
            raise ValueError(f"BlackBoxMultigrid takes real symmetric stencils of two axes; got {in_words(a)}.")
        if not a.diagonal.min() > 0:
            raise ValueError(f"the diagonal must be positive; its smallest entry is {a.diagonal.min():g}.")
        kernels = optional("sciml.linalg.multigrid_setup_kernels", "numba", "BlackBoxMultigrid")
        cycle = optional("sciml.linalg.multigrid_cycle_kernels", "numba", "BlackBoxMultigrid")
        levels = allocate(kernels, a, self.coarsest)
        kernels.set_up(levels)
        return lambda r: cycle.v_cycle(levels, r)


def in_words(a: LinearOperator) -> str:
    """What a matrix is, for a message."""
    if not isinstance(a, Stencil):
        return type(a).__name__
    return f"a {a.dtype} stencil of {len(a.shape)} axes that is {'' if a.symmetric else 'not '}symmetric"


def allocate(kernels: ModuleType, a: Stencil, coarsest: int) -> "Levels":
    """Buffers of all levels, with the matrix on the finest one."""
    shapes = [a.shape]
    while min(shapes[-1]) > coarsest:
        shapes.append((shapes[-1][0] // 2, shapes[-1][1] // 2))
    sizes = [(nx + 2) * (ny + 2) for nx, ny in shapes]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    total, (nx, ny) = int(starts[-1]), shapes[-1]
    apart = ("shapes", "starts", "lines", "weights", "factor")
    flat = {name: np.zeros(total) for name in kernels.Levels._fields if name not in apart}
    levels = kernels.Levels(
        shapes=np.array(shapes),
        starts=starts,
        lines=np.zeros((len(shapes), 2), bool),
        weights=np.zeros((total - sizes[0], 3, 3)),
        factor=np.zeros((nx * ny, min(nx * ny - 1, min(nx, ny) + 1) + 1)),
        **flat,
    )
    nx, ny = a.shape
    fine = {name: flat[name][: sizes[0]].reshape(nx + 2, ny + 2) for name in ("diagonal", "east", "north")}
    fine["diagonal"][1:-1, 1:-1] = a.diagonal
    fine["east"][1:-2, 1:-1], fine["north"][1:-1, 1:-2] = a.faces
    return levels
