"""CPU time of a physics-informed training step, residual and gradient of its mean square, one thread, float32.

The network is a tanh MLP with four hidden layers of 128. Jets, eager and compiled, take turns with nested reverse mode
on the Kuramoto-Sivashinsky, Navier-Stokes (u, v, p) and Laplace operators, the estimate of a Laplacian in 100-D
by random directions with the exact ones, and the Burgers step with DeepXDE and PINA, by which the same network is
differentiated. The figure is the median of the process time. A peer that is not installed is left out, with a note:
pip install deepxde pina-mathlab

    python scripts/benchmarks/pinn_step.py
"""

import os
import sys
import warnings
from collections.abc import Callable
from itertools import pairwise

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("DDE_BACKEND", "pytorch")

import torch
from _record import Record, parser
from _timing import taking_turns
from torch import Tensor, nn

from sciml.numerics import Compiled, RandomDirections, ReverseMode, point_derivatives, requests, value

TURNS, WIDTH, DEPTH, DIRECTIONS = 9, 128, 4, 16
VISCOSITY = 0.01

Residual = Callable[[nn.Module, Tensor], dict[str, Tensor]]
Step = Callable[[], None]


def kuramoto_sivashinsky(u, d):
    u = u["u"]
    return {"u": d(u, "t") + u * d(u, "x") + d(u, "xx") + d(u, "xxxx")}


def navier_stokes(w, d):
    u, v, p = w["u"], w["v"], w["p"]
    return {
        "u": d(u, "t") + u * d(u, "x") + v * d(u, "y") + d(p, "x") - VISCOSITY * d.laplacian(u),
        "v": d(v, "t") + u * d(v, "x") + v * d(v, "y") + d(p, "y") - VISCOSITY * d.laplacian(v),
        "p": d(u, "x") + d(v, "y"),
    }


def laplace(u, d):
    return {"u": d.laplacian(u["u"])}


def burgers(u, d):
    u = u["u"]
    return {"u": d(u, "t") + u * d(u, "x") - VISCOSITY * d(u, "xx")}


def axes(d: int) -> tuple[str, ...]:
    return tuple(f"x{i}" for i in range(d))


#: Equation, its unknowns, the axes, number of points.
CASES = {
    "Kuramoto-Sivashinsky": (kuramoto_sivashinsky, ("u",), ("x", "t"), 2048),
    "Navier-Stokes, 2-D": (navier_stokes, ("u", "v", "p"), ("x", "y", "t"), 2048),
    "Laplacian, 10-D": (laplace, ("u",), axes(10), 2048),
    "Laplacian, 100-D": (laplace, ("u",), axes(100), 256),
    "Burgers": (burgers, ("u",), ("x", "t"), 8192),
}


def mlp(inputs: int, outputs: int) -> nn.Sequential:
    torch.manual_seed(0)
    sizes = [inputs, *[WIDTH] * DEPTH]
    hidden = [m for a, b in pairwise(sizes) for m in (nn.Linear(a, b), nn.Tanh())]
    return nn.Sequential(*hidden, nn.Linear(WIDTH, outputs))


def training_step(residual: Residual, network: nn.Module, points: Tensor) -> Step:
    def step() -> None:
        network.zero_grad()
        sum(r.square().mean() for r in residual(network, points).values()).backward()  # type: ignore[union-attr]

    return step


def by_jets(case: str, estimator: RandomDirections | None = None) -> Residual:
    equation, names, columns, _ = CASES[case]
    asked = requests(equation, names, columns)

    def residual(network: nn.Module, points: Tensor) -> dict[str, Tensor]:
        d, u = point_derivatives(network, points, columns, names, asked, estimator)
        return {name: value(r) for name, r in equation(u, d).items()}

    return residual


def by_reverse_mode(case: str) -> Residual:
    equation, names, columns, _ = CASES[case]

    def residual(network: nn.Module, points: Tensor) -> dict[str, Tensor]:
        d = ReverseMode(points, columns)
        return equation(d.evaluate(network, names), d)

    return residual


