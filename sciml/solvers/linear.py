"""Linear systems of the grid solvers: what a solve returns, and two direct methods."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from sciml.describe import Described
from sciml.status import Status

# scipy is imported on use: a predictor, which shares the face of a solver, loads without it.
if TYPE_CHECKING:
    import scipy.sparse


@runtime_checkable
class LinearSystem(Protocol):
    """A symmetric matrix that a grid made: it can be applied, and written out in the forms that solvers want."""

    @property
    def size(self) -> int: ...
    @property
    def bandwidth(self) -> int: ...
    def apply(self, x: np.ndarray) -> np.ndarray:
        """`A x` for `x` of shape `(n,)`."""

    def csc(self) -> "scipy.sparse.csc_array":
        """The matrix in compressed columns."""

    def banded(self) -> np.ndarray:
        """Its lower half by diagonals, `(bandwidth + 1, n)`, as LAPACK wants it."""


@dataclass(frozen=True)
class Solution:
    """Outcome of a linear solve.

    Args:
        x: the solution, `(n,)`.
        status: whether it can be used.
        residuals: relative residuals, first to last; the last is recomputed as `||b - A x|| / ||b||` in float64.
        state: what the next system may use (a factor, a subspace); `None` for a direct solve.
        applications: of the operator, the one that checks the residual included.
        preconditionings: applications of the preconditioner.
        setup_s: CPU time of what a later system might share (assembly in the solver's form, a factor).
        solve_s: CPU time of the rest.
    """

    x: np.ndarray
    status: Status
    residuals: tuple[float, ...] = ()
    state: Any = field(default=None, repr=False)
    applications: int = 0
    preconditionings: int = 0
    setup_s: float = 0.0
    solve_s: float = 0.0

    @property
    def residual(self) -> float:
        return self.residuals[-1] if self.residuals else float("nan")


@runtime_checkable
class LinearSolver(Protocol):
    """Solves `A x = b`; the state of one solve may be handed to the next."""

    def solve(self, a: LinearSystem, b: np.ndarray, *, x0: np.ndarray | None = None, state: Any = None) -> Solution: ...


def relative_residual(a: LinearSystem, x: np.ndarray, b: np.ndarray) -> float:
    r"""$\|b - Ax\|_2 / \|b\|_2$; absolute for $b = 0$."""
    scale = float(np.linalg.norm(b))
    return float(np.linalg.norm(b - a.apply(x))) / (scale or 1.0)


class _Direct(Described, ABC):
    """A direct method: factor, solve, and look at the true residual."""

    def __init__(self, tol: float = 1e-10) -> None:
        if not tol > 0:
            raise ValueError(f"tol={tol} must be positive.")
        self.tol = tol

    def solve(self, a: LinearSystem, b: np.ndarray, *, x0: np.ndarray | None = None, state: Any = None) -> Solution:
        start = time.process_time()
        try:
            back_substitute = self._factor(a)
            factored = time.process_time()
            x = back_substitute(b)
        # Singular, not positive definite, or entries that are not finite.
        except (np.linalg.LinAlgError, RuntimeError, ValueError):
            return Solution(np.full(a.size, np.nan), Status.BREAKDOWN, (float("nan"),))
        residual = relative_residual(a, x, b)
        status = Status.SUCCESS if residual <= self.tol else Status.BREAKDOWN
        if not np.isfinite(residual):
            status = Status.NON_FINITE
        setup, rest = factored - start, time.process_time() - factored
        return Solution(x, status, (residual,), applications=1, setup_s=setup, solve_s=rest)

    @abstractmethod
    def _factor(self, a: LinearSystem) -> Callable[[np.ndarray], np.ndarray]:
        """Factorises, and returns what solves for a right side."""


class BandedCholesky(_Direct):
    """Cholesky factorisation within the band, `O(n bandwidth^2)`: the fastest direct method on small grids.

    Args:
        tol: relative residual above which the solve counts as failed.
    """

    def _factor(self, a: LinearSystem) -> Callable[[np.ndarray], np.ndarray]:
        from scipy.linalg import cho_solve_banded, cholesky_banded

        factor = cholesky_banded(a.banded(), lower=True, overwrite_ab=True, check_finite=True)
        return lambda b: cho_solve_banded((factor, True), b, check_finite=True)


class SparseDirect(_Direct):
    """Sparse LU (SuperLU) in the symmetric mode, ordered by minimum degree of `A + A^T`.

    Args:
        tol: relative residual above which the solve counts as failed.
    """

    def _factor(self, a: LinearSystem) -> Callable[[np.ndarray], np.ndarray]:
        from scipy.sparse.linalg import splu

        # Diagonal pivots keep the symmetric ordering; a diagonally dominant matrix needs no others.
        factor = splu(
            a.csc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True, "Equil": False}
        )
        return factor.solve


def direct_solver(a: LinearSystem) -> LinearSolver:
    """The faster of the two for a matrix: banded up to a band of 160 (where their times crossed on 2-D grids)."""
    return BandedCholesky() if a.bandwidth <= 160 else SparseDirect()
