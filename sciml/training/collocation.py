"""Training without data: steps whose points the objective draws, and a reference to be measured against."""

import math
from typing import Any

from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader, Dataset

from sciml.batch import Batch
from sciml.status import ConfigError


class _Steps(Dataset[Batch]):
    """So many empty batches."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Batch:
        return Batch()


class _One(Dataset[Batch]):
    """A single batch."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Batch:
        return self.batch


def _alone(samples: list[Batch]) -> Batch:
    return samples[0]


class Collocation(LightningDataModule):
    """An epoch is a number of steps; validation and test compare with a reference, where there is one.

    Args:
        steps: of an epoch, which is what the log, validation and checkpoints count in.
        reference: an object whose `samples(problem)` gives points `(n, d)` and values `(n, c)`; without one, monitor
            `train/loss`.
        seed: taken so that configurations may link it; the points belong to the objective.

    Raises:
        ValueError: fewer than one step.
    """

    def __init__(self, steps: int = 100, reference: Any = None, seed: int = 0) -> None:
        super().__init__()
        if steps < 1:
            raise ValueError(f"steps={steps} must be at least 1.")
        self.steps, self.reference, self.seed = steps, reference, seed
        self._known: Batch | None = None

    def identity(self) -> dict[str, Any]:
        """What a run that continues this one must share with it."""
        return {"steps": self.steps}

    def train_dataloader(self) -> DataLoader[Batch]:
        return DataLoader(_Steps(self.steps), batch_size=1, collate_fn=_alone)

    def val_dataloader(self) -> Any:
        return [] if self.reference is None else DataLoader(_One(self._measured()), batch_size=1, collate_fn=_alone)

    test_dataloader = predict_dataloader = val_dataloader

    def _measured(self) -> Batch:
        """Points and values as one sample, so that an error is that of the whole solution."""
        if self._known is None:
            assert self.trainer is not None
            objective = self.trainer.lightning_module.objective
            problem = getattr(objective, "statement", None) or getattr(objective, "problem", None)
            if problem is None:
                name = type(objective).__name__
                raise ConfigError(f"data.reference needs an objective with a problem; {name} has none.")
            points, values = self.reference.samples(problem)
            if not (math.isfinite(float(values.sum())) and len(points) == len(values)):
                raise ConfigError("data.reference gives values that are not finite, or not one per point.")
            self._known = Batch(fields=points[None], targets=values[None])
        return self._known
