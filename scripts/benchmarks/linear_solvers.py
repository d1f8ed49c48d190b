"""CPU time per sample of linear solvers, all-in, on sequences of problems such as generators meet; one thread.

A figure counts all that a sample costs: drawing the coefficient, ordering where the method wants it, assembly, the form
of the matrix that the method wants, set-up, solve, the true residual, and writing input and solution in float64 with
checksums. Drawing and assembly are done in batches of 16, as the generator does, writing in one file of all samples;
all three are the same for all methods. What happens once per sequence (the calibration of `auto`, the factor of a
matrix that never changes) is spread over 1000 samples. The methods of a row take turns within one run, batch by batch;
dear ones solve the first samples of a batch only. A row holds medians, the largest true residual and the median number
of iterations. `ratio` compares the fastest of ours with the fastest peer, the other two with SuperLU in its best
ordering and with restarted GMRES without a preconditioner (scipy's, restart 30; on the plate ours, restart 40). What
does not reach the tolerance is kept in the record and takes no part in `ratio`; a ratio to it is a lower bound and
marked `>`.

Peers: scipy's `spsolve` (default ordering), `splu` (minimum degree of A^T + A, symmetric mode), `gmres` (restart 30,
without and with three incomplete factorisations) and `gcrotmk` (with the recycled vectors of the sample before), pyamg
(Ruge-Stueben under CG), MKL PARDISO by pypardiso; what is not installed is left out and named. On the plate, 85.5 s and
13.9 s per system are published for GMRES and recycling without a preconditioner (Wang et al., 2024, n = 70,031, 1e-5).

    python scripts/benchmarks/linear_solvers.py [--rows darcy convection] [--batches 2]
"""

import importlib.util
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

import numpy as np
import torch
from _linear_methods import METHODS, SEQUENCE, TOL, Method
from _linear_problems import FAMILIES, SEED, Family, Inputs
from _record import Record, parser

from sciml.datagen import NearestNeighbour
from sciml.datagen.ordering import weighed
from sciml.solvers.steady import System

#: Samples that are drawn, assembled and written together.
BATCH = 16
SPLU = "scipy splu, best ordering"
DIRECT = ["scipy spsolve", SPLU, "MKL PARDISO"]
SYMMETRIC = ["auto", "fast Poisson-CG", "multigrid-CG", *DIRECT, "scipy gmres(30)", "scipy gcrotmk"]
SYMMETRIC += ["pyamg Ruge-Stueben + CG"]
RECYCLING = ["stale LU-CG, sorted", "GCRO-DR(40, 20), sorted"]
FLOW = ["auto", "multigrid-BiCGStab", *DIRECT, *(name for name in METHODS if "ILUT" in name)]
KRYLOV = ["GMRES(40), own kernels", "GCRO-DR(40, 20), own kernels"]
PLATE = ["one factor", *DIRECT, "pyamg Ruge-Stueben + CG", *KRYLOV]
WAVES = ["auto", "fast Helmholtz-SQMR", "constant k-GMRES", "stale LU-GMRES, sorted", *DIRECT]
#: Cells per side and methods.
ROWS: dict[str, list[tuple[int, list[str]]]] = {
    "darcy mild": [(100, SYMMETRIC + RECYCLING), (200, SYMMETRIC)],
    "darcy two-phase": [(100, SYMMETRIC), (200, SYMMETRIC)],
    "darcy contrast": [(100, SYMMETRIC), (200, SYMMETRIC)],
    "poisson": [(n, ["auto", "fast Poisson-CG", "one factor", *DIRECT, "pyamg Ruge-Stueben + CG"]) for n in (100, 200)],
    "thermal plate": [(50, PLATE), (140, PLATE)],
    "helmholtz": [(103, WAVES)],
    **{name: [(200, FLOW)] for name in FAMILIES if name.startswith("convection")},
}


