"""Samples per CPU second of the shipped recipes, all-in, against what one would write with scipy; one thread.

Ours counts everything: random fields, assembly, solve, true residual, checks, writing with checksums. The peers count
their assembly and solve alone, on the same coefficients and initial states:

- Darcy: `scipy.sparse.diags` and `scipy.sparse.linalg.spsolve` per sample (default ordering);
- Burgers: `scipy.integrate.solve_ivp`, LSODA, rtol 1e-4, second-order differences on 512 points, without bands and with
  lband = uband = 2, per sample. Errors are relative L2 at the stored points and times against a finer solution.

    python scripts/benchmarks/generation.py
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

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from _record import Record, parser
from scipy.integrate import solve_ivp
from scipy.sparse import diags
from scipy.sparse.linalg import spsolve

from sciml.datagen import Recipe, generate
from sciml.solvers import ETDRK4

SAMPLES = {"darcy_2d": 600, "darcy_2d_lognormal": 600, "burgers_1d": 64}
PEER_SAMPLES = {"darcy_2d": 100, "darcy_2d_lognormal": 100, "burgers_1d": 4}
#: Ours on larger grids, to show how the advantage changes.
LARGER = (64, 128)


def cpu(function: Callable[[], Any]) -> float:
    begin = time.process_time()
    function()
    return time.process_time() - begin


def ours(recipe: Recipe, samples: int) -> dict[str, float]:
    """Median of three runs, each into an empty folder, and the largest residual."""
    sized = recipe.resized(train=samples, valid=0, test=0)
    times = []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            times.append(cpu(lambda out=folder: generate(sized, out=Path(out) / "set", workers=0, progress=False)))
    return {"samples": samples, "ms": 1e3 * statistics.median(times) / samples}


def darcy_with_scipy(a: np.ndarray) -> np.ndarray:
    """Harmonic faces, Dirichlet zero, five diagonals, `spsolve`."""
    n = a.shape[0]
    x, y = np.zeros((n + 1, n)), np.zeros((n, n + 1))
    x[1:-1], y[:, 1:-1] = 2 / (1 / a[1:] + 1 / a[:-1]), 2 / (1 / a[:, 1:] + 1 / a[:, :-1])
    inner_x, inner_y = x[1:].copy(), y[:, 1:].copy()
    x[0], x[-1], y[:, 0], y[:, -1] = 2 * a[0], 2 * a[-1], 2 * a[:, 0], 2 * a[:, -1]
    main = (x[1:] + x[:-1] + y[:, 1:] + y[:, :-1]).ravel()
    off_x, off_y = -inner_x.ravel()[:-n], -inner_y.ravel()[:-1]
    matrix = diags([main, off_x, off_x, off_y, off_y], [0, n, -n, 1, -1], format="csc") * n**2
    return spsolve(matrix, np.ones(n * n)).reshape(n, n)


def darcy_peer(recipe: Recipe, samples: int) -> dict[str, float]:
    coefficients = [recipe.coefficient_fields(i, recipe.grid)["a"] for i in range(samples)]
    solutions = [darcy_with_scipy(a) for a in coefficients[:2]]
    exact = [recipe.solver.solve(recipe.problem(i)).u[0, 0, 0].numpy() for i in range(2)]
    gap = max(np.linalg.norm(u - v) / np.linalg.norm(v) for u, v in zip(solutions, exact, strict=True))
    spent = cpu(lambda: [darcy_with_scipy(a) for a in coefficients])
    return {"samples": samples, "ms": 1e3 * spent / samples, "difference": float(gap)}


def burgers_with_scipy(u0: np.ndarray, nu: float, times: tuple[float, ...], bands: dict[str, int]) -> np.ndarray:
    """Method of lines on a periodic grid of the unit interval; `(t, n)`."""
    h = 1.0 / len(u0)

    def rate(t: float, u: np.ndarray) -> np.ndarray:
        right, left = np.roll(u, -1), np.roll(u, 1)
        return -(right**2 - left**2) / (4 * h) + nu * (right - 2 * u + left) / h**2

    return solve_ivp(rate, (times[0], times[-1]), u0, method="LSODA", t_eval=times, rtol=1e-4, atol=1e-6, **bands).y.T


def burgers_errors(recipe: Recipe, solutions: list[np.ndarray]) -> float:
    """Median relative L2 error at the stored points against twice the points and a quarter of the step."""
    finer = dataclasses.replace(recipe, solution_grid=recipe.grid.resized(1024), solver=ETDRK4(dt=recipe.solver.dt / 4))
    errors = []
    for i, u in enumerate(solutions):
        exact = finer.solver.solve(finer.problem(i)).u[0, :, 0, ::8].numpy()
        errors.append(np.linalg.norm(u - exact) / np.linalg.norm(exact))
    return float(statistics.median(errors))


def burgers_peer(recipe: Recipe, samples: int, bands: dict[str, int]) -> dict[str, float]:
    nu, initial = recipe.constants["viscosity"], [recipe.problem(i).initial[0].numpy() for i in range(samples)]
    solutions: list[np.ndarray] = []
    spent = cpu(lambda: solutions.extend(burgers_with_scipy(u, nu, recipe.times, bands) for u in initial))
    return {
        "samples": samples,
        "ms": 1e3 * spent / samples,
        "error": burgers_errors(recipe, [u[:, ::4] for u in solutions]),
    }


def burgers_ours(recipe: Recipe, samples: int) -> dict[str, float]:
    solutions = [recipe.solver.solve(recipe.problem(i)).u[0, :, 0, ::4].numpy() for i in range(4)]
    return {**ours(recipe, samples), "error": burgers_errors(recipe, solutions)}


def main() -> int:
    arguments = parser(__doc__).parse_args()
    torch.set_num_threads(1)
    table = {"data set": "name", "method": "method", "ms per sample (CPU)": "ms", "samples per CPU-s": "rate"}
    table |= {"relative error": "error", "ours is faster by": "ratio"}
    settings = {"samples": SAMPLES, "peer_samples": PEER_SAMPLES, "larger": LARGER, "seeds": 0}
    record, rows = Record("generation", settings, table, arguments.fresh, arguments.out), []

    def compare(label: str, mine: dict[str, Any], peers: dict[str, dict[str, Any]]) -> None:
        for method, cell in {"sciml, all-in": mine, **peers}.items():
            row = {"name": label, "method": method, "ms": round(cell["ms"], 3), "rate": round(1e3 / cell["ms"], 1)}
            row |= {"error": f"{cell['error']:.1e}" if "error" in cell else "", "ratio": ""}
            if cell is not mine:
                row["ratio"] = round(cell["ms"] / mine["ms"], 2)
            rows.append(row)
            print("  ".join(f"{v}" for v in row.values()))

    for name in ("darcy_2d", "darcy_2d_lognormal"):
        base = Recipe.load(name)
        for n in (base.grid.shape[0], *LARGER):
            grid = base.grid.resized(n, n)
            recipe, count = (
                dataclasses.replace(base, grid=grid, solution_grid=grid),
                max(20, SAMPLES[name] * 32**2 // n**2),
            )
            mine = record.cell(f"{name} {n}", lambda r=recipe, c=count: ours(r, c))
            peer = record.cell(
                f"{name} {n} spsolve", lambda r=recipe, c=count: darcy_peer(r, min(c, PEER_SAMPLES[r.name]))
            )
            compare(f"{name}, {n} x {n}", mine, {"scipy spsolve, solve alone": peer})
    recipe = Recipe.load("burgers_1d")
    mine = record.cell("burgers_1d", lambda: burgers_ours(recipe, SAMPLES["burgers_1d"]))
    peers = {
        f"scipy LSODA {label}, solve alone": record.cell(
            f"burgers_1d LSODA {label}", lambda b=bands: burgers_peer(recipe, PEER_SAMPLES["burgers_1d"], b)
        )
        for label, bands in (("without bands", {}), ("with bands", {"lband": 2, "uband": 2}))
    }
    compare("burgers_1d", mine, peers)
    record.finish(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
