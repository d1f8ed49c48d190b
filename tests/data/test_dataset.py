"""Shards written and read again."""

import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sciml.data import (
    DatasetSpec,
    FieldDataset,
    content_hash,
    open_dataset,
    read_manifest,
    validate_dataset,
    write_shard,
)
from sciml.data.adapters import TheWell
from sciml.fields import Boundaries, FieldSpec, Grid, ParameterSpec
from sciml.status import DataError, Status


def draw(spec: DatasetSpec, n: int, seed: int) -> dict:
    rng = np.random.default_rng(seed)
    d, s, t = spec.grid.dimensions, spec.grid.shape, len(spec.times)
    return {
        "fields": {f.name: rng.normal(size=(n, t, *s, *(d,) * f.rank)) for f in spec.fields},
        "static": {f.name: rng.random(size=(n, *s, *(d,) * f.rank)) + 0.1 for f in spec.static},
        "params": {p.name: rng.random(n) for p in spec.parameters},
    }


names = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)


@st.composite
def specs(pick: st.DrawFn) -> DatasetSpec:
    taken = pick(st.lists(names, min_size=2, max_size=5, unique=True))
    ranks = [pick(st.integers(0, 2)) for _ in taken]
    fields = [
        FieldSpec(n, rank=r, unit=pick(st.sampled_from(["1", "m s-1"]))) for n, r in zip(taken, ranks, strict=True)
    ]
    split = pick(st.integers(1, len(fields)))
    kind = pick(st.sampled_from(["periodic", "nodes", "cells"]))
    shape = pick(st.lists(st.integers(2, 5), min_size=1, max_size=3))
    return DatasetSpec(
        pick(names),
        tuple(fields[:split]),
        tuple(fields[split:]),
        tuple(ParameterSpec(n) for n in pick(st.lists(names, max_size=2, unique=True))),
        Grid.uniform(*shape, low=-1.0, high=2.0, kind=kind),
        Boundaries.periodic() if kind == "periodic" else Boundaries.dirichlet(0.5),
        times=tuple(0.25 * k for k in range(pick(st.integers(1, 4)))),
        dtype=pick(st.sampled_from(["float32", "float64"])),
        meta={"equation": "u_t = 0", "numbers": [1, 2.5, None]},
    )


@given(spec=specs(), n=st.integers(1, 4), seed=st.integers(0, 1000))
@pytest.mark.filterwarnings("ignore:Do not use the .random. module")  # The shape checks of the tests sample.
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read_again(tmp_path: Path, spec: DatasetSpec, n: int, seed: int):
    given_ = draw(spec, n, seed)
    path = tmp_path / f"{spec.name}-{seed}" / "train" / "shard-00000.h5"
    digest = write_shard(path, spec, **given_, index=range(n), seed=range(n))
    data = FieldDataset(path.parent.parent, "train")
    assert data.spec == spec
    assert content_hash(path) == digest
    d, s, t = spec.grid.dimensions, spec.grid.shape, len(spec.times)
    for f in (*spec.fields, *spec.static):
        timed = f in spec.fields
        read = data.fields(range(n), names=[f.name]) if timed else data.static(range(n), names=[f.name])
        assert read.dtype == np.dtype(spec.dtype)
        original = given_["fields" if timed else "static"][f.name].astype(spec.dtype)
        lead = (n, t) if timed else (n,)
        # Component by component, so that the order of channels is told by this loop and not by a reshape.
        for c, index in enumerate(np.ndindex(*(d,) * f.rank)):
            assert np.array_equal(read[(slice(None),) * len(lead) + (c,)], original[(..., *index)].reshape(*lead, *s))
    assert np.array_equal(data.params(range(n)), np.stack([*given_["params"].values(), np.zeros(n)], 1)[:, :-1])


def test_trajectories_and_frames_come_in_the_order_asked_for(root: Path, spec: DatasetSpec):
    data = FieldDataset(root, "train")
    everything = np.concatenate([draw(spec, n, k)["fields"]["u"] for k, n in enumerate((3, 2))])
    for samples in ([4, 0, 0, 3], [2, 3], [1]):
        for times in ([3, 0, 0], [1, 3], [0, 1, 3], [2], None):
            expected = everything[samples][:, range(4) if times is None else times]
            assert np.array_equal(data.fields(samples, times, ["u"])[:, :, 0], expected)


def test_a_vector_gives_channels_in_index_order(root: Path, spec: DatasetSpec):
    data = FieldDataset(root, "train")
    assert data.spec.channels == ("u", "v_x", "v_y")
    assert np.array_equal(data.fields([0])[0, :, 2], draw(spec, 3, 0)["fields"]["v"][0, ..., 1])


