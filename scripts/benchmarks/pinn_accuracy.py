"""Physics-informed networks: relative L2 error within a budget of CPU time on one thread, seeds 0 to 2.

Each problem is a shipped configuration (`configs/pinn/`); errors are those on the whole reference grid, all times.
Where nothing is stored the reference is a formula, or the classical solver (the cavity).
Cells are stored as they finish, so that a run may be cut at any time and gone on with.
"""

import argparse
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import yaml
from _pinn import ROOT, run
from _record import Record, parser
from torch import Tensor

from sciml import pdes
from sciml.describe import build
from sciml.fields import Boundaries, Grid, Wall
from sciml.solvers import Projection

SEEDS = (0, 1, 2)
DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "pinn"


def stored(name: str, *axes: str) -> tuple[Tensor, Tensor]:
    """Points `(n, d)`, time last, and values `(n, 1)` of a file that holds `u` over `axes`."""
    with np.load(DATA / name) as file:
        columns = [torch.from_numpy(file[a]) for a in axes]
        values = torch.from_numpy(file["u"]).reshape(-1, 1)
    return torch.cartesian_prod(*columns).flip(1), values


def lorenz() -> tuple[Tensor, Tensor]:
    with np.load(DATA / "lorenz_ref.npz") as file:
        return torch.from_numpy(file["t"])[:, None], torch.from_numpy(file["sigma10"].T.copy())


def chaotic(until: float = 0.5) -> tuple[Tensor, Tensor]:
    """The stored solution up to where the configuration ends."""
    points, values = stored("ks_chaotic_ref.npz", "t", "x")
    kept = points[:, 1] <= until
    return points[kept], values[kept]


def square() -> tuple[Tensor, Tensor]:
    axis = torch.linspace(0, 1, 101, dtype=torch.float64)
    points = torch.cartesian_prod(axis, axis)
    return points, torch.sin(torch.pi * points).prod(1, keepdim=True)


def own(config: str) -> tuple[Tensor, Tensor]:
    """The reference that a configuration names itself."""
    model = yaml.safe_load((ROOT / "configs" / "pinn" / config).read_text())
    objective = model["model"]["objective"]["init_args"]
    problem = build(objective.get("objective", {"init_args": objective})["init_args"]["problem"])
    return build(model["data"]["init_args"]["reference"]).samples(problem)


def cavity() -> tuple[Tensor, Tensor]:
    """Velocity in the cells of the classical solver, marched until it is steady."""
    n = 48
    boundary = Boundaries({"all": Wall(slip=False), "y+": Wall(slip=False, velocity=1.0)})
    start = torch.zeros(3, n, n, dtype=torch.float64)
    problem = pdes.Problem(pdes.NavierStokes(0.01, 0.01), Grid.cells(n, n), start, boundary, times=[0.0, 20.0])
    stepper = Projection(courant=1.0).stepper(problem)
    flow = stepper.step(stepper.start(problem.initial_state()), 20.0).u[0, :2]
    points = torch.stack([x.flatten() for x in problem.domain.meshgrid()], dim=1)
    return points, flow.flatten(1).T.contiguous()


@dataclass(frozen=True)
class Problem:
    """One configuration with its reference, and what must and should be reached after each budget, if anything."""

    title: str
    config: str
    reference: Callable[[], tuple[Tensor, Tensor]]
    marks: tuple[float, ...]
    required: tuple[float, ...] = ()
    aims: tuple[float, ...] = ()


PROBLEMS = {
    "allen_cahn": Problem(
        "Allen-Cahn", "allen_cahn.yaml", lambda: stored("allen_cahn_ref.npz", "t", "x"), (100, 600), (3e-3, 1.5e-4),
        (1e-3, 4e-5),
    ),
    "burgers": Problem(
        "Burgers, ν = 0.01/π", "burgers.yaml", lambda: stored("burgers_ref.npz", "t", "x"), (300,), (2e-5,), (1e-6,)
    ),
    "lorenz": Problem("Lorenz, σ = 10, T = 20", "lorenz.yaml", lorenz, (600,), (3e-3,), (3e-4,)),
    "kuramoto_sivashinsky": Problem(
        "Kuramoto-Sivashinsky, regular", "kuramoto_sivashinsky.yaml", lambda: stored("ks_regular_ref.npz", "t", "x"),
        (1800,), (1e-3,), (3.5e-4,),
    ),
    "kuramoto_sivashinsky_chaotic": Problem(
        "Kuramoto-Sivashinsky, chaotic, t = 0.5", "kuramoto_sivashinsky_chaotic.yaml", chaotic, (1800,)
    ),
    "korteweg_de_vries": Problem(
        "Korteweg-de Vries", "korteweg_de_vries.yaml", lambda: own("korteweg_de_vries.yaml"), (900,)
    ),
    "poisson_2d": Problem("Poisson on the unit square", "poisson_2d.yaml", square, (10,), (1e-5,), (1e-6,)),
    "poisson_10d": Problem("Poisson, 10-D", "poisson_10d.yaml", lambda: own("poisson_10d.yaml"), (20,)),
    "poisson_100d": Problem("Poisson, 100-D", "poisson_100d.yaml", lambda: own("poisson_100d.yaml"), (100,)),
    "helmholtz_2d": Problem("Helmholtz", "helmholtz_2d.yaml", lambda: own("helmholtz_2d.yaml"), (20,)),
    "advection": Problem("advection, c = 30", "advection.yaml", lambda: own("advection.yaml"), (90,)),
    "navier_stokes_decay": Problem(
        "Navier-Stokes, decaying vortex", "navier_stokes_decay.yaml", lambda: own("navier_stokes_decay.yaml"), (60,)
    ),
    "lid_driven_cavity": Problem("lid-driven cavity, Re = 100", "lid_driven_cavity.yaml", cavity, (90,)),
}  # fmt: skip


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--problems", nargs="+", choices=PROBLEMS, default=list(PROBLEMS))
    arguments.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    record, args = open_record(arguments)
    for seed in args.seeds:
        for name in args.problems:
            problem = PROBLEMS[name]
            record.cell(f"{name}/{seed}", lambda p=problem, s=seed: run(p.config, s, p.marks, *p.reference()))
            record.finish(rows(record))
    for row in rows(record):
        print(row)


def open_record(arguments: argparse.ArgumentParser) -> tuple[Record, argparse.Namespace]:
    args = arguments.parse_args()
    table = {
        "problem": "problem", "CPU-s": "cpu_s", "median error": "median", "worst": "worst", "seeds": "seeds",
        "must": "must", "aim": "aim",
    }  # fmt: skip
    return Record("pinn_accuracy", {"seeds": list(SEEDS)}, table, args.fresh, args.out), args


def rows(record: Record) -> list[dict[str, object]]:
    """One row per problem and budget, of the seeds that are finished; the error is that of the worst component."""
    found: list[dict[str, object]] = []
    for name, problem in PROBLEMS.items():
        cells = [record.content["cells"].get(f"{name}/{seed}") for seed in SEEDS]
        for i, mark in enumerate(problem.marks):
            errors = [max(c["marks"][i]["errors"]) for c in cells if c and len(c["marks"]) > i]
            if errors:
                summary = {"median": f"{statistics.median(errors):.2e}", "worst": f"{max(errors):.2e}"}
                bounds = {"must": problem.required, "aim": problem.aims}
                limits = {name: f"{values[i]:.1e}" if values else "" for name, values in bounds.items()}
                found.append({"problem": problem.title, "cpu_s": mark, "seeds": len(errors), **summary, **limits})
    return found


if __name__ == "__main__":
    main()
