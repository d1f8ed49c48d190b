"""Windows over a data set of the schema, as Lightning takes them."""

import functools
from collections.abc import Iterator
from typing import Any

import torch
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader, Dataset, Sampler

from sciml.batch import Batch
from sciml.data import (
    DatasetSpec,
    FieldDataset,
    MixedFields,
    OneStep,
    Steady,
    WindowedFields,
    Windows,
    normalizer_for,
    open_dataset,
    ranges_of,
)
from sciml.describe import describe
from sciml.nn import Normalizer
from sciml.status import ConfigError
from sciml.training.sampler import SequentialBatches, StepSampler

#: What batches come from: one data set, or several.
Fields = WindowedFields | MixedFields


class _Batches(Dataset[Batch]):
    """Gives a whole batch for a list of indices, so that nothing is collated twice."""

    def __init__(self, windows: Fields) -> None:
        self.windows = windows

    def __getitem__(self, indices: list[int]) -> Batch:
        return self.windows.batch(indices)


def _unchanged(batch: Any) -> Any:
    return batch


class _Loader:
    """A loader whose sampler the trainer leaves alone, since the ranks have shared the batches already."""

    def __init__(self, windows: Fields, sampler: Sampler[list[int]], workers: int) -> None:
        self.batches = sampler
        if workers:
            windows.batch([0])  # what is kept in memory is read once, here, and shared with the workers
        self._loader: DataLoader[Batch] = DataLoader(
            _Batches(windows),
            batch_size=None,
            sampler=sampler,
            num_workers=workers,
            collate_fn=_unchanged,
            pin_memory=torch.cuda.is_available(),
        )

    def __len__(self) -> int:
        return len(self.batches)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Batch]:
        return iter(self._loader)


class _TrainLoader(_Loader):
    """Starts at the step that the data module has reached, whenever the trainer asks for an iterator."""

    def __init__(self, data: "FieldData", sampler: StepSampler) -> None:
        super().__init__(data.train, sampler, data.num_workers)
        self.data, self.steps = data, sampler

    def __iter__(self) -> Iterator[Batch]:
        self.steps.step = self.data.step
        return super().__iter__()

    def state_dict(self) -> dict[str, int]:
        return self.data.state_dict()

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.data.load_state_dict(state)


