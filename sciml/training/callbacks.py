"""What a person sees of a run: one line per epoch in the log, a bar on a terminal."""

import logging
import math
import time
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback, RichProgressBar
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.loggers.csv_logs import ExperimentWriter
from lightning.pytorch.utilities import rank_zero_only

log = logging.getLogger(__name__)


class EpochLog(Callback):
    """Logs losses, metrics, the time of each epoch and the time left.

    Args:
        every: log each so-manieth epoch, and the last one.
    """

    def __init__(self, every: int = 1) -> None:
        self.every = every
        self._start = self._first = 0.0
        self._done = 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._first = time.perf_counter()
        self._done = trainer.global_step

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._start = time.perf_counter()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        number, last = trainer.current_epoch + 1, trainer.max_epochs or -1
        if not trainer.is_global_zero or (number % self.every and number != last):
            return
        now = time.perf_counter()
        # The module logs its own means after the callbacks have been called.
        metrics = {**trainer.callback_metrics, **getattr(pl_module, "train_means", dict)()}
        shown = sorted((k, float(v)) for k, v in metrics.items() if k in self._names(pl_module))
        values = ", ".join(f"{k} {v:.4g}" for k, v in shown)
        left = self._left(trainer, now)
        log.info(
            "epoch %d%s, step %d: %s (%.1f s%s)",
            number, f"/{last}" if last > 0 else "", trainer.global_step, values, now - self._start,
            f", {left:.0f} s left" if left is not None else "",
        )  # fmt: skip

    def _names(self, module: LightningModule) -> tuple[str, ...]:
        return ("train/loss", "val/loss", str(getattr(module, "monitor", "")))

    def _left(self, trainer: Trainer, now: float) -> float | None:
        total = trainer.estimated_stepping_batches
        if not math.isfinite(total) or trainer.global_step == self._done:
            return None
        return (now - self._first) * (total - trainer.global_step) / (trainer.global_step - self._done)


class ProgressBar(RichProgressBar):
    """Lightning's bar with rate and time left, showing the loss of the step that has just been made."""

    def get_metrics(self, trainer: Trainer, pl_module: LightningModule) -> dict[str, Any]:
        losses = getattr(pl_module, "losses", {})
        monitor = str(getattr(pl_module, "monitor", ""))
        metric = trainer.callback_metrics.get(monitor)
        shown = {"loss": f"{losses['loss']:.3e}"} if losses else {}
        return shown if metric is None else {**shown, monitor: f"{float(metric):.3e}"}


class MetricsFile(CSVLogger):
    """`metrics.csv` in a folder, one row per epoch and split, on disk as soon as it is known.

    Args:
        folder: where it goes.
    """

    def __init__(self, folder: str) -> None:
        super().__init__(folder, name="", version="", flush_logs_every_n_steps=1)

    @rank_zero_only
    def save(self) -> None:
        # The writer's own `save` adds a file of hyperparameters; a run keeps its whole configuration instead.
        super(ExperimentWriter, self.experiment).save()  # type: ignore[misc]
