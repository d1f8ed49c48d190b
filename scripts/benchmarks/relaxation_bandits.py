"""The relaxation parameter of SOR learned over a stream of systems, against fixed values.

A0 + c I with the five-point Laplacian on 10 x 10 inner points, c = -0.15 + 0.6 Beta(1/2, 3/2) (high variance) or
-0.15 + 0.6 Beta(2, 6) (low), b normal with norm at most 10, tolerance 1e-8, 5000 systems, 20 arms on [1, 1.95]. The
figure is the mean number of iterations per system. The counts of all arms are computed once per stream by a compiled
loop, which is compared with `Stationary(SOR(omega))` on the first systems.

    python scripts/benchmarks/relaxation_bandits.py
"""

import os
import sys
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from _record import Record, parser
from numba import njit

from sciml.bandits import Bandit, Binned, ChebCB, TsallisINF
from sciml.linalg import SOR, SparseMatrix, Stationary

SIDE, ROUNDS, TOL, CAP = 10, 5000, 1e-8, 10_000
ARMS = np.linspace(1.0, 1.95, 20)
SHAPES = {"high": (0.5, 1.5), "low": (2.0, 6.0)}
LOW, HIGH = -0.15, 0.45


@njit(cache=True)
def sor_count(side, shift, omega, b, tol, cap):
    """Iterations of x += (D / omega + L)^-1 r until the residual has fallen by `tol`."""
    u, step, r = np.zeros((side, side)), np.zeros((side, side)), b.copy()
    start = np.sqrt((b * b).sum())
    for count in range(1, cap + 1):
        for i in range(side):
            for j in range(side):
                total = r[i, j]
                if i > 0:
                    total += step[i - 1, j]
                if j > 0:
                    total += step[i, j - 1]
                step[i, j] = total * omega / (4.0 + shift)
        u += step
        rest = 0.0
        for i in range(side):
            for j in range(side):
                v = b[i, j] - (4.0 + shift) * u[i, j]
                if i > 0:
                    v += u[i - 1, j]
                if j > 0:
                    v += u[i, j - 1]
                if i < side - 1:
                    v += u[i + 1, j]
                if j < side - 1:
                    v += u[i, j + 1]
                r[i, j] = v
                rest += v * v
        if np.sqrt(rest) <= tol * start:
            return count
    return cap


def stream(variance: str, seed: int) -> tuple[np.ndarray, list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    shifts = LOW + (HIGH - LOW) * rng.beta(*SHAPES[variance], ROUNDS)
    sides = []
    while len(sides) < ROUNDS:
        b = rng.standard_normal((SIDE, SIDE))
        if np.linalg.norm(b) <= SIDE:
            sides.append(b)
    return shifts, sides


def best_relaxation(shift: float) -> float:
    """Asymptotically optimal, from the spectral radius of the Jacobi iteration."""
    beta = 4.0 * np.cos(np.pi / (SIDE + 1)) / (4.0 + shift)
    return 1.0 + (beta / (1.0 + np.sqrt(1.0 - beta**2))) ** 2


def check(shifts: np.ndarray, sides: list[np.ndarray], counts: np.ndarray) -> None:
    """The compiled loop and the library take the same number of steps."""
    line = 2 * np.eye(SIDE) - np.eye(SIDE, k=1) - np.eye(SIDE, k=-1)
    laplacian = np.kron(line, np.eye(SIDE)) + np.kron(np.eye(SIDE), line)
    for t in range(5):
        for arm in (0, 8, 16):
            a = SparseMatrix(laplacian + shifts[t] * np.eye(SIDE * SIDE))
            found = Stationary(SOR(float(ARMS[arm])), tol=TOL, max_iterations=CAP).solve(a, sides[t].ravel())
            assert found.iterations == counts[t, arm], (t, arm, found.iterations, counts[t, arm])


def play(bandit: Bandit, shifts: np.ndarray, counts: np.ndarray) -> float:
    total = 0
    for shift, row in zip(shifts.tolist(), counts.tolist(), strict=True):
        arm = bandit.select(shift)
        bandit.update(arm, row[arm], shift)
        total += row[arm]
    return total / len(shifts)


def run(variance: str, seed: int) -> dict[str, Any]:
    shifts, sides = stream(variance, seed)
    counts = np.array([[sor_count(SIDE, c, w, b, TOL, CAP) for w in ARMS] for c, b in zip(shifts, sides, strict=True)])
    check(shifts, sides, counts)
    best = [sor_count(SIDE, c, best_relaxation(c), b, TOL, CAP) for c, b in zip(shifts, sides, strict=True)]
    result = {f"omega {w:.1f}": float(counts[:, np.argmin(abs(ARMS - w))].mean()) for w in (1.0, 1.2, 1.4, 1.6, 1.8)}
    fixed = min(result.values())
    result |= {
        "Tsallis-INF": play(TsallisINF(len(ARMS), seed), shifts, counts),
        "binned": play(Binned(len(ARMS), LOW, HIGH, seed=seed), shifts, counts),
        "ChebCB": play(ChebCB(len(ARMS), LOW, HIGH, seed=seed), shifts, counts),
        "per instance": float(np.mean(best)),
    }
    result |= {"Tsallis / best fixed": result["Tsallis-INF"] / fixed, "ChebCB / best fixed": result["ChebCB"] / fixed}
    result["ChebCB / per instance"] = result["ChebCB"] / result["per instance"]
    print(variance, seed, " ".join(f"{k} {v:.3f}" for k, v in result.items()), flush=True)
    return {"variance": variance, "seed": seed, **result}


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--trials", type=int, default=5)
    chosen = arguments.parse_args()
    settings = {"rounds": ROUNDS, "arms": ARMS.tolist(), "seeds": list(range(chosen.trials)), "tol": TOL}
    columns = [
        "variance",
        "omega 1.0",
        "omega 1.4",
        "omega 1.6",
        "omega 1.8",
        "Tsallis-INF",
        "binned",
        "ChebCB",
        "per instance",
    ]
    record = Record("relaxation_bandits", settings, {c: c for c in columns}, chosen.fresh, chosen.out)
    rows = []
    for variance in SHAPES:
        cells = [record.cell(f"{variance} {s}", lambda v=variance, s=s: run(v, s)) for s in range(chosen.trials)]
        rows.append(
            {"variance": variance}
            | {
                k: float(np.mean([c[k] for c in cells]))
                for k in cells[0]
                if isinstance(cells[0][k], float) and k != "wall_s"
            }
        )
        print(" ".join(f"{k} {v if isinstance(v, str) else f'{v:.3f}'}" for k, v in rows[-1].items()))
    record.finish(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
