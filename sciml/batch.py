"""What a training step receives: one batch, whatever the family."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """Tensors of one batch; what a family does not use is `None`.

    A single sample is a batch without the axis `b`; `collate` stacks samples.

    Args:
        fields: state that goes in, `(b, c, *s)`, in physical units.
        targets: what should come out, `(b, c, *s)`; `(b, t, c, *s)` for a rollout.
        time: absolute time of `fields`, `(b,)`.
        lead: time from `fields` to `targets`, `(b,)`; for a rollout `(b, t)`.
        params: scalar parameters, `(b, p)`, in the order of the data set's specs.
        static: fields without a time axis (coefficients, masks), `(b, c, *s)`.
        coords: positions of the grid, `(d, *s)`, or of points, `(b, n, d)`.
        points: collocation points by the name of their condition, `(n, d)` each.
        mask: where a target counts, broadcastable to `targets`.
        index: number of the sample in its data set, `(b,)`.
    """

    fields: Float[Tensor, "..."] | None = None
    targets: Float[Tensor, "..."] | None = None
    time: Float[Tensor, "..."] | None = None
    lead: Float[Tensor, "..."] | None = None
    params: Float[Tensor, "..."] | None = None
    static: Float[Tensor, "..."] | None = None
    coords: Float[Tensor, "..."] | None = None
    points: dict[str, Float[Tensor, "n d"]] | None = None
    mask: Bool[Tensor, "..."] | None = None
    index: Int[Tensor, "..."] | None = None

    def map(self, function: Any) -> "Batch":
        """The batch with `function` applied to every tensor."""

        def apply(value: Any) -> Any:
            if isinstance(value, dict):
                return {k: function(v) for k, v in value.items()}
            return None if value is None else function(value)

        return type(self)(**{f.name: apply(getattr(self, f.name)) for f in dataclasses.fields(self)})

    def to(self, *args: Any, **kwargs: Any) -> "Batch":
        """Moves every tensor; a dtype is given to the floating-point ones alone."""
        dtypes = [a for a in (*args, *kwargs.values()) if isinstance(a, torch.dtype)]
        if not dtypes:
            return self.map(lambda v: v.to(*args, **kwargs))
        return self.map(lambda v: v.to(*args, **kwargs) if v.is_floating_point() else v)

    def pin_memory(self) -> "Batch":
        return self.map(lambda v: v.pin_memory())

    def replace(self, **changes: Any) -> "Batch":
        return dataclasses.replace(self, **changes)


#: Entries that belong to the grid and not to a sample: `collate` keeps the first one.
_SHARED = ("coords",)


def collate(samples: Sequence[Batch]) -> Batch:
    """Stacks samples (batches without the axis `b`) into one batch."""
    first = samples[0]
    stacked: dict[str, Any] = {}
    for field in dataclasses.fields(first):
        value = getattr(first, field.name)
        if value is None or field.name in _SHARED or isinstance(value, dict):
            stacked[field.name] = value
        else:
            stacked[field.name] = torch.stack([getattr(s, field.name) for s in samples])
    return Batch(**stacked)
