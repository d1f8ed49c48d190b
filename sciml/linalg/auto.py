"""Which method for a sequence of systems: by structure, or measured once on a few systems and then frozen."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from sciml.bandits import TsallisINF
from sciml.describe import Described, Description, build, describe
from sciml.linalg.direct import Factor
from sciml.linalg.learned import BanditSolver, Seconds
from sciml.linalg.operator import LinearOperator, Matrix, as_operator
from sciml.linalg.solver import LinearSolver, Solution, check_tol, right_side, without_solving
from sciml.linalg.stale import Stale
from sciml.linalg.structure import Structure, candidates, label, starts_slowly
from sciml.status import SolveFailure

#: How many times the CPU time of the best one so far a method may take before its trial ends.
GIVEN_UP = 10.0
#: CPU time in seconds that the whole sequence must take before a method is tried that starts slowly.
WORTH_STARTING = 20.0

System = tuple[LinearOperator, np.ndarray]


@dataclass(frozen=True)
class Choice:
    """A method for a sequence of systems, as plain data for a manifest.

    Args:
        solver: description of the method, which `build` makes again.
        reason: one line.
        seconds: CPU time per system of every method that was tried and solved all; in the order of the trial.
    """

    solver: Description
    reason: str
    seconds: dict[str, float]

    def make(self) -> LinearSolver:
        """The solver."""
        return build(self.solver)


@dataclass(frozen=True)
class Settled:
    """What `Auto` hands from one system to the next.

    Args:
        solver: the method that has solved the last system.
        size, dtype: of its matrix.
        inner: what the method has left.
    """

    solver: LinearSolver
    size: int
    dtype: np.dtype
    inner: Any


class Auto(Described):
    """Leaves the choice of a method to the structure of the matrix, or to a calibration.

    On its own it takes the first of `candidates` that needs no compiling, and the next one where that fails; nothing is
    timed (kept factors, whose age is judged by times, are left out), so that the same systems give the same bits
    everywhere. `calibrated` measures all candidates on a few systems
    of a sequence; the generator does so once per data set, and stores and obeys what comes out.

    Args:
        tol: relative residual that iterative methods shall reach.
    """

    def __init__(self, tol: float = 1e-8) -> None:
        self.tol = check_tol(tol)

    def solve(self, a: LinearOperator, b: np.ndarray, *, x0: np.ndarray | None = None, state: Any = None) -> Solution:
        """As the method does that is found.

        Raises:
            ValueError: shapes that do not fit.
        """
        a = as_operator(a)
        if known := without_solving(right_side(a, b), state):
            return known
        tried: list[Solution] = []
        if isinstance(state, Settled) and (state.size, state.dtype) == (a.size, a.dtype):
            tried.append(_settled(state.solver, a, b, x0, state.inner))
        if not tried or not tried[0].status.ok:
            untimed = [one for one in candidates(a, self.tol) if not isinstance(one, Stale)]
            for solver in sorted(untimed, key=starts_slowly):
                tried.append(_settled(solver, a, b, x0, None))
                if tried[-1].status.ok:
                    break
        return dataclasses.replace(
            tried[-1],
            applications=sum(one.applications for one in tried),
            preconditionings=sum(one.preconditionings for one in tried),
            setup_s=sum(one.setup_s for one in tried),
            solve_s=sum(one.solve_s for one in tried),
        )

    def calibrated(self, systems: Sequence[System], *, chain: int | None = None, total: int | None = None) -> Choice:
        """`choose` with this tolerance."""
        return choose(systems, self.tol, chain=chain, total=total)

    def learning(self, systems: Sequence[System], *, total: int | None = None, seed: int = 0) -> Choice:
        """`learning` with this tolerance."""
        return learning(systems, self.tol, total=total, seed=seed)


def _settled(solver: LinearSolver, a: LinearOperator, b: np.ndarray, x0: np.ndarray | None, state: Any) -> Solution:
    solution = solver.solve(a, b, x0=x0, state=state)
    return dataclasses.replace(solution, state=Settled(solver, a.size, a.dtype, solution.state))


def choose(
    systems: Sequence[System],
    tol: float = 1e-8,
    methods: Sequence[LinearSolver] | None = None,
    *,
    chain: int | None = None,
    total: int | None = None,
) -> Choice:
    """Solves a few systems of a sequence with every candidate and takes the one with the least CPU time.

    What the first system pays for (a factor, a space) is spread over as many as follow it; three or more neighbours
    show what keeping it is worth. What happens only once in a process (imports, compilation) is not counted. Call it
    once per sequence and store what it returns: times vary between runs, and with them the choice may.

    Args:
        systems: matrices and right sides, in the order of the sequence.
        tol: relative residual that the iterative ones shall reach.
        methods: what to try; `None` means `candidates` of the first matrix.
        chain: systems that are solved one after the other, each with what the last one has left; `None` means as many
            as there are in `systems`.
        total: systems in all; methods that start slowly are tried only where these take long. `None` tries all.

    Raises:
        ValueError: no system.
        SolveFailure: no method solves all of them.
    """
    trials = measure(systems, tol, methods, chain, total)
    solved = {trial.name: trial for trial in trials if trial.seconds is not None}
    where = _where(systems)
    if not solved:
        raise SolveFailure(f"none of {', '.join(t.name for t in trials)} solves {where}.")
    best = min(solved.values(), key=lambda trial: trial.seconds or 0.0)
    others = "; ".join(str(trial) for trial in trials if trial is not best)
    reason = f"{best.name} solves {where} in {1e3 * (best.seconds or 0.0):.3g} ms per system"
    seconds = {name: trial.seconds for name, trial in solved.items() if trial.seconds is not None}
    return Choice(describe(best.solver), f"{reason} ({others})." if others else f"{reason}.", seconds)


def learning(systems: Sequence[System], tol: float = 1e-8, *, total: int | None = None, seed: int = 0) -> Choice:
    """A solver that goes on learning which candidate is the quickest, from those that solve the systems.

    Args:
        systems, tol, total: as for `choose`.
        seed: of the bandit.

    Raises:
        ValueError: no system.
        SolveFailure: no method solves all of them.
    """
    trials = measure(systems, tol, None, None, total)
    arms = sorted((t for t in trials if t.seconds is not None), key=lambda trial: trial.seconds or 0.0)
    if not arms:
        raise SolveFailure(f"none of {', '.join(t.name for t in trials)} solves {_where(systems)}.")
    solver = BanditSolver([t.solver for t in arms], TsallisINF(len(arms), seed, least=0.0), Seconds())
    reason = f"learned while solving {_where(systems)}, from {', '.join(t.name for t in arms)}."
    return Choice(describe(solver), reason, {t.name: t.seconds for t in arms if t.seconds is not None})


@dataclass(frozen=True)
class Trial:
    """What came of one method.

    Args:
        solver: the method, with what was measured of it.
        name: its label.
        seconds: CPU time per system; `None` where it did not solve all of them or was not tried.
        why: in that case, in two words.
    """

    solver: LinearSolver
    name: str
    seconds: float | None
    why: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.why}" if self.seconds is None else f"{self.name} {1e3 * self.seconds:.3g} ms"


def measure(
    systems: Sequence[System],
    tol: float,
    methods: Sequence[LinearSolver] | None = None,
    chain: int | None = None,
    total: int | None = None,
) -> list[Trial]:
    """One trial per candidate; the arguments are those of `choose`."""
    if not systems:
        raise ValueError("systems is empty; at least one is needed for a calibration.")
    tried = list(methods) if methods is not None else candidates(systems[0][0], tol, _fixed(systems))
    trials: list[Trial] = []
    best = float("inf")
    for solver in sorted(tried, key=starts_slowly) if total is not None else tried:
        if total is not None and starts_slowly(solver) and total * best < WORTH_STARTING:
            trials.append(Trial(solver, label(solver), None, "not worth a trial"))
            continue
        trials.append(_trial(solver, systems, chain or len(systems), GIVEN_UP * best))
        best = min(best, trials[-1].seconds or best)
    return trials


def _where(systems: Sequence[System]) -> str:
    fixed = "a fixed matrix, " if _fixed(systems) else ""
    a = as_operator(systems[0][0])
    return f"{fixed}{Structure.of(a)} of {a.size} unknowns"


def _fixed(systems: Sequence[System]) -> bool:
    """Whether there are several systems, and all have the same matrix."""
    matrices = [as_operator(a) for a, _ in systems]
    first, *rest = matrices
    same = isinstance(first, Matrix) and all(isinstance(a, Matrix) for a in rest)
    return bool(rest) and same and all(Factor(first, np.copy).is_of(a) for a in rest)  # type: ignore[arg-type]


def _trial(solver: LinearSolver, systems: Sequence[System], chain: int, limit: float) -> Trial:
    spent: list[float] = []
    steps: list[float] = []
    name, setup = label(solver), 0.0
    try:
        # Once untimed: the first solve of a process imports, compiles, or fills caches of the grid.
        ready, state = solver.solve(*systems[0]).status.ok, None
        for a, b in systems if ready else ():
            solution = solver.solve(a, b, state=state)
            if not solution.status.ok:
                return Trial(solver, name, None, "failed")
            state = solution.state
            spent.append(solution.setup_s + solution.solve_s)
            steps.append(solution.solve_s / max(solution.iterations, 1))
            setup = setup or solution.setup_s
            if len(spent) > 1 and _per_system(spent, chain) > limit:
                break
    except ValueError:
        return Trial(solver, name, None, "refuses")
    if not spent:
        return Trial(solver, name, None, "failed")
    if isinstance(solver, Stale) and solver.cost_ratio is None:
        # With the measured ratio written down, counts and bits do not depend on later times.
        ratio = max(setup / max(fmean(steps), 1e-9), 1e-3)
        solver = Stale(solver.solver, cost_ratio=float(f"{ratio:.3g}"))
    return Trial(solver, name, _per_system(spent, chain))


def _per_system(spent: Sequence[float], chain: int) -> float:
    """Mean over a chain that begins like these: the first one, and the others at the mean of those that were timed."""
    first, *others = spent
    return first if not others else (first + (chain - 1) * fmean(others)) / chain
