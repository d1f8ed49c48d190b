"""Allen-Cahn with DeepXDE and PINA at equal CPU seconds as ours: relative L2 error, one thread, process time, float64.

u_t = 1e-4 u_xx + 5u - 5u^3 on [-1, 1], periodic, from x^2 cos(pi x), to t = 1; the error is that on the whole reference
grid. Ours is the shipped `configs/pinn/allen_cahn.yaml`. Each peer runs the settings of its documentation and a few
more, all with seed 0 and 100 CPU seconds; the one of least error then has the other seeds and a longer run. Adam, rate
1e-3, comes first; L-BFGS, strong Wolfe and memory 100, has the rest of the time. A peer has the seconds that ours has
taken up to the end of its step. What measures the error is not timed.

DeepXDE documents this equation, with diffusivity 1e-3 and the values at both ends fixed: x^2 cos(pi x) + t (1 - x^2) N,
three layers of 20, 8000 + 400 + 800 points, 40 000 steps of Adam and then L-BFGS; here Adam has half of the time. With
fixed ends the solution is 8e-5 away from the periodic one. PINA has the equation with a soft initial condition among
its problems, an embedding for periodic ones, and Adam as its default.

A peer that is not installed is left out, with a note: pip install deepxde pina-mathlab

    python scripts/benchmarks/pinn_peers.py
"""

import copy
import math
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("DDE_BACKEND", "pytorch")

import torch
from _pinn import relative_errors, run
from _record import Record, parser
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Callback
from pinn_accuracy import stored
from torch import Tensor, nn

SEEDS = (0, 1, 2)
BUDGETS = SHORT, LONG = 100, 600
DIFFUSIVITY, RATE = 1e-4, 5.0
#: Iterations of L-BFGS between looks at the clock.
ITERATIONS = 50

#: Of x, t and the network's output.
Form = Callable[[Tensor, Tensor, Tensor], Tensor]
#: Of a setting, a seed and the CPU seconds: the trained function of (x, t) and what was noted.
Training = Callable[["Setting", int, float], tuple[Callable[[Tensor], Tensor], dict[str, Any]]]


def initial(x: Tensor) -> Tensor:
    return x**2 * torch.cos(torch.pi * x)


def soft(x: Tensor, t: Tensor, n: Tensor) -> Tensor:
    return n


def hard(x: Tensor, t: Tensor, n: Tensor) -> Tensor:
    return initial(x) + t * n


def fixed_ends(x: Tensor, t: Tensor, n: Tensor) -> Tensor:
    return initial(x) + t * (1 - x**2) * n


FORMS = {soft: "N, soft u0", hard: "u0 + t N", fixed_ends: "u0 + t (1 - x²) N"}


@dataclass(frozen=True)
class Setting:
    """One setting of a peer.

    Args:
        width, depth: of the hidden layers.
        form: what is made of the network's output.
        periodic: whether the network sees cos pi x and sin pi x in the place of x.
        points: in the domain, on the boundary, at the start.
        weight: of the initial condition, where it is soft.
        adam: part of the time that Adam has.
        note: what the setting is taken from.
    """

    width: int
    depth: int
    form: Form
    periodic: bool = True
    points: tuple[int, int, int] = (5000, 0, 400)
    weight: float = 100.0
    adam: float = 0.2
    note: str = ""

    def __str__(self) -> str:
        seen = "periodic features" if self.periodic else "x, t"
        weight = f", weight {self.weight:g}" if self.form is soft else ""
        optimizers = "Adam" if self.adam == 1 else f"Adam {self.adam:.0%}, L-BFGS"
        points = "+".join(str(n) for n in self.points if n)
        note = f" ({self.note})" if self.note else ""
        return f"{self.depth}x{self.width}, {FORMS[self.form]}{weight}, {seen}, {points} points, {optimizers}{note}"


def with_deepxde(setting: Setting, seed: int, budget: float) -> tuple[Callable[[Tensor], Tensor], dict[str, Any]]:
    import deepxde as dde

    class Stop(dde.callbacks.Callback):
        def __init__(self, at: float) -> None:
            super().__init__()
            self.at = at

        def on_epoch_end(self) -> None:
            self.model.stop_training = time.process_time() >= self.at

    dde.config.set_default_float("float64")
    dde.config.set_random_seed(seed)
    region = dde.geometry.GeometryXTime(dde.geometry.Interval(-1, 1), dde.geometry.TimeDomain(0, 1))
    start = dde.icbc.IC(region, lambda z: initial(torch.as_tensor(z[:, :1])).cpu().numpy(), lambda _, on: on)
    conditions = [start] if setting.form is soft else []
    inside, boundary, first = setting.points

    def residual(z: Tensor, u: Tensor) -> Tensor:
        u_t, u_xx = dde.grad.jacobian(u, z, i=0, j=1), dde.grad.hessian(u, z, i=0, j=0)
        return u_t - DIFFUSIVITY * u_xx - RATE * (u - u**3)

    data = dde.data.TimePDE(
        region, residual, conditions, num_domain=inside, num_boundary=boundary, num_initial=first
    )  # fmt: skip
    sizes = [3 if setting.periodic else 2, *[setting.width] * setting.depth, 1]
    network = dde.nn.FNN(sizes, "tanh", "Glorot normal")
    if setting.periodic:
        network.apply_feature_transform(lambda z: periodic_features(z[:, :1], z[:, 1:]))
    network.apply_output_transform(lambda z, n: setting.form(z[:, :1], z[:, 1:], n))
    model = dde.Model(data, network)
    dde.optimizers.set_LBFGS_options(maxiter=10**8)
    dde.optimizers.LBFGS_options.update(iter_per_step=ITERATIONS, fun_per_step=2 * ITERATIONS)
    weights = [1.0, setting.weight][: 1 + len(conditions)]
    begin = time.process_time()
    for optimizer, part in (("adam", setting.adam), ("L-BFGS", 1.0)):
        if time.process_time() - begin < part * budget:
            model.compile(optimizer, lr=1e-3, loss_weights=weights, verbose=0)
            calls = [Stop(begin + part * budget)]
            _, state = model.train(iterations=10**8, callbacks=calls, display_every=10**8, verbose=0)
    return network, {"cpu_s": round(time.process_time() - begin, 1), "steps": int(state.step)}


