"""Agreement with exact and independent results: derivative engines, solvers, the Fourier neural operator, its export.

Each line prints a figure and the bound that a test holds it to.

    python scripts/benchmarks/oracles.py
"""

import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from _record import ROOT, Record, parser
from torch import nn

from sciml.fields import Boundaries, Grid
from sciml.nn import DFT, FFT, SpectralConv
from sciml.numerics import ReverseMode, SpectralDerivatives, TaylorMode, value
from sciml.numerics.interpolation import fourier_series
from sciml.operators import FNO
from sciml.pdes import Burgers, Darcy, Problem
from sciml.solvers import ETDRK4, FiniteVolumeElliptic

sys.path.insert(0, str(ROOT / "tests"))
DATA = Path(os.environ.get("SCIML_BENCHMARKS", ROOT.parent / "shared" / "data" / "benchmarks"))


def problems() -> dict[str, Problem]:
    """One problem per equation, with coefficients that vary."""
    wavy = lambda x: 1.5 + 0.3 * torch.sin(x)  # noqa: E731
    burgers = Problem(Burgers(), Grid.periodic(16, high=2 * math.pi), wavy, times=[0.0, 1.0])
    coefficients = {"a": lambda x, y: torch.exp(x * y), "f": lambda x, y: torch.sin(x) * y}
    return {"Burgers": burgers, "Darcy": Problem(Darcy(), Grid.periodic(16, 16), parameters=coefficients)}


def jets() -> float:
    """Largest relative difference of the residual by jets and by nested reverse mode."""
    worst = 0.0
    for problem in problems().values():
        torch.manual_seed(0)
        d, c = len(problem.axes), len(problem.names)
        network = nn.Sequential(nn.Linear(d, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, c)).double()
        points = torch.rand(64, d, dtype=torch.float64)
        engines = (TaylorMode(points, problem.axes, problem.required_derivatives), ReverseMode(points, problem.axes))
        ours, oracle = (problem.residual(e.evaluate(network, problem.names), e) for e in engines)
        for name, exact in oracle.items():
            worst = max(worst, float((value(ours[name]) - exact).detach().abs().max() / exact.detach().abs().max()))
    return worst


def symbol() -> float:
    """Largest relative difference of the derived symbol and the operator on the grid."""
    worst = 0.0
    for n in (16, 17):
        problem = problems()["Burgers"].on(Grid.periodic(n, high=2 * math.pi))
        assert isinstance(problem.pde, Burgers)
        d = SpectralDerivatives(problem.domain)
        u = torch.randn(n, dtype=torch.float64, generator=torch.Generator().manual_seed(n))
        direct = problem.pde.linear({"u": u}, d, problem.bind(d))["u"]
        hat = problem.pde.symbol(problem.domain, problem.bind(d))[0, 0, 0]
        through = torch.fft.irfft(hat * torch.fft.rfft(u), n=n)
        worst = max(worst, float((through - direct).abs().max() / direct.abs().max()))
    return worst


