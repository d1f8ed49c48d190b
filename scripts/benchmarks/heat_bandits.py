"""The relaxation parameter of SSOR-preconditioned CG learned along a heat equation, against fixed values.

Crank-Nicolson for u_t = a(t) laplace u + f on the unit square with zero walls, 5000 steps to t = 5, where
a = max(0.1 sin 2 pi t, -10 sin 2 pi t); f is a smooth bump of height 32 and radius 1/8 that circles the centre at
distance 1/4 with angular speed 16 pi; at first there is a bump of radius 1/4. Every step starts from the last one;
tolerance 1e-8. The figures are iterations and CPU time of all steps, `solve_s` without assembly and choice; the context
of ChebCB is the mean diagonal of the matrix.

    python scripts/benchmarks/heat_bandits.py
"""

import os
import sys
import time
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from _record import Record, parser

from sciml.bandits import Bandit, ChebCB, TsallisINF
from sciml.linalg import CG, SSOR, BandedCholesky, BanditSolver, LinearSolver, MeanDiagonal, Stencil

STEPS, END, TOL = 5000, 5.0, 1e-8
FIXED = (1.0, 1.3, 1.5, 1.75, 1.95)
ARMS = np.linspace(1.0, 1.95, 20)
KEPT = ("iterations", "solve_s", "total_s", "norm")


def diffusivity(t: float) -> float:
    return max(0.1 * np.sin(2 * np.pi * t), -10.0 * np.sin(2 * np.pi * t))


def bump(x: np.ndarray, y: np.ndarray, centre: tuple[float, float], radius: float) -> np.ndarray:
    """1 at the centre, smooth, 0 beyond the radius."""
    squared = ((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / radius**2
    inside = squared < 1
    return np.where(inside, np.exp(1 - 1 / np.where(inside, 1 - squared, 1.0)), 0.0)


class Heat:
    """The steps on `side` x `side` inner points: matrix and right side of each from the last solution."""

    def __init__(self, side: int) -> None:
        self.side, self.h, self.dt = side, 1.0 / (side + 1), END / STEPS
        line = np.arange(1, side + 1) * self.h
        self.x, self.y = np.meshgrid(line, line, indexing="ij")
        self.ones = (np.ones((side - 1, side)), np.ones((side, side - 1)))

    def source(self, t: float) -> np.ndarray:
        angle = 16 * np.pi * t
        return 32.0 * bump(self.x, self.y, (0.5 + 0.25 * np.cos(angle), 0.5 + 0.25 * np.sin(angle)), 0.125)

    def matrix(self, scale: float) -> Stencil:
        """I - scale laplace."""
        w = scale / self.h**2
        return Stencil(np.full((self.side, self.side), 1 + 4 * w), tuple(w * t for t in self.ones))

    def run(self, solver: LinearSolver) -> dict[str, float]:
        u, state = bump(self.x, self.y, (0.5, 0.5), 0.25).ravel(), None
        iterations, spent, begin = 0, 0.0, time.process_time()
        for step in range(STEPS):
            now, then = step * self.dt, (step + 1) * self.dt
            half = 0.5 * self.dt
            b = self.matrix(-half * diffusivity(now)).apply(u)
            b += half * (self.source(now) + self.source(then)).ravel()
            solution = solver.solve(self.matrix(half * diffusivity(then)), b, x0=u, state=state).checked()
            u, state = solution.x, solution.state
            iterations += solution.iterations
            spent += solution.setup_s + solution.solve_s
        total = time.process_time() - begin
        return {"iterations": iterations, "solve_s": spent, "total_s": total, "norm": float(np.linalg.norm(u) * self.h)}


def preconditioned(omega: float) -> CG:
    return CG(tol=TOL, preconditioner=SSOR(float(omega)))


def learned(bandit: Bandit) -> BanditSolver:
    return BanditSolver([preconditioned(w) for w in ARMS], bandit, context=MeanDiagonal())


def methods(side: int, seed: int) -> dict[str, LinearSolver]:
    """Fixed ones with the first seed only: they do not depend on it."""
    heat = Heat(side)
    ends = [float(heat.matrix(0.5 * heat.dt * a).diagonal[0, 0]) for a in (0.0, 10.0)]
    found: dict[str, LinearSolver] = {
        "Tsallis-INF": learned(TsallisINF(len(ARMS), seed, least=0.0)),
        "ChebCB": learned(ChebCB(len(ARMS), *ends, seed=seed)),
    }
    if seed == 0:
        found |= {"CG": CG(tol=TOL), "direct": BandedCholesky()}
        found |= {f"omega {w:g}": preconditioned(w) for w in FIXED}
    return found


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--trials", type=int, default=3)
    arguments.add_argument("--sides", type=int, nargs="+", default=[25, 50])
    chosen = arguments.parse_args()
    settings: dict[str, Any] = {"steps": STEPS, "arms": ARMS.tolist(), "tol": TOL, "seeds": list(range(chosen.trials))}
    columns = ["grid", "method", "iterations", "solve_s", "total_s", "of the best fixed"]
    record = Record("heat_bandits", settings, {c: c for c in columns}, chosen.fresh, chosen.out)
    rows = []
    for side in chosen.sides:
        cells: dict[str, list[dict[str, float]]] = {}
        for seed in range(chosen.trials):
            for name, solver in methods(side, seed).items():
                cell = record.cell(f"{side} {name} {seed}", lambda side=side, solver=solver: Heat(side).run(solver))
                cells.setdefault(name, []).append(cell)
                print(side, name, seed, *(f"{k} {cell[k]:.5g}" for k in KEPT), flush=True)
        means = {n: {k: float(np.mean([c[k] for c in found])) for k in KEPT} for n, found in cells.items()}
        best = min(means[f"omega {w:g}"]["iterations"] for w in FIXED)
        for name, mean in means.items():
            # All march to the same state.
            assert abs(mean["norm"] / means["direct"]["norm"] - 1) < 1e-5, (name, mean)
            rows.append(
                {"grid": f"{side} x {side}", "method": name, **mean, "of the best fixed": mean["iterations"] / best}
            )
    record.finish(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
