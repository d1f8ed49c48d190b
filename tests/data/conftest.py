"""A small data set on disk: scalar, vector, coefficient and parameter, three splits of two shards."""

from pathlib import Path

import numpy as np
import pytest

from sciml.data import DatasetSpec, Shard, write_manifest, write_shard
from sciml.fields import Boundaries, FieldSpec, Grid, ParameterSpec


@pytest.fixture
def spec() -> DatasetSpec:
    return DatasetSpec(
        "demo",
        fields=(FieldSpec("u", unit="m s-1"), FieldSpec("v", rank=1)),
        static=(FieldSpec("a", positive=True),),
        parameters=(ParameterSpec("nu", unit="m2 s-1", low=0.0),),
        grid=Grid.periodic(6, 4),
        boundaries=Boundaries.periodic(),
        times=(0.0, 0.5, 1.0, 1.5),
        time_unit="s",
        dtype="float64",
        meta={"recipe_hash": "0" * 8},
    )


def draw(spec: DatasetSpec, n: int, seed: int) -> dict:
    rng = np.random.default_rng(seed)
    d, s, t = spec.grid.dimensions, spec.grid.shape, len(spec.times)
    return {
        "fields": {f.name: rng.normal(size=(n, t, *s, *(d,) * f.rank)) for f in spec.fields},
        "static": {f.name: rng.random(size=(n, *s, *(d,) * f.rank)) + 0.1 for f in spec.static},
        "params": {p.name: rng.random(n) for p in spec.parameters},
    }


@pytest.fixture
def root(tmp_path: Path, spec: DatasetSpec) -> Path:
    """The data set's folder; trajectory `i` of split `k` is drawn with the seed `100 k + shard`."""
    folder, first, shards = tmp_path / "demo", 0, {}
    for k, split in enumerate(("train", "valid", "test")):
        shards[split] = []
        for number, n in enumerate((3, 2)):
            name = f"{split}/shard-{number:05d}.h5"
            index = np.arange(first, first + n)
            digest = write_shard(
                folder / name, spec, **draw(spec, n, 100 * k + number), index=index, seed=index, residual=index * 1e-9
            )
            shards[split].append(Shard(name, n, (folder / name).stat().st_size, digest))
            first += n
    write_manifest(folder, shards)
    return folder
