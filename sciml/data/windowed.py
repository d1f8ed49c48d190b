"""Windows of a data set as batches of tensors, in physical units."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from sciml.batch import Batch
from sciml.data.dataset import FieldDataset
from sciml.data.normalization import training_statistics
from sciml.data.windows import Windows

#: Splits up to this size are kept in memory under `cache="auto"`.
CACHE_BYTES = 2 * 2**30


def numbers_within(indices: Sequence[int] | Tensor, count: int) -> np.ndarray:
    """Numbers of windows as an array.

    Raises:
        IndexError: one that is not among the `count` that there are.
    """
    numbers = np.asarray(indices, dtype=int)
    if numbers.size and not -1 < numbers.min() <= numbers.max() < count:
        raise IndexError(f"indices={list(numbers[:8])} leave the {count} windows.")
    return numbers


class WindowedFields(Dataset[Batch]):
    """Sample `n` is window `n % w` of trajectory `n // w`, with `w` windows in a trajectory.

    A batch carries fields, targets, time of the (last) input frame, lead time, parameters, static fields, coordinates
    and the number of the trajectory in the data set. For `Steady` the static fields are the input; such a batch has no
    time, no lead time and no static fields of their own.

    Args:
        dataset: a split.
        windows: the index map.
        limit: use the first so many trajectories; all when left out.
        cache: keep the split in memory: `True`, `False`, or `"auto"`, if it takes less than 2 GiB.
        dtype: of the tensors.

    Raises:
        ValueError: windows that do not fit the trajectories, a limit beyond them, no static fields for `Steady`.
    """

    def __init__(
        self,
        dataset: FieldDataset,
        windows: Windows,
        limit: int | None = None,
        cache: bool | str = "auto",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.dataset, self.windows, self.dtype = dataset, windows, dtype
        spec, name = dataset.spec, f"{dataset.spec.name}/{dataset.split}"
        if limit is not None and not 1 <= limit <= len(dataset):
            raise ValueError(f"limit={limit} must be between 1 and the {len(dataset)} trajectories of {name}.")
        if cache not in (True, False, "auto"):
            raise ValueError(f"cache={cache!r} must be True, False or 'auto'.")
        if windows.static_inputs and not spec.static:
            raise ValueError(f"{windows!r} needs static fields; {name} has none.")
        #: Number of trajectories in use.
        self.trajectories = len(dataset) if limit is None else limit
        self._times = np.array(spec.times)
        try:
            count = windows.count(len(spec.times))
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
        self._frames = [windows.window(k, len(spec.times)) for k in range(count)]
        self._cached = dataset.nbytes <= CACHE_BYTES if cache == "auto" else bool(cache)
        self._memory: dict[str, np.ndarray] | None = None
        self._coords: Tensor | None = None

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the channels that a network sees: every input frame's (`u@-1`: one before the last), static ones."""
        spec, frames = self.dataset.spec, self._frames[0][0]
        ages = [len(frames) - 1 - i for i in range(len(frames))]
        dynamic = [c if age == 0 else f"{c}@-{age}" for age in ages for c in spec.channels]
        return (*dynamic, *spec.static_channels)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the target's channels."""
        return self.dataset.spec.channels

    def statistics(self) -> dict[str, Any]:
        """Of the trajectories that these windows of the training split use, see `training_statistics`."""
        return training_statistics(self)

    def __len__(self) -> int:
        return self.trajectories * len(self._frames)

    def __getitem__(self, n: int) -> Batch:
        return self.__getitems__([n])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Batch]:
        """Samples without the axis `b`, read together."""
        batch = self.batch(indices)
        single = [batch.replace(coords=None).map(lambda v, i=i: v[i]) for i in range(len(indices))]
        return [s.replace(coords=batch.coords) for s in single]

    def batch(self, indices: Sequence[int] | Tensor) -> Batch:
        """The windows of these numbers as one batch.

        Raises:
            IndexError: a number that is not there.
            DataError: data that do not match their checksum.
        """
        numbers = numbers_within(indices, len(self))
        samples, windows = np.divmod(numbers, len(self._frames))
        spec = self.dataset.spec
        static = self._tensor(self._static(samples)) if spec.static else None
        targets = self._stack(samples, windows, 1)
        common: dict[str, Any] = {
            "targets": targets if self.windows.keeps_time else targets[:, 0],
            "params": self._tensor(self._params(samples)) if spec.parameters else None,
            "coords": self.coords,
            "index": torch.from_numpy(self.dataset.samples["index"][samples]),
        }
        if self.windows.static_inputs:
            return Batch(fields=static, **common)
        fields = self._stack(samples, windows, 0)
        now = np.array([self._times[self._frames[w][0][-1]] for w in windows])
        then = np.stack([self._times[self._frames[w][1]] for w in windows])
        lead = then - now[:, None]
        return Batch(
            fields=fields.flatten(1, 2),
            time=self._tensor(now),
            lead=self._tensor(lead if self.windows.keeps_time else lead[:, 0]),
            static=static,
            **common,
        )

    @property
    def coords(self) -> Tensor:
        """Positions of the grid, `(d, *s)`."""
        if self._coords is None:
            self._coords = torch.stack(self.dataset.spec.grid.meshgrid(dtype=self.dtype))
        return self._coords

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.dtype)

    def _stack(self, samples: np.ndarray, windows: np.ndarray, side: int) -> Tensor:
        """Frames `(b, t, c, *s)` of the windows' inputs (`side` 0) or targets (1)."""
        frames = np.array([self._frames[w][side] for w in windows], dtype=int).reshape(len(windows), -1)
        if self._cached:
            return self._tensor(self._loaded["fields"][samples[:, None], frames])
        # One read for all windows that share their frames.
        found: np.ndarray | None = None
        distinct, which = np.unique(frames, axis=0, return_inverse=True)
        for k, chosen in enumerate(distinct):
            mine = np.flatnonzero(which.ravel() == k)
            part = self.dataset.fields(samples[mine], times=chosen)
            if found is None:
                found = np.empty((len(samples), *part.shape[1:]), dtype=part.dtype)
            found[mine] = part
        if found is None:
            raise ValueError("indices is empty; a batch has at least one sample.")
        return self._tensor(found)

    def _static(self, samples: np.ndarray) -> np.ndarray:
        return self._loaded["static"][samples] if self._cached else self.dataset.static(samples)

    def _params(self, samples: np.ndarray) -> np.ndarray:
        return self._loaded["params"][samples]

    @property
    def _loaded(self) -> dict[str, np.ndarray]:
        if self._memory is None:
            everything = np.arange(self.trajectories)
            self._memory = {"params": self.dataset.params(everything)}
            if self._cached:
                self._memory["fields"] = self.dataset.fields(everything)
                self._memory["static"] = self.dataset.static(everything)
        return self._memory
