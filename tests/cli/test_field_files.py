import os

import h5py
import numpy as np
import pytest
import xarray

from sciml.cli.field_files import FORMATS, check_fields, read_fields, write_fields
from sciml.data import DatasetSpec, write_shard
from sciml.fields import Boundaries, FieldSpec, Grid, ParameterSpec
from sciml.status import DataError


@pytest.fixture
def fields() -> xarray.Dataset:
    rng = np.random.default_rng(0)
    return xarray.Dataset(
        {
            "u": (("sample", "time", "x", "y"), rng.normal(size=(2, 3, 4, 5)), {"units": "m s-1"}),
            "a": (("sample", "time", "x", "y"), rng.normal(size=(2, 3, 4, 5))),
        },
        {"x": np.arange(4.0), "time": ("time", np.linspace(0, 1, 3), {"units": "s"})},
    )


@pytest.mark.parametrize("suffix", FORMATS)
def test_what_is_written_is_read_back(tmp_path, fields, suffix):
    path = tmp_path / f"u{suffix}"
    write_fields(path, fields)
    check_fields(path)
    read = read_fields(path, ("x", "y"))
    for name in ("u", "a"):
        assert read[name].dims == ("sample", "time", "x", "y")
        np.testing.assert_array_equal(read[name].values, fields[name].values)
    assert os.listdir(tmp_path) == [path.name]


def test_netcdf_keeps_units_and_coordinates(tmp_path, fields):
    write_fields(tmp_path / "u.nc", fields)
    read = read_fields(tmp_path / "u.nc", ("x", "y"))
    assert read["u"].attrs["units"] == "m s-1"
    assert read["time"].attrs["units"] == "s"
    np.testing.assert_array_equal(read["x"], fields["x"])


def test_missing_leading_axes_are_sample_and_time(tmp_path):
    np.savez(tmp_path / "a.npz", u=np.ones((4, 5)), v=np.ones((2, 4, 5)), nu=np.ones(2), one=1.0)
    read = read_fields(tmp_path / "a.npz", ("x", "y"))
    assert read["u"].dims == ("x", "y")
    assert read["v"].dims == ("sample", "x", "y")
    assert read["nu"].dims == ("sample",)
    assert read["one"].dims == ()


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_refused_with_its_place(tmp_path, fields, suffix, value):
    fields["u"][1, 2, 3, 0] = value
    write_fields(tmp_path / f"u{suffix}", fields)
    with pytest.raises(DataError, match="u is not finite at sample=1, time=2, x=3, y=0"):
        read_fields(tmp_path / f"u{suffix}", ("x", "y"))


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_truncated_file_is_refused(tmp_path, fields, suffix):
    path = tmp_path / f"u{suffix}"
    write_fields(path, fields)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=path.name):
        check_fields(path)


@pytest.mark.parametrize("suffix", [".h5", ".npz"])
def test_a_flipped_bit_is_refused(tmp_path, fields, suffix):
    path = tmp_path / f"u{suffix}"
    write_fields(path, fields)
    content = bytearray(path.read_bytes())
    place = content.index(fields["u"].values.tobytes()[:64])
    content[place + 3] ^= 16
    path.write_bytes(content)
    with pytest.raises(DataError, match=path.name):
        read_fields(path, ("x", "y"))


def test_objects_are_refused(tmp_path):
    np.savez(tmp_path / "o.npz", u=np.array([{"a": 1}], dtype=object))
    with pytest.raises(DataError, match="Python objects"):
        check_fields(tmp_path / "o.npz")
    with h5py.File(tmp_path / "o.h5", "w") as file:
        file.create_dataset("u", data=["text"], dtype=h5py.string_dtype())
    with pytest.raises(DataError, match=r"o\.h5: u is of type object"):
        read_fields(tmp_path / "o.h5", ("x",))


def test_storage_outside_of_the_file_is_refused(tmp_path):
    (tmp_path / "secret").write_bytes(b"x" * 80)
    with h5py.File(tmp_path / "e.h5", "w") as file:
        file.create_dataset("u", (10,), "f8", external=[(str(tmp_path / "secret"), 0, 80)])
    with h5py.File(tmp_path / "l.h5", "w") as file:
        file["u"] = h5py.ExternalLink(str(tmp_path / "e.h5"), "u")
    for name in ("e.h5", "l.h5"):
        with pytest.raises(DataError, match=name):
            check_fields(tmp_path / name)


def test_other_endings_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"accepted are \.nc, \.npz, \.h5"):
        check_fields(tmp_path / "a.csv")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, fields, monkeypatch):
    path = tmp_path / "u.npz"
    write_fields(path, fields)
    before = path.read_bytes()
    monkeypatch.setattr("os.fsync", lambda descriptor: (_ for _ in ()).throw(OSError(28, "No space left", "u")))
    with pytest.raises(OSError, match="No space"):
        write_fields(path, fields * 2)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["u.npz"]


def test_a_shard_gives_every_channel_with_units_and_coordinates(tmp_path):
    spec = DatasetSpec(
        name="x",
        fields=(FieldSpec("v", unit="m s-1", rank=1),),
        static=(FieldSpec("a"),),
        parameters=(ParameterSpec("nu", unit="m2 s-1"),),
        grid=Grid.uniform(4, 5),
        boundaries=Boundaries.periodic(),
        times=(0.0, 0.5, 2.0),
        dtype="float64",
    )
    rng = np.random.default_rng(0)
    v, a, nu = rng.normal(size=(2, 3, 4, 5, 2)), rng.normal(size=(2, 4, 5)), rng.normal(size=2)
    counts = np.arange(2)
    write_shard(
        tmp_path / "s.h5", spec, fields={"v": v}, static={"a": a}, params={"nu": nu},
        index=counts, seed=counts, residual=np.zeros(2), status=np.zeros(2),
    )  # fmt: skip
    check_fields(tmp_path / "s.h5")
    read = read_fields(tmp_path / "s.h5", ("x", "y"))
    assert read["v_x"].dims == ("sample", "time", "x", "y")
    np.testing.assert_array_equal(read["v_y"], v[..., 1])
    np.testing.assert_array_equal(read["a"], a)
    np.testing.assert_array_equal(read["nu"], nu)
    assert read["v_x"].attrs["units"] == "m s-1"
    np.testing.assert_array_equal(read["time"], [0.0, 0.5, 2.0])
