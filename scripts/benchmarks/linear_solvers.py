"""CPU time per sample of linear solvers, all-in, on sequences of problems such as generators meet; one thread.

Every figure counts drawing the coefficient, assembly, the form of the matrix that the method wants, set-up, solve and
the true residual, for ours and for the peers alike. The methods of a row take turns within one run, each on the same
blocks of consecutive samples, since that is how a generator meets them; a row holds medians, the largest true residual
and the median number of iterations. `ratio` compares the fastest of ours with the fastest peer, `ratio_splu` with
SuperLU in its best ordering. What does not reach the tolerance is kept in the record and takes no part in the
comparison.

Peers: scipy's `spsolve` (default ordering), `splu` (minimum degree of A^T + A, symmetric mode), `gmres` (restart 30,
without and with three incomplete factorisations) and `gcrotmk` (with the recycled vectors of the sample before), pyamg
(Ruge-Stueben under CG), MKL PARDISO by pypardiso; what is not installed is left out and named.

    python scripts/benchmarks/linear_solvers.py [--rows darcy convection] [--blocks 3]
"""

import functools
import importlib.util
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

import numpy as np
import torch
from _record import Record, parser

from sciml.datagen import GaussianInitial, LogNormal, NeumannField, PeriodicField, TwoPhase
from sciml.fields import Boundaries, Grid
from sciml.linalg import (
    CG,
    BiCGStab,
    BlackBoxMultigrid,
    ConvectionMultigrid,
    PoissonPreconditioner,
    SparseDirect,
    SparseMatrix,
    Stencil,
)
from sciml.pdes import ConvectionDiffusion, Darcy, Poisson, Problem
from sciml.rng import sample_rng
from sciml.solvers import (
    ExponentialFitting,
    FiniteVolumeConvection,
    FiniteVolumeElliptic,
    QuadraticElements,
    Upwind,
    plate_with_hole,
)

TOL = 1e-8
SEED = 0
#: Consecutive samples of one method.
BLOCK = 5

#: A method takes a system, and returns the solution and its number of iterations.
Method = Callable[[Any, np.ndarray], tuple[np.ndarray, int]]


# ---- problems --------------------------------------------------------------------------------------------------------


def mild(n: int, rng: np.random.Generator) -> tuple[Stencil, np.ndarray]:
    return _darcy(LogNormal(1.0, field=PeriodicField(2.5, 7.0, modes=32)).draw(rng, Grid.cells(n, n)))


def contrast(n: int, rng: np.random.Generator) -> tuple[Stencil, np.ndarray]:
    return _darcy(LogNormal(8.3, field=PeriodicField(2.5, 7.0, modes=32)).draw(rng, Grid.cells(n, n)))


def two_phase(n: int, rng: np.random.Generator) -> tuple[Stencil, np.ndarray]:
    return _darcy(TwoPhase().draw(rng, Grid.cells(n, n)))


def _darcy(a: np.ndarray) -> tuple[Stencil, np.ndarray]:
    parameters = {"a": torch.from_numpy(a)}
    problem = Problem(Darcy(), Grid.cells(*a.shape), boundary=Boundaries.dirichlet(), parameters=parameters)
    return FiniteVolumeElliptic().systems(problem)[0]


def poisson(n: int, rng: np.random.Generator) -> tuple[Stencil, np.ndarray]:
    grid = Grid.cells(n, n)
    f = torch.from_numpy(GaussianInitial(field=NeumannField(2.0, 5.0, modes=32)).draw(rng, grid))
    problem = Problem(Poisson(), grid, boundary=Boundaries.dirichlet(), parameters={"f": f})
    return FiniteVolumeElliptic().systems(problem)[0]


@functools.cache
def plate(cells: int) -> QuadraticElements:
    return QuadraticElements(plate_with_hole(cells))


def thermal(cells: int, rng: np.random.Generator) -> tuple[SparseMatrix, np.ndarray]:
    """Laplace's equation on a plate with a hole: the matrix is assembled once, the boundary numbers are drawn."""
    values: dict[str, Any] = {part: rng.uniform(-100.0, 0.0) for part in ("left", "right", "bottom", "top")}
    return plate(cells).system(values | {"hole": rng.uniform(0.0, 100.0)})