def measure(family: Family, n: int, names: list[str], batches: int) -> dict[str, Any]:
    """All methods in turn on every batch; the first batch warms up and is not counted."""
    missing = sorted({METHODS[k].package for k in names} - {""} - set(filter(_installed, _packages(names))))
    methods = {name: METHODS[name].make() for name in names if METHODS[name].package not in missing}
    inputs, systems, prepare_ms = _drawn(family, n, batches + 1)
    order, order_ms = _ordered(inputs)
    for method in methods.values():
        method.begin(systems[:BATCH])
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in methods}
    solutions: dict[str, list[np.ndarray]] = {name: [] for name in methods}
    for batch in range(batches + 1):
        for name, method in methods.items():
            count, ordered = METHODS[name].samples, METHODS[name].ordered
            if not batch and count == 1:
                continue
            places = [batch * BATCH + i for i in range(count)]
            extra = 1e3 * method.once_s / SEQUENCE + (order_ms if ordered else 0.0)
            found, xs = _timed(method, [systems[order[i] if ordered else i] for i in places], extra)
            runs[name] += found if batch else []
            solutions[name] += xs if name == names[0] else []
    everything = {name: np.concatenate([part[name] for part in inputs]) for name in inputs[0]}
    write_ms = statistics.median(_written(family, n, everything, solutions[names[0]]) for _ in range(3))
    shared = statistics.median(prepare_ms[1:]) + write_ms
    summary = {name: _summary(found, shared) for name, found in runs.items()}
    reasons = {"auto": methods["auto"].reason} if "auto" in methods else {}  # type: ignore[attr-defined]
    return {
        "n": systems[0][0].size,
        "draw and assemble ms": round(statistics.median(prepare_ms[1:]), 3),
        "write ms": round(write_ms, 3),
        "order ms": round(order_ms, 3),
        "methods": summary,
        "missing": missing,
        **reasons,
        **_ratios(summary),
    }


def _packages(names: list[str]) -> set[str]:
    return {METHODS[name].package for name in names}


def _installed(package: str) -> bool:
    return bool(package) and importlib.util.find_spec(package) is not None


def _drawn(family: Family, n: int, batches: int) -> tuple[list[Inputs], list[System], list[float]]:
    """Inputs, systems, and the time per sample of both, batch by batch."""
    inputs, systems, spent = [], [], []
    for batch in range(batches):
        begin = time.process_time()
        inputs.append(family.draw(n, range(batch * BATCH, (batch + 1) * BATCH)))
        systems += family.systems(n, inputs[-1])
        spent.append(1e3 * (time.process_time() - begin) / BATCH)
    return inputs, systems, spent


def _ordered(inputs: list[Inputs]) -> tuple[np.ndarray, float]:
    """The chain of nearest neighbours through all samples, and its time per sample."""
    begin = time.process_time()
    values = [np.concatenate([part[name] for part in inputs]) for name in inputs[0]]
    order = NearestNeighbour().order(weighed([v.reshape(len(v), -1) for v in values]))
    return order, 1e3 * (time.process_time() - begin) / len(order)


def _timed(method: Method, systems: list[System], extra_ms: float) -> tuple[list[dict[str, float]], list[np.ndarray]]:
    """Solves and true residuals, one by one or, where a method takes all at once, in equal parts."""
    runs: list[dict[str, float]] = []
    solutions: list[np.ndarray] = []
    for part in [systems] if method.together else [[system] for system in systems]:
        begin = time.process_time()
        xs, iterations = method(part)
        if not method.checks:
            _residuals(part, xs)
        ms = 1e3 * (time.process_time() - begin) / len(part) + extra_ms
        checked = zip(iterations, _residuals(part, xs), strict=True)
        runs += [{"ms": ms, "iterations": i, "residual": r} for i, r in checked]
        solutions += xs
    return runs, solutions


def _residuals(systems: list[System], xs: list[np.ndarray]) -> list[float]:
    return [float(np.linalg.norm(b - a.apply(x)) / np.linalg.norm(b)) for (a, b), x in zip(systems, xs, strict=True)]


