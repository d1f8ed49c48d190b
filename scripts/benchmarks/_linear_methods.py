"""Linear solvers of this package and of others behind one face, for `linear_solvers.py`."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sciml.linalg import (
    CG,
    GCRODR,
    GMRES,
    LU,
    SQMR,
    BiCGStab,
    BlackBoxMultigrid,
    ConvectionMultigrid,
    PoissonPreconditioner,
    SparseDirect,
    Stale,
    choose,
)
from sciml.solvers.steady import System

TOL = 1e-8
#: Samples over which is spread what happens once per sequence: a calibration, the factor of a fixed matrix.
SEQUENCE = 1000

#: Solutions, and the number of iterations of each.
Answer = tuple[list[np.ndarray], list[int]]


class Method:
    """Solves systems in the order in which they come.

    Attributes:
        once_s: CPU time of what a sequence needs once; it is no part of the solves that are timed.
        together: whether it solves a batch at once.
        checks: whether it looks at the true residual itself, as all solvers of this package do.
    """

    once_s, together, checks = 0.0, False, False

    def begin(self, systems: list[System]) -> None:
        """Sees the first systems of the sequence, before any is solved."""

    def __call__(self, systems: list[System]) -> Answer:
        solved = [self.solve(a, b) for a, b in systems]
        return [x for x, _ in solved], [count for _, count in solved]

    def solve(self, a: Any, b: np.ndarray) -> tuple[np.ndarray, int]:
        raise AssertionError(f"{type(self).__name__} solves whole batches.")


class Ours(Method):
    """A solver of this package; the state of one solve goes to the next."""

    checks = True

    def __init__(self, solver: Any) -> None:
        self.solver, self.state = solver, None

    def solve(self, a: Any, b: np.ndarray) -> tuple[np.ndarray, int]:
        solution = self.solver.solve(a, b, state=self.state)
        self.state = solution.state
        return solution.x, solution.iterations


class Auto(Ours):
    """The solver that a calibration on four systems chooses."""

    def __init__(self) -> None:
        super().__init__(None)

    def begin(self, systems: list[System]) -> None:
        # Once untimed: a fresh installation compiles here.
        choose(systems[:1], TOL, total=SEQUENCE)
        start = time.process_time()
        choice = choose(systems[:4], TOL, total=SEQUENCE)
        self.once_s, self.solver, self.reason = time.process_time() - start, choice.make(), choice.reason


class OneFactor(Method):
    """One factor for all systems of a batch, which share their matrix."""

    together = checks = True

    def begin(self, systems: list[System]) -> None:
        first = SparseDirect().solve(*systems[0])
        self.state, self.once_s = first.state, first.setup_s

    def __call__(self, systems: list[System]) -> Answer:
        solution = SparseDirect().solve(systems[0][0], np.stack([b for _, b in systems]).T, state=self.state)
        return list(solution.x.T), [0] * len(systems)


class Plain(Method):
    """A function `(a, b) -> (x, iterations)`."""

    def __init__(self, function: Callable[[Any, np.ndarray], tuple[np.ndarray, int]]) -> None:
        self.solve = function  # type: ignore[method-assign]


def scipy_spsolve(a: Any, b: np.ndarray) -> tuple[np.ndarray, int]:
    from scipy.sparse.linalg import spsolve

    return spsolve(a.csc(), b), 0


def scipy_splu(a: Any, b: np.ndarray) -> tuple[np.ndarray, int]:
    from scipy.sparse.linalg import splu

    options = {"SymmetricMode": True, "Equil": False}
    return splu(a.csc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options).solve(b), 0


def scipy_gmres(a: Any, b: np.ndarray) -> tuple[np.ndarray, int]:
    from scipy.sparse.linalg import gmres

    count: list[float] = []
    x, _ = gmres(a.csc().tocsr(), b, rtol=TOL, restart=30, maxiter=334, callback=count.append, callback_type="pr_norm")
    return x, len(count)


def scipy_gmres_ilu(drop_tol: float, fill: float) -> Method:
    def solve(a: Any, b: np.ndarray) -> tuple[np.ndarray, int]:
        from scipy.sparse.linalg import LinearOperator, gmres, spilu

        matrix, count = a.csc(), list[float]()
        factor = spilu(matrix, drop_tol=drop_tol, fill_factor=fill, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0)
        inverse = LinearOperator(matrix.shape, factor.solve)
        # The norm that scipy tests is the preconditioned one: ask for less, so that the true one passes.
        x, _ = gmres(
            matrix.tocsr(), b, rtol=0.1 * TOL, restart=30, maxiter=20, M=inverse, callback=count.append,
            callback_type="pr_norm",
        )  # fmt: skip
        return x, len(count)

    return Plain(solve)


class ScipyGcrotmk(Method):
    """GCROT(m, k), m = 20, k = 20, with the recycled vectors of the last sample."""

    def __init__(self) -> None:
        self.recycled: list[Any] = []

    def solve(self, a: Any, b: np.ndarray) -> tuple[np.ndarray, int]:
        from scipy.sparse.linalg import gcrotmk

        count: list[int] = []
        matrix = a.csc().tocsr()
        x, _ = gcrotmk(
            matrix, b, rtol=TOL, m=20, k=20, CU=self.recycled, discard_C=True, maxiter=250,
            callback=lambda x: count.append(1),
        )  # fmt: skip
        return x, len(count)


def pyamg_cg(a: Any, b: np.ndarray) -> tuple[np.ndarray, int]:
    import pyamg

    residuals: list[float] = []
    hierarchy = pyamg.ruge_stuben_solver(a.csc().tocsr())
    # Its stopping test is the preconditioned norm, too.
    return hierarchy.solve(b, tol=0.1 * TOL, accel="cg", maxiter=100, residuals=residuals), len(residuals) - 1


class Pardiso(Method):
    """MKL PARDISO as pypardiso calls it, factorised anew for every matrix."""

    def __init__(self) -> None:
        import pypardiso

        self.solver = pypardiso.PyPardisoSolver()

    def solve(self, a: Any, b: np.ndarray) -> tuple[np.ndarray, int]:
        from scipy.sparse import csr_matrix

        matrix = csr_matrix(a.csc().tocsr())
        self.solver.factorize(matrix)
        return self.solver.solve(matrix, b), 0


@dataclass(frozen=True)
class Entry:
    """What makes a method.

    Args:
        make: the method, with nothing kept yet.
        package: what a peer needs; empty for ours.
        samples: how many of a batch it solves; fewer where each takes long.
        ordered: whether it meets the samples as a chain of nearest neighbours, which is counted.
    """

    make: Callable[[], Method]
    package: str = ""
    samples: int = 16
    ordered: bool = False

    @property
    def ours(self) -> bool:
        return not self.package


def near_resonance() -> PoissonPreconditioner:
    return PoissonPreconditioner(scaled=False, resonant=100)


METHODS = {
    "auto": Entry(Auto),
    "fast Poisson-CG": Entry(lambda: Ours(CG(TOL, preconditioner=PoissonPreconditioner(single=True)))),
    "multigrid-CG": Entry(lambda: Ours(CG(TOL, preconditioner=BlackBoxMultigrid()))),
    "stale LU-CG, sorted": Entry(lambda: Ours(Stale(CG(TOL, preconditioner=LU()))), ordered=True),
    "fast Helmholtz-SQMR": Entry(lambda: Ours(SQMR(TOL, preconditioner=near_resonance()))),
    "constant k-GMRES": Entry(lambda: Ours(GMRES(80, TOL, preconditioner=PoissonPreconditioner(scaled=False)))),
    "stale LU-GMRES, sorted": Entry(lambda: Ours(Stale(GMRES(80, TOL, preconditioner=LU()))), ordered=True),
    "multigrid-BiCGStab": Entry(lambda: Ours(BiCGStab(TOL, preconditioner=ConvectionMultigrid()))),
    "one factor": Entry(OneFactor),
    "GCRO-DR(40, 20), sorted": Entry(lambda: Ours(GCRODR(40, 20, TOL)), ordered=True, samples=4),
    # Baselines in our own kernels, for a matrix that nobody would solve so.
    "GMRES(40), own kernels": Entry(lambda: Ours(GMRES(40, TOL, max_iterations=4000)), "sciml", samples=1),
    "GCRO-DR(40, 20), own kernels": Entry(lambda: Ours(GCRODR(40, 20, TOL)), "sciml", samples=2),
    "scipy spsolve": Entry(lambda: Plain(scipy_spsolve), "scipy", samples=4),
    "scipy splu, best ordering": Entry(lambda: Plain(scipy_splu), "scipy", samples=4),
    "scipy gmres(30)": Entry(lambda: Plain(scipy_gmres), "scipy", samples=1),
    "scipy gmres + ILUT(1e-3, 10)": Entry(lambda: scipy_gmres_ilu(1e-3, 10), "scipy", samples=4),
    "scipy gmres + ILUT(1e-2, 5)": Entry(lambda: scipy_gmres_ilu(1e-2, 5), "scipy", samples=1),
    "scipy gmres + ILUT(1e-4, 20)": Entry(lambda: scipy_gmres_ilu(1e-4, 20), "scipy", samples=4),
    "scipy gcrotmk": Entry(ScipyGcrotmk, "scipy", samples=2),
    "pyamg Ruge-Stueben + CG": Entry(lambda: Plain(pyamg_cg), "pyamg", samples=4),
    "MKL PARDISO": Entry(Pardiso, "pypardiso", samples=4),
}
