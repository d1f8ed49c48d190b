"""Every kind of fault is found, alone, and named with the path where it lies."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from sciml.data import DatasetSpec, check_hdf5, content_hash, validate_dataset, write_shard, write_statistics
from sciml.fields import Boundaries, FieldSpec, Grid
from sciml.status import DataError, Status


def faults_after(root: Path, change) -> dict[str, str]:
    """Faults by path once `change(file)` was made in a shard and the manifest knows about it."""
    path = root / "train/shard-00000.h5"
    manifest = root / "manifest.json"
    before = content_hash(path)
    with h5py.File(path, "r+") as file:
        change(file)
    check_hdf5(path)
    manifest.write_text(manifest.read_text().replace(before, content_hash(path)))
    return {f.path: f.message for f in validate_dataset(root)}


def rewrite(name: str, make):
    """Replaces a data set by `make(values)`, with a checksum and the attributes that it had."""

    def change(file: h5py.File) -> None:
        values, attributes = make(file[name][()]), dict(file[name].attrs)
        del file[name]
        item = file.create_dataset(name, data=values, chunks=values.shape, fletcher32=True)
        for key, value in attributes.items():
            item.attrs[key] = value

    return change


def put(name: str, index, value):
    def change(file: h5py.File) -> None:
        file[name][index] = value

    return change


def attribute(where: str, name: str, value):
    def change(file: h5py.File) -> None:
        holder = file[where] if where else file
        if value is None:
            del holder.attrs[name]
        else:
            holder.attrs[name] = value

    return change


def remove(name: str):
    def change(file: h5py.File) -> None:
        del file[name]

    return change


def test_a_sound_data_set_has_no_fault(root: Path):
    write_statistics(root)
    assert validate_dataset(root) == []
    assert validate_dataset(root / "train/shard-00000.h5") == []


CASES = {
    "missing attribute": (attribute("", "grid_type", None), "/@grid_type", "missing"),
    "wrong attribute": (attribute("", "n_spatial_dims", 3), "/@n_spatial_dims", "is 3; the description says 2"),
    "missing group": (remove("t2_fields"), "/t2_fields", "missing"),
    "missing field": (remove("t0_fields/a"), "/t0_fields/a", "missing"),
    "field names": (attribute("t1_fields", "field_names", ["w"]), "/t1_fields@field_names", "description says ['v']"),
    "axis names": (attribute("dimensions", "spatial_dims", ["y", "x"]), "/dimensions@spatial_dims", "in this order"),
    "axis order": (rewrite("t0_fields/u", lambda u: u.swapaxes(2, 3)), "/t0_fields/u", "another order of axes"),
    "frames": (rewrite("t0_fields/u", lambda u: u[:, :3]), "/t0_fields/u", "(3, 4, 6, 4) is expected"),
    "dtype": (rewrite("t0_fields/u", lambda u: u.astype("f4")), "/t0_fields/u", "is float32; the description says"),
    "flag": (attribute("t0_fields/a", "time_varying", True), "/t0_fields/a@time_varying", "must be False"),
    "descending": (rewrite("dimensions/y", lambda y: y[::-1]), "/dimensions/y", "does not ascend"),
    "coordinates": (rewrite("dimensions/x", lambda x: x + 0.1), "/dimensions/x", "is not the axis of the description"),
    "mask": (rewrite("boundary_conditions/x_low/mask", lambda m: m[1:]), "/boundary_conditions/x_low/mask", "shape"),
    "kind": (attribute("boundary_conditions/y_low", "bc_type", "ICE"), "/boundary_conditions/y_low@bc_type", "WALL"),
    "not finite": (put("t1_fields/v", (2, 1, 0, 0, 1), np.nan), "/t1_fields/v", "sample 2: not finite"),
    "not positive": (put("t0_fields/a", (1, 2, 2), -1.0), "/t0_fields/a", "sample 1: not positive"),
    "parameter": (put("scalars/nu", 1, np.inf), "/scalars/nu", "sample 1: not finite"),
    "parameters": (rewrite("scalars/nu", lambda p: p[:2]), "/scalars/nu", "has shape (2,); n_trajectories says (3,)"),
    "status": (put("samples/status", 0, 9), "/samples/status", "sample 0: 9 is no status"),
    "status at odds": (put("samples/status", 0, Status.NON_FINITE), "/samples/status", "every value is finite"),
    "residual": (put("samples/residual", 2, -1.0), "/samples/residual", "sample 2: -1 is negative"),
    "twice": (put("samples/index", 2, 1), "/samples/index", "a trajectory occurs twice"),
    "leak": (put("samples/index", 2, 5), None, "trajectory 5 is in train/shard-00000.h5 already"),
    "no checksum": (
        lambda f: (f.move("t0_fields/a", "a"), f.create_dataset("t0_fields/a", data=f["a"][()]),
                   f["t0_fields/a"].attrs.update(dict(f["a"].attrs)), f.__delitem__("a")),
        "/t0_fields/a", "no checksum",
    ),
    "version": (attribute("", "schema_version", 99), "", "schema_version=99; this version reads 1"),
    "description": (attribute("", "spec", "{}"), "", "attribute spec"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_fault_is_named_with_its_path(root: Path, case: str):
    change, where, message = CASES[case]
    faults = faults_after(root, change)
    expected = (
        "valid/shard-00000.h5:/samples/index" if where is None else "train/shard-00000.h5" + f":{where}" * bool(where)
    )
    assert list(faults) == [expected]
    assert message in faults[expected]


def test_a_sample_of_zeros_is_found(root: Path):
    def change(file: h5py.File) -> None:
        file["t0_fields/u"][1], file["t1_fields/v"][1] = 0.0, 0.0

    assert faults_after(root, change) == {
        "train/shard-00000.h5:/t0_fields": "sample 1: all fields are zero everywhere, as after a lost write."
    }


def test_one_field_of_zeros_is_no_fault(root: Path):
    assert faults_after(root, put("t0_fields/u", 1, 0.0)) == {}


def test_changed_content_is_seen_by_the_manifest(root: Path):
    with h5py.File(root / "test/shard-00001.h5", "r+") as file:
        file["scalars/nu"][0] += 1e-12
    assert [(f.path, "manifest.json says" in f.message) for f in validate_dataset(root)] == [
        ("test/shard-00001.h5", True)
    ]


def test_shards_that_are_missing_or_foreign_are_seen(root: Path):
    (root / "valid/shard-00001.h5").rename(root / "valid/shard-00002.h5")
    assert {f.path: f.message for f in validate_dataset(root)} == {
        "valid/shard-00002.h5": "not named by manifest.json.",
        "valid/shard-00001.h5": "named by manifest.json, not there.",
    }


def test_statistics_of_other_data_are_seen(root: Path):
    write_statistics(root)
    text = (root / "stats.yaml").read_text()
    (root / "stats.yaml").write_text(text.replace("hash: ", "hash: f00"))
    assert [f.path for f in validate_dataset(root)] == ["stats.yaml"]


def test_shards_of_another_data_set_are_seen(root: Path):
    spec = DatasetSpec("demo", (FieldSpec("u"),), (), (), Grid.periodic(4), Boundaries.periodic())
    write_shard(root / "train/shard-00002.h5", spec, fields={"u": np.ones((1, 1, 4))}, index=[99])
    (root / "manifest.json").unlink()
    assert [f.path for f in validate_dataset(root)] == ["train/shard-00002.h5:/@spec"]


def test_an_empty_folder_and_no_folder_are_told_apart(tmp_path: Path):
    assert [f.path for f in validate_dataset(tmp_path)] == ["train"]
    with pytest.raises(DataError, match="nothing: no such data set"):
        validate_dataset(tmp_path / "nothing")
