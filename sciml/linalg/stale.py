"""A preconditioner that outlives its matrix: made once, kept for the neighbours, made again when that pays."""

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sciml.describe import Described
from sciml.linalg.krylov import IterativeSolver
from sciml.linalg.operator import LinearOperator, as_operator
from sciml.linalg.solver import LinearSolver, Solution

Apply = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Kept:
    """What is handed from one system to the next.

    Args:
        apply: the preconditioner of an earlier matrix.
        size, dtype: of that matrix.
        setup_s: CPU time that it took to make.
        uses: systems that it has served.
        excess: iterations beyond the first that they took together.
        due: whether the rule asks for a new one.
        inner: state of the method itself.
    """

    apply: Apply
    size: int
    dtype: np.dtype
    setup_s: float
    uses: int = 0
    excess: int = 0
    due: bool = False
    inner: Any = None


class Stale(Described):
    r"""An iterative method whose preconditioner is kept over several systems of a sequence.

    A fresh factor would need one iteration, so that $e = j - 1$ of the $j$ that were taken are due to its age. It is
    made again when the last system cost more than the $N$ systems served so far did on average, the factor included,

    $$(e_N - \bar e)\, t_\text{step} > t_\text{setup} / N, \qquad \bar e = \tfrac1N \textstyle\sum_i e_i,$$

    which gives the least total cost where $e$ grows with age. A system that fails with a kept preconditioner is solved
    again with its own.

    Args:
        solver: the method with its preconditioner, for instance `CG(preconditioner=LU())`.
        cost_ratio: $t_\text{setup} / t_\text{step}$; `None` measures both times, so that iteration counts may differ
            between runs, a number makes them reproducible.

    Raises:
        ValueError: a solver without a preconditioner, or a ratio that is not positive.
    """

    def __init__(self, solver: LinearSolver, cost_ratio: float | None = None) -> None:
        if not isinstance(solver, IterativeSolver) or solver.preconditioner is None:
            raise ValueError(f"solver={type(solver).__name__} has no preconditioner that could be kept.")
        if cost_ratio is not None and not cost_ratio > 0:
            raise ValueError(f"cost_ratio={cost_ratio} must be positive.")
        self.solver, self.cost_ratio = solver, cost_ratio

    def solve(self, a: LinearOperator, b: np.ndarray, *, x0: np.ndarray | None = None, state: Any = None) -> Solution:
        """As the method does, with the preconditioner of `state` while that serves.

        Raises:
            ValueError: shapes that do not fit, or a preconditioner that cannot be made for `a`.
        """
        a = as_operator(a)
        kept = state if isinstance(state, Kept) and (state.size, state.dtype) == (a.size, a.dtype) else None
        if kept is None or kept.due:
            return self._fresh(a, b, x0)
        tried = self.solver.solve_with(kept.apply, a, b, x0=x0, state=kept.inner)
        if tried.status.ok or not np.isfinite(b).all():
            return self._judged(tried, kept)
        again = self._fresh(a, b, x0)
        return dataclasses.replace(
            again,
            applications=tried.applications + again.applications,
            preconditionings=tried.preconditionings + again.preconditionings,
            solve_s=tried.solve_s + again.solve_s,
        )

    def _fresh(self, a: LinearOperator, b: np.ndarray, x0: np.ndarray | None) -> Solution:
        assert self.solver.preconditioner is not None
        start = time.process_time()
        try:
            apply = self.solver.preconditioner.prepare(a)
        except np.linalg.LinAlgError:
            # The method meets the same failure and reports it.
            return self.solver.solve(a, b, x0=x0)
        setup = time.process_time() - start
        new = Kept(apply, a.size, a.dtype, setup)
        # A recycled space belongs to the coordinates of the old preconditioner.
        return self._judged(self.solver.solve_with(apply, a, b, x0=x0, setup_s=setup), new)

    def _judged(self, solution: Solution, kept: Kept) -> Solution:
        """The solution with the state for the next system; decides whether the preconditioner is due."""
        step_s = solution.solve_s / max(solution.iterations, 1)
        ratio = kept.setup_s / max(step_s, 1e-9) if self.cost_ratio is None else self.cost_ratio
        last = max(solution.iterations - 1, 0)
        uses, excess = kept.uses + 1, kept.excess + last
        due = last - excess / uses > ratio / uses
        inner = solution.state
        return dataclasses.replace(
            solution, state=dataclasses.replace(kept, uses=uses, excess=excess, due=due, inner=inner)
        )
