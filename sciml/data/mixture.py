"""Several data sets as one: common fields, constants where one lacks a field, and each as often as another."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from sciml.batch import Batch
from sciml.data.dataset import FieldDataset
from sciml.data.normalization import channel_statistics
from sciml.data.schema import DatasetSpec
from sciml.data.windowed import WindowedFields, numbers_within
from sciml.data.windows import Windows
from sciml.describe import Described
from sciml.fields import FieldSpec


class Member(Described):
    """A data set of a mixture, and how its fields become the common ones.

    Args:
        dataset: name below the data root, or path of the data set's folder.
        names: its name of a common field, where it has another one: `{"tracer": "smoke"}`.
        fill: value of a common field that it lacks: `{"density": 1.0, "pressure": 0.0}`.
        shift: constants subtracted from its fields, as from the pressure of gases at different levels.
        masked: common fields in which a loss ignores it, such as a pressure that was filled in.
    """

    def __init__(
        self,
        dataset: str,
        names: Mapping[str, str] | None = None,
        fill: Mapping[str, float] | None = None,
        shift: Mapping[str, float] | None = None,
        masked: Sequence[str] = (),
    ) -> None:
        self.dataset, self.masked = dataset, tuple(masked)
        self.names, self.fill, self.shift = dict(names or {}), dict(fill or {}), dict(shift or {})


@dataclass(frozen=True)
class MixedSplit:
    """What a mixture of splits tells of itself, as a `FieldDataset` does.

    Args:
        spec: of the common fields.
        hash: of the members' content, in their order.
        parts: the splits.
    """

    spec: DatasetSpec
    hash: str
    parts: tuple[FieldDataset, ...] = field(repr=False)


class MixedFields(Dataset[Batch]):
    """Windows of several data sets on the same grid, in turn: sample `n` belongs to member `n % m`, as its sample
    `(n // m) % length`.

    Every member has as many samples as the largest, smaller ones are repeated: a mixture is balanced. A batch has the
    common fields as channels and a mask `(b, c, 1, ...)`; it has no parameters and no static fields, since those of one
    member mean nothing to another.

    Args:
        members: how each data set becomes part of the mixture.
        splits: their splits, in the same order.
        fields: names of the common fields; the first member that has one of its own says what it is, and one that
            every member fills is a scalar.
        windows: the index map.
        limit: use the first so many trajectories of each; all when left out.
        name: of the mixture.
        dtype: of the tensors.

    Raises:
        ValueError: grids, times or units that differ, or a field that a member neither has nor fills.
    """

    def __init__(
        self,
        members: Sequence[Member],
        splits: Sequence[FieldDataset],
        fields: Sequence[str],
        windows: Windows,
        limit: int | None = None,
        name: str = "mixture",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        if not members or windows.static_inputs:
            raise ValueError("a mixture needs members, and windows over trajectories.")
        self.members, self.windows, self.dtype = tuple(members), windows, dtype
        self.parts = [
            WindowedFields(split, windows, min(limit or len(split), len(split)), dtype=dtype) for split in splits
        ]
        specs = [_common(m, s.spec, fields) for m, s in zip(members, splits, strict=True)]
        chosen = [next((s[f] for s in specs if s[f] is not None), None) for f in fields]
        common = tuple(s or FieldSpec(f) for f, s in zip(fields, chosen, strict=True))
        first = splits[0].spec
        for split in splits[1:]:
            _check_alike(first, split.spec)
        spec = DatasetSpec(
            name, common, (), (), first.grid, first.boundaries, first.times, first.time_unit, first.length_unit,
            first.dtype,
        )  # fmt: skip
        digest = hashlib.sha256("".join(s.hash for s in splits).encode()).hexdigest()
        self.dataset = MixedSplit(spec, digest, tuple(splits))
        self._maps = [_Map.of(m, s.spec, spec) for m, s in zip(members, splits, strict=True)]
        #: Number of trajectories in use.
        self.trajectories = sum(p.trajectories for p in self.parts)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the input channels: every frame's, as `WindowedFields` has them."""
        frames = len(self.windows.window(0, len(self.dataset.spec.times))[0])
        ages = range(frames - 1, -1, -1)
        return tuple(c if age == 0 else f"{c}@-{age}" for age in ages for c in self.outputs)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the target's channels."""
        return self.dataset.spec.channels

    def __len__(self) -> int:
        return len(self.parts) * max(len(p) for p in self.parts)

    def __getitem__(self, n: int) -> Batch:
        batch = self.batch([n])
        return batch.replace(coords=None).map(lambda v: v[0]).replace(coords=batch.coords)

    def batch(self, indices: Sequence[int] | Tensor) -> Batch:
        """The windows of these numbers as one batch.

        Raises:
            IndexError: a number that is not there.
            DataError: data that do not match their checksum.
        """
        numbers = numbers_within(indices, len(self))
        turn, member = np.divmod(numbers, len(self.parts))
        pieces, order = [], []
        for k in np.unique(member):
            mine = np.flatnonzero(member == k)
            pieces.append(self._maps[k](self.parts[k].batch((turn[mine] % len(self.parts[k])).tolist())))
            order.append(mine)
        back = torch.from_numpy(np.argsort(np.concatenate(order)))
        named = ("fields", "targets", "time", "lead", "mask", "index")
        joined: dict[str, Any] = {n: torch.cat([getattr(p, n) for p in pieces])[back] for n in named}
        return Batch(**joined, coords=self.parts[0].coords)

    def statistics(self) -> dict[str, Any]:
        """Mean, spread and range of each field over the members that have it, each member as heavy as another; those
        of the constants where none has it.

        The form is that of `sciml.data.statistics`.
        """
        found: dict[str, list[dict[str, float]]] = {c: [] for c in self.outputs}
        for part, one in zip(self.parts, self._maps, strict=True):
            data = part.statistics()
            own = {name: channel_statistics(data, part.dataset.spec, name) for name in ("mean", "std", "min", "max")}
            for channel, source, constant in zip(self.outputs, one.sources, one.shift.tolist(), strict=True):
                if source is not None:
                    moved = {name: own[name][source] - constant * (name != "std") for name in own}
                    found[channel].append(moved)
        for channel, parts in found.items():
            if not parts:
                constants = [float(m.fill[channel]) for m in self.members]
                parts.extend({"mean": c, "std": 0.0, "min": c, "max": c} for c in constants)
        return {name: self._by_field({c: _pooled(f, name) for c, f in found.items()}) for name in _POOLED}

    def _by_field(self, values: Mapping[str, float]) -> dict[str, Any]:
        spec = self.dataset.spec
        parts = {f: [values[c] for c in f.components(spec.grid.dimensions)] for f in spec.fields}
        return {f.name: numbers[0] if f.rank == 0 else numbers for f, numbers in parts.items()}


