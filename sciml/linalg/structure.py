"""Which methods suit a matrix: a short list by what its entries say."""

import importlib.util
from dataclasses import dataclass
from typing import Any

import numpy as np

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

#: Bandwidth and number of unknowns up to which a factorisation is worth a trial.
WIDEST_BAND, MOST_TO_FACTOR = 160, 200_000
#: Steps after which a method counts as lost.
MOST_STEPS = 1000
#: Modes next to resonance that an indefinite wave is solved for exactly.
RESONANT = 100
#: Ratio of the largest to the smallest diagonal entry above which a constant coefficient is a poor neighbour.
ROUGH = 100.0
#: Preconditioners whose first use compiles or imports for up to twenty seconds.
SLOW_TO_START = (AMG, BlackBoxMultigrid, ConvectionMultigrid, ILU0)


@dataclass(frozen=True)
class Structure:
    """What the entries of a matrix say about it.

    Args:
        known: whether there are entries at all.
        grid: whether it is a stencil.
        hermitian: equal to its conjugate transpose, to rounding.
        definite: Hermitian and diagonally dominant with a positive diagonal, hence positive (semi)definite.
        rough: definite, with a diagonal that varies by more than a factor of 100.
    """

    known: bool
    grid: bool
    hermitian: bool
    definite: bool
    rough: bool = False

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
        definite = hermitian and dominant
        rough = definite and bool(diagonal.real.max() > ROUGH * diagonal.real.min())
        return cls(True, isinstance(a, Stencil), hermitian, definite, rough)

    def __str__(self) -> str:
        if not self.known:
            return "a matrix-free operator"
        kind = "positive definite" if self.definite else "Hermitian" if self.hermitian else "nonsymmetric"
        return f"a {kind} matrix{' of high contrast' if self.rough else ''}{' on a grid' if self.grid else ''}"


def candidates(a: LinearOperator, tol: float = 1e-8, fixed: bool = False) -> list[LinearSolver]:
    """Methods that suit the structure of a matrix, the likeliest first.

    | matrix | first | then |
    | --- | --- | --- |
    | the same for all systems | one factor | as below |
    | definite, grid | CG with a fast Poisson solver, where rough multigrid | factor, kept factor, AMG |
    | definite | factor within a narrow band, kept factor, AMG | sparse LU |
    | indefinite or complex | SQMR or GMRES with a fast Poisson solver on a grid, kept LU | sparse LU, ILU(0) |
    | nonsymmetric, grid | BiCGStab with multigrid | sparse LU, kept LU, ILU(0), recycling |
    | nonsymmetric | kept LU | sparse LU, ILU(0), recycling |
    | matrix-free | GMRES | recycling |

    Args:
        a: the matrix, or a typical one of the sequence.
        tol: relative residual that the iterative ones shall reach.
        fixed: whether all systems of the sequence have this matrix.
    """
    a = as_operator(a)
    found = Structure.of(a)
    common: dict[str, Any] = {"tol": tol, "max_iterations": MOST_STEPS}
    krylov: Any = CG if found.definite else GMRES
    if not found.known:
        return [GMRES(**common), *([GCRODR(**common)] if a.size > 40 else [])]
    fast = PoissonPreconditioner(scaled=found.definite, single=found.definite)
    poisson = [krylov(**common, preconditioner=fast)] if found.grid else []
    banded = [BandedCholesky()] if isinstance(a, Matrix) and a.bandwidth <= WIDEST_BAND and found.definite else []
    small = a.size <= MOST_TO_FACTOR
    direct, kept = ([SparseDirect()], [Stale(krylov(**common, preconditioner=LU()))]) if small else ([], [])
    cycles, others = _multigrid(a, found, common), _incomplete(a, found, common)
    if found.definite and found.grid:
        first = [*cycles, *poisson] if found.rough else [*poisson, *cycles]
        methods = [*first, *banded, *direct, *kept, *_algebraic(a, common)]
    elif found.definite:
        methods = [*banded, *kept, *_algebraic(a, common), *direct]
    elif found.hermitian or a.dtype.kind == "c":
        methods = [*_near_resonance(a, common), *poisson, *kept, *direct, *others]
    elif found.grid:
        methods = [*cycles, *direct, *kept, *poisson, *others]
    else:
        methods = [*kept, *direct, *others]
    factors = [*banded, *direct]
    return [*factors, *(one for one in methods if one not in factors)] if fixed else methods


def _near_resonance(a: LinearOperator, common: dict[str, Any]) -> list[Any]:
    if not (isinstance(a, Stencil) and len(a.shape) == 2 and a.symmetric and a.constant_couplings):
        return []
    near = PoissonPreconditioner(scaled=False, resonant=min(RESONANT, a.size))
    return [SQMR(**common, preconditioner=near)]


def _multigrid(a: LinearOperator, found: Structure, common: dict[str, Any]) -> list[Any]:
    if not (isinstance(a, Stencil) and len(a.shape) == 2 and a.dtype.kind == "f" and _installed("numba")):
        return []
    if found.definite:
        return [CG(**common, preconditioner=BlackBoxMultigrid())] if a.symmetric else []
    return [] if found.hermitian else [BiCGStab(**common, preconditioner=ConvectionMultigrid())]


def _algebraic(a: LinearOperator, common: dict[str, Any]) -> list[Any]:
    return [CG(**common, preconditioner=AMG())] if a.dtype.kind == "f" and _installed("pyamg") else []


def _incomplete(a: LinearOperator, found: Structure, common: dict[str, Any]) -> list[Any]:
    if found.hermitian or not _installed("numba"):
        return []
    recycling = [GCRODR(**common, preconditioner=ILU0())] if a.size > 40 else []
    return [BiCGStab(**common, preconditioner=ILU0()), *recycling]


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def starts_slowly(solver: Any) -> bool:
    """Whether the first solve of a process compiles, or imports what is slow to import."""
    return isinstance(getattr(solver, "preconditioner", None), SLOW_TO_START)


def label(solver: Any) -> str:
    """Name of a method with what it is made of: `CG+PoissonPreconditioner`, `Stale(CG+LU)`."""
    inner = getattr(solver, "solver", None)
    if inner is not None:
        return f"{type(solver).__name__}({label(inner)})"
    made = getattr(solver, "preconditioner", None)
    return type(solver).__name__ + (f"+{type(made).__name__}" if made is not None else "")