def test_writing_twice_gives_the_same_bytes(tmp_path: Path, spec: DatasetSpec):
    for name in ("a.h5", "b.h5"):
        write_shard(tmp_path / name, spec, **draw(spec, 2, 0), index=[0, 1])
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_the_content_hash_ignores_chunks_and_sees_every_value(tmp_path: Path, spec: DatasetSpec):
    digest = write_shard(tmp_path / "a.h5", spec, **draw(spec, 2, 0), index=[0, 1])
    with h5py.File(tmp_path / "a.h5") as a, h5py.File(tmp_path / "b.h5", "w") as b:
        arrays = {}
        a.visititems(lambda name, item: arrays.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
        for name, array in arrays.items():
            b.create_dataset(name, data=array, compression="gzip" if array.ndim else None)
    assert content_hash(tmp_path / "b.h5") == digest
    with h5py.File(tmp_path / "b.h5", "r+") as b:
        b["samples/seed"][1] += 1
    assert content_hash(tmp_path / "b.h5") != digest


def test_every_data_set_has_a_checksum_and_one_frame_per_chunk(tmp_path: Path, spec: DatasetSpec):
    write_shard(tmp_path / "a.h5", spec, **draw(spec, 2, 0), index=[0, 1])
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["t0_fields/u"].chunks == (1, 4, 6, 4)
        missing = []
        file.visititems(lambda n, i: missing.append(n) if isinstance(i, h5py.Dataset) and not i.fletcher32 else None)
        assert missing == []


def test_the_layout_is_the_wells(root: Path):
    with h5py.File(root / "train/shard-00000.h5") as file:
        assert {k: file.attrs[k] for k in ("dataset_name", "grid_type", "n_spatial_dims", "n_trajectories")} == {
            "dataset_name": b"demo",
            "grid_type": b"cartesian",
            "n_spatial_dims": 2,
            "n_trajectories": 3,
        }
        assert {
            k: [n.decode() for n in file[k].attrs["field_names"]]
            for k in ("t0_fields", "t1_fields", "t2_fields", "scalars")
        } == {
            "t0_fields": ["u", "a"],
            "t1_fields": ["v"],
            "t2_fields": [],
            "scalars": ["nu"],
        }
        assert list(file["dimensions"].attrs["spatial_dims"]) == [b"x", b"y"]
        flags = {n: bool(file[f"t0_fields/{n}"].attrs["time_varying"]) for n in ("u", "a")}
        assert flags == {"u": True, "a": False}
        faces = {
            k: (g.attrs["bc_type"].decode(), g["mask"][()].nonzero()[0].tolist())
            for k, g in file["boundary_conditions"].items()
        }
        assert faces == {
            "x_low": ("PERIODIC", [0]),
            "x_high": ("PERIODIC", [5]),
            "y_low": ("PERIODIC", [0]),
            "y_high": ("PERIODIC", [3]),
        }


def text_attributes(file: h5py.File) -> dict[tuple[str, str], h5py.h5a.AttrID]:
    """All attributes that hold text, by place and name."""
    holders = [file]
    file.visititems(lambda _, item: holders.append(item))
    found = {(h.name, name): h.attrs.get_id(name) for h in holders for name in h.attrs}
    return {key: a for key, a in found.items() if h5py.check_string_dtype(a.dtype) is not None}


def test_no_text_lies_in_a_heap(root: Path):
    with h5py.File(root / "train/shard-00000.h5") as file:
        lengths = {k: h5py.check_string_dtype(a.dtype).length for k, a in text_attributes(file).items()}
    assert {("/", "spec"), ("/dimensions", "spatial_dims"), ("/t2_fields", "field_names")} < set(lengths)
    assert None not in lengths.values()


def test_text_of_variable_length_reads_the_same(root: Path, spec: DatasetSpec):
    path = root / "train/shard-00000.h5"
    before, same = content_hash(path), TheWell().read(path)
    with h5py.File(path, "r+") as file:
        for where, name in text_attributes(file):
            value = file[where].attrs[name]
            plain = value.decode() if isinstance(value, bytes) else np.char.decode(value)
            file[where].attrs.create(name, plain, dtype=h5py.string_dtype())
        assert isinstance(file.attrs["grid_type"], str)
    assert (content_hash(path), validate_dataset(root)) == (before, [])
    assert repr(FieldDataset(root, "train").spec) == repr(spec)
    found = TheWell().read(path)
    assert repr(found[0]) == repr(same[0])
    np.testing.assert_array_equal(found[1].fields["v"], same[1].fields["v"])


def test_units_beyond_ascii_survive(tmp_path: Path):
    spec = DatasetSpec("demo", (FieldSpec("u", unit="°C"),), (), (), Grid.periodic(4), Boundaries.periodic())
    write_shard(tmp_path / "a.h5", spec, fields={"u": np.ones((1, 1, 4))}, index=[0])
    assert validate_dataset(tmp_path / "a.h5") == []
    found, _ = TheWell().read(tmp_path / "a.h5")
    assert found.fields[0].unit == "°C"


def test_a_failed_trajectory_is_recorded_and_left_out(tmp_path: Path, spec: DatasetSpec):
    arrays = draw(spec, 3, 0)
    arrays["fields"]["u"][1] = np.nan
    path = tmp_path / "demo/train/shard-00000.h5"
    write_shard(path, spec, **arrays, index=[7, 8, 9], status=[0, Status.NON_FINITE, 0])
    data = FieldDataset(tmp_path / "demo", "train")
    assert data.samples["index"].tolist() == [7, 9]
    assert np.array_equal(data.fields([1])[0, :, 0], arrays["fields"]["u"][2])
    with pytest.raises(ValueError, match=r"u of sample 1 is not finite"):
        write_shard(path, spec, **arrays, index=[7, 8, 9])


def test_a_value_too_large_for_the_dtype_is_refused(tmp_path: Path, spec: DatasetSpec):
    single = DatasetSpec.from_dict({**spec.to_dict(), "dtype": "float32"})
    arrays = draw(single, 1, 0)
    arrays["static"]["a"][0, 0, 0] = 1e300
    with pytest.raises(ValueError, match="a of sample 0 is not finite in float32"):
        write_shard(tmp_path / "a.h5", single, **arrays, index=[0])


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path, spec: DatasetSpec, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("sciml.data.hdf5._write_attributes", fail)
    with pytest.raises(OSError, match="disk full"):
        write_shard(tmp_path / "a.h5", spec, **draw(spec, 1, 0), index=[0])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a["fields"].pop("u"), r"fields has \['v'\]; the spec names \['u', 'v'\]"),
        (lambda a: a["params"].update(nu=np.zeros(3)), r"scalars/nu has shape \(3,\)"),
        (lambda a: a["static"].update(a=np.zeros((2, 4, 6))), r"a has shape \(2, 4, 6\); accepted is \(2, 6, 4\)"),
    ],
)
def test_arrays_that_do_not_fit_the_spec_are_refused(tmp_path: Path, spec: DatasetSpec, change, message: str):
    arrays = draw(spec, 2, 0)
    change(arrays)
    with pytest.raises(ValueError, match=message):
        write_shard(tmp_path / "a.h5", spec, **arrays, index=[0, 1])