def _written(family: Family, n: int, inputs: Inputs, solutions: list[np.ndarray]) -> float:
    """Time per sample of writing them into one file."""
    with tempfile.TemporaryDirectory() as folder:
        begin = time.process_time()
        family.write(n, inputs, solutions, Path(folder) / "batch.h5")
        return 1e3 * (time.process_time() - begin) / len(solutions)


def _summary(found: list[dict[str, float]], shared_ms: float) -> dict[str, float]:
    return {
        "ms": round(statistics.median(r["ms"] for r in found) + shared_ms, 3),
        "iterations": statistics.median(r["iterations"] for r in found),
        "residual": max(r["residual"] for r in found),
        "samples": len(found),
    }


def _ratios(summary: dict[str, dict[str, float]]) -> dict[str, Any]:
    """The fastest of ours against the fastest peer among those whose residual passed, and against all others."""
    passed = {name: s["ms"] for name, s in summary.items() if s["residual"] <= 1.01 * TOL}
    ours = min((n for n in passed if METHODS[n].ours), key=lambda n: passed[n])
    peer = min((n for n in passed if not METHODS[n].ours), key=lambda n: passed[n])
    ratios = {name: round(s["ms"] / passed[ours], 2) for name, s in summary.items()}
    restarted = next((n for n in ("scipy gmres(30)", "GMRES(40), own kernels") if n in ratios), None)
    bound = "" if restarted is None or restarted in passed else "> "
    return {
        "ours": ours,
        "peer": peer,
        "ratio": ratios[peer],
        "ratio_splu": ratios[SPLU],
        "ratio_restarted": "" if restarted is None else f"{bound}{ratios[restarted]:.0f}",
        "ratios": ratios,
    }


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument(
        "--rows", nargs="*", default=[], help="rows whose name begins so (default: all); finished ones are kept"
    )
    arguments.add_argument("--batches", type=int, default=2, help="batches of 16 samples per row")
    given = arguments.parse_args()
    torch.set_num_threads(1)
    settings = {"tol": TOL, "seeds": SEED, "batches": given.batches, "batch": BATCH, "sequence": SEQUENCE}
    table = {"problem": "problem", "n": "n", "ours": "ours", "ms": "ms", "peer": "peer", "peer ms": "peer_ms"}
    table |= {"ratio": "ratio", "against splu": "ratio_splu", "against restarted GMRES": "ratio_restarted"}
    record = Record("linear_solvers", settings, table, fresh=given.fresh, folder=given.out)
    rows = []
    for name, cases in ROWS.items():
        chosen = not given.rows or any(name.startswith(r) for r in given.rows)
        for n, methods in cases:
            if not chosen and f"{name}, {n}" not in record.content["cells"]:
                continue
            cell = record.cell(
                f"{name}, {n}", lambda f=FAMILIES[name], m=n, k=methods: measured(f, m, k, given.batches)
            )
            times = cell["methods"]
            row = {"problem": name, "n": cell["n"], "ours": cell["ours"], "ms": times[cell["ours"]]["ms"]}
            row |= {"peer": cell["peer"], "peer_ms": times[cell["peer"]]["ms"]}
            rows.append(row | {key: cell[key] for key in ("ratio", "ratio_splu", "ratio_restarted")})
            shared = f"drawing and assembly {cell['draw and assemble ms']}, writing {cell['write ms']} ms"
            print(f"{name}, n={cell['n']}: {shared}")
            for method, s in times.items():
                print(
                    f"  {method:32s} {s['ms']:9.2f} ms {cell['ratios'][method]:8.2f}x {s['iterations']:6.0f} it"
                    f"  residual {s['residual']:.1e}",
                    flush=True,
                )
    record.finish(rows)


def measured(family: Family, n: int, names: list[str], batches: int) -> dict[str, Any]:
    """`measure` with the load of the machine before and after."""
    before = os.getloadavg()[0]
    return {**measure(family, n, names, batches), "load": [before, os.getloadavg()[0]]}


if __name__ == "__main__":
    main()
