"""Statistics per channel, and the normalisers made of them: of the training split and of nothing else."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sciml.data.dataset import FieldDataset
from sciml.data.schema import SCHEMA_VERSION, DatasetSpec
from sciml.fields import FieldSpec
from sciml.files import replacing
from sciml.status import DataError

if TYPE_CHECKING:
    from sciml.data.windowed import WindowedFields
    from sciml.nn import Normalizer

logger = logging.getLogger(__name__)

STATS = "stats.yaml"
NAMES = ("mean", "std", "rms", "min", "max")
#: Bytes read at once.
PIECE_BYTES = 2**26


@dataclass(frozen=True)
class Moments:
    """Count, mean, sum of squared deviations, minimum and maximum per channel, `(c,)` each; they add up.

    Reference: Chan, Golub & LeVeque (1983), The American Statistician 37:242-247, eq. (2.1).
    """

    count: int
    mean: np.ndarray
    deviation: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> "Moments":
        """Of an array `(c, ...)`."""
        flat = values.reshape(len(values), -1).astype("float64")
        mean = flat.mean(axis=1)
        return cls(flat.shape[1], mean, np.square(flat - mean[:, None]).sum(axis=1), flat.min(axis=1), flat.max(axis=1))

    def __add__(self, other: "Moments") -> "Moments":
        count = self.count + other.count
        apart = other.mean - self.mean
        return Moments(
            count,
            self.mean + apart * (other.count / count),
            self.deviation + other.deviation + np.square(apart) * (self.count * other.count / count),
            np.minimum(self.low, other.low),
            np.maximum(self.high, other.high),
        )

    def values(self) -> dict[str, np.ndarray]:
        variance = self.deviation / self.count
        rms = np.sqrt(variance + np.square(self.mean))
        return {"mean": self.mean, "std": np.sqrt(variance), "rms": rms, "min": self.low, "max": self.high}


def statistics(dataset: FieldDataset, samples: Sequence[int] | None = None) -> dict[str, Any]:
    """Mean, standard deviation, rms, minimum and maximum of every field, and of the difference between frames.

    Args:
        dataset: the training split.
        samples: trajectories that count; all when left out.

    Returns:
        Plain data as `stats.yaml` holds it: statistic, then field, then a number (vectors: one per component).

    Raises:
        ValueError: a split other than `train`.
    """
    if dataset.split != "train":
        raise ValueError(f"split={dataset.split!r} must be 'train': statistics of held-out data would leak.")
    numbers = np.arange(len(dataset)) if samples is None else np.asarray(samples, dtype=int)
    spec = dataset.spec
    found = {"": _total(Moments.of(_by_channel(u, 2)) for u in _pieces(dataset, numbers))}
    if len(spec.times) > 1:
        found["_delta"] = _total(Moments.of(_by_channel(np.diff(u, axis=1), 2)) for u in _pieces(dataset, numbers))
    data: dict[str, Any] = {f"{name}{suffix}": {} for suffix in found for name in NAMES}
    for suffix, moments in found.items():
        _enter(data, moments, spec.fields, spec, suffix)
    if spec.static:
        _enter(data, _total(Moments.of(_by_channel(a, 1)) for a in _pieces(dataset, numbers, True)), spec.static, spec)
    return {
        "schema_version": SCHEMA_VERSION,
        "split": "train",
        "hash": dataset.hash,
        "samples": len(numbers),
        "units": {f.name: f.unit for f in (*spec.fields, *spec.static)},
        **data,
    }


def _pieces(dataset: FieldDataset, numbers: np.ndarray, static: bool = False) -> Iterator[np.ndarray]:
    """Arrays of some trajectories at a time, so that the split need not fit into memory."""
    step = max(1, PIECE_BYTES * len(dataset) // max(dataset.nbytes, 1))
    for start in range(0, len(numbers), step):
        part = numbers[start : start + step]
        yield dataset.static(part) if static else dataset.fields(part)


def _by_channel(array: np.ndarray, axis: int) -> np.ndarray:
    return np.moveaxis(array, axis, 0)


def _total(moments: Iterator[Moments]) -> Moments:
    total = next(moments)
    for part in moments:
        total = total + part
    return total


def _enter(
    data: dict[str, Any], moments: Moments, fields: Sequence[FieldSpec], spec: DatasetSpec, suffix: str = ""
) -> None:
    for name, values in moments.values().items():
        start = 0
        for one in fields:
            part = values[start : start + len(one.components(spec.grid.dimensions))].tolist()
            data[f"{name}{suffix}"][one.name] = part[0] if one.rank == 0 else part
            start += len(part)


def write_statistics(root: str | Path) -> dict[str, Any]:
    """Computes the statistics of the training split and writes `stats.yaml` whole or not at all."""
    import yaml

    data = statistics(FieldDataset(root, "train"))
    with replacing(Path(root) / STATS) as temporary:
        temporary.write_text(yaml.safe_dump(data, sort_keys=False))
    return data


def read_statistics(root: str | Path) -> dict[str, Any] | None:
    """The content of `stats.yaml`, or `None` where there is none.

    Raises:
        DataError: a file that is not in the form of `write_statistics`.
    """
    import yaml

    path = Path(root) / STATS
    if not path.is_file():
        return None
    try:
        data = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: no YAML: {str(error).splitlines()[0]}.") from None
    if not isinstance(data, dict) or not {"hash", *NAMES} <= set(data):
        raise DataError(f"{path}: no statistics; expected are {', '.join(NAMES)} and hash.")
    return data


def channel_statistics(data: dict[str, Any], spec: DatasetSpec, name: str) -> dict[str, float]:
    """One statistic by channel name: `channel_statistics(data, spec, "std")["u_x"]`."""
    found: dict[str, float] = {}
    for one in (*spec.fields, *spec.static):
        values = np.atleast_1d(data[name][one.name]).tolist()
        found |= dict(zip(one.components(spec.grid.dimensions), values, strict=True))
    return found


def normalizer_for(channels: Sequence[str], data: dict[str, Any], spec: DatasetSpec) -> "Normalizer":
    r"""$(x - \mathrm{mean}) / \mathrm{std}$ for these channels; a constant one keeps the scale 1.

    Args:
        channels: names; an age (`u@-1`) does not matter.
        data: what `statistics` returns.
        spec: of the data set.
    """
    import torch

    from sciml.nn import Normalizer

    mean, std = (channel_statistics(data, spec, name) for name in ("mean", "std"))
    normalizer = Normalizer(len(channels))
    for i, channel in enumerate(channels):
        name = channel.partition("@")[0]
        # The spread of a constant is rounding of its mean: dividing by it would make noise of it.
        constant = std[name] <= 1e-6 * abs(mean[name]) or std[name] == 0
        normalizer.shift[i] = torch.tensor(mean[name])
        normalizer.scale[i] = torch.tensor(1.0 if constant else std[name])
    return normalizer


def training_statistics(windows: "WindowedFields") -> dict[str, Any]:
    """Statistics of the trajectories that these windows of the training split use.

    `stats.yaml` is taken where it belongs to this split; the statistics are computed where it does not.
    """
    dataset = windows.dataset
    data = read_statistics(dataset.root) if windows.trajectories == len(dataset) else None
    if data is not None and data["hash"] != dataset.hash:
        logger.warning("%s belongs to other data; statistics are computed anew", dataset.root / STATS)
        data = None
    if data is None or dataset.split != "train":
        data = statistics(dataset, range(windows.trajectories))
    return data


def normalizers(windows: "WindowedFields", data: dict[str, Any] | None = None) -> "tuple[Normalizer, Normalizer]":
    """Normalisers of inputs and outputs.

    Args:
        windows: of the training split.
        data: its statistics, where `training_statistics` was called before.
    """
    data = training_statistics(windows) if data is None else data
    spec = windows.dataset.spec
    return normalizer_for(windows.inputs, data, spec), normalizer_for(windows.outputs, data, spec)


def ranges_of(channels: Sequence[str], data: dict[str, Any], spec: DatasetSpec) -> dict[str, list[float]]:
    """Smallest and largest value of each channel, by name without an age: `{"a": [3.0, 12.0]}`.

    Args:
        channels: names; an age (`u@-1`) does not matter.
        data: what `statistics` returns.
        spec: of the data set.
    """
    low, high = (channel_statistics(data, spec, name) for name in ("min", "max"))
    names = dict.fromkeys(channel.partition("@")[0] for channel in channels)
    return {name: [low[name], high[name]] for name in names}