def test_given_coordinates_and_times_survive(tmp_path: Path):
    grid = Grid.from_dict({"x": {"n": 3, "low": 0.0, "high": 1.0, "kind": "nodes", "points": [0.0, 0.1, 1.0]}})
    many = DatasetSpec(
        "long", (FieldSpec("u"),), (), (), grid, Boundaries.dirichlet(), times=tuple(np.linspace(0, 1, 20_001))
    )
    write_shard(tmp_path / "long/train/a.h5", many, fields={"u": np.ones((1, 20_001, 3))}, index=[0])
    assert FieldDataset(tmp_path / "long", "train").spec == many


def test_shards_of_different_data_sets_are_refused(tmp_path: Path, spec: DatasetSpec):
    other = DatasetSpec.from_dict({**spec.to_dict(), "time_unit": "h"})
    write_shard(tmp_path / "demo/train/a.h5", spec, **draw(spec, 1, 0), index=[0])
    write_shard(tmp_path / "demo/train/b.h5", other, **draw(other, 1, 0), index=[1])
    with pytest.raises(DataError, match=r"b\.h5: attribute spec differs from that of a\.h5"):
        FieldDataset(tmp_path / "demo", "train")


def test_shards_and_manifest_must_agree(root: Path):
    (root / "train/shard-00001.h5").rename(root / "train/shard-00007.h5")
    with pytest.raises(DataError, match=r"shard-00001\.h5: named by the manifest, not there"):
        FieldDataset(root, "train")


def test_the_hash_of_a_split_is_the_same_with_and_without_a_manifest(root: Path):
    with_manifest = FieldDataset(root, "train").hash
    assert read_manifest(root)["hashes"]["train"] == with_manifest
    (root / "manifest.json").unlink()
    assert FieldDataset(root, "train").hash == with_manifest
    assert FieldDataset(root, "valid").hash != with_manifest


def test_a_manifest_cannot_name_files_outside(root: Path):
    manifest = root / "manifest.json"
    manifest.write_text(manifest.read_text().replace("train/shard-00000.h5", "../../etc/passwd"))
    with pytest.raises(DataError, match="lies outside the data set"):
        FieldDataset(root, "train")


def test_open_dataset_finds_names_below_the_data_root(root: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SCIML_DATA", str(root.parent))
    assert len(open_dataset("demo", "test")) == 5
    with pytest.raises(DataError, match="dmeo: no such data set"):
        open_dataset("dmeo", "test")


def test_missing_parts_are_named(tmp_path: Path, root: Path):
    with pytest.raises(DataError, match="a data set has a folder per split"):
        FieldDataset(tmp_path / "nothing", "train")
    with h5py.File(root / "train/shard-00000.h5", "r+") as file:
        del file["t0_fields/u"]
    with pytest.raises(DataError, match=r"shard-00000\.h5: /t0_fields/u: has shape None"):
        FieldDataset(root, "train")


def test_no_file_stays_open(root: Path):
    data = FieldDataset(root, "train")
    data.fields([0, 4])
    with h5py.File(root / "train/shard-00000.h5", "r+"):
        pass


def test_reading_needs_no_torch(root: Path):
    import subprocess

    code = (
        "import sys\nfrom sciml.data import FieldDataset, check_hdf5, statistics\n"
        f"d = FieldDataset({str(root)!r}, 'train'); d.fields([0]); statistics(d)\nprint('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
