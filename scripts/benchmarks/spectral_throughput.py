"""CPU time of pseudo-spectral generation against what one would write, one thread, at equal or smaller error.

- Burgers, 200 frames in t = 0 ... 2 on 1024 points of the unit torus, from sums of two sine waves (those of PDEBench,
  Takamoto et al. 2022, without fold and window). Peer: `scipy.integrate.solve_ivp`, LSODA, rtol 1e-4, atol 1e-6,
  second-order central differences, without bands and with lband = uband = 2, sample by sample. Ours: a batch of 64 with
  as many Fourier modes as the accuracy needs; to bring the series to the 1024 points counts.
- Navier-Stokes by vorticity at 64 x 64 points, unit torus, frames at t = 1, 2, ..., with the force and the kind of
  initial states of Li et al. (2021), Fourier Neural Operator, section 5.3. Peer: the scheme stated there,
  Crank-Nicolson for the viscous and explicit Euler with steps of 1e-4 for the dealiased nonlinear term, the whole batch
  at once; a few hundred of its steps are timed and extrapolated. The tracer of `Vorticity`, which the peer lacks, is
  left out.

Both sides alternate within one process; times are CPU times, medians over the repeats. Errors are relative L2 over all
frames and points, against twice to four times the points and tight tolerances, the largest over a few samples; for
Navier-Stokes over the first frames, for which the peer is run in full.

    python scripts/benchmarks/spectral_throughput.py
"""

import math
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from _record import Record, parser
from generation import burgers_with_scipy

from sciml.datagen import SineSum
from sciml.fields import Grid
from sciml.numerics import Derivatives
from sciml.numerics.random_fields import PeriodicField
from sciml.pdes import Burgers, Parameters, Problem, Vorticity
from sciml.pdes.base import Fields
from sciml.solvers import ETDRK4

REPEATS, BATCH, JUDGED = 3, 64, 4
POINTS, FRAMES, END = 1024, 200, 2.0
FLOWS, FLOW_POINTS, FLOW_JUDGED, FLOW_FRAMES, PEER_STEP, PEER_STEPS = 20, 64, 2, 10, 1e-4, 300


@dataclass(frozen=True)
class Choice:
    """How ours is solved: points per axis, fraction of the modes that are kept, tolerance.

    Those of Burgers were chosen on samples 100 to 107, those of the flow at viscosity 1e-4 on flows 2 and 3; errors are
    those of samples 0 to 3 and flows 0 and 1.
    """

    points: int
    dealias: float
    tol: float


BURGERS = {0.01: Choice(160, 1.0, 1e-3), 0.001: Choice(768, 1.0, 1e-2)}
#: Viscosity to choice and last time.
NAVIER_STOKES = {1e-3: (Choice(48, 2 / 3, 3e-4), 50), 1e-4: (Choice(64, 0.75, 7e-4), 30)}


def cpu(function: Callable[[], Any]) -> tuple[float, Any]:
    begin = time.process_time()
    result = function()
    return time.process_time() - begin, result


def on_points(u: torch.Tensor, n: int, dims: int) -> torch.Tensor:
    """The Fourier series of values `(b, ...)` at `n` points per axis."""
    if u.shape[-1] == n:
        return u
    found = u.new_empty(*u.shape[:-dims], *(n,) * dims)
    for sample, values in zip(found, u, strict=True):
        sample.copy_(series(values, n, dims))
    return found


def series(u: torch.Tensor, n: int, dims: int) -> torch.Tensor:
    m, axes = u.shape[-1], tuple(range(-dims, 0))
    spectrum, low = torch.fft.rfftn(u, dim=axes), (min(m, n) + 1) // 2
    for axis in axes[:-1]:
        head, tail = spectrum.narrow(axis, 0, low), spectrum.narrow(axis, m - low + 1, low - 1)
        shape = list(spectrum.shape)
        shape[axis] = n - 2 * low + 1
        spectrum = torch.cat([head, spectrum.new_zeros(shape), tail], dim=axis)
    return torch.fft.irfftn(spectrum[..., :low], s=(n,) * dims, dim=axes) * (n / m) ** dims


def errors(u: torch.Tensor, exact: torch.Tensor) -> float:
    """Largest relative L2 difference over the samples."""
    return max(float((a - b).norm() / b.norm()) for a, b in zip(u, exact, strict=True))


