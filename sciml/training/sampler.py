"""Which samples a training step sees: a pure function of the seed and the number of the step."""

from collections.abc import Iterator, Sequence

import numpy as np
from torch.utils.data import Sampler

from sciml.rng import sample_rng


class StepSampler(Sampler[list[int]]):
    r"""Batches addressed by the step: epoch $e = \lfloor k / m \rfloor$ of $m$ batches is cut from a permutation that
    depends on `(seed, e)` alone, and step $k$ takes its batch number $k \bmod m$.

    A resumed run therefore continues with the batch that the interrupted one would have taken. An iterator starts at
    `step`; it may be read ahead of the training (loader workers do so), hence it never changes `step` itself.

    Args:
        length: number of samples.
        batch_size: samples in a batch, over all ranks together.
        seed: of the permutations.
        drop_last: leave out the smaller batch at the end of an epoch.
        rank, world_size: this process takes every `world_size`-th sample of a batch, after the batch is drawn.

    Raises:
        ValueError: no sample, no batch, or batches that the ranks cannot share evenly.
    """

    def __init__(
        self, length: int, batch_size: int, seed: int = 0, drop_last: bool = False, rank: int = 0, world_size: int = 1
    ) -> None:
        if length < 1 or batch_size < 1:
            raise ValueError(f"length={length} and batch_size={batch_size} must be at least 1.")
        if drop_last and length < batch_size:
            raise ValueError(f"drop_last=True leaves no batch of batch_size={batch_size} from {length} samples.")
        rest = 0 if drop_last else length % batch_size
        if batch_size % world_size or rest % world_size:
            raise ValueError(
                f"batch_size={batch_size} and the last batch of {rest or batch_size} samples must be multiples of the "
                f"{world_size} processes; change batch_size or set drop_last=True."
            )
        self.length, self.batch_size, self.seed, self.drop_last = length, batch_size, seed, drop_last
        self.rank, self.world_size = rank, world_size
        self.step = 0
        self._epoch = -1
        self._order = np.empty(0, dtype=np.int64)

    def __len__(self) -> int:
        """Batches of one epoch."""
        return self.length // self.batch_size if self.drop_last else -(-self.length // self.batch_size)

    def indices(self, step: int) -> list[int]:
        """The samples of one step, those of this rank."""
        epoch, number = divmod(step, len(self))
        if epoch != self._epoch:
            self._epoch, self._order = epoch, sample_rng(self.seed, epoch).permutation(self.length)
        batch = self._order[number * self.batch_size : (number + 1) * self.batch_size]
        return batch[self.rank :: self.world_size].tolist()

    def __iter__(self) -> Iterator[list[int]]:
        # As many batches as an epoch has, wherever it starts: a run whose epochs are cut short goes on where it was.
        for step in range(self.step, self.step + len(self)):
            yield self.indices(step)


class SequentialBatches(Sampler[list[int]]):
    """Samples in their order, for validation, test and prediction; the ranks take turns.

    Args:
        length: number of samples.
        batch_size: samples in a batch.
        rank, world_size: this process takes every `world_size`-th sample.
    """

    def __init__(self, length: int, batch_size: int, rank: int = 0, world_size: int = 1) -> None:
        self.samples: Sequence[int] = range(length)[rank::world_size]
        self.batch_size = batch_size

    def __len__(self) -> int:
        return -(-len(self.samples) // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        for start in range(0, len(self.samples), self.batch_size):
            yield list(self.samples[start : start + self.batch_size])
