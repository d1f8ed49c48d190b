"""Files of every released schema stay readable: one tiny file per version, written by that version."""

from pathlib import Path

import numpy as np

from sciml.data import SCHEMA_VERSION, FieldDataset, content_hash, validate_dataset
from sciml.fields import Dirichlet, Neumann

GOLDEN = Path(__file__).parent / "golden"


def test_there_is_a_file_of_this_version():
    assert (GOLDEN / f"demo/train/schema-{SCHEMA_VERSION}.h5").is_file()


def test_schema_1_reads_as_it_was_written():
    path = GOLDEN / "demo/train/schema-1.h5"
    assert content_hash(path) == "3c398b1d1ff1db7a03ccf6acd3dec448e7c9af7707e49088d70efb20b230d68a"
    assert validate_dataset(path) == []
    data = FieldDataset(GOLDEN / "demo", "train")
    np.testing.assert_array_equal(data.fields([0, 1]).ravel(), np.arange(24) / 4 + 0.25)
    np.testing.assert_array_equal(data.static([1]).ravel(), np.arange(6) + 7.0)
    assert data.params([0, 1]).tolist() == [[0.1], [0.2]]
    assert {k: v.tolist() for k, v in data.samples.items()} == {
        "index": [3, 4], "seed": [30, 40], "residual": [1e-9, 2e-9], "status": [0, 0],
    }  # fmt: skip
    spec = data.spec
    assert (spec.grid.shape, spec.grid.axes[0].kind, spec.times, spec.time_unit) == ((3, 2), "cells", (0.0, 0.5), "s")
    assert (spec.boundaries.on("x-"), spec.boundaries.on("y+")) == (Dirichlet(1.0), Neumann(0.0))
    assert (spec.fields[0].unit, spec.static[0].positive, spec.parameters[0].low) == ("m s-1", True, 0.0)
    assert spec.meta == {"equation": "u_t = nu u_xx"}
