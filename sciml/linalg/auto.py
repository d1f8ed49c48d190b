"""Which method for a sequence of systems: a short list by structure, one calibration, and a choice that is frozen."""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from sciml.describe import Description, build, describe
from sciml.linalg.bicgstab import BiCGStab
from sciml.linalg.cg import CG
from sciml.linalg.direct import BandedCholesky, SparseDirect
from sciml.linalg.gcrodr import GCRODR
from sciml.linalg.gmres import GMRES
from sciml.linalg.multigrid import BlackBoxMultigrid
from sciml.linalg.multigrid_convection import ConvectionMultigrid
from sciml.linalg.operator import LinearOperator, Matrix, as_operator
from sciml.linalg.poisson_preconditioner import PoissonPreconditioner
from sciml.linalg.preconditioners import AMG, ILU0, LU
from sciml.linalg.solver import LinearSolver
from sciml.linalg.sqmr import SQMR
from sciml.linalg.stale import Stale
from sciml.linalg.stencil import Stencil
from sciml.status import SolveFailure

#: Bandwidth and number of unknowns up to which a factorisation is worth a trial.
WIDEST_BAND, MOST_TO_FACTOR = 160, 200_000
#: Modes next to resonance that an indefinite wave is solved for exactly.
RESONANT = 100
#: Steps after which a trial counts as lost.
MOST_STEPS = 1000

System = tuple[LinearOperator, np.ndarray]


@dataclass(frozen=True)
class Structure:
    """What the entries of a matrix say about it.

    Args:
        known: whether there are entries at all.
        grid: whether it is a stencil.
        hermitian: equal to its conjugate transpose, to rounding.
        definite: Hermitian and diagonally dominant with a positive diagonal, hence positive (semi)definite.
    """

    known: bool
    grid: bool
    hermitian: bool
    definite: bool

    @classmethod
    def of(cls, a: LinearOperator) -> "Structure":
        """Reads it off the entries, in `O(n)`."""
        if not isinstance(a, Matrix):
            return cls(False, False, False, False)
        columns = a.csc()
        skew = abs(columns - columns.conj().T)
        largest = float(np.abs(columns.data).max(initial=0.0))
        hermitian = bool(skew.max() <= 1e-14 * largest)
        diagonal = a.diag()
        others = np.asarray(abs(columns).sum(axis=0)).ravel() - np.abs(diagonal)
        dominant = bool((diagonal.real >= others * (1 - 1e-12)).all() and (diagonal.real > 0).all())
        return cls(True, isinstance(a, Stencil), hermitian, hermitian and dominant)

    def __str__(self) -> str:
        if not self.known:
            return "a matrix-free operator"
        kind = "positive definite" if self.definite else "Hermitian" if self.hermitian else "nonsymmetric"
        return f"a {kind} matrix{' on a grid' if self.grid else ''}"


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