class FieldData(LightningDataModule):
    """Training, validation and test windows of one data set, with normalisers from its training split alone.

    The batch of a training step depends on the seed and the number of the step and on nothing else; the number is part
    of every checkpoint, so that a resumed run goes on with the right batch, also with loader workers.

    Args:
        dataset: name below the data root, or path of the data set's folder.
        batch_size: samples of a training step, over all processes together.
        windows: cuts trajectories into inputs and targets; `Steady()` for a stationary data set, else `OneStep()`.
        train_samples: use the first so many trajectories of the training split; all when left out.
        valid_samples: the same for validation.
        test_samples: the same for the test.
        eval_batch_size: samples at once in validation and test; `batch_size` when left out.
        num_workers: processes that read ahead.
        seed: of the order of the samples.
        drop_last: leave out the smaller batch at the end of an epoch.
    """

    def __init__(
        self,
        dataset: str,
        batch_size: int = 32,
        windows: Windows | None = None,
        train_samples: int | None = None,
        valid_samples: int | None = None,
        test_samples: int | None = None,
        eval_batch_size: int | None = None,
        num_workers: int = 0,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        super().__init__()
        for name, value in (("batch_size", batch_size), ("eval_batch_size", eval_batch_size or 1)):
            if value < 1:
                raise ValueError(f"{name}={value} must be at least 1.")
        self.limits = {"train": train_samples, "valid": valid_samples, "test": test_samples}
        for split, limit in self.limits.items():
            if limit is not None and limit < 1:
                raise ValueError(f"{split}_samples={limit} must be at least 1.")
        self.dataset, self.batch_size, self.windows = dataset, batch_size, windows
        self.eval_batch_size = eval_batch_size or batch_size
        self.num_workers, self.seed, self.drop_last = num_workers, seed, drop_last
        #: Training batches handed over so far, over all epochs and restarts.
        self.step = 0
        self._splits: dict[str, Fields] = {}

    def open(self, split: str) -> FieldDataset:
        """The data set's split `train`, `valid` or `test`."""
        return open_dataset(self.dataset, split)

    def setup(self, stage: str | None = None) -> None:
        # The training split is opened in every stage: normalisers come from it.
        splits = {"fit": ("valid",), "validate": ("valid",), "test": ("test",), "predict": ("test",)}
        for split in ("train", *splits.get(stage or "", ("valid", "test"))):
            if split not in self._splits:
                self._splits[split] = self._windowed(split)

    def _windowed(self, split: str) -> Fields:
        dataset = self.open(split)
        if self.windows is None:
            self.windows = Steady() if len(dataset.spec.times) == 1 else OneStep()
        dtype = (
            torch.float64 if self.trainer is not None and str(self.trainer.precision) == "64-true" else torch.float32
        )
        try:
            return WindowedFields(dataset, self.windows, limit=self.limits[split], dtype=dtype)
        except ValueError as error:
            raise ConfigError(f"data: {error}") from error

    @property
    def train(self) -> Fields:
        """Windows of the training split; after `setup`."""
        return self._splits["train"]

    @property
    def spec(self) -> DatasetSpec:
        return self.train.dataset.spec

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the input channels."""
        return self.train.inputs

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the output channels."""
        return self.train.outputs

    @functools.cached_property
    def statistics(self) -> dict[str, Any]:
        """Of the trajectories that training uses."""
        return self.train.statistics()

    def normalizers(self) -> tuple[Normalizer, Normalizer]:
        """Normalisers of inputs and outputs, from statistics of the training split."""
        return (
            normalizer_for(self.inputs, self.statistics, self.spec),
            normalizer_for(self.outputs, self.statistics, self.spec),
        )

    def description(self) -> dict[str, Any]:
        """What a predictor has to know about the data, as plain data."""
        return {
            "spec": self.spec.to_dict(),
            "inputs": list(self.inputs),
            "outputs": list(self.outputs),
            "windows": describe(self.windows),
            "hash": self.train.dataset.hash,
            "ranges": ranges_of(self.inputs, self.statistics, self.spec),
        }

    def identity(self) -> dict[str, Any]:
        """What fixes the sequence of batches; where the data lie and who reads them does not."""
        return {
            "hash": self.train.dataset.hash,
            "windows": describe(self.windows),
            "batch_size": self.batch_size,
            "train_samples": self.limits["train"],
            "seed": self.seed,
            "drop_last": self.drop_last,
        }

    # The step that training has reached, and loaders that start there.

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        # Counted when the trainer takes a batch: the sampler itself may be read ahead of it.
        self.step += int(self.trainer is not None and self.trainer.training)
        return batch

    def state_dict(self) -> dict[str, int]:
        return {"step": self.step}

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        self.step = state_dict["step"]

    def train_dataloader(self) -> _Loader:
        try:
            steps = StepSampler(len(self.train), self.batch_size, self.seed, self.drop_last, *self._ranks())
        except ValueError as error:
            raise ConfigError(f"data: {error}") from error
        return _TrainLoader(self, steps)

    def val_dataloader(self) -> _Loader:
        return self._sequential("valid")

    def test_dataloader(self) -> _Loader:
        return self._sequential("test")

    def predict_dataloader(self) -> _Loader:
        return self._sequential("test")

    def _sequential(self, split: str) -> _Loader:
        windows = self._splits[split]
        return _Loader(windows, SequentialBatches(len(windows), self.eval_batch_size, *self._ranks()), self.num_workers)

    def _ranks(self) -> tuple[int, int]:
        return (0, 1) if self.trainer is None else (self.trainer.global_rank, self.trainer.world_size)