def darcy_order() -> float:
    """Observed order of the finite volumes for K = exp(xy), u = sin(pi x) sin(pi y), 32 to 256 cells."""
    pi = math.pi

    def source(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        sx, cx, sy, cy = torch.sin(pi * x), torch.cos(pi * x), torch.sin(pi * y), torch.cos(pi * y)
        return torch.exp(x * y) * (2 * pi**2 * sx * sy - pi * (y * cx * sy + x * sx * cy))

    errors, sizes = [], [32, 64, 128, 256]
    for n in sizes:
        parameters = {"a": lambda x, y: torch.exp(x * y), "f": source}
        problem = Problem(Darcy(), Grid.cells(n, n), boundary=Boundaries.dirichlet(), parameters=parameters)
        x, y = problem.domain.meshgrid()
        u = FiniteVolumeElliptic().solve(problem).u[0, 0, 0]
        errors.append(float((u - torch.sin(pi * x) * torch.sin(pi * y)).square().mean().sqrt()))
    return float(-np.polyfit(np.log(sizes), np.log(errors), 1)[0])


def etdrk4_order() -> float:
    """Observed order of the time stepping against the Cole-Hopf solution, 40 to 160 steps."""
    nu, tau = 0.02, 2 * math.pi

    def exact(x: torch.Tensor, t: float) -> torch.Tensor:
        decay = 0.8 * math.exp(-nu * tau**2 * t)
        return 2 * nu * tau * decay * torch.sin(tau * x) / (1 + decay * torch.cos(tau * x))

    problem = Problem(Burgers(viscosity=nu), Grid.periodic(96), lambda x: exact(x, 0.0), times=[0.0, 0.5, 1.0])
    (x,) = problem.domain.meshgrid()
    steps = [40, 80, 160]
    errors = [float((ETDRK4(dt=1 / n).solve(problem).u[0, -1, 0] - exact(x, 1.0)).norm()) for n in steps]
    return float(-np.polyfit(np.log(steps), np.log(errors), 1)[0])


def burgers_shock() -> float:
    """Relative L2 difference to the published shock over all stored times."""
    import scipy.io

    data = scipy.io.loadmat(DATA / "burgers_shock.mat")
    x, published = data["x"].ravel(), data["usol"].T
    problem = Problem(
        Burgers(viscosity=0.01 / math.pi),
        Grid.periodic(2048, low=-1.0, high=1.0),
        initial=lambda x: -torch.sin(math.pi * x),
        times=torch.from_numpy(data["t"].ravel()),
    )
    u = ETDRK4(dt=2.5e-4).solve(problem).u[0, :, 0].numpy()
    values = fourier_series(u, problem.domain.axes[0], x)
    return float(np.linalg.norm(values - published) / np.linalg.norm(published))


def neuralop_parity() -> float:
    """Largest difference of the native FNO and neuralop's with the same weights, relative to the largest output."""
    from neuralop.models import FNO as TheirFNO
    from operators.test_fno import weights_of_neuralop

    worst = 0.0
    for modes, sizes in [([16], (64,)), ([12, 12], (32, 24)), ([24, 24], (64, 64)), ([4, 6, 4], (8, 12, 10))]:
        torch.manual_seed(0)
        theirs = TheirFNO(n_modes=tuple(modes), in_channels=2, out_channels=3, hidden_channels=12, n_layers=3)
        for kernel in (FFT(), DFT()):
            ours = FNO(2, 3, width=12, modes=modes, depth=3, kernel=kernel)
            ours.load_state_dict(weights_of_neuralop(theirs.state_dict(), modes))
            u = torch.randn(3, 2, *sizes)
            with torch.no_grad():
                worst = max(worst, float((ours(u) - theirs(u)).abs().max() / theirs(u).abs().max()))
    return worst


def identity(dtype: torch.dtype) -> float:
    """Largest error of identity weights on band-limited fields, N = 15, 16, 17, 31 in one and two dimensions."""
    worst = 0.0
    for n in (15, 16, 17, 31):
        x = torch.arange(n, dtype=torch.float64) / n
        wave = torch.cos(6 * math.pi * x + 0.4) + 0.5 * torch.sin(2 * math.pi * x)
        for kernel in (FFT(), DFT()):
            for field, modes in ((wave, [8]), (wave[:, None] * wave.roll(1), [8, 8])):
                layer = SpectralConv(1, 1, modes, kernel).to(dtype)
                with torch.no_grad():
                    layer.bias.zero_()
                    layer.weight.zero_()
                    layer.weight[..., 0, :] = 1.0
                    u = field.to(dtype)[None, ..., None]
                    worst = max(worst, float((layer(u) - u).abs().max()))
    return worst


def export() -> float:
    """Largest difference of the exported program, dynamic in batch and grid, from eager at five shapes."""
    from torch.export import Dim
    from torch.export import export as exported

    torch.manual_seed(0)
    worst = 0.0
    for kernel in (FFT(), DFT()):
        network = FNO(1, 1, width=8, modes=[8, 8], depth=2, kernel=kernel).eval()
        shapes = {"u": {0: Dim("b", min=1), 2: Dim("x", min=16), 3: Dim("y", min=16)}}
        program = exported(network, (torch.randn(3, 1, 20, 22),), dynamic_shapes=shapes, strict=False).module()
        for shape in [(1, 1, 16, 16), (3, 1, 17, 17), (5, 1, 31, 24), (2, 1, 64, 64), (16, 1, 33, 40)]:
            u = torch.randn(shape)
            worst = max(worst, (program(u) - network(u)).abs().max().item())
    return worst


CELLS: dict[str, tuple[Callable[[], float], str]] = {
    "jets against reverse mode, every equation, float64": (jets, "<= 1e-10"),
    "symbol against the grid operator, float64": (symbol, "<= 1e-10"),
    "order of the finite volumes, 32 to 256 cells": (darcy_order, "2.00 +- 0.05"),
    "order of ETDRK4, 40 to 160 steps": (etdrk4_order, "4.0 +- 0.1"),
    "Burgers against burgers_shock.mat, relative L2": (burgers_shock, "<= 1e-8"),
    "FNO against neuralop, same weights, float32": (neuralop_parity, "<= 1e-5"),
    "identity spectral weights, float32": (lambda: identity(torch.float32), "<= 1e-5"),
    "identity spectral weights, float64": (lambda: identity(torch.float64), "<= 1e-12"),
    "exported FNO against eager, five shapes": (export, "<= 1e-6"),
}


def main() -> int:
    chosen = parser(__doc__).parse_args()
    torch.set_num_threads(1)
    record = Record(
        "oracles", {"seeds": [0]}, {"what": "what", "figure": "figure", "bound": "bound"}, chosen.fresh, chosen.out
    )
    rows: list[dict[str, Any]] = []
    for name, (compute, bound) in CELLS.items():
        if compute is burgers_shock and not (DATA / "burgers_shock.mat").is_file():
            print(f"{name}: skipped, burgers_shock.mat is not at hand")
            continue
        figure = record.cell(name, lambda compute=compute: {"figure": compute()})["figure"]
        print(f"{name}: {figure:.4g} ({bound})", flush=True)
        rows.append({"what": name, "figure": figure, "bound": bound})
    record.finish(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