def candidates(a: LinearOperator, tol: float = 1e-8) -> list[LinearSolver]:
    """Methods that suit the structure of a matrix, the likeliest first.

    Args:
        a: the matrix, or a typical one of the sequence.
        tol: relative residual that the iterative ones shall reach.
    """
    a = as_operator(a)
    found = Structure.of(a)
    common: dict[str, Any] = {"tol": tol, "max_iterations": MOST_STEPS}
    if not found.known:
        return [GMRES(**common), GCRODR(**common)] if a.size > 40 else [GMRES(**common)]
    method: Any = CG if found.definite else GMRES
    methods: list[LinearSolver] = []
    if isinstance(a, Stencil) and a.symmetric and not found.definite and a.constant_couplings and len(a.shape) == 2:
        near = PoissonPreconditioner(scaled=False, resonant=min(RESONANT, a.size))
        methods.append(SQMR(**common, preconditioner=near))
    if found.grid:
        fast = PoissonPreconditioner(scaled=found.definite, single=found.definite)
        methods.append(method(**common, preconditioner=fast))
    compiled = importlib.util.find_spec("numba") is not None
    if isinstance(a, Stencil) and len(a.shape) == 2 and a.dtype.kind == "f" and compiled:
        if found.definite and a.symmetric:
            methods.append(CG(**common, preconditioner=BlackBoxMultigrid()))
        elif not found.hermitian:
            methods.append(BiCGStab(**common, preconditioner=ConvectionMultigrid()))
    if isinstance(a, Matrix) and a.bandwidth <= WIDEST_BAND and found.definite:
        methods.append(BandedCholesky())
    if a.size <= MOST_TO_FACTOR:
        methods += [SparseDirect(), Stale(method(**common, preconditioner=LU()))]
    if found.definite and a.dtype.kind == "f" and importlib.util.find_spec("pyamg"):
        methods.append(CG(**common, preconditioner=AMG()))
    if not found.hermitian and compiled:
        methods.append(BiCGStab(**common, preconditioner=ILU0()))
        if a.size > 40:
            methods.append(GCRODR(**common, preconditioner=ILU0()))
    return methods


def choose(systems: Sequence[System], tol: float = 1e-8, methods: Sequence[LinearSolver] | None = None) -> Choice:
    """Solves a few systems of a sequence with every candidate and takes the one with the least CPU time.

    The first system, where a factor or a space is made, counts as much as the others; three or more neighbours show
    what keeping it is worth. What happens only once in a process (imports, compilation) is not counted. Call it once
    per sequence and store what it returns: times vary between runs, and with them the choice may.

    Args:
        systems: matrices and right sides, in the order of the sequence.
        tol: relative residual that the iterative ones shall reach.
        methods: what to try; `None` means `candidates` of the first matrix.

    Raises:
        ValueError: no system.
        SolveFailure: no method solves all of them.
    """
    if not systems:
        raise ValueError("systems is empty; at least one is needed for a calibration.")
    tried = list(methods) if methods is not None else candidates(systems[0][0], tol)
    seconds, lost, best = {}, [], (float("inf"), "", tried[0])
    for solver in tried:
        spent = _trial(solver, systems)
        if spent is None:
            lost.append(label(solver))
            continue
        seconds[label(solver)] = spent
        if spent < best[0]:
            best = (spent, label(solver), solver)
    where = str(Structure.of(as_operator(systems[0][0])))
    if not seconds:
        raise SolveFailure(f"none of {', '.join(lost)} solves {where} of {systems[0][0].size} unknowns.")
    others = [f"{name} {1e3 * s:.3g} ms" for name, s in seconds.items() if name != best[1]]
    others += [f"{name} failed" for name in lost]
    reason = f"{best[1]} solves {where} in {1e3 * best[0]:.3g} ms per system"
    return Choice(describe(best[2]), f"{reason} ({', '.join(others)})." if others else f"{reason}.", seconds)


def label(solver: LinearSolver) -> str:
    """Name of a method with what it is made of: `CG+PoissonPreconditioner`, `Stale(CG+LU)`."""
    inner = getattr(solver, "solver", None)
    if inner is not None:
        return f"{type(solver).__name__}({label(inner)})"
    made = getattr(solver, "preconditioner", None)
    return type(solver).__name__ + (f"+{type(made).__name__}" if made is not None else "")


def _trial(solver: LinearSolver, systems: Sequence[System]) -> float | None:
    """CPU time per system, or `None` after a failure."""
    spent = []
    try:
        # Once untimed: the first solve of a process imports, compiles, or fills caches of the grid.
        ready, state = solver.solve(*systems[0]).status.ok, None
        for a, b in systems if ready else ():
            solution = solver.solve(a, b, state=state)
            if not solution.status.ok:
                return None
            state = solution.state
            spent.append(solution.setup_s + solution.solve_s)
    except ValueError:
        return None
    return fmean(spent) if spent else None