def convection(scheme: Any, through: bool) -> Callable[[int, np.random.Generator], tuple[Stencil, np.ndarray]]:
    """Independent stream functions of cell Péclet number 10 at most; zero at the walls, or on a stream across."""

    def system(n: int, rng: np.random.Generator) -> tuple[Stencil, np.ndarray]:
        grid = Grid.cells(n, n)
        psi = NeumannField(3.0, 5.0, modes=32).sample([rng], grid)[0]
        x, y = (c.numpy() for c in grid.meshgrid())
        speed = np.abs(np.gradient(psi, 1 / n, axis=0)).max()
        psi = psi + 0.7 * speed * (y - 0.5 * x) if through else psi * 16 * x * (1 - x) * y * (1 - y)
        psi *= 10.0 / max(np.abs(np.diff(psi, axis=axis)).max() for axis in (0, 1))
        given = {"a": 1.0, "psi": torch.from_numpy(psi), "velocity_x": 0.0}
        problem = Problem(ConvectionDiffusion(), grid, boundary=Boundaries.dirichlet(), parameters=given)
        return FiniteVolumeConvection(scheme).systems(problem)[0]

    return system


# ---- methods ---------------------------------------------------------------------------------------------------------


class Ours:
    """A solver of this package; the state of one solve goes to the next."""

    def __init__(self, solver: Any) -> None:
        self.solver, self.state = solver, None

    def __call__(self, a: Any, b: np.ndarray) -> tuple[np.ndarray, int]:
        solution = self.solver.solve(a, b, state=self.state)
        self.state = solution.state
        return solution.x, solution.iterations


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
    def method(a: Any, b: np.ndarray) -> tuple[np.ndarray, int]:
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

    return method


class ScipyGcrotmk:
    """GCROT(m, k), m = 20, k = 20, with the recycled vectors of the last sample."""

    def __init__(self) -> None:
        self.recycled: list[Any] = []

    def __call__(self, a: Any, b: np.ndarray) -> tuple[np.ndarray, int]:
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


class Pardiso:
    """MKL PARDISO as pypardiso calls it, factorised anew for every matrix."""

    def __init__(self) -> None:
        import pypardiso

        self.solver = pypardiso.PyPardisoSolver()

    def __call__(self, a: Any, b: np.ndarray) -> tuple[np.ndarray, int]:
        from scipy.sparse import csr_matrix

        matrix = csr_matrix(a.csc().tocsr())
        self.solver.factorize(matrix)
        return self.solver.solve(matrix, b), 0


@dataclass(frozen=True)
class Entry:
    """What makes a method; peers name the package that they need, slow ones get one sample per block."""

    make: Callable[[], Method]
    package: str = ""
    slow: bool = False

    @property
    def ours(self) -> bool:
        return not self.package


METHODS = {
    "multigrid-CG": Entry(lambda: Ours(CG(TOL, preconditioner=BlackBoxMultigrid()))),
    "fast Poisson-CG": Entry(lambda: Ours(CG(TOL, preconditioner=PoissonPreconditioner()))),
    "multigrid-BiCGStab": Entry(lambda: Ours(BiCGStab(TOL, preconditioner=ConvectionMultigrid()))),
    "one factor": Entry(lambda: Ours(SparseDirect())),
    "scipy spsolve": Entry(lambda: scipy_spsolve, "scipy"),
    "scipy splu, best ordering": Entry(lambda: scipy_splu, "scipy"),
    "scipy gmres(30)": Entry(lambda: scipy_gmres, "scipy", slow=True),
    "scipy gmres + ILUT(1e-3, 10)": Entry(lambda: scipy_gmres_ilu(1e-3, 10), "scipy"),
    "scipy gmres + ILUT(1e-2, 5)": Entry(lambda: scipy_gmres_ilu(1e-2, 5), "scipy", slow=True),
    "scipy gmres + ILUT(1e-4, 20)": Entry(lambda: scipy_gmres_ilu(1e-4, 20), "scipy"),
    "scipy gcrotmk": Entry(ScipyGcrotmk, "scipy", slow=True),
    "pyamg Ruge-Stueben + CG": Entry(lambda: pyamg_cg, "pyamg"),
    "MKL PARDISO": Entry(Pardiso, "pypardiso"),
}
DIRECT = ["scipy spsolve", "scipy splu, best ordering", "MKL PARDISO"]
SYMMETRIC = ["multigrid-CG", "fast Poisson-CG", *DIRECT, "scipy gmres(30)", "scipy gcrotmk", "pyamg Ruge-Stueben + CG"]
FLOW = ["multigrid-BiCGStab", *DIRECT, *(name for name in METHODS if "ILUT" in name)]