def sines(n: int, count: int = BATCH) -> np.ndarray:
    """Initial states of samples 0, 1, ...; the same functions on every grid."""
    return np.stack([SineSum().draw(np.random.default_rng([0, i]), Grid.periodic(n)) for i in range(count)])


def burgers(nu: float, choice: Choice, count: int) -> torch.Tensor:
    """Our frames at the points wanted, `(b, t, n)`."""
    times = torch.linspace(0.0, END, FRAMES + 1, dtype=torch.float64)
    initial = torch.from_numpy(sines(choice.points, count))[:, None]
    problem = Problem(Burgers(nu), Grid.periodic(choice.points), initial, times=times)
    u = ETDRK4(dealias=choice.dealias).solve(problem, tol=choice.tol).check().u[:, :, 0]
    return on_points(u, POINTS, 1)


def burgers_cell(nu: float) -> dict[str, Any]:
    choice, times = BURGERS[nu], tuple(np.linspace(0.0, END, FRAMES + 1))
    bands: dict[str, dict[str, int]] = {"without bands": {}, "with bands": {"lband": 2, "uband": 2}}
    exact = burgers(nu, Choice(4 * POINTS if nu < 0.005 else 2 * POINTS, 2 / 3, 1e-6), JUDGED)
    initial, found = sines(POINTS, JUDGED), dict[str, list[float]]()
    result: dict[str, Any] = {}
    burgers(nu, choice, 2)
    for _ in range(REPEATS):
        spent, u = cpu(lambda: burgers(nu, choice, BATCH))
        found.setdefault("ours", []).append(spent / BATCH)
        result["error"] = errors(u[:JUDGED], exact)
        for name, option in bands.items():
            spent, peer = cpu(lambda o=option: [burgers_with_scipy(v, nu, times, o) for v in initial])
            found.setdefault(name, []).append(spent / JUDGED)
            result[f"error {name}"] = errors(torch.from_numpy(np.stack(peer)), exact)
    return result | {name: statistics.median(spent) for name, spent in found.items()}


