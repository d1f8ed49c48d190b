"""Finite volumes for the Euler equations: shock tubes by scheme, and two families of random flows.

Sod's tube is compared with the exact solution, Shu and Osher's with 6400 cells of the default scheme, both on 400 cells
by the mean error of the cell averages of the density. The families are 64 random samples each on 64 x 64 cells of the
periodic unit square until t = 1, as the samplers of the same names draw them: constant states in four blocks, in four
curved pieces, and shear layers. No sample is left out.

    python scripts/benchmarks/shock_tubes.py [--families riemann curved_riemann kelvin_helmholtz] [--samples 64]
"""

import math
import os
import time
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from _record import Record, parser

from sciml.datagen import CurvedRiemann, KelvinHelmholtz, RiemannPartition, StateSampler
from sciml.fields import Boundaries, Grid, Outflow
from sciml.pdes import Euler, Problem
from sciml.pdes.exact import ExactRiemann, Side
from sciml.rng import sample_rng
from sciml.solvers import HLLC, HLLE, SSPRK3, WENOJS, WENOZ, FiniteVolume
from sciml.status import Status

CELLS, FINE, SIDE, END, TOGETHER = 400, 6400, 64, 1.0, 8
SOD = ExactRiemann(Side(1.0, 0.0, 1.0), Side(0.125, 0.0, 0.1), position=0.5)
RECONSTRUCTIONS = {"WENO-Z": WENOZ(), "WENO-Z, p=2": WENOZ(power=2), "WENO-JS": WENOJS()}
FLUXES = {"HLLC": HLLC(), "HLLE": HLLE()}


class CountedSteps(SSPRK3):
    """Counts the steps of all samples."""

    def __init__(self) -> None:
        self.taken = 0

    def step(self, q, dt, rate):
        self.taken += len(q)
        return super().step(q, dt, rate)


def coarse(fine: torch.Tensor, n: int) -> torch.Tensor:
    return fine.view(n, -1).mean(1)


def sod(n: int) -> Problem:
    out = Boundaries({"all": Outflow()})
    return Problem(Euler(), Grid.cells(n), SOD.initial(), boundary=out, times=[0.0, 0.2])


def shu_osher(n: int) -> Problem:
    """A Mach 3 shock runs into waves of density: Shu & Osher (1989), J. Comput. Phys. 83:32-78, example 8."""
    initial = {
        "density": lambda x: torch.where(x < -4, 27 / 7, 1 + 0.2 * torch.sin(5 * x)),
        "velocity_x": lambda x: torch.where(x < -4, 4 * math.sqrt(35) / 9, 0.0).to(x.dtype),
        "pressure": lambda x: torch.where(x < -4, 31 / 3, 1.0).to(x.dtype),
    }
    out = Boundaries({"all": Outflow()})
    return Problem(Euler(), Grid.cells(n, low=-5.0, high=5.0), initial, boundary=out, times=[0.0, 1.8])


def final_density(problem: Problem, solver: FiniteVolume) -> torch.Tensor:
    return solver.solve(problem).check().u[0, -1, 0]


def tube(reconstruction: str, flux: str, fine: torch.Tensor) -> dict[str, Any]:
    begin = time.process_time()
    solver = FiniteVolume(reconstruction=RECONSTRUCTIONS[reconstruction], riemann=FLUXES[flux])
    (x,) = Grid.cells(CELLS * 64).meshgrid()
    exact = coarse(SOD(x, 0.2)[0], CELLS)
    return {
        "sod": float((final_density(sod(CELLS), solver) - exact).abs().mean()),
        "shu_osher": float((final_density(shu_osher(CELLS), solver) - fine).abs().mean()),
        "cpu_s": time.process_time() - begin,
    }


def draw(sampler: StateSampler, seed: int, n: int) -> torch.Tensor:
    grid = Grid.periodic(n, n)
    return torch.from_numpy(sampler.draw(sample_rng(0, seed), grid, Euler().names(2)))


FAMILIES = {"riemann": RiemannPartition(), "curved_riemann": CurvedRiemann(), "kelvin_helmholtz": KelvinHelmholtz()}


def samples(family: str, first: int) -> dict[str, Any]:
    u = torch.stack([draw(FAMILIES[family], seed, SIDE) for seed in range(first, first + TOGETHER)])
    problem = Problem(Euler(), Grid.periodic(SIDE, SIDE), u, times=torch.linspace(0, END, 6, dtype=torch.float64))
    counted = CountedSteps()
    begin = time.process_time()
    trajectory = FiniteVolume(time=counted).solve(problem)
    cpu = time.process_time() - begin
    low = trajectory.u[:, :, [0, 3]].flatten(1).amin(1)
    return {
        "finite": int(torch.isfinite(trajectory.u).flatten(1).all(1).sum()),
        "positive": int((low > 0).sum()),
        "succeeded": int((trajectory.status == Status.SUCCESS).sum()),
        "lowest": float(low.min()),
        "balance": float(trajectory.residual.max()),
        "steps": counted.taken,
        "cpu_s": cpu,
    }


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--families", nargs="*", default=list(FAMILIES), choices=list(FAMILIES))
    arguments.add_argument("--samples", type=int, default=64, help="of each family")
    given = arguments.parse_args()
    torch.set_num_threads(1)
    settings = {"cells": CELLS, "fine": FINE, "end": END, "together": TOGETHER, "seeds": 0}
    columns = {"case": "case", "Sod": "sod", "Shu-Osher": "shu_osher", "CPU s": "cpu_s", "good samples": "good"}
    record = Record("shock_tubes", settings, columns, given.fresh, given.out)

    def reference() -> dict[str, Any]:
        return {"density": coarse(final_density(shu_osher(FINE), FiniteVolume()), CELLS).tolist()}

    fine = torch.tensor(record.cell("reference", reference)["density"], dtype=torch.float64)
    rows: list[dict[str, Any]] = []
    for reconstruction in RECONSTRUCTIONS:
        for flux in FLUXES:
            found = record.cell(f"{reconstruction}, {flux}", lambda r=reconstruction, f=flux: tube(r, f, fine))
            row = {"case": f"{reconstruction}, {flux}", **{k: found[k] for k in ("sod", "shu_osher", "cpu_s")}}
            print(f"{row['case']:20s} Sod {row['sod']:.3e}  Shu-Osher {row['shu_osher']:.3e}")
            rows.append(row)
    summary = {}
    for family in given.families:
        # The first call compiles; it is not part of the cost.
        FiniteVolume().solve(Problem(Euler(), Grid.periodic(8, 8), draw(FAMILIES[family], 0, 8), times=[0.0, 1e-3]))
        parts = [
            record.cell(f"{family} {SIDE} {first}", lambda f=family, i=first: samples(f, i))
            for first in range(0, given.samples, TOGETHER)
        ]
        count = TOGETHER * len(parts)
        total = {k: sum(p[k] for p in parts) for k in ("finite", "positive", "succeeded", "steps", "cpu_s")}
        summary[family] = {
            "samples": count,
            **{k: total[k] for k in ("finite", "positive", "succeeded")},
            "lowest": min(p["lowest"] for p in parts),
            "balance": max(p["balance"] for p in parts),
            "cpu_s_per_sample": total["cpu_s"] / count,
            "cpu_us_per_cell_step": 1e6 * total["cpu_s"] / total["steps"] / SIDE**2,
        }
        print(family, summary[family])
        rows.append({"case": family, "cpu_s": total["cpu_s"] / count, "good": f"{total['succeeded']} of {count}"})
    record.finish([{key: row.get(key, "") for key in columns.values()} for row in rows], **summary)


if __name__ == "__main__":
    main()
