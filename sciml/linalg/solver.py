"""What a linear solve returns, and the checks that all solvers share."""

import math
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np

from sciml.linalg.operator import LinearOperator
from sciml.status import SolveFailure, Status

#: Relative residuals below it are rounding errors in float64.
SMALLEST_TOL = 1e-13


@dataclass(frozen=True)
class Solution:
    """Outcome of a linear solve.

    Args:
        x: the solution, `(n,)`.
        status: whether it can be used.
        residuals: relative residuals, first to last, one per iteration after the first; the last is recomputed as
            `||b - A x|| / ||b||` in float64.
        state: what the next system may use (a factor, a subspace); `None` where there is nothing to hand on.
        applications: of the operator, those that check the residual included.
        preconditionings: applications of the preconditioner.
        setup_s: CPU time of what a later system might share (a factor, a hierarchy).
        solve_s: CPU time of the rest.
        message: one line that says what went wrong and what to try next; empty after a success.
    """

    x: np.ndarray
    status: Status
    residuals: tuple[float, ...] = ()
    state: Any = field(default=None, repr=False)
    applications: int = 0
    preconditionings: int = 0
    setup_s: float = 0.0
    solve_s: float = 0.0
    message: str = ""

    @property
    def residual(self) -> float:
        return self.residuals[-1] if self.residuals else float("nan")

    @property
    def iterations(self) -> int:
        """Steps of the method; 0 for a direct one."""
        return max(len(self.residuals) - 1, 0)

    def checked(self) -> "Solution":
        """Itself, after a success.

        Raises:
            SolveFailure: any other outcome, with its message.
        """
        if not self.status.ok:
            raise SolveFailure(self.message or f"the linear solve ended as {self.status.name}.", self.status)
        return self


@runtime_checkable
class LinearSolver(Protocol):
    """Solves `A x = b`; the state of one solve may be handed to the next."""

    def solve(
        self, a: LinearOperator, b: np.ndarray, *, x0: np.ndarray | None = None, state: Any = None
    ) -> Solution: ...


def norm(x: np.ndarray) -> float:
    """Euclidean norm."""
    return float(np.linalg.norm(x))


def relative_residual(a: LinearOperator, x: np.ndarray, b: np.ndarray) -> float:
    r"""$\|b - Ax\|_2 / \|b\|_2$; absolute for $b = 0$."""
    return norm(b - a.apply(x)) / (norm(b) or 1.0)


def check_tol(tol: float) -> float:
    """`tol`, if float64 can reach it.

    Raises:
        ValueError: it is below 1e-13, not below 1, or no number.
    """
    if not SMALLEST_TOL <= tol < 1.0:
        raise ValueError(f"tol={tol} must lie in [{SMALLEST_TOL:g}, 1): float64 cannot reach less.")
    return tol


def check_limit(name: str, value: int, least: int = 1) -> int:
    """`value`, if it is at least `least`.

    Raises:
        ValueError: it is less.
    """
    if value < least:
        raise ValueError(f"{name}={value} must be at least {least}.")
    return value


def right_side(a: LinearOperator, b: np.ndarray, name: str = "b") -> np.ndarray:
    """`b` in float64 or complex128; neither keeps the caller's array from changing nor copies it without need.

    Raises:
        ValueError: a shape that is not `(n,)`.
    """
    array = np.asarray(b)
    if array.shape != (a.size,):
        raise ValueError(f"{name} has shape {array.shape}; a system of {a.size} unknowns takes ({a.size},).")
    return array.astype(np.result_type(np.float64, array.dtype, a.dtype), copy=False)


def without_solving(b: np.ndarray, state: Any) -> Solution | None:
    """The outcome that can be told from `b` alone: zero where it is zero, a failure where it is not finite."""
    if not b.any():
        return Solution(np.zeros_like(b), Status.SUCCESS, (0.0,), state)
    if not np.isfinite(b).all():
        first = tuple(int(i) for i in np.argwhere(~np.isfinite(b))[0])
        where = ", ".join(map(str, first))
        nothing = np.full_like(b, np.nan)
        message = f"b[{where}] is {b[first]}; nothing was solved."
        return Solution(nothing, Status.NON_FINITE, (float("nan"),), state, message=message)
    return None


def null_space(a: LinearOperator, b: np.ndarray) -> str:
    """A sentence that names the null space, where it is the constants and `b` is not orthogonal to them; else empty.

    Costs two applications. For a Hermitian matrix it means that there is no solution.
    """
    ones = np.ones(a.size, a.dtype)
    waves = np.where(np.arange(a.size) % 2, -1.0, 1.0).astype(a.dtype)
    scale = norm(a.apply(waves))
    if not math.isfinite(scale) or norm(a.apply(ones)) > 1e-10 * scale:
        return ""
    mean, size = b.mean(), norm(b) / math.sqrt(a.size)
    if abs(mean) <= 1e-10 * size:
        return ""
    return f"the constants are the null space of A and b has the mean {mean:.3g}; MeanFree projects it away"