_POOLED = ("mean", "std", "rms", "min", "max")


def _pooled(parts: Sequence[Mapping[str, float]], name: str) -> float:
    """One statistic of equal shares of several samples."""
    if name in ("min", "max"):
        return float({"min": min, "max": max}[name](p[name] for p in parts))
    mean = float(np.mean([p["mean"] for p in parts]))
    square = float(np.mean([p["std"] ** 2 + p["mean"] ** 2 for p in parts]))
    return {"mean": mean, "rms": square**0.5, "std": max(square - mean**2, 0.0) ** 0.5}[name]


@dataclass(frozen=True)
class _Map:
    """From the channels of one data set to the common ones.

    Args:
        sources: name of the channel that is taken, or `None` where a constant is.
        places: its number, 0 where there is none.
        taken: whether there is one, `(c,)`.
        fill: the constant, `(c,)`.
        shift: what is subtracted, `(c,)`.
        counts: whether a loss sees the channel, `(c,)`.
        own: number of channels of the data set.
    """

    sources: tuple[str | None, ...]
    places: Tensor
    taken: Tensor
    fill: Tensor
    shift: Tensor
    counts: Tensor
    own: int

    @classmethod
    def of(cls, member: Member, own: DatasetSpec, common: DatasetSpec) -> "_Map":
        d = own.grid.dimensions
        channels = own.channels
        rows: list[tuple[str | None, int, float, float, bool]] = []
        for spec in common.fields:
            there = _found(member, own, spec.name)
            sources = there.components(d) if there is not None else [None] * len(spec.components(d))
            for source in sources:
                place = channels.index(source) if source is not None else 0
                fill, shift = member.fill.get(spec.name, 0.0), member.shift.get(spec.name, 0.0)
                rows.append((source, place, fill, shift, spec.name not in member.masked))
        sources_, places, fills, shifts, counts = zip(*rows, strict=True)
        return cls(
            sources_, torch.tensor(places), torch.tensor([s is not None for s in sources_]), torch.tensor(fills),
            torch.tensor(shifts), torch.tensor(counts), len(channels),
        )  # fmt: skip

    def __call__(self, batch: Batch) -> Batch:
        assert batch.fields is not None
        assert batch.targets is not None
        mask = self.counts.reshape(-1, *(1,) * (batch.fields.ndim - 2))
        return batch.replace(
            fields=self._channels(batch.fields, 1),
            targets=self._channels(batch.targets, batch.targets.ndim - batch.fields.ndim + 1),
            mask=mask.expand(len(batch.fields), *mask.shape),
        )

    def _channels(self, u: Tensor, axis: int) -> Tensor:
        """Input frames follow one another along the channels: each has all of them."""
        frames = u.movedim(axis, -1).unflatten(-1, (-1, self.own))
        picked = frames[..., self.places] - self.shift.to(u.dtype)
        mapped = torch.where(self.taken, picked, self.fill.to(u.dtype))
        return mapped.flatten(-2).movedim(-1, axis).contiguous()


def _found(member: Member, own: DatasetSpec, name: str) -> FieldSpec | None:
    if name in member.fill:
        return None
    wanted = member.names.get(name, name)
    found = next((f for f in own.fields if f.name == wanted), None)
    if found is None:
        there = ", ".join(f.name for f in own.fields)
        raise ValueError(f"{own.name} has no field {wanted!r} (it has {there}); name it, or fill it with a constant.")
    return found


def _common(member: Member, own: DatasetSpec, fields: Sequence[str]) -> dict[str, FieldSpec | None]:
    """The common fields as a member has them, under their common names."""
    found = {name: _found(member, own, name) for name in fields}
    strange = sorted({*member.names, *member.fill, *member.shift, *member.masked} - set(fields))
    if strange:
        raise ValueError(f"member {member.dataset!r} names {strange[0]!r}; the common fields are {', '.join(fields)}.")
    return {
        name: None
        if f is None
        else FieldSpec(name, f.unit, f.rank, f.location, f.positive and name not in member.shift)
        for name, f in found.items()
    }


def _check_alike(first: DatasetSpec, other: DatasetSpec) -> None:
    for what, a, b in (
        ("grid", first.grid.shape, other.grid.shape),
        ("times", first.times, other.times),
        ("time_unit", first.time_unit, other.time_unit),
        ("length_unit", first.length_unit, other.length_unit),
    ):
        # Foreign files have no units: "1" goes with every one.
        if a != b and not (what.endswith("unit") and "1" in (a, b)):
            raise ValueError(f"{what} of {first.name} and {other.name} differ: {a} and {b}.")
