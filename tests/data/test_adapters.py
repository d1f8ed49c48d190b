"""Adapters on files that nobody here wrote, and on the quirks of published layouts."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.interpolate
import scipy.io
from helpers import benchmark_file, data_file

from sciml.data import FieldDataset, validate_dataset
from sciml.data.adapters import (
    PDEBenchArrays,
    PDEBenchIncompressible,
    SpaceTimeTable,
    TheWell,
    TorchTensorPair,
    convert,
    find_adapter,
)
from sciml.data.adapters.axes import cells_axis, guessed_axis
from sciml.data.schema import DatasetSpec
from sciml.status import DataError


def test_boolean_coefficients_become_zero_and_one(tmp_path: Path):
    out = convert(benchmark_file("darcy_train_16.pt"), tmp_path / "darcy", splits=(900, 50, 50))
    assert validate_dataset(out) == []
    a = FieldDataset(out, "train").static(range(900))
    assert (a.dtype, a.shape, np.unique(a).tolist()) == (np.float32, (900, 1, 16, 16), [0, 1])
    u = FieldDataset(out, "test").fields(range(50))
    assert (u.shape, round(float(u.min()), 2) >= -0.44, round(float(u.max()), 2) <= 2.06) == (
        (50, 1, 1, 16, 16),
        True,
        True,
    )


def test_two_resolutions_of_a_family_share_their_domain():
    coarse, fine = (
        find_adapter(p).read(p)[0].grid for p in map(benchmark_file, ("darcy_test_16.pt", "darcy_test_32.pt"))
    )
    assert coarse.resized(32, 32) == fine


def test_burgers_trajectories_conserve_their_mean_and_carry_the_viscosity(tmp_path: Path):
    out = convert(benchmark_file("burgers_train_16.pt"), tmp_path / "burgers", splits=(600, 100, 100))
    data = FieldDataset(out, "train")
    u = data.fields(range(600))
    assert u.shape == (600, 17, 1, 16)
    assert data.spec.times == pytest.approx(np.arange(17) / 16)
    # d/dt of the integral of u vanishes on a periodic interval, up to what 16 points resolve; with space and time
    # exchanged the means would vary as much as u does.
    in_space, in_time = u.mean(axis=3), u.mean(axis=1)
    assert in_space.std(axis=1).max() < 0.02 * u.std()
    assert in_time.std(axis=-1).max() > 0.2 * u.std()
    assert set(data.params(range(600)).ravel()) == {0.01}


def test_advection_moves_its_input_by_a_quarter_of_the_domain():
    path = benchmark_file("advection_input_testing.pt")
    spec, arrays = TorchTensorPair(high=2.0).read(path)
    x, a, u = spec.grid.axes[0].coords, arrays.static["a"], arrays.fields["u"][:, 0]
    assert (x[0], x[-1], a.shape) == (0, 2, (1000, 100))
    spline = scipy.interpolate.CubicSpline(x, np.concatenate([a[:, :-1], a[:, :1]], axis=1), axis=1, bc_type="periodic")
    # The median: a few inputs are not zero at the ends, and what flows in there is not in the file.
    relative = np.linalg.norm(spline(x - 0.5) - u, axis=1) / np.linalg.norm(u, axis=1)
    assert np.median(relative) < 1e-4


def test_burgers_shock_keeps_both_ends_and_starts_as_a_sine():
    spec, arrays = SpaceTimeTable().read(benchmark_file("burgers_shock.mat"))
    axis, u = spec.grid.axes[0], arrays.fields["u"]
    assert (axis.kind, axis.low, axis.high, axis.n, u.shape) == ("nodes", -1, 1, 256, (1, 100, 256))
    assert spec.meta["ends_coincide"] is True
    assert spec.times[-1] == pytest.approx(0.99)
    np.testing.assert_allclose(u[0, 0], -np.sin(np.pi * axis.coords), atol=1e-12)


def test_allen_cahn_leaves_the_right_end_out_and_starts_as_published():
    spec, arrays = SpaceTimeTable().read(benchmark_file("allen_cahn_AC.mat"))
    axis = spec.grid.axes[0]
    assert (axis.kind, axis.low, axis.high, axis.n) == ("periodic", -1, 1, 512)
    x = axis.coords
    np.testing.assert_allclose(arrays.fields["u"][0, 0], x**2 * np.cos(np.pi * x), atol=1e-12)


def test_a_complex_field_becomes_two_and_conserves_its_norm():
    spec, arrays = SpaceTimeTable().read(benchmark_file("schroedinger_NLS.mat"))
    assert [f.name for f in spec.fields] == ["u_re", "u_im"]
    x, density = spec.grid.axes[0].coords, arrays.fields["u_re"] ** 2 + arrays.fields["u_im"] ** 2
    np.testing.assert_allclose(arrays.fields["u_re"][0, 0], 2 / np.cosh(x), atol=1e-12)
    mass = density.sum(axis=2)
    assert np.abs(mass / mass[:, :1] - 1).max() < 1e-9


def test_a_numpy_archive_in_time_first_order_is_told_by_its_lengths():
    path = data_file("pinn", "allen_cahn_ref.npz")
    spec, arrays = find_adapter(path).read(path)
    assert (spec.grid.shape, arrays.fields["u"].shape) == ((512,), (1, 201, 512))


def test_equal_lengths_are_refused_unless_time_is_named(tmp_path: Path):
    u = np.arange(16.0).reshape(4, 4)
    path = tmp_path / "square.mat"
    scipy.io.savemat(path, {"x": np.linspace(0, 1, 4), "t": np.linspace(0, 1, 4), "u": u})
    with pytest.raises(DataError, match=r"square\.mat: u: x and t both have 4 entries.*give time_first"):
        SpaceTimeTable().read(path)
    np.testing.assert_array_equal(SpaceTimeTable(time_first=True).read(path)[1].fields["u"][0], u)
    np.testing.assert_array_equal(SpaceTimeTable(time_first=False).read(path)[1].fields["u"][0], u.T)


def test_an_axis_that_does_not_tell_its_kind_is_refused(tmp_path: Path):
    path = tmp_path / "odd.mat"
    scipy.io.savemat(path, {"x": np.arange(5.0) * 0.3, "t": np.arange(3.0), "u": np.zeros((3, 5))})
    with pytest.raises(DataError, match=r"odd\.mat: x from 0 to 1\.2 does not tell whether it is periodic"):
        SpaceTimeTable().read(path)
    assert SpaceTimeTable(kind="nodes").read(path)[0].grid.axes[0].high == pytest.approx(1.2)


def test_kinds_are_told_by_round_ends():
    assert guessed_axis(np.arange(16) / 16).kind == "periodic"
    assert guessed_axis(np.linspace(0, 1, 16)).kind == "nodes"
    assert guessed_axis(np.arange(32) * 2 * np.pi / 32).high == pytest.approx(2 * np.pi)
    assert guessed_axis(np.arange(4.0)) is None


def test_matlab_v73_files_have_their_axes_put_right(tmp_path: Path):
    x, t = np.linspace(-1, 1, 6), np.linspace(0, 0.5, 4)
    u = np.sin(x)[:, None] * (1 + t)[None] + 1j * t
    with h5py.File(tmp_path / "new.mat", "w", userblock_size=512) as f:
        # MATLAB writes columns first: its (6, 4) array lies in the file as (4, 6), complex as a pair of numbers.
        f["x"], f["t"] = x[None], t[None]
        f["usol"] = np.array(u.T, dtype="c16").view([("real", "f8"), ("imag", "f8")])
    spec, arrays = find_adapter(tmp_path / "new.mat").read(tmp_path / "new.mat")
    np.testing.assert_array_equal(arrays.fields["u_re"][0], u.T.real)
    np.testing.assert_array_equal(arrays.fields["u_im"][0], u.T.imag)
    assert spec.grid.axes[0].kind == "nodes"


def pdebench(path: Path, **changes) -> Path:
    content = {
        "tensor": np.ones((3, 4, 8), "f4"),
        "x-coordinate": ((np.arange(8) + 0.5) / 8).astype("f4"),
        "t-coordinate": np.linspace(0, 1, 5).astype("f4"),
    }
    with h5py.File(path, "w") as f:
        for name, array in {**content, **changes}.items():
            f[name] = array
        f.attrs["Nu"] = 0.001
    return path


def test_pdebench_times_are_cut_to_the_frames(tmp_path: Path):
    spec, arrays = PDEBenchArrays().read(pdebench(tmp_path / "1D_Burgers_Sols_Nu0.001.hdf5"))
    assert spec.times == pytest.approx((0, 0.25, 0.5, 0.75))
    assert arrays.params["Nu"].tolist() == [0.001] * 3
    assert (spec.grid.axes[0].low, spec.grid.axes[0].high, spec.grid.axes[0].points) == (0, 1, None)


def test_pdebench_device_axis_is_dropped_and_fewer_times_than_frames_are_refused(tmp_path: Path):
    u = np.arange(96, dtype="f4").reshape(1, 3, 4, 8)
    path = pdebench(tmp_path / "a.hdf5", tensor=u)
    assert PDEBenchArrays().count(path) == 3
    np.testing.assert_array_equal(PDEBenchArrays().read(path, slice(1, 3))[1].fields["u"], u[0, 1:])
    with pytest.raises(DataError, match="has 2 entries for 4 frames"):
        PDEBenchArrays().read(pdebench(tmp_path / "b.hdf5", **{"t-coordinate": np.zeros(2)}))


def test_pdebench_darcy_has_one_time_and_a_coefficient(tmp_path: Path):
    path = tmp_path / "2D_DarcyFlow_beta1.0_Train.hdf5"
    u = np.arange(96, dtype="f4").reshape(3, 1, 8, 4)
    with h5py.File(path, "w") as f:
        f["tensor"], f["nu"] = u, u[:, 0] + 1
        f["x-coordinate"], f["y-coordinate"] = (((np.arange(k) + 0.5) / k).astype("f4") for k in (8, 4))
        f.attrs["beta"] = 1.0
    spec, arrays = PDEBenchArrays().read(path)
    assert (spec.times, spec.grid.shape) == ((0.0,), (8, 4))
    np.testing.assert_array_equal(arrays.fields["u"], u)
    np.testing.assert_array_equal(arrays.static["nu"], u[:, 0] + 1)


def test_a_partial_file_of_incompressible_flow_is_refused(tmp_path: Path):
    path = tmp_path / "ns.h5"
    with h5py.File(path, "w") as f:
        f["velocity"], f["particles"], f["force"] = (
            np.ones((2, 3, 4, 4, 2)),
            np.ones((2, 3, 4, 4, 1)),
            np.ones((2, 4, 4, 2)),
        )
        f["t"], f.attrs["latestIndex"] = np.tile(np.arange(3.0), (2, 1)), 1
    with pytest.raises(DataError, match="latestIndex: 1 of 3 frames were written"):
        PDEBenchIncompressible().read(path)


#: Published variables that the contract's file has not: file, shape, and the channel that each component comes from.
POSEIDON = {
    "CE-RM": ((3, 4, 5, 6, 5), {"density": 0, "velocity": (1, 2), "pressure": 3, "tracer": 4}, 2.0),
    "GCE-RT": ((3, 4, 6, 6, 5), {"density": 0, "velocity": (1, 2), "pressure": 3, "tracer": 4, "potential": 5}, 5.0),
    "FNS-KF": ((3, 4, 2, 6, 5), {"velocity": (0, 1)}, 1.0),
    "NS-SL": ((3, 4, 2, 5, 6), {"velocity": (0, 1)}, 1.0),
}


@pytest.mark.parametrize("name", POSEIDON)
def test_a_published_poseidon_file_has_its_channels_where_they_are_published(tmp_path: Path, name: str):
    shape, channels, end = POSEIDON[name]
    stored = np.random.default_rng(0).normal(size=shape).astype("f4")
    with h5py.File(tmp_path / f"{name}.nc", "w") as f:
        f["velocity" if name == "NS-SL" else "solution"] = stored
    spec, arrays = find_adapter(tmp_path / f"{name}.nc").read(tmp_path / f"{name}.nc")
    # NS-SL alone is stored with y before x.
    seen = np.swapaxes(stored, -1, -2) if name == "NS-SL" else stored
    assert spec.grid.shape == (6, 5)
    assert spec.times == pytest.approx(np.linspace(0, end, 4))
    assert {f.name for f in spec.fields} == set(channels)
    for field, place in channels.items():
        wanted = np.stack([seen[:, :, c] for c in place], axis=-1) if isinstance(place, tuple) else seen[:, :, place]
        np.testing.assert_array_equal(arrays.fields[field], wanted)
    assert validate_dataset(convert(tmp_path / f"{name}.nc", tmp_path / "out", splits=(1, 1, 1))) == []


def test_poseidons_airfoils_are_a_static_shape_and_a_steady_density(tmp_path: Path):
    stored = np.random.default_rng(0).normal(size=(3, 2, 6, 5)).astype("f4")
    with h5py.File(tmp_path / "SE-AF.nc", "w") as f:
        f["solution"] = stored
    spec, arrays = find_adapter(tmp_path / "SE-AF.nc").read(tmp_path / "SE-AF.nc")
    assert spec.times == (0.0,)
    np.testing.assert_array_equal(arrays.static["shape"], stored[:, 0])
    np.testing.assert_array_equal(arrays.fields["density"], stored[:, None, 1])
    assert validate_dataset(convert(tmp_path / "SE-AF.nc", tmp_path / "out", splits=(1, 1, 1))) == []


def test_our_own_shards_are_files_of_the_well(root: Path, spec: DatasetSpec):
    found, arrays = TheWell().read(root / "train/shard-00000.h5")
    data = FieldDataset(root, "train")
    assert (found.grid, found.times, found.boundaries.is_periodic("y")) == (spec.grid, spec.times, True)
    np.testing.assert_array_equal(arrays.fields["u"], data.fields([0, 1, 2], names=["u"])[:, :, 0])
    np.testing.assert_array_equal(np.moveaxis(arrays.fields["v"], -1, 2), data.fields([0, 1, 2], names=["v"]))
    np.testing.assert_array_equal(arrays.static["a"], data.static([0, 1, 2])[:, 0])
    np.testing.assert_array_equal(arrays.params["nu"], data.params([0, 1, 2])[:, 0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f["t0_fields/a"].attrs.__setitem__("time_varying", True), "has shape .* its flags say"),
        (lambda f: f.attrs.__setitem__("grid_type", "spherical"), "spherical; cartesian is accepted"),
        (lambda f: f["t1_fields/v"].attrs.__delitem__("dim_varying"), "not in The Well's layout"),
        (lambda f: f["dimensions/x"].attrs.__setitem__("time_varying", True), "a grid that moves"),
    ],
)
def test_the_wells_flags_are_checked(root: Path, change, message: str):
    path = root / "train/shard-00000.h5"
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(DataError, match=message):
        TheWell().read(path)


def test_coordinates_that_are_not_uniform_are_kept():
    points = np.array([0.1, 0.2, 0.5, 0.7])
    assert cells_axis(points).points == pytest.approx(points)
    assert cells_axis((np.arange(4) + 0.5) / 4).points is None
