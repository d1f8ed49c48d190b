"""Iterations and CPU time per system on the literal matrices of the recycling benchmark, n = 10,000, no preconditioner.

GCRO-DR(40, 20) over 25 systems, in the given order and sorted (a greedy chain of nearest fields), beside restarted
GMRES(40) with the same kernels (three systems, it stops at 10,000 iterations) and sparse LU. Two pools of fields. The
published means are 682 iterations at 1e-5 and 881 at 1e-8.

    python scripts/benchmarks/krylov_recycling.py
"""

import os
import sys
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from _record import Record, parser

from sciml.datagen.skr_literal import literal_darcy, literal_field
from sciml.linalg import GCRODR, GMRES, LinearSolver, SparseDirect, SparseMatrix

SIDE, SYSTEMS, POOLS, TOLS = 102, 25, (0, 1000), (1e-5, 1e-8)


def chain(fields: np.ndarray) -> list[int]:
    """Greedy: from the first field on, always the nearest that is left; ties by the lowest number."""
    flat = fields.reshape(len(fields), -1)
    squares = np.square(flat).sum(axis=1)
    distances = squares[:, None] + squares[None, :] - 2 * flat @ flat.T
    order, left = [0], list(range(1, len(fields)))
    while left:
        nearest = min(left, key=lambda i: (distances[order[-1], i], i))
        order.append(nearest)
        left.remove(nearest)
    return order


def run(solver: LinearSolver, fields: np.ndarray, order: list[int]) -> dict[str, Any]:
    state, iterations, seconds, applications, worst = None, [], [], [], 0.0
    for i in order:
        matrix, b = literal_darcy(fields[i])
        solution = solver.solve(SparseMatrix(matrix), b, state=state)
        state = solution.state
        iterations.append(solution.iterations)
        applications.append(solution.applications)
        seconds.append(solution.setup_s + solution.solve_s)
        worst = max(worst, solution.residual)
    return {
        "iterations": float(np.mean(iterations)),
        "largest": max(iterations),
        "applications": float(np.mean(applications)),
        "cpu_ms": 1e3 * float(np.median(seconds)),
        "worst residual": worst,
    }


def main() -> int:
    chosen = parser(__doc__).parse_args()
    names = ["method", "order", "pool", "tol", "iterations", "largest", "applications", "cpu_ms", "worst residual"]
    settings = {"seeds": POOLS, "systems": SYSTEMS, "side": SIDE, "tols": TOLS}
    record = Record("krylov_recycling", settings, {n: n for n in names}, chosen.fresh, chosen.out)
    rows = []
    for pool in POOLS:
        fields = np.stack([literal_field(pool + i, SIDE) for i in range(SYSTEMS)])
        for tol in TOLS:
            given = list(range(SYSTEMS))
            cases: list[tuple[str, LinearSolver, str, list[int]]] = [
                ("GCRO-DR(40, 20)", GCRODR(40, 20, tol=tol), "given", given),
                ("GCRO-DR(40, 20)", GCRODR(40, 20, tol=tol), "sorted", chain(fields)),
                ("GMRES(40)", GMRES(40, tol=tol), "given", given[:3]),
                ("sparse LU", SparseDirect(), "given", given),
            ]
            for name, solver, order_name, order in cases:
                key = {"method": name, "order": order_name, "pool": pool, "tol": tol}
                compute = lambda s=solver, f=fields, o=order: run(s, f, o)  # noqa: E731
                rows.append({**key, **record.cell(" ".join(map(str, key.values())), compute)})
                print(" ".join(f"{k} {rows[-1][k]}" for k in names), flush=True)
    record.finish(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