def force(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return 0.1 * (torch.sin(2 * math.pi * (x + y)) + torch.cos(2 * math.pi * (x + y)))


class Flow(Vorticity):
    """`Vorticity` without its passive scalar."""

    fields = Vorticity.fields[:1]

    def linear(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        return {"vorticity": p.viscosity * d.laplacian(u["vorticity"])}

    def nonlinear(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        swirl = (d(u["stream"], "y"), -d(u["stream"], "x"))
        return {"vorticity": -d.div([v * u["vorticity"] for v in swirl])}


def vorticity(count: int) -> torch.Tensor:
    r"""States of $\mathcal{N}(0, 7^3 (-\Delta + 49)^{-5/2})$, larger than those stated there."""
    field = PeriodicField(alpha=2.5, tau=7.0, modes=20)
    generators = [np.random.default_rng([1, i]) for i in range(count)]
    return torch.from_numpy(field.sample(generators, Grid.periodic(FLOW_POINTS, FLOW_POINTS)))


def navier_stokes(nu: float, choice: Choice, count: int, end: int) -> torch.Tensor:
    """Our frames at the points wanted, `(b, t, n, n)`, without the first one."""
    initial = on_points(vorticity(count), choice.points, 2)[:, None]
    grid, times = Grid.periodic(choice.points, choice.points), list(range(end + 1))
    problem = Problem(Flow(viscosity=nu), grid, initial, forcing={"vorticity": force}, times=times)
    u = ETDRK4(dealias=choice.dealias).solve(problem, tol=choice.tol).check().u[:, 1:, 0]
    return on_points(u, FLOW_POINTS, 2)


def crank_nicolson(w: torch.Tensor, nu: float, steps: int, every: int) -> torch.Tensor:
    r"""$\omega_t + u \cdot \nabla\omega = \nu\Delta\omega + f$: frames after each `every` steps, `(b, t, n, n)`."""
    n, dt = w.shape[-1], PEER_STEP
    kx = 2 * math.pi * torch.fft.fftfreq(n, 1 / n, dtype=torch.float64)[:, None]
    ky = 2 * math.pi * torch.fft.rfftfreq(n, 1 / n, dtype=torch.float64)[None]
    square = kx**2 + ky**2
    inverse = torch.where(square == 0, 0.0, 1.0 / torch.where(square == 0, 1.0, square))
    largest = 2 * math.pi * n / 3
    kept = ((kx.abs() < largest) & (ky < largest)).double()
    to_u, to_v, to_x, to_y = 1j * ky * inverse, -1j * kx * inverse, 1j * kx, 1j * ky
    x = torch.arange(n, dtype=torch.float64) / n
    forcing = torch.fft.rfft2(force(x[:, None], x[None]))
    keep, gain = (1 - 0.5 * dt * nu * square) / (1 + 0.5 * dt * nu * square), dt / (1 + 0.5 * dt * nu * square)
    v, frames = torch.fft.rfft2(w), []
    for step in range(1, steps + 1):
        velocity_x, velocity_y, w_x, w_y = (torch.fft.irfft2(s * v, s=(n, n)) for s in (to_u, to_v, to_x, to_y))
        advection = kept * torch.fft.rfft2(velocity_x * w_x + velocity_y * w_y)
        v = keep * v + gain * (forcing - advection)
        if step % every == 0:
            frames.append(torch.fft.irfft2(v, s=(n, n)))
    return torch.stack(frames, dim=1) if frames else w[:, None]


def navier_stokes_cell(nu: float) -> dict[str, Any]:
    choice, end = NAVIER_STOKES[nu]
    per_frame = round(1.0 / PEER_STEP)
    exact = navier_stokes(nu, Choice(2 * FLOW_POINTS, 2 / 3, 1e-7), FLOW_JUDGED, FLOW_FRAMES)
    peer = crank_nicolson(vorticity(FLOW_JUDGED), nu, FLOW_FRAMES * per_frame, per_frame)
    found: dict[str, list[float]] = {"ours": [], "peer": []}
    initial = vorticity(FLOWS)
    for _ in range(REPEATS):
        spent, u = cpu(lambda: navier_stokes(nu, choice, FLOWS, end))
        found["ours"].append(spent / FLOWS)
        spent, _ = cpu(lambda: crank_nicolson(initial, nu, PEER_STEPS, per_frame))
        found["peer"].append(spent / FLOWS / PEER_STEPS * end * per_frame)
    result = {"error": errors(u[:FLOW_JUDGED, :FLOW_FRAMES], exact), "error peer": errors(peer, exact)}
    return result | {name: statistics.median(spent) for name, spent in found.items()}


def rows_of(label: str, ours: str, cell: dict[str, Any], peers: dict[str, str]) -> list[dict[str, Any]]:
    rows = [{"name": label, "method": ours, "ms": round(1e3 * cell["ours"], 2), "error": cell["error"], "ratio": ""}]
    for key, method in peers.items():
        ratio, error = round(cell[key] / cell["ours"], 1), cell[f"error {key}"]
        rows.append({"name": label, "method": method, "ms": round(1e3 * cell[key], 1), "error": error, "ratio": ratio})
    return [{**row, "error": f"{row['error']:.1e}"} for row in rows]


def main() -> int:
    arguments = parser(__doc__).parse_args()
    torch.set_num_threads(1)
    table = {"problem": "name", "method": "method", "ms per sample (CPU)": "ms", "largest relative error": "error"}
    table["ours is faster by"] = "ratio"
    chosen = {f"Burgers {nu}": vars(c) for nu, c in BURGERS.items()}
    chosen |= {f"Navier-Stokes {nu}": {**vars(c), "end": end} for nu, (c, end) in NAVIER_STOKES.items()}
    settings = {"batch": BATCH, "flows": FLOWS, "repeats": REPEATS, "chosen": chosen, "seeds": 0}
    record, rows = (
        Record("spectral_throughput", settings, table, arguments.fresh, arguments.out),
        list[dict[str, Any]](),
    )
    for nu, choice in BURGERS.items():
        cell = record.cell(f"Burgers {nu}", lambda v=nu: burgers_cell(v))
        peers = {k: f"scipy LSODA {k}" for k in ("without bands", "with bands")}
        rows += rows_of(f"Burgers, viscosity {nu}", f"ETDRK4, {choice.points} points", cell, peers)
    for nu, (choice, end) in NAVIER_STOKES.items():
        cell = record.cell(f"Navier-Stokes {nu}", lambda v=nu: navier_stokes_cell(v))
        name = f"Navier-Stokes, viscosity {nu}, t <= {end}"
        rows += rows_of(name, f"ETDRK4, {choice.points}^2 points", cell, {"peer": "Crank-Nicolson / Euler, step 1e-4"})
    for row in rows:
        print("  ".join(str(v) for v in row.values()))
    record.finish(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
