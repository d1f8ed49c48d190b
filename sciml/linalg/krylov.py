"""What the iterative methods share: one solve in progress, counted, with the true residual as the judge."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from sciml.describe import Described
from sciml.linalg.operator import LinearOperator, as_operator
from sciml.linalg.preconditioner import Preconditioner
from sciml.linalg.solver import Solution, check_limit, check_tol, norm, null_space, right_side, without_solving
from sciml.linalg.stencil import Stencil
from sciml.status import Status

Apply = Callable[[np.ndarray], np.ndarray]


class Run:
    r"""One solve in progress: counted applications, the history of residuals, the limits.

    Args:
        a: the operator.
        precondition: applies $M^{-1}$; `None` means the identity.
        b: right side, not zero.
        tol: relative residual to reach.
        max_iterations: steps to take at most.
    """

    def __init__(
        self, a: LinearOperator, precondition: Apply | None, b: np.ndarray, tol: float, max_iterations: int
    ) -> None:
        self.a, self.inverse, self.b = a, precondition, b
        self.product = a.applier() if isinstance(a, Stencil) else a.apply
        self.scale = norm(b)
        self.tol, self.max_iterations = tol, max_iterations
        self.residuals: list[float] = []
        self.applications = self.preconditionings = 0
        self.complaint = ""

    def apply(self, x: np.ndarray) -> np.ndarray:
        self.applications += 1
        return self.product(x)

    def precondition(self, r: np.ndarray) -> np.ndarray:
        if self.inverse is None:
            return r
        self.preconditionings += 1
        return self.inverse(r)

    def record(self, size: float) -> None:
        """Appends the (estimated) norm of the residual after a step."""
        self.residuals.append(size / self.scale)

    def true_residual(self, x: np.ndarray) -> np.ndarray:
        """`b - A x`, whose norm replaces the estimate of the last step."""
        r = self.b - self.apply(x)
        self.residuals[-1] = norm(r) / self.scale
        return r

    @property
    def iterations(self) -> int:
        return len(self.residuals) - 1

    @property
    def converged(self) -> bool:
        return self.residuals[-1] <= self.tol

    @property
    def ended(self) -> bool:
        """Whether the last step reached the tolerance, the limit, or something that is no number."""
        return not self.residuals[-1] > self.tol or self.iterations >= self.max_iterations


class IterativeSolver(Described, ABC):
    r"""An iterative method as an object: settings in the constructor, everything else in `solve`.

    A solve succeeds only if $\|b - Ax\|_2 \le$ `tol` $\|b\|_2$ for the residual recomputed from `x`. A method that
    believes to be there and is not goes on from the true residual; if that stops falling, rounding is the limit and the
    outcome is a breakdown.

    Args:
        tol: relative residual to reach, at least 1e-13.
        max_iterations: steps to take at most, in all cycles together.
        preconditioner: what makes $M^{-1}$ of a matrix.
    """

    def __init__(
        self, tol: float = 1e-8, max_iterations: int = 10_000, preconditioner: Preconditioner | None = None
    ) -> None:
        self.tol, self.max_iterations = check_tol(tol), check_limit("max_iterations", max_iterations)
        self.preconditioner = preconditioner

    def solve(self, a: LinearOperator, b: np.ndarray, *, x0: np.ndarray | None = None, state: Any = None) -> Solution:
        """Solves one system.

        Args:
            a: the matrix, or anything with `size`, `dtype` and `apply`.
            b: right side, `(n,)`.
            x0: first guess, `(n,)`; zero if `None`.
            state: of an earlier solution; methods that keep none hand it on.

        Raises:
            ValueError: shapes that do not fit, or a preconditioner that cannot be made for `a`.
        """
        a = as_operator(a)
        start = time.process_time()
        try:
            made = None if self.preconditioner is None else self.preconditioner.prepare(a)
        except np.linalg.LinAlgError as error:
            reason = null_space(a, right_side(a, b)) or error
            x, message = np.full(a.size, np.nan, a.dtype), f"the preconditioner cannot be made: {reason}."
            return Solution(x, Status.BREAKDOWN, (float("nan"),), state, message=message)
        return self.solve_with(made, a, b, x0=x0, state=state, setup_s=time.process_time() - start)

    def solve_with(
        self,
        precondition: Apply | None,
        a: LinearOperator,
        b: np.ndarray,
        *,
        x0: np.ndarray | None = None,
        state: Any = None,
        setup_s: float = 0.0,
    ) -> Solution:
        """`solve` with a preconditioner that is made already, by a caller who keeps it over several systems."""
        start = time.process_time()
        b = right_side(a, b)
        if known := without_solving(b, state):
            return known
        run = Run(a, precondition, b, self.tol, self.max_iterations)
        x, r = self._start(run, x0)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            x, status, state = self._iterate(run, x, r, state)
        message = _message(run, status)
        rest = time.process_time() - start
        return Solution(
            x, status, tuple(run.residuals), state, run.applications, run.preconditionings, setup_s, rest, message
        )

    def _start(self, run: Run, x0: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """First guess and its residual, new arrays both."""
        if x0 is None:
            run.record(run.scale)
            return np.zeros_like(run.b), run.b.copy()
        x = right_side(run.a, x0, "x0")
        run.b = run.b.astype(np.result_type(run.b, x), copy=False)
        x = x.astype(run.b.dtype)
        run.record(run.scale)
        return x, run.true_residual(x)

    def _iterate(self, run: Run, x: np.ndarray, r: np.ndarray, state: Any) -> tuple[np.ndarray, Status, Any]:
        """Cycles until the true residual passes, the limit is reached, or nothing moves any more."""
        believed = np.inf
        while not run.ended:
            before = run.iterations
            x, state = self._cycle(run, x, r, state)
            claimed = run.converged
            r = run.true_residual(x)
            if run.ended:
                break
            if claimed and run.residuals[-1] > 0.5 * believed:
                run.complaint = "rounding errors keep the true residual from falling further"
            if claimed:
                believed = run.residuals[-1]
            if run.complaint or run.iterations == before:
                return x, Status.BREAKDOWN, state
        if run.converged:
            return x, Status.SUCCESS, state
        return x, Status.MAX_STEPS if np.isfinite(run.residuals[-1]) else Status.NON_FINITE, state

    @abstractmethod
    def _cycle(self, run: Run, x: np.ndarray, r: np.ndarray, state: Any) -> tuple[np.ndarray, Any]:
        """Advances `x`, whose residual is `r`, until the estimate passes or the method restarts; records every step.

        Both arrays may be changed. A cycle without a step, or one that leaves a complaint, ends the solve.
        """


def _message(run: Run, status: Status) -> str:
    """One line: what happened, and what to try next."""
    if status.ok:
        return ""
    if status is Status.NON_FINITE:
        return f"the residual is {run.residuals[-1]} after {run.iterations} iterations; look at the matrix."
    where = f"at iteration {run.iterations} with relative residual {run.residuals[-1]:.1e}"
    reason = null_space(run.a, run.b)
    if status is Status.MAX_STEPS:
        return f"stopped {where}; {reason or f'raise max_iterations={run.max_iterations} or precondition'}."
    return f"broke down {where}: {reason or run.complaint or 'the matrix is singular or nearly so'}."