def by_deepxde() -> Residual:
    import deepxde as dde

    def residual(network: nn.Module, points: Tensor) -> dict[str, Tensor]:
        x = points.detach().requires_grad_()
        u = network(x)
        u_x, u_t = (dde.grad.jacobian(u, x, i=0, j=j) for j in (0, 1))
        r = u_t + u * u_x - VISCOSITY * dde.grad.hessian(u, x, i=0, j=0)
        dde.grad.clear()
        return {"u": r}

    return residual


def by_pina() -> Residual:
    from pina import LabelTensor
    from pina.operator import grad

    def residual(network: nn.Module, points: Tensor) -> dict[str, Tensor]:
        x = LabelTensor(points.detach(), ["x", "t"]).requires_grad_()
        u = network(x)
        u.labels = ["u"]
        slopes = grad(u, x, components=["u"], d=["x", "t"])
        u_xx = grad(slopes, x, components=["dudx"], d=["x"])
        r = slopes.extract(["dudt"]) + u * slopes.extract(["dudx"]) - VISCOSITY * u_xx
        return {"u": r.as_subclass(Tensor)}

    return residual


PEERS = {"DeepXDE": by_deepxde, "PINA": by_pina}


def competitors(case: str) -> dict[str, Residual]:
    found = {"nested reverse mode": by_reverse_mode(case), "jets": by_jets(case)}
    if case == "Laplacian, 100-D":  # a kernel of 102 rows takes minutes to compile
        estimate = by_jets(case, RandomDirections(DIRECTIONS, torch.Generator().manual_seed(0)))
        return {**found, "random directions": estimate, "directions, compiled": Compiled(estimate)}
    found["jets, compiled"] = Compiled(found["jets"])
    for name, make in PEERS.items() if case == "Burgers" else ():
        try:
            found[name] = make()
        except ImportError as error:
            print(f"{case}: without {name}: {error}", flush=True)
    return found


def measure(case: str) -> dict[str, float]:
    """Median milliseconds of each competitor, taking turns."""
    _, names, columns, n = CASES[case]
    network = mlp(len(columns), len(names))
    points = torch.rand(n, len(columns), generator=torch.Generator().manual_seed(1))
    residuals = competitors(case)
    exact = residuals["nested reverse mode"](network, points)
    for name, residual in residuals.items():
        ours = residual(network, points)
        if "directions" not in name:
            assert all(torch.allclose(ours[k].flatten(), r, rtol=1e-3, atol=1e-4) for k, r in exact.items()), name
    return taking_turns({name: training_step(r, network, points) for name, r in residuals.items()}, TURNS)


def main() -> int:
    arguments = parser(__doc__).parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    columns = {"case": "case", "engine": "engine", "CPU ms per step": "ms", "against reverse mode": "speed"}
    settings = {
        "width": WIDTH,
        "depth": DEPTH,
        "turns": TURNS,
        "points": {case: CASES[case][-1] for case in CASES},
        "directions": DIRECTIONS,
        "seeds": 0,
    }
    record = Record("pinn_step", settings, columns, arguments.fresh, arguments.out)
    rows, summary = [], {}
    for case in CASES:
        cell = record.cell(case, lambda case=case: {"ms": measure(case)})["ms"]
        for engine, ms in cell.items():
            row = {"case": case, "engine": engine, "ms": ms, "speed": cell["nested reverse mode"] / ms}
            rows.append(row)
            print(f"{case:22s} {engine:22s} {ms:8.1f} ms   {row['speed']:.2f} x", flush=True)
        peers = [ms for engine, ms in cell.items() if engine in PEERS]
        if peers:
            summary = {engine: min(peers) / cell[engine] for engine in ("jets", "jets, compiled")}
            print(", ".join(f"{engine}: {speed:.2f} x the faster peer" for engine, speed in summary.items()))
    record.finish(rows, against_faster_peer=summary)
    return 0


if __name__ == "__main__":
    sys.exit(main())
