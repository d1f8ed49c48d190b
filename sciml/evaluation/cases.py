"""What a method is judged on: inputs and targets of one split, read in blocks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sciml.fields import FieldSpec, Grid, ParameterSpec, channel_names


@runtime_checkable
class Task(Protocol):
    """What inputs and outputs are; a surrogate's specification says so."""

    @property
    def inputs(self) -> tuple[FieldSpec, ...]: ...
    @property
    def static(self) -> tuple[FieldSpec, ...]: ...
    @property
    def fields(self) -> tuple[FieldSpec, ...]: ...
    @property
    def parameters(self) -> tuple[ParameterSpec, ...]: ...
    @property
    def grid(self) -> Grid: ...
    @property
    def dt(self) -> float | None: ...
    @property
    def any_dt(self) -> bool: ...


@dataclass(frozen=True)
class Case:
    """Some samples of a split.

    Args:
        inputs: what a method is given, `(b, c, *s)`.
        targets: what it should give, `(b, t, c, *s)`; one frame for a steady map.
        times: of the initial state and of the targets, `(t + 1,)`; of the targets alone, `(1,)`, for a steady map.
        index: positions within the split, `(b,)`.
        static: fields without time that a stepper takes behind its inputs.
        params: `(b, p)`.
        frames: numbers of the targets among the frames of the data set.
    """

    inputs: Float[Tensor, "b c *s"]
    targets: Float[Tensor, "b t c2 *s"]
    times: Float[Tensor, " n"]
    index: Int[Tensor, " b"]
    static: Float[Tensor, "b c3 *s"] | None = None
    params: Float[Tensor, "b p"] | None = None
    frames: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.inputs)


class Cases:
    """The cases of a data set's split, in the channel order of a task.

    A stepper is given the first frame and judged on all later ones that its step meets; a steady map is given fields
    (static ones, or the first frame of others) and judged on the first frame of its outputs.

    Args:
        dataset: a `sciml.data.FieldDataset`, or anything with its `spec`, `fields`, `static` and `params`.
        task: inputs and outputs.
        samples: use the first so many; all when left out.

    Raises:
        ValueError: a field that the data set lacks, times that the step does not meet, too few samples.
    """

    def __init__(self, dataset: Any, task: Task, samples: int | None = None) -> None:
        self.dataset, self.task = dataset, task
        if samples is not None and not 1 <= samples <= len(dataset):
            raise ValueError(f"samples={samples} must lie between 1 and the {len(dataset)} of the split.")
        self._count = len(dataset) if samples is None else samples
        self._names = [f.name for f in dataset.spec.fields]
        self._static = channel_names(dataset.spec.static, task.grid.dimensions)
        known = {*self._names, *(f.name for f in dataset.spec.static)}
        for field in (*task.inputs, *task.static, *task.fields):
            if field.name not in known:
                raise ValueError(f"field {field.name!r} is not in {dataset.spec.name!r} ({', '.join(sorted(known))}).")
        self.frames = self._frames()

    def __len__(self) -> int:
        return self._count

    def _frames(self) -> list[int]:
        """Numbers of the initial frame and of the targets; of the first frame alone for a steady map."""
        times = np.asarray(self.dataset.spec.times, dtype=float)
        if self.task.dt is None:
            return [0]
        # A network that takes the lead time goes by the shortest one it was trained on, where that is known.
        step = getattr(self.task, "shortest", None) if self.task.any_dt else self.task.dt
        steps = (times - times[0]) / (step or self.task.dt)
        met = np.abs(steps - np.round(steps)) <= 1e-5 * np.maximum(1, steps) if step else steps >= 0
        frames = [int(i) for i in np.flatnonzero(met)]
        if len(frames) < 2:
            raise ValueError(f"no time of {self.dataset.spec.name!r} is a multiple of the step dt={step or 0.0:g}.")
        return frames

    @property
    def times(self) -> Float[Tensor, " n"]:
        return torch.tensor([self.dataset.spec.times[i] for i in self.frames], dtype=torch.float64)

    def blocks(self, size: int) -> Iterator[Case]:
        """The cases, `size` at a time."""
        for start in range(0, len(self), size):
            yield self.block(range(start, min(start + size, len(self))))

    def block(self, samples: Sequence[int]) -> Case:
        """The cases at some positions of the split."""
        index = list(samples)
        frames = self.frames if self.task.dt is None else self.frames[1:]
        targets = self._outputs(index, frames)
        params = torch.as_tensor(self.dataset.params(index)).double() if self.task.parameters else None
        static = self._inputs(index, self.task.static) if self.task.static else None
        inputs = self._inputs(index, self.task.inputs)
        return Case(inputs, targets, self.times, torch.tensor(index), static, params, tuple(frames))

    def _inputs(self, index: list[int], fields: Sequence[FieldSpec]) -> Tensor:
        parts = [
            self._read(index, [0], field)[:, 0] if field.name in self._names else self._read_static(index, field)
            for field in fields
        ]
        return torch.cat(parts, dim=1)

    def _outputs(self, index: list[int], frames: list[int]) -> Tensor:
        return torch.cat([self._read(index, frames, field) for field in self.task.fields], dim=2)

    def _read(self, index: list[int], frames: list[int], field: FieldSpec) -> Tensor:
        return torch.as_tensor(np.asarray(self.dataset.fields(index, times=frames, names=[field.name])))

    def _read_static(self, index: list[int], field: FieldSpec) -> Tensor:
        channels = [self._static.index(c) for c in field.components(self.task.grid.dimensions)]
        return torch.as_tensor(np.asarray(self.dataset.static(index)))[:, channels]