#: What draws a system, cells per side, and methods.
ROWS: dict[str, tuple[Callable[[int, np.random.Generator], tuple[Any, np.ndarray]], list[int], list[str]]] = {
    "darcy mild": (mild, [100, 200], SYMMETRIC),
    "darcy two-phase": (two_phase, [100, 200], SYMMETRIC),
    "darcy contrast": (contrast, [100, 200], SYMMETRIC),
    "poisson": (poisson, [100, 200], ["fast Poisson-CG", "one factor", *DIRECT, "pyamg Ruge-Stueben + CG"]),
    "thermal plate": (thermal, [50, 100], ["one factor", *DIRECT, "pyamg Ruge-Stueben + CG"]),
    "convection recirculating, upwind": (convection(Upwind(), False), [200], FLOW),
    "convection recirculating, fitted": (convection(ExponentialFitting(), False), [200], FLOW),
    "convection through, upwind": (convection(Upwind(), True), [200], FLOW),
    "convection through, fitted": (convection(ExponentialFitting(), True), [200], FLOW),
}


# ---- measurement -----------------------------------------------------------------------------------------------------


def one(draw: Any, n: int, index: int, method: Method) -> dict[str, float]:
    """CPU time of one sample from its seed to its true residual."""
    begin = time.process_time()
    a, b = draw(n, sample_rng(SEED, index, 0))
    x, iterations = method(a, b)
    residual = float(np.linalg.norm(b - a.apply(x)) / np.linalg.norm(b))
    return {"ms": 1e3 * (time.process_time() - begin), "iterations": iterations, "residual": residual}


def measure(draw: Any, n: int, names: list[str], blocks: int) -> dict[str, Any]:
    """All methods in turn on every block; the first block warms up and is not counted."""
    missing = sorted({e.package for e in map(METHODS.get, names) if e and e.package and not _installed(e.package)})
    methods = {name: METHODS[name].make() for name in names if METHODS[name].package not in missing}
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in methods}
    for block in range(blocks + 1):
        for name, method in methods.items():
            if METHODS[name].slow and block == 0:
                continue
            count = 1 if METHODS[name].slow else BLOCK
            found = [one(draw, n, block * BLOCK + i, method) for i in range(count)]
            runs[name] += found if block else []
    summary = {name: _summary(found) for name, found in runs.items()}
    size = draw(n, sample_rng(SEED, 0, 0))[0].size
    return {"n": size, "methods": summary, "missing": missing, **_ratios(summary)}


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _summary(found: list[dict[str, float]]) -> dict[str, float]:
    return {
        "ms": round(statistics.median(r["ms"] for r in found), 3),
        "iterations": statistics.median(r["iterations"] for r in found),
        "residual": max(r["residual"] for r in found),
        "samples": len(found),
    }


def _ratios(summary: dict[str, dict[str, float]]) -> dict[str, Any]:
    """The fastest of ours and of the peers among those whose residual passed."""
    passed = {name: s["ms"] for name, s in summary.items() if s["residual"] <= 1.01 * TOL}
    ours = min((n for n in passed if METHODS[n].ours), key=lambda n: passed[n])
    peer = min((n for n in passed if not METHODS[n].ours), key=lambda n: passed[n])
    found = {"ours": ours, "peer": peer, "ratio": round(passed[peer] / passed[ours], 2)}
    return found | {"ratio_splu": round(passed["scipy splu, best ordering"] / passed[ours], 2)}


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--rows", nargs="*", default=[], help="rows whose name begins so (default: all)")
    arguments.add_argument("--blocks", type=int, default=3, help="blocks of five samples per row")
    given = arguments.parse_args()
    torch.set_num_threads(1)
    settings = {"tol": TOL, "seeds": SEED, "blocks": given.blocks, "block": BLOCK}
    table = {"problem": "problem", "n": "n", "ours": "ours", "ms": "ms", "peer": "peer", "peer ms": "peer_ms"}
    table |= {"ratio": "ratio", "against splu": "ratio_splu"}
    record = Record("linear_solvers", settings, table, fresh=given.fresh, folder=given.out)
    rows = []
    for name, (draw, sizes, methods) in ROWS.items():
        if given.rows and not any(name.startswith(r) for r in given.rows):
            continue
        for n in sizes:
            cell = record.cell(f"{name}, {n}", lambda d=draw, m=n, k=methods: measure(d, m, k, given.blocks))
            times = cell["methods"]
            row = {"problem": name, "n": cell["n"], "ours": cell["ours"], "ms": times[cell["ours"]]["ms"]}
            row |= {"peer": cell["peer"], "peer_ms": times[cell["peer"]]["ms"], "ratio": cell["ratio"]}
            rows.append(row | {"ratio_splu": cell["ratio_splu"]})
            print(
                f"{name}, n={cell['n']}: {cell['ours']} is {cell['ratio']}x {cell['peer']}, {cell['ratio_splu']}x splu"
            )
            for method, s in times.items():
                print(f"  {method:32s} {s['ms']:9.2f} ms {s['iterations']:6.0f} it  residual {s['residual']:.1e}")
    record.finish(rows)


if __name__ == "__main__":
    main()