def with_pina(setting: Setting, seed: int, budget: float) -> tuple[Callable[[Tensor], Tensor], dict[str, Any]]:
    from pina import LabelTensor
    from pina import Trainer as PinaTrainer
    from pina.model import FeedForward
    from pina.optim import TorchOptimizer
    from pina.problem.zoo import AllenCahnProblem
    from pina.solver import PINN
    from pina.weighting import ScalarWeighting

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            layers = [setting.width] * setting.depth
            self.inner = FeedForward(3 if setting.periodic else 2, 1, layers=layers)

        def forward(self, points: LabelTensor) -> Tensor:
            x, t = (points.extract([name]).as_subclass(Tensor) for name in ("x", "t"))
            seen = periodic_features(x, t) if setting.periodic else torch.cat([x, t], dim=1)
            return setting.form(x, t, self.inner(seen))

    class Problem(AllenCahnProblem):
        # A copy: training puts the points into this dictionary, which is that of the class.
        conditions = copy.deepcopy(AllenCahnProblem.conditions) if setting.form is soft else {}

    torch.manual_seed(seed)
    problem = Problem(alpha=DIFFUSIVITY, beta=RATE)
    problem.discretise_domain(n=setting.points[0], mode="lh", domains="D")
    problem.discretise_domain(n=setting.points[2], mode="lh", domains="t0")
    network, weights = Network(), ScalarWeighting({"t0": setting.weight})
    adam = TorchOptimizer(torch.optim.Adam, lr=1e-3)
    lbfgs = TorchOptimizer(
        torch.optim.LBFGS, max_iter=ITERATIONS, history_size=100, line_search_fn="strong_wolfe",
        tolerance_grad=1e-8, tolerance_change=0.0,
    )  # fmt: skip
    begin, steps = time.process_time(), []
    for optimizer, part in ((adam, setting.adam), (lbfgs, 1.0)):
        if time.process_time() - begin < part * budget:
            solver = PINN(problem, network, optimizer=optimizer, weighting=weights)
            trainer = PinaTrainer(
                solver, max_epochs=-1, accelerator="cpu", callbacks=[_Stop(begin + part * budget)], logger=False,
                enable_progress_bar=False, enable_checkpointing=False, enable_model_summary=False,
            )  # fmt: skip
            trainer.train()
            steps.append(trainer.global_step * (1 if optimizer is adam else ITERATIONS))

    def function(points: Tensor) -> Tensor:
        return network(LabelTensor(points, ["x", "t"])).as_subclass(Tensor)

    return function, {"cpu_s": round(time.process_time() - begin, 1), "steps": sum(steps)}


class _Stop(Callback):
    def __init__(self, at: float) -> None:
        self.at = at

    def on_train_batch_end(self, trainer: Trainer, *args: Any) -> None:
        trainer.should_stop = time.process_time() >= self.at


def periodic_features(x: Tensor, t: Tensor) -> Tensor:
    return torch.cat([torch.cos(torch.pi * x), torch.sin(torch.pi * x), t], dim=1)


#: How each peer is run, the name of its package, and its settings, those of its documentation first.
PEERS: dict[str, tuple[Training, str, list[Setting]]] = {
    "DeepXDE": (
        with_deepxde,
        "deepxde",
        [
            Setting(20, 3, fixed_ends, False, (8000, 400, 800), adam=0.5, note="documented"),
            Setting(30, 3, fixed_ends, False),
            Setting(30, 3, hard),
            Setting(64, 4, fixed_ends, False),
        ],
    ),
    "PINA": (
        with_pina,
        "pina-mathlab",
        [
            Setting(20, 3, soft, weight=1.0, adam=1.0, note="documented problem, embedding and optimiser"),
            Setting(30, 3, hard),
            Setting(30, 3, soft),
        ],
    ),
}


