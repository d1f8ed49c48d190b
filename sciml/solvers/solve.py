"""One call for any problem that a solver here can honour."""

from sciml.fields import Grid
from sciml.pdes import Problem
from sciml.solvers.base import ProblemSolver, Trajectory
from sciml.solvers.convection import FiniteVolumeConvection
from sciml.solvers.elliptic import FiniteVolumeElliptic
from sciml.solvers.etdrk import ETDRK4
from sciml.solvers.explicit import RungeKutta
from sciml.solvers.finite_volume import FiniteVolume
from sciml.solvers.helmholtz import FiniteDifferenceHelmholtz
from sciml.solvers.lines import MethodOfLines
from sciml.solvers.projection import Projection


def known_solvers() -> list[ProblemSolver]:
    """The solvers that `solve` asks, the special ones first."""
    steady = [FiniteVolumeElliptic(), FiniteVolumeConvection(), FiniteDifferenceHelmholtz()]
    return [*steady, ETDRK4(), Projection(), FiniteVolume(), RungeKutta(), MethodOfLines()]


def solve(
    problem: Problem,
    *,
    grid: Grid | None = None,
    solver: ProblemSolver | None = None,
    tol: float = 1e-6,
    throw: bool = True,
) -> Trajectory:
    """Solves a problem with the first solver that does not refuse it.

    Args:
        problem: what to solve.
        grid: another grid of the same domain to solve on; the problem's data must then be callables or numbers.
        solver: the method, when the choice is not to be made here.
        tol: relative error of the time stepping; the grid's own error is not controlled.
        throw: whether a failed sample raises instead of being marked in `status`.

    Raises:
        ValueError: no solver honours the problem; the message gives each one's reason.
        SolveFailure: a sample failed and `throw` is set.
    """
    problem = problem if grid is None else problem.on(grid)
    candidates: list[ProblemSolver] = [solver] if solver is not None else known_solvers()
    reasons = []
    for candidate in candidates:
        reason = candidate.refuses(problem)
        if reason is None:
            return candidate.solve(problem, tol=tol).check(throw)
        reasons.append(reason)
    raise ValueError("no solver honours this problem: " + " ".join(reasons))
