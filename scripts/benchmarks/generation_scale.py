"""Generation at scale: two processes against one, and the part of the time that goes into writing.

- Processes: wall time of the same samples with `ProcessBackend(1)` and `ProcessBackend(2)`, in turn, without the start:
  every worker makes one sample first, which imports what it needs, and the clock runs from the first of these to the
  last entry, so that a worker that starts later is counted. The ratio is the median over the repeats. It says something
  only on a machine with two idle cores: the load average before each run is recorded.
- Writing: CPU time of drawing, solving and writing shards of 100 samples of mild log-normal Darcy flow, coefficient and
  solution in float64 with checksums, one thread, median over the repeats, per linear solver.

    python scripts/benchmarks/generation_scale.py [--parts writing processes]
"""

import dataclasses
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from _record import Record, parser

from sciml.datagen import LogNormal, ProcessBackend, Recipe
from sciml.datagen.shards import Shard, make_shard, shards_of
from sciml.fields import Grid
from sciml.linalg import CG, LinearSolver, PoissonPreconditioner
from sciml.solvers import FiniteVolumeElliptic

SAMPLES, REPEATS = 4000, 3
#: Samples per shard where writing is measured.
SHARD = 100
#: Standard deviation of log a: a mild medium, and one whose systems take longer.
MILD, ROUGH = 0.5, 2.0
FAST = CG(tol=1e-8, preconditioner=PoissonPreconditioner(single=True))
#: Label, points per axis, scale of the medium, linear solver.
CASES: list[tuple[str, int, float, LinearSolver | None]] = [
    ("mild, CG + single fast Poisson, 1e-8", 100, MILD, FAST),
    ("rough, CG + single fast Poisson, 1e-8", 100, ROUGH, FAST),
    ("mild, direct", 100, MILD, None),
    ("mild, CG + single fast Poisson, 1e-8", 200, MILD, FAST),
    ("mild, direct", 200, MILD, None),
]
COLUMNS = {
    "what": "what",
    "n": "n",
    "draw, ms": "draw",
    "solve, ms": "solve",
    "write, ms": "write",
    "part of writing": "share",
    "wall s, one process": "one",
    "two": "two",
    "ratio": "ratio",
}


def wall(recipe: Recipe, workers: int) -> float:
    """Seconds from the first entry of a shard of one sample, one for each worker, to the last entry."""
    whole = shards_of(recipe)
    first = [Shard("train", len(whole) + k, k, k + 1) for k in range(workers)]
    with tempfile.TemporaryDirectory() as folder:
        times, samples = list[float](), 0
        for entry in ProcessBackend(workers).run(recipe, Path(folder), [*first, *whole], lambda done: None):
            samples += entry["samples"]
            times.append(time.perf_counter())
    assert samples == sum(recipe.splits.values()) + workers
    return times[-1] - times[0]


def scaling(name: str) -> dict[str, Any]:
    recipe = Recipe.load(name).resized(train=SAMPLES, valid=0, test=0)
    times: dict[int, list[float]] = {1: [], 2: []}
    loads = []
    for _ in range(REPEATS):
        for workers, found in times.items():
            loads.append(os.getloadavg()[0])
            found.append(wall(recipe, workers))
    ratios = [one / two for one, two in zip(times[1], times[2], strict=True)]
    return {
        "one": statistics.median(times[1]),
        "two": statistics.median(times[2]),
        "ratio": statistics.median(ratios),
        "ratios": ratios,
        "load": loads,
        "cores": len(os.sched_getaffinity(0)),
    }


def parts(points: int, scale: float, solver: LinearSolver | None) -> dict[str, Any]:
    """CPU milliseconds per sample, and the part of writing in all of them."""
    base, grid = Recipe.load("darcy_2d_lognormal"), Grid.cells(points, points)
    recipe = dataclasses.replace(
        base,
        grid=grid,
        solution_grid=grid,
        parameters={"a": LogNormal(scale=scale), "f": 1.0},
        solver=FiniteVolumeElliptic(solver),
        splits={"train": SHARD, "valid": 0, "test": 0},
    )
    # Shards are timed by the wall clock; here others are at work on the machine too.
    with mock.patch.object(time, "perf_counter", time.process_time):
        found = [_shard(recipe) for _ in range(REPEATS + 1)][1:]
    per_sample = {k: 1e3 * statistics.median(s[k] for s in found) / SHARD for k in ("draw", "solve", "write", "all")}
    return {**per_sample, "share": statistics.median(s["write"] / s["all"] for s in found)}


def _shard(recipe: Recipe) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        return make_shard(recipe, Shard("train", 0, 0, SHARD), Path(folder))["seconds"]


def main() -> int:
    taken = parser(__doc__)
    taken.add_argument("--parts", nargs="*", default=["writing", "processes"], help="what to measure; the rest is kept")
    arguments = taken.parse_args()
    torch.set_num_threads(1)
    settings = {"samples": SAMPLES, "repeats": REPEATS, "shard": SHARD, "mild": MILD, "rough": ROUGH, "seeds": 0}
    record, rows = Record("generation_scale", settings, COLUMNS, arguments.fresh, arguments.out), []

    def add(key: str, label: str, n: int, compute: Callable[[], dict[str, Any]]) -> None:
        if key.split()[0] not in arguments.parts and key not in record.content["cells"]:
            return
        cell = record.cell(key, compute)
        digits = {k: round(v, 3) for k, v in cell.items() if k in COLUMNS.values()}
        rows.append(dict.fromkeys(COLUMNS.values(), "") | digits | {"what": label, "n": n})
        print("  ".join(f"{k} {v}" for k, v in rows[-1].items() if v != ""), flush=True)

    for label, points, scale, solver in CASES:
        add(f"writing {label} {points}", label, points**2, lambda p=points, s=scale, m=solver: parts(p, s, m))
    for name in ("darcy_2d",):
        n = Recipe.load(name).grid.shape
        add(f"processes {name}", f"{name}, {SAMPLES} samples", n[0] * n[1], lambda name=name: scaling(name))
    record.finish(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
