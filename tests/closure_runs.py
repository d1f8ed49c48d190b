"""A regression on points that are drawn by the objective, under a schedule of optimisers: no data set, float64."""

import functools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import Adam

from sciml.batch import Batch
from sciml.objective import Objective, Term, Weighting
from sciml.optim import Phase, Phases, SSBroyden, jacobian

STEPS = 8


class Clouds(torch.utils.data.Dataset):
    """As many empty batches as there are steps: the objective draws its own points."""

    def __len__(self) -> int:
        return STEPS

    def __getitem__(self, index: int) -> Batch:
        return Batch()


class Regression(Objective):
    """Mean squared error of a network on points that are drawn anew before every second step.

    Args:
        bad: called with step and number of the evaluation within it; the loss is not a number where it says so.
    """

    points: Tensor

    def __init__(self, bad: Callable[[int, int], bool] | None = None) -> None:
        super().__init__()
        self.bad, self.step, self.calls, self.seen = bad, 0, 0, []
        self.register_buffer("points", torch.zeros(30, 2, dtype=torch.float64))

    def advance(self, step: int, epoch: int, network: nn.Module | None = None) -> None:
        assert network is not None
        self.step, self.calls = step, 0
        if step % 2 == 0:
            self.points.copy_(torch.rand(30, 2, dtype=torch.float64))

    def terms(self, network: nn.Module, batch: Batch) -> dict[str, Term]:
        x = self.points
        error = (network(x)[:, 0] - (3 * x[:, 0]).sin() * x[:, 1]).square()
        bad = self.bad is not None and self.bad(self.step, self.calls)
        self.calls += 1
        self.seen.append((self.step, float(error.mean().detach())))
        return {
            "one": Term(error * (math.nan if bad else 1.0)),
            "two": Term(1e-3 * network[0].weight.square().flatten()),
        }

    def linearize(self, network: nn.Module, weighting: Weighting) -> tuple[Tensor, Tensor]:
        parameters = dict(network.named_parameters())

        def residual(p: dict[str, Tensor], z: Tensor) -> Tensor:
            value = torch.func.functional_call(network, p, (z[None],))[0, 0]
            return (value - (3 * z[0]).sin() * z[1]) / math.sqrt(len(self.points))

        return jacobian(residual, parameters, self.points)


def schedule(first: int = 4, iterations: int = 3, lr: float = 1e-2) -> Any:
    adam, broyden = functools.partial(Adam, lr=lr), functools.partial(SSBroyden, iterations=iterations)
    return functools.partial(Phases, phases=[Phase(adam, steps=first), Phase(broyden)])


def make(folder: Path, objective: Objective | None = None, optimizer: Any = None, **options: Any) -> Any:
    from lightning.pytorch import Trainer

    from sciml.training import AtomicCheckpointIO, BestAndLast, FitModule

    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 1))
    settings = {k: options.pop(k) for k in ("weighting", "lr_scheduler") if k in options}
    module = FitModule(
        network, objective or Regression(), optimizer=optimizer or schedule(), monitor="train/loss", seed=5, **settings
    )
    saver = BestAndLast(str(folder), every_n_steps=1)
    trainer = Trainer(
        default_root_dir=folder, logger=False, accelerator="cpu", enable_progress_bar=False, precision="64-true",
        enable_model_summary=False, plugins=[AtomicCheckpointIO()], callbacks=[saver],
        **{"max_epochs": 1, **options},
    )  # fmt: skip
    return module, trainer


def fit(module: Any, trainer: Any, path: Path | None = None) -> dict[str, Tensor]:
    loader = torch.utils.data.DataLoader(Clouds(), batch_size=None, collate_fn=lambda batch: batch)
    trainer.fit(module, loader, ckpt_path=path, weights_only=None if path is None else True)
    return {k: v.clone() for k, v in module.state_dict().items()}


def informed() -> dict[str, Any]:
    """A physics-informed objective whose points follow the residual at every step, under causal and other weights."""
    from sciml.objective import GradNormWeights
    from sciml.pdes import Statement
    from sciml.pinn import CausalWeights, Initial, Interior, PhysicsInformed, Quasirandom, ResidualBased

    conditions = [Interior(ResidualBased(40, every=1)), Initial(Quasirandom(10, every=3))]
    inner = GradNormWeights(["pde", "initial"], every=2)
    weighting = CausalWeights(slices=4, tolerances=[1e-4, 1e-2, 1.0], patience=3, weighting=inner)
    return {"objective": PhysicsInformed(Statement.example(), conditions), "weighting": weighting}


def killed(folder: Path, stop: int, **options: Any) -> Path:
    """The last state of a run that ends before its end."""
    from lightning.pytorch.callbacks import Callback

    class Kill(Callback):
        def on_train_batch_start(self, trainer: Any, *args: Any) -> None:
            if trainer.global_step == stop:
                raise RuntimeError("killed")

    module, trainer = make(folder, **options)
    trainer.callbacks.append(Kill())
    with pytest.raises(RuntimeError, match="killed"):
        fit(module, trainer)
    return folder / "last.ckpt"
