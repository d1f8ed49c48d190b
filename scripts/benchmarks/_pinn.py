"""A physics-informed configuration trained for a budget of CPU time or of steps, its errors noted on the way."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import Tensor

from sciml.cli.experiments import Experiment
from sciml.cli.fit import read_request
from sciml.pinn import Marching
from sciml.training import FitModule

ROOT = Path(__file__).resolve().parents[2]


def relative_errors(network: Callable[[Tensor], Tensor], points: Tensor, values: Tensor) -> list[float]:
    """Relative L2 error of each component over all points, in chunks that bound the memory."""
    like = next(network.parameters()) if isinstance(network, torch.nn.Module) else values
    with torch.no_grad():
        predicted = torch.cat([network(part.to(like)).to(values) for part in points.split(20_000)])
    # A network may give more than what is known of the solution: a pressure.
    predicted = predicted[:, : values.shape[1]]
    return ((predicted - values).norm(dim=0) / values.norm(dim=0)).tolist()


class Budget(Callback):
    """Ends a run when its process time is used up; what `measure` takes does not count.

    Args:
        marks: process times in seconds at which is measured, ascending; the run ends at the last one.
        measure: of the module.
        in_steps: marks are numbers of steps.
    """

    def __init__(self, marks: Sequence[float], measure: Callable[[Any], list[float]], in_steps: bool = False) -> None:
        self.marks, self.measure, self.in_steps = list(marks), measure, in_steps
        self.found: list[dict[str, Any]] = []
        self._excluded = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._begin = time.process_time()

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, *args: Any) -> None:
        now = time.process_time()
        used = now - self._begin - self._excluded
        if (pl_module.step if self.in_steps else used) >= self.marks[len(self.found)]:
            self._note(pl_module, used)
        self._excluded += time.process_time() - now
        trainer.should_stop = len(self.found) == len(self.marks)

    def on_train_end(self, trainer: Trainer, pl_module: Any) -> None:
        # A run that is done before its budget is: what it has reached counts for all that is left.
        used = time.process_time() - self._begin - self._excluded
        while len(self.found) < len(self.marks):
            self._note(pl_module, used)

    def _note(self, module: Any, used: float) -> None:
        entry = {"cpu_s": round(used, 1), "steps": module.step, "loss": module.losses["loss"]}
        self.found.append({**entry, "errors": self.measure(module)})


def run(
    config: str,
    seed: int,
    marks: Sequence[float],
    points: Tensor,
    values: Tensor,
    overrides: Sequence[str] = (),
    prepare: Callable[[FitModule], None] | None = None,
    in_steps: bool = False,
    accelerator: str = "cpu",
) -> dict[str, Any]:
    """Trains a shipped configuration; one entry of `marks` each with time, steps, loss and errors by component.

    Windows in time end when the last one is trained, and a schedule of rates with its configuration; everything else
    goes on until the budget is used up.
    """
    torch.set_num_threads(1)
    words = ["--config", str(ROOT / "configs" / "pinn" / config), f"--seed_everything={seed}", *overrides]
    words.append(f"--trainer.accelerator={accelerator}")
    experiment = Experiment(read_request("fit", words), None)
    ends = isinstance(experiment.model.objective, Marching) or experiment.model.make_scheduler is not None
    torch.manual_seed(seed)
    budget = Budget(marks, lambda module: relative_errors(module.network, points, values), in_steps)
    epochs, precision = experiment.trainer.max_epochs if ends else -1, experiment.trainer.precision
    trainer = Trainer(
        accelerator=accelerator, max_epochs=epochs, precision=precision, callbacks=[budget], logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False, limit_val_batches=0,
    )  # fmt: skip
    experiment.datamodule.reference = None
    module = experiment.model
    if prepare is not None:
        prepare(module)
    trainer.fit(module, experiment.datamodule)
    size = sum(p.numel() for p in module.network.parameters())
    return {"marks": budget.found, "parameters": size, "coefficients": module.objective.coefficients()}
