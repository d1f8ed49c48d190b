"""A finished run on a tiny data set: a predictor that is ten percent too large, its data, a training record."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from sciml.data import DatasetSpec, Shard, write_manifest, write_shard
from sciml.fields import Boundaries, FieldSpec, Grid
from sciml.inference import Surrogate, SurrogateSpec
from sciml.nn import Normalized, Normalizer

A, P = FieldSpec("a", unit="m2", long_name="permeability"), FieldSpec("p", unit="Pa")
SIZES = {"train": 6, "valid": 1, "test": 4}


def write(root, spec, make):
    """A data set with `make(n, rng)` for the arrays of each split."""
    shards, start = {}, 0
    for split, n in SIZES.items():
        path = root / split / "shard-00000.h5"
        path.parent.mkdir(parents=True)
        fields, static = make(n, np.random.default_rng(start))
        digest = write_shard(
            path, spec, fields=fields, static=static, params={}, index=range(start, start + n),
            seed=np.zeros(n), residual=np.zeros(n), status=np.zeros(n),
        )  # fmt: skip
        shards[split] = [Shard(f"{split}/{path.name}", n, path.stat().st_size, digest)]
        start += n
    write_manifest(root, shards)
    return root


@pytest.fixture
def steady_data(tmp_path):
    """p = a, positive."""
    spec = DatasetSpec(
        "copy", (P,), static=(A,), parameters=(), grid=Grid.cells(6, 4),
        boundaries=Boundaries.dirichlet(), times=(0.0,),
    )  # fmt: skip

    def make(n, rng):
        a = rng.random((n, 6, 4)) + 1
        return {"p": a[:, None]}, {"a": a}

    return write(tmp_path / "data" / "copy", spec, make)


@pytest.fixture
def decay_data(tmp_path):
    """A sine wave that halves every 0.1."""
    times = tuple(0.1 * i for i in range(7))
    spec = DatasetSpec(
        "decay", (FieldSpec("u", unit="m s-1"),), static=(), parameters=(), grid=Grid.periodic(16),
        boundaries=Boundaries.periodic(), times=times, time_unit="s",
    )  # fmt: skip

    def make(n, rng):
        x = np.arange(16) / 16
        u0 = np.sin(2 * np.pi * (x + rng.random((n, 1))))
        return {"u": u0[:, None] * 0.5 ** np.arange(7).reshape(1, 7, 1)}, {}

    return write(tmp_path / "data" / "decay", spec, make)


def linear(factor):
    """u -> factor * u, from parts that a file can describe."""
    network = Normalized(nn.Identity(), Normalizer(1), Normalizer(1))
    network.outputs.scale.fill_(factor)
    return network


def make_run(folder, surrogate, dataset):
    folder.mkdir(parents=True)
    surrogate.save(folder / "model.sciml")
    (folder / "config.yaml").write_text(f"data: {{class_path: FieldData, init_args: {{dataset: {str(dataset)!r}}}}}\n")
    (folder / "environment.json").write_text(json.dumps({"seed": 7, "versions": {"torch": torch.__version__}}))
    (folder / "metrics.csv").write_text(
        "step,epoch,train/loss,train/relative_l2,val/relative_l2,train/lr\n"
        "0,0,0.9,0.9,,0.001\n0,0,,,0.8,\n5,1,0.5,0.5,,0.0005\n5,1,,,0.45,\n"
    )
    return folder


@pytest.fixture
def steady_run(tmp_path, steady_data):
    spec = SurrogateSpec(
        (P,), Grid.cells(6, 4), Boundaries.dirichlet(), inputs=(A,), dataset="copy", data_hash="00" * 32
    )
    return make_run(tmp_path / "runs" / "copy" / "1", Surrogate(linear(1.1), spec), steady_data)


@pytest.fixture
def decay_run(tmp_path, decay_data):
    field = FieldSpec("u", unit="m s-1")
    spec = SurrogateSpec((field,), Grid.periodic(16), Boundaries.periodic(), dt=0.1, time_unit="s", dataset="decay")
    return make_run(tmp_path / "runs" / "decay" / "1", Surrogate(linear(0.55), spec), decay_data)
