"""A small steady data set, a small network with dropout, and runs that print nothing."""

import functools
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import Tensor, nn

from sciml.describe import Described

SIZES = {"train": 20, "valid": 6, "test": 5}


class ConvolutionNetwork(Described, nn.Module):
    """Two convolutions with dropout between them: what exact resume has to cope with.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        dropout: probability.
    """

    def __init__(self, in_channels: int = 1, out_channels: int = 1, dropout: float = 0.2) -> None:
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels
        first, last = nn.Conv1d(in_channels, 8, 3, padding=1), nn.Conv1d(8, out_channels, 3, padding=1)
        self.layers = nn.Sequential(first, nn.GELU(), nn.Dropout(dropout), last)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def write_tiny(folder: Path, scale: float = 3.0) -> Path:
    """Coefficient `a` and solution `u` on eight points: `u` is a shifted running sum of `a`, times `scale`."""
    from sciml.data import DatasetSpec, Shard, write_manifest, write_shard, write_statistics
    from sciml.fields import Boundaries, FieldSpec, Grid

    spec = DatasetSpec(
        "tiny", fields=(FieldSpec("u", unit="m"),), static=(FieldSpec("a"),), parameters=(),
        grid=Grid.periodic(8), boundaries=Boundaries.periodic(), times=(0.0,),
    )  # fmt: skip
    first, shards = 0, {}
    for split, n in SIZES.items():
        index = np.arange(first, first + n)
        a = np.random.default_rng(first).normal(size=(n, 8))
        name = f"{split}/shard-00000.h5"
        fields = {"u": 5 + scale * np.cumsum(a, axis=1)[:, None]}
        digest = write_shard(folder / name, spec, fields=fields, static={"a": a}, index=index)
        shards[split] = [Shard(name, n, (folder / name).stat().st_size, digest)]
        first += n
    write_manifest(folder, shards)
    write_statistics(folder)
    return folder


@pytest.fixture(scope="session", autouse=True)
def _imported() -> None:
    # Seconds, once: no test should be billed for it.
    import lightning.pytorch  # noqa: F401

    import sciml.training.module  # noqa: F401

    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("data") / "tiny")


@pytest.fixture
def make(tiny: Path, tmp_path: Path) -> Callable[..., Any]:
    """`make(...) -> (module, data, trainer)`: dropout, shuffling, a schedule, averaged weights."""
    return functools.partial(make_run, tiny, tmp_path)


def make_run(
    dataset: Path,
    folder: Path,
    module: dict[str, Any] | None = None,
    data: dict[str, Any] | None = None,
    **trainer: Any,
) -> Any:
    import torch
    from lightning.pytorch import Trainer

    from sciml.operators import Supervised
    from sciml.training import AtomicCheckpointIO, BestAndLast, FieldData, FitModule, WarmupCosine

    torch.manual_seed(0)
    settings: dict[str, Any] = {
        "network": ConvolutionNetwork(),
        "objective": Supervised(),
        "optimizer": functools.partial(torch.optim.AdamW, lr=1e-2),
        "lr_scheduler": functools.partial(WarmupCosine, warmup=0.2),
        "ema": 0.9,
        "seed": 3,
    }
    options: dict[str, Any] = {
        "default_root_dir": folder, "max_epochs": 3, "logger": False, "accelerator": "cpu", "num_sanity_val_steps": 0,
        "enable_progress_bar": False, "enable_model_summary": False,
        "plugins": [AtomicCheckpointIO()], "callbacks": [BestAndLast()],
    }  # fmt: skip
    return (
        FitModule(**{**settings, **(module or {})}),
        FieldData(str(dataset), **{"batch_size": 6, "seed": 3, **(data or {})}),
        Trainer(**{**options, **trainer}),
    )


def weights(module: Any) -> dict[str, Tensor]:
    """All numbers that training makes: weights, and their average."""
    average = {} if module.average is None else {f"ema.{k}": v for k, v in module.average.weights.items()}
    return {k: v.clone() for k, v in {**module.state_dict(), **average}.items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Bit by bit."""
    return one.keys() == other.keys() and all(one[k].equal(other[k]) for k in one)
