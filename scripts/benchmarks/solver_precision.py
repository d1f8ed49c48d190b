"""CPU time against accuracy of linear solvers, for the work-precision figure; one thread, n = 10,000.

Five consecutive samples of three families, assembled beforehand: set-up and solve are timed, and the error is the
relative distance to the solution of a factorisation. Every method runs with several tolerances, in turn, on the same
samples; a point is the median time and the median error. `scripts/figures/work_precision.py` draws it.

    python scripts/benchmarks/solver_precision.py
"""

import os
import statistics
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from _linear_methods import near_resonance, scipy_splu
from _linear_problems import FAMILIES, SEED
from _record import Record, parser

from sciml.linalg import (
    AMG,
    CG,
    GCRODR,
    GMRES,
    LU,
    SQMR,
    BlackBoxMultigrid,
    LinearSolver,
    PoissonPreconditioner,
    Stale,
)

TOLS, SAMPLES = (1e-2, 1e-4, 1e-6, 1e-8, 1e-10), 5
#: A solver for a tolerance.
Make = Callable[[float], LinearSolver]

SYMMETRIC: dict[str, Make] = {
    "CG, fast Poisson": lambda tol: CG(tol, preconditioner=PoissonPreconditioner(single=True)),
    "CG, multigrid": lambda tol: CG(tol, preconditioner=BlackBoxMultigrid()),
    "CG, classical AMG (pyamg)": lambda tol: CG(tol, preconditioner=AMG()),
    "CG, stale LU": lambda tol: Stale(CG(tol, preconditioner=LU())),
    "CG": lambda tol: CG(tol),
    "GCRO-DR(40, 20)": lambda tol: GCRODR(40, 20, tol),
    "GMRES(40)": lambda tol: GMRES(40, tol, max_iterations=2500),
}
WAVES: dict[str, Make] = {
    "SQMR, exact near resonance": lambda tol: SQMR(tol, preconditioner=near_resonance()),
    "GMRES, constant k": lambda tol: GMRES(80, tol, preconditioner=PoissonPreconditioner(scaled=False)),
    "GMRES, stale LU": lambda tol: Stale(GMRES(80, tol, preconditioner=LU())),
}
PROBLEMS: dict[str, tuple[int, dict[str, Make]]] = {
    "darcy mild": (100, SYMMETRIC),
    "darcy contrast": (100, {name: SYMMETRIC[name] for name in list(SYMMETRIC)[:5]}),
    "helmholtz": (103, WAVES),
}


def measure(problem: str) -> list[dict[str, Any]]:
    """Points of all methods and tolerances; the first sample warms up."""
    n, methods = PROBLEMS[problem]
    family = FAMILIES[problem]
    systems = family.systems(n, family.draw(n, range(SAMPLES + 1)))
    solvers = {(name, tol): make(tol) for name, make in methods.items() for tol in TOLS}
    states: dict[tuple[str, float], Any] = dict.fromkeys(solvers)
    found: dict[tuple[str, float], list[tuple[float, float, bool]]] = {key: [] for key in solvers}
    direct = []
    for a, b in systems:
        begin = time.process_time()
        exact, _ = scipy_splu(a, b)
        direct.append(1e3 * (time.process_time() - begin))
        for key, solver in solvers.items():
            begin = time.process_time()
            solution = solver.solve(a, b, state=states[key])
            ms, states[key] = 1e3 * (time.process_time() - begin), solution.state
            error = float(np.linalg.norm(solution.x - exact) / np.linalg.norm(exact))
            found[key].append((ms, error, solution.status.ok))
    points = [_point(problem, name, tol, runs[1:]) for (name, tol), runs in found.items()]
    points.append({"problem": problem, "method": "sparse LU", "ms": round(statistics.median(direct[1:]), 3)})
    return points


def _point(problem: str, name: str, tol: float, runs: list[tuple[float, float, bool]]) -> dict[str, Any]:
    return {
        "problem": problem,
        "method": name,
        "tol": tol,
        "ms": round(statistics.median(ms for ms, _, _ in runs), 3),
        "error": statistics.median(error for _, error, _ in runs),
        "solved": sum(ok for _, _, ok in runs),
    }


def main() -> None:
    chosen = parser(__doc__).parse_args()
    torch.set_num_threads(1)
    settings = {"seeds": SEED, "tols": TOLS, "samples": SAMPLES}
    table = {"problem": "problem", "method": "method", "tol": "tol", "CPU ms": "ms", "error": "error"}
    record = Record("solver_precision", settings, table, chosen.fresh, chosen.out)
    rows = []
    for problem in PROBLEMS:
        points = record.cell(problem, lambda p=problem: {"points": measure(p)})["points"]
        rows += points
        for point in points:
            print("  ".join(f"{k} {v}" for k, v in point.items()), flush=True)
    record.finish(rows)


if __name__ == "__main__":
    main()
