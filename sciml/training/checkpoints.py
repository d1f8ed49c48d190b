"""Which states of a run are kept, and how they reach the disk: whole or not at all, tensors and plain data only."""

import math
import pickle
import shutil
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

from sciml.files import replacing
from sciml.status import ConfigError, DataError
from sciml.training.failure import all_finite


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes under a temporary name and renames; reads local files alone, with `weights_only=True`."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        with replacing(path) as temporary:
            torch.save(checkpoint, temporary)

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        """Reads a checkpoint onto the CPU.

        Raises:
            ConfigError: an address instead of a file.
            DataError: a file that is damaged or holds anything but tensors and plain data.
        """
        if "://" in str(path):
            raise ConfigError(f"ckpt_path={path} is an address; accepted is a local file.")
        if not Path(path).is_file():
            raise ConfigError(f"ckpt_path={path} does not exist.")
        try:
            checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise DataError(f"{path} is no checkpoint of tensors and plain data: {reason}") from None
        if not isinstance(checkpoint, dict) or "pytorch-lightning_version" not in checkpoint:
            raise DataError(f"{path} is no checkpoint of a training run.")
        return checkpoint


class BestAndLast(Checkpoint):
    """Keeps `best.ckpt`, by the module's metric, and `last.ckpt`; neither is ever written with non-finite weights.

    The last state is that of the newest epoch end, or newer with `every_n_steps`. The best one is that of the newest
    validation with the smallest finite metric. A metric of training (`train/...`) is looked at when its epoch ends.

    Args:
        folder: where they go; `checkpoints` below the trainer's folder when left out.
        every_n_steps: also save the last state after so many updates of the weights.

    Raises:
        ValueError: `every_n_steps` below 1.
    """

    def __init__(self, folder: str | None = None, every_n_steps: int | None = None) -> None:
        if every_n_steps is not None and every_n_steps < 1:
            raise ValueError(f"every_n_steps={every_n_steps} must be at least 1.")
        self.folder, self.every_n_steps = folder, every_n_steps
        self.best_score = math.inf
        self.best_model_path = ""
        self.last_model_path = ""
        self._updates = 0

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self._folder = Path(self.folder or Path(trainer.default_root_dir) / "checkpoints")

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._updates = trainer.global_step
        # A resumed run has a folder of its own; the best state so far comes along.
        earlier = Path(self.best_model_path)
        if self.best_model_path and earlier.is_file() and earlier.parent != self._folder and trainer.is_global_zero:
            self._folder.mkdir(parents=True, exist_ok=True)
            self.best_model_path = str(shutil.copy2(earlier, self._folder / "best.ckpt"))

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:
        # Only after an update: gradients that are still being accumulated are in no checkpoint.
        updates, self._updates = self._updates, trainer.global_step
        if self.every_n_steps and updates != self._updates and self._updates % self.every_n_steps == 0:
            self._save_last(trainer, pl_module)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not trainer.sanity_checking and trainer.state.fn == "fit":
            self._save_best(trainer, pl_module)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if str(pl_module.monitor).startswith("train/"):
            self._save_best(trainer, pl_module)
        self._save_last(trainer, pl_module)

    def _save_best(self, trainer: Trainer, module: LightningModule) -> None:
        metrics = trainer.callback_metrics
        name = str(module.monitor)
        if name not in metrics:
            raise ConfigError(f"model.monitor={name!r} is not logged; accepted are {', '.join(sorted(metrics))}.")
        score = float(metrics[name])
        if math.isfinite(score) and score < self.best_score:
            self.best_score, self.best_model_path = score, str(self._folder / "best.ckpt")
            self._save(trainer, module, self.best_model_path)

    def _save_last(self, trainer: Trainer, module: LightningModule) -> None:
        path = str(self._folder / "last.ckpt")
        self._save(trainer, module, path)
        self.last_model_path = path

    def _save(self, trainer: Trainer, module: Any, path: str) -> None:
        if getattr(trainer, "fast_dev_run", False):
            return
        if not all_finite(module.state_dict().values()):
            module.fail("weights")
        trainer.save_checkpoint(path)

    def state_dict(self) -> dict[str, Any]:
        return {"best_score": self.best_score, "best_model_path": self.best_model_path}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best_score, self.best_model_path = state_dict["best_score"], state_dict["best_model_path"]
