"""Direct methods with a factor that serves every later system of the same matrix."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sciml.describe import Described
from sciml.linalg.operator import LinearOperator, Matrix, as_operator, entries_of
from sciml.linalg.solver import LinearSolver, Solution, null_space, relative_residual, right_side, without_solving
from sciml.status import Status

Substitute = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Factor:
    """A factorisation and the matrix that it is of.

    Args:
        matrix: what was factorised.
        substitute: solves for right sides `(n,)` or `(n, k)`.
    """

    matrix: Matrix
    substitute: Substitute

    def is_of(self, a: Matrix) -> bool:
        """Whether `a` is the same matrix, entry by entry."""
        if a is self.matrix:
            return True
        if (a.size, a.dtype) != (self.matrix.size, self.matrix.dtype):
            return False
        # The diagonal is at hand without a copy, and most matrices differ there.
        if not np.array_equal(a.diag(), self.matrix.diag()):
            return False
        new, old = a.csc(), self.matrix.csc()
        return all(np.array_equal(getattr(new, part), getattr(old, part)) for part in ("indptr", "indices", "data"))


class DirectSolver(Described, ABC):
    """A direct method: factorise, substitute, look at the true residual.

    The state that it returns is the factor; a later solve with the same matrix uses it again.

    Args:
        tol: relative residual above which the solve counts as failed.
    """

    def __init__(self, tol: float = 1e-10) -> None:
        if not tol > 0:
            raise ValueError(f"tol={tol} must be positive.")
        self.tol = tol

    def solve(self, a: LinearOperator, b: np.ndarray, *, x0: np.ndarray | None = None, state: Any = None) -> Solution:
        """One right side `(n,)`, or several `(n, k)` whose residual is the largest of the columns; `x0` is unused.

        Raises:
            ValueError: a matrix-free operator, or a `b` that does not fit.
        """
        matrix = entries_of(as_operator(a), type(self).__name__)
        b = _right_sides(matrix, b)
        if known := without_solving(b, state):
            return known
        begin = time.process_time()
        kept = isinstance(state, Factor) and state.is_of(matrix)
        count, setup, rest, failure = 0, 0.0, time.process_time() - begin, ""
        x, residual = np.full_like(b, np.nan), float("nan")
        for factorise in [lambda: state.substitute] if kept else self._ways(matrix):
            start = time.process_time()
            try:
                substitute = factorise()
                factored = time.process_time()
                x = substitute(b)
            # Singular, not positive definite, or entries that are not finite.
            except (np.linalg.LinAlgError, RuntimeError, ValueError) as error:
                failure = f"the factorisation failed: {str(error).rstrip('.')}"
                continue
            residual = max(relative_residual(matrix, *pair) for pair in zip(_columns(x), _columns(b), strict=True))
            setup, rest = setup + factored - start, rest + time.process_time() - factored
            count += len(_columns(b))
            if residual <= self.tol:
                factor = state if kept else Factor(matrix, substitute)
                return Solution(x, Status.SUCCESS, (residual,), factor, count, setup_s=setup, solve_s=rest)
            failure = f"the factor leaves a relative residual of {residual:.1e}: the matrix is singular or nearly so"
        status = Status.NON_FINITE if count and not np.isfinite(residual) else Status.BREAKDOWN
        reason = null_space(matrix, _columns(b)[0])
        message = f"{failure}; {reason}." if reason else f"{failure}."
        return Solution(x, status, (residual,), None, count, setup_s=setup, solve_s=rest, message=message)

    @abstractmethod
    def _ways(self, a: Matrix) -> list[Callable[[], Substitute]]:
        """Factorisations to try in turn; each returns what solves for right sides."""


class BandedCholesky(DirectSolver):
    """Cholesky factorisation within the band, `O(n bandwidth^2)`: the fastest direct method on small grids.

    For Hermitian, positive definite matrices; it reads the lower half alone.
    """

    def _ways(self, a: Matrix) -> list[Callable[[], Substitute]]:
        return [lambda: self._factor(a)]

    def _factor(self, a: Matrix) -> Substitute:
        from scipy.linalg import cho_solve_banded, cholesky_banded

        factor = cholesky_banded(a.banded(), lower=True, overwrite_ab=True, check_finite=True)
        return lambda b: cho_solve_banded((factor, True), b, check_finite=True)


class SparseDirect(DirectSolver):
    """Sparse LU (SuperLU) for any regular matrix.

    The first attempt keeps to pivots on the diagonal and orders by minimum degree of `A + A^T`, which suits the
    matrices of grids. Where that leaves a residual, the second one pivots by rows and orders by columns.
    """

    def _ways(self, a: Matrix) -> list[Callable[[], Substitute]]:
        symmetric = {"SymmetricMode": True, "Equil": False}
        first = {"permc_spec": "MMD_AT_PLUS_A", "diag_pivot_thresh": 0.0, "options": symmetric}
        return [lambda: self._factor(a, first), lambda: self._factor(a, {})]

    def substitution(self, a: Matrix) -> Substitute:
        """The factorisation alone: what solves for right sides, its residuals unseen.

        Raises:
            LinAlgError: both attempts failed.
        """
        reason = ""
        for factorise in self._ways(a):
            try:
                return factorise()
            except (RuntimeError, ValueError) as error:
                reason = str(error)
        raise np.linalg.LinAlgError(f"the factorisation failed: {reason}")

    def _factor(self, a: Matrix, how: dict[str, Any]) -> Substitute:
        from scipy.sparse.linalg import splu

        columns = a.csc()
        if not np.isfinite(columns.data).all():
            raise ValueError("the matrix has entries that are not finite")
        return typed(splu(columns, **how).solve, a.dtype)


def direct_solver(a: Matrix) -> LinearSolver:
    """The faster of the two for the matrix of a grid: banded up to a band of 160 (their times crossed there in 2-D)."""
    return BandedCholesky() if a.bandwidth <= 160 else SparseDirect()


def typed(substitute: Substitute, dtype: np.dtype) -> Substitute:
    """SuperLU takes right sides of the factor's type alone: those of a real factor are solved part by part."""

    def solve(b: np.ndarray) -> np.ndarray:
        if np.iscomplexobj(b) and dtype.kind != "c":
            return substitute(np.ascontiguousarray(b.real)) + 1j * substitute(np.ascontiguousarray(b.imag))
        return substitute(b.astype(dtype, copy=False))

    return solve


def _right_sides(a: LinearOperator, b: np.ndarray) -> np.ndarray:
    b = np.asarray(b)
    if b.ndim != 2:
        return right_side(a, b)
    if b.shape[0] != a.size or b.shape[1] < 1:
        raise ValueError(f"b has shape {b.shape}; a system of {a.size} unknowns takes ({a.size},) or ({a.size}, k).")
    return b.astype(np.result_type(np.float64, b.dtype, a.dtype), copy=False)


def _columns(b: np.ndarray) -> list[np.ndarray]:
    return [b] if b.ndim == 1 else list(b.T)