@contextmanager
def double() -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def trained(name: str, setting: Setting, seed: int, budget: float) -> dict[str, Any]:
    """A finished run of a peer with its error, `None` if it is not a number."""
    train, package, _ = PEERS[name]
    torch.set_num_threads(1)
    with double():
        function, noted = train(setting, seed, budget)
        (error,) = relative_errors(function, *stored("allen_cahn_ref.npz", "t", "x"))
    return {**noted, "error": error if math.isfinite(error) else None, "peer": f"{package} {version(package)}"}


def main() -> None:
    args = parser(__doc__).parse_args()
    settings = {
        "seeds": list(SEEDS),
        "budgets": list(BUDGETS),
        "settings": {p: [*map(str, s)] for p, (_, _, s) in PEERS.items()},
    }
    table = {
        "method": "method", "setting": "setting", "CPU-s": "budget", "used": "cpu_s", "median error": "median",
        "worst": "worst", "seeds": "seeds", "times ours": "factor",
    }  # fmt: skip
    record = Record("pinn_peers", settings, table, args.fresh, args.out)
    present = [name for name in PEERS if installed(name)]
    for seed in SEEDS[1:]:
        ours(record, seed, (SHORT,))
    for name in present:
        for setting in PEERS[name][2]:
            peer(record, name, setting, SEEDS[0], SHORT)
    ours(record, SEEDS[0], BUDGETS)
    for name in present:
        for seed, budget in [*((seed, SHORT) for seed in SEEDS[1:]), (SEEDS[0], LONG)]:
            peer(record, name, best(record, name), seed, budget)
    for row in rows(record):
        print(row)


def installed(name: str) -> bool:
    package = PEERS[name][1]
    try:
        version(package)
    except PackageNotFoundError:
        print(f"{name} is left out: {package} is not installed.", file=sys.stderr)
        return False
    return True


def ours(record: Record, seed: int, budgets: tuple[int, ...]) -> None:
    reference = stored("allen_cahn_ref.npz", "t", "x")
    record.cell(f"ours/{seed}", lambda: run("allen_cahn.yaml", seed, budgets, *reference))
    record.finish(rows(record), **factors(record))


def peer(record: Record, name: str, setting: Setting, seed: int, budget: int) -> None:
    # Ours ends with a whole step, which is long: a peer has the time that ours has taken.
    seconds = max(seconds for _, seconds in runs(record, "ours", None, budget))
    record.cell(f"{name}/{setting}/{seed}/{budget}", lambda: trained(name, setting, seed, seconds))
    record.finish(rows(record), **factors(record))


def runs(record: Record, name: str, setting: Setting | None, budget: int) -> list[tuple[float, float]]:
    """Error and CPU seconds of all finished seeds; the error of a run that has diverged is infinite."""
    cells, found = record.content["cells"], []
    for seed in SEEDS:
        if setting is None:
            marks = cells.get(f"{name}/{seed}", {}).get("marks", [])[BUDGETS.index(budget) :][:1]
            found += [(mark["errors"][0], mark["cpu_s"]) for mark in marks]
        elif (cell := cells.get(f"{name}/{setting}/{seed}/{budget}")) is not None:
            found.append((math.inf if cell["error"] is None else cell["error"], cell["cpu_s"]))
    return found


def errors(record: Record, name: str, setting: Setting | None, budget: int) -> list[float]:
    return [error for error, _ in runs(record, name, setting, budget)]


def best(record: Record, name: str) -> Setting:
    """The setting of least error with the first seed, which is to the advantage of the peer."""
    return min(PEERS[name][2], key=lambda s: (errors(record, name, s, SHORT) or [math.inf])[0])


def rows(record: Record) -> list[dict[str, object]]:
    """One row per method, setting and budget; the factor is between the medians at the same budget."""
    found: list[dict[str, object]] = []
    for budget in BUDGETS:
        own = errors(record, "ours", None, budget)
        entries = [("ours", None), *((name, setting) for name, (_, _, theirs) in PEERS.items() for setting in theirs)]
        for name, setting in entries:
            if reached := errors(record, name, setting, budget):
                factor = statistics.median(reached) / statistics.median(own) if own else math.nan
                summary = {"median": f"{statistics.median(reached):.2e}", "worst": f"{max(reached):.2e}"}
                title = "configs/pinn/allen_cahn.yaml" if setting is None else str(setting)
                used = statistics.median(seconds for _, seconds in runs(record, name, setting, budget))
                found.append(
                    {"method": name, "setting": title, "budget": budget, "cpu_s": round(used, 1), "seeds": len(reached)}
                    | {**summary, "factor": f"{factor:.1f}"}
                )
    return found


def factors(record: Record) -> dict[str, float]:
    """Error of each peer's best setting over ours, by budget."""
    found = {}
    for name in PEERS:
        for budget in BUDGETS:
            own, theirs = errors(record, "ours", None, budget), errors(record, name, best(record, name), budget)
            if own and theirs and math.isfinite(ratio := statistics.median(theirs) / statistics.median(own)):
                found[f"{name}, {budget} CPU-s"] = round(ratio, 1)
    return found


if __name__ == "__main__":
    main()
