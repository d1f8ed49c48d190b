"""Two small data sets on one grid: a gas, and a flow without density and pressure."""

from pathlib import Path

import numpy as np
import pytest

COUNTS = {"gas": {"train": 4, "valid": 2, "test": 2}, "flow": {"train": 3, "valid": 2, "test": 2}}
TIMES = (0.0, 0.5, 1.0)


def write(
    root: Path, name: str, fields: tuple[tuple[str, int], ...], n: int = 8, time_unit: str = "1", length_unit: str = "1"
) -> Path:
    from sciml.data import DatasetSpec, Shard, write_manifest, write_shard, write_statistics
    from sciml.fields import Boundaries, FieldSpec, Grid

    spec = DatasetSpec(
        name, tuple(FieldSpec(f, rank=rank) for f, rank in fields), (), (), Grid.periodic(n, n),
        Boundaries.periodic(), times=TIMES, time_unit=time_unit, length_unit=length_unit,
    )  # fmt: skip
    shards, first = {}, 0
    for split, count in COUNTS[name].items():
        rng = np.random.default_rng(first + len(name))
        index = np.arange(first, first + count)
        shape = (count, len(TIMES), n, n)
        values = {f: 2.0 + rng.normal(size=shape + (2,) * rank).astype("float32") for f, rank in fields}
        file = root / name / split / "shard-00000.h5"
        digest = write_shard(file, spec, fields=values, static={}, index=index)
        shards[split] = [Shard(f"{split}/shard-00000.h5", count, file.stat().st_size, digest)]
        first += count
    write_manifest(root / name, shards)
    write_statistics(root / name)
    return root / name


@pytest.fixture(scope="session")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("two")
    write(root, "gas", (("density", 0), ("velocity", 1), ("pressure", 0)))
    write(root, "flow", (("wind", 1), ("smoke", 0)))
    return root
