"""Several data sets as the data of one run."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from sciml.data import FieldDataset, MixedFields, OneStep, Windows, open_dataset
from sciml.data.mixture import Member
from sciml.describe import describe
from sciml.nn import Normalizer
from sciml.status import ConfigError
from sciml.training.datamodule import FieldData


class MixtureData(FieldData):
    """Windows of several data sets with common fields, each data set as often as another.

    The step is part of every checkpoint, as with one data set, so that a resumed run goes on with the right batch.

    Args:
        members: the data sets, and how their fields become the common ones.
        fields: names of the common fields.
        constants: mean and spread of channels by name, `{"density": [0.8, 0.31]}`; the rest from the training splits.
        batch_size: samples of a training step, over all processes together.
        windows: cuts trajectories into inputs and targets; `OneStep()` when left out.
        train_samples: use the first so many trajectories of each training split; all when left out.
        valid_samples: the same for validation.
        test_samples: the same for the test.
        eval_batch_size: samples at once in validation and test; `batch_size` when left out.
        num_workers: processes that read ahead.
        seed: of the order of the samples.
        drop_last: leave out the smaller batch at the end of an epoch.
        name: of the mixture, in predictors and reports.
    """

    def __init__(
        self,
        members: Sequence[Member],
        fields: Sequence[str],
        constants: Mapping[str, Sequence[float]] | None = None,
        batch_size: int = 32,
        windows: Windows | None = None,
        train_samples: int | None = None,
        valid_samples: int | None = None,
        test_samples: int | None = None,
        eval_batch_size: int | None = None,
        num_workers: int = 0,
        seed: int = 0,
        drop_last: bool = False,
        name: str = "mixture",
    ) -> None:
        super().__init__(
            name, batch_size, OneStep() if windows is None else windows, train_samples, valid_samples, test_samples,
            eval_batch_size, num_workers, seed, drop_last,
        )  # fmt: skip
        if not members:
            raise ValueError("members is empty; a mixture has at least one data set.")
        self.members, self.fields = list(members), list(fields)
        self.constants = {k: (float(v[0]), float(v[1])) for k, v in (constants or {}).items()}

    def open(self, split: str) -> FieldDataset:
        """The split of the first member, whose grid and times all share."""
        return open_dataset(self.members[0].dataset, split)

    def _windowed(self, split: str) -> MixedFields:
        double = self.trainer is not None and str(self.trainer.precision) == "64-true"
        splits = [open_dataset(member.dataset, split) for member in self.members]
        assert self.windows is not None
        try:
            return MixedFields(
                self.members, splits, self.fields, self.windows, self.limits[split], self.dataset,
                torch.float64 if double else torch.float32,
            )  # fmt: skip
        except ValueError as error:
            raise ConfigError(f"data: {error}") from error

    def normalizers(self) -> tuple[Normalizer, Normalizer]:
        """Normalisers of inputs and outputs: the constants where there are some, else from the training splits."""
        if unknown := sorted(set(self.constants) - set(self.outputs)):
            raise ConfigError(
                f"data.constants names {unknown[0]!r}; the channels of the mixture are {', '.join(self.outputs)}."
            )
        made = super().normalizers()
        for names, normalizer in zip((self.inputs, self.outputs), made, strict=True):
            for i, channel in enumerate(names):
                if (constant := self.constants.get(channel.partition("@")[0])) is not None:
                    normalizer.shift[i], normalizer.scale[i] = constant
        return made

    def identity(self) -> dict[str, Any]:
        """What fixes the sequence of batches; the members' places do not."""
        members = [{**describe(m)["init_args"], "dataset": None} for m in self.members]
        return {**super().identity(), "members": members, "fields": self.fields}
