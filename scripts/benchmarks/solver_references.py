"""Pseudo-spectral solvers against published and stored solutions of one-dimensional equations.

Relative L2 difference over all stored points and times. The files of the shock and of the Schroedinger equation are
those of Raissi, Perdikaris & Karniadakis (2019), J. Comput. Phys. 378:686-707; the others were computed with 256 to
4096 Fourier modes and much smaller steps.

    python scripts/benchmarks/solver_references.py
"""

import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from _record import ROOT, Record, parser

from sciml.fields import Grid
from sciml.numerics.interpolation import fourier_series
from sciml.pdes import AllenCahn, Burgers, KuramotoSivashinsky, Problem, Schroedinger
from sciml.solvers import ETDRK4

DATA = Path(os.environ.get("SCIML_BENCHMARKS", ROOT.parent / "shared" / "data" / "benchmarks")).parent


def solved(problem: Problem, solver: ETDRK4, reference: np.ndarray, at: Callable[[np.ndarray], np.ndarray]) -> dict:
    """Relative difference of a solution, brought to the reference's points by `at`, and its CPU time."""
    begin = time.process_time()
    u = solver.solve(problem).u[0].numpy()
    spent = time.process_time() - begin
    difference = np.linalg.norm(at(u) - reference) / np.linalg.norm(reference)
    return {"figure": float(difference), "cpu_s": round(spent, 2), "points": problem.domain.shape[0], "dt": solver.dt}


def burgers_shock() -> dict[str, Any]:
    import scipy.io

    data = scipy.io.loadmat(DATA / "benchmarks" / "burgers_shock.mat")
    grid = Grid.periodic(2048, low=-1.0, high=1.0)
    problem = Problem(
        Burgers(0.01 / math.pi), grid, lambda x: -torch.sin(math.pi * x), times=torch.from_numpy(data["t"].ravel())
    )
    # The file holds both ends of the interval.
    at = lambda u: fourier_series(u[:, 0], grid.axes[0], data["x"].ravel())  # noqa: E731
    return solved(problem, ETDRK4(dt=2.5e-4), data["usol"].T, at)


def schroedinger() -> dict[str, Any]:
    import scipy.io

    data = scipy.io.loadmat(DATA / "benchmarks" / "schroedinger_NLS.mat")
    problem = Problem(
        Schroedinger(),
        Grid.periodic(256, low=-5.0, high=5.0),
        {"u": lambda x: 2 / torch.cosh(x), "v": lambda x: 0 * x},
        times=torch.from_numpy(data["tt"].ravel()),
    )
    return solved(problem, ETDRK4(dt=1e-4, dealias=1.0), data["uu"].T, lambda u: u[:, 0] + 1j * u[:, 1])


def allen_cahn() -> dict[str, Any]:
    data = np.load(DATA / "pinn" / "allen_cahn_ref.npz")
    problem = Problem(
        AllenCahn(1e-4, 5.0),
        Grid.periodic(4096, low=-1.0, high=1.0),
        lambda x: x**2 * torch.cos(math.pi * x),
        times=torch.from_numpy(data["t"]),
    )
    return solved(problem, ETDRK4(dt=1e-3, dealias=0.5), data["u"], lambda u: u[:, 0, ::8])


def kuramoto_sivashinsky(name: str, pde: KuramotoSivashinsky, grid: Grid, initial: Any, dt: float) -> dict[str, Any]:
    data = np.load(DATA / "pinn" / name)
    problem = Problem(pde, grid, initial, times=torch.from_numpy(data["t"]))
    return solved(problem, ETDRK4(dt=dt), data["u"], lambda u: u[:, 0])


def regular() -> dict[str, Any]:
    grid = Grid.periodic(256, low=-1.0, high=1.0)
    pde = KuramotoSivashinsky(5.0, 0.5, 0.005)
    return kuramoto_sivashinsky("ks_regular_ref.npz", pde, grid, lambda x: -torch.sin(math.pi * x), 2e-4)


def chaotic() -> dict[str, Any]:
    grid = Grid.periodic(256, high=2 * math.pi)
    pde = KuramotoSivashinsky(100 / 16, 100 / 16**2, 100 / 16**4)
    return kuramoto_sivashinsky("ks_chaotic_ref.npz", pde, grid, lambda x: torch.cos(x) * (1 + torch.sin(x)), 4e-4)


CELLS: dict[str, tuple[Callable[[], dict[str, Any]], str]] = {
    "Burgers shock, burgers_shock.mat": (burgers_shock, "<= 1e-8"),
    "Allen-Cahn, allen_cahn_ref.npz": (allen_cahn, "<= 2e-6"),
    "Schroedinger at the file's 256 modes, schroedinger_NLS.mat": (schroedinger, "<= 1e-9"),
    "Kuramoto-Sivashinsky, regular, ks_regular_ref.npz": (regular, "<= 1e-6"),
    "Kuramoto-Sivashinsky, chaotic, ks_chaotic_ref.npz": (chaotic, "<= 1e-4"),
}


def main() -> int:
    chosen = parser(__doc__).parse_args()
    torch.set_num_threads(1)
    table = {"solution": "what", "relative L2": "figure", "bound": "bound", "points": "points", "step": "dt"}
    table["CPU s"] = "cpu_s"
    record = Record("solver_references", {"seeds": 0}, table, chosen.fresh, chosen.out)
    rows: list[dict[str, Any]] = []
    for name, (compute, bound) in CELLS.items():
        cell = record.cell(name, compute)
        keys = ("figure", "points", "dt", "cpu_s")
        rows.append({"what": name, "bound": bound, **{k: cell[k] for k in keys}})
        print(f"{name}: {cell['figure']:.3g} ({bound}), {cell['cpu_s']} s", flush=True)
    record.finish(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
