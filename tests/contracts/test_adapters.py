"""The contract of every adapter: a file in its layout, written here, comes out in the axes of the schema.

All files hold the same kind of field, `u = sin(x + 2 y) (1 + t) + sample`, so that a wrong order of axes shows.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
import torch

from sciml.data import FieldDataset, validate_dataset
from sciml.data.adapters import ADAPTERS, convert, find_adapter
from sciml.status import DataError, Status

N, T, X, Y = 5, 4, 6, 3
CELLS = {n: (np.arange(k) + 0.5) / k for n, k in (("x", X), ("y", Y))}
ENDS = {n: np.linspace(0.0, 1.0, k) for n, k in (("x", X), ("y", Y))}


def value(x: np.ndarray, y: np.ndarray | None, t: np.ndarray, n: int = N) -> np.ndarray:
    """`(n, t, x[, y])`."""
    parts = np.meshgrid(np.arange(n), t, x, *(() if y is None else (y,)), indexing="ij")
    sample, time, first = parts[:3]
    return np.sin(first + 2 * (parts[3] if y is not None else 0)) * (1 + time) + sample


@dataclass
class Expected:
    """What has to come out of the file."""

    path: Path
    fields: dict[str, np.ndarray]
    static: dict[str, np.ndarray] = field(default_factory=dict)
    params: dict[str, float] = field(default_factory=dict)
    times: tuple[float, ...] = (0.0,)
    kind: str = "cells"
    ends: tuple[float, float] = (0.0, 1.0)


def well(folder: Path) -> Expected:
    t = np.arange(T) * 0.5
    x, y = np.arange(X) / X, ENDS["y"]
    u = value(x, y, t).astype("f4")
    v = np.stack([u, -2 * u], axis=-1)
    stress = np.stack([np.stack([u, 2 * u], -1), np.stack([3 * u, 4 * u], -1)], axis=-2)
    profile = np.cos(x).astype("f4")
    with h5py.File(folder / "well.hdf5", "w") as f:
        f.attrs.update(dataset_name="told", grid_type="cartesian", n_spatial_dims=2, n_trajectories=N)
        f.attrs["simulation_parameters"], f.attrs["Re"] = ["Re"], 40.0
        f["dimensions/time"], f["dimensions/x"], f["dimensions/y"] = t, x, y
        f["dimensions"].attrs["spatial_dims"] = ["x", "y"]
        for name in ("time", "x", "y"):
            f[f"dimensions/{name}"].attrs["sample_varying"] = False
        for name, kind in (("x", "periodic"), ("y", "Wall")):
            g = f.create_group(f"boundary_conditions/{name}_bc")
            g.attrs.update(associated_dims=[name], associated_fields=["u"], bc_type=kind, sample_varying=False)
            g["mask"] = np.eye(X if name == "x" else Y, dtype=bool)[0]
        f["scalars/gamma"] = np.array(1.4)
        f["scalars"].attrs["field_names"] = ["gamma"]
        f["scalars/gamma"].attrs.update(sample_varying=False, time_varying=False)
        for group, name, data, flags in (
            ("t0_fields", "u", u, (True, True, [True, True])),
            ("t0_fields", "a", profile, (False, False, [True, False])),
            ("t1_fields", "v", v, (True, True, [True, True])),
            ("t2_fields", "s", stress, (True, True, [True, True])),
        ):
            item = f.create_dataset(f"{group}/{name}", data=data)
            item.attrs.update(sample_varying=flags[0], time_varying=flags[1], dim_varying=np.array(flags[2]))
        for group, names in (("t0_fields", ["u", "a"]), ("t1_fields", ["v"]), ("t2_fields", ["s"])):
            f[group].attrs["field_names"] = names
    a = np.broadcast_to(profile[None, :, None], (N, X, Y))
    return Expected(
        folder / "well.hdf5", {"u": u, "v": v, "s": stress}, {"a": a}, {"Re": 40.0, "gamma": 1.4}, tuple(t), "periodic"
    )


def pdebench_arrays(folder: Path) -> Expected:
    t = np.linspace(0, 2, T)
    u = value(CELLS["x"], CELLS["y"], t).astype("f4")
    with h5py.File(folder / "2D_CFD_Rand_M0.1_periodic_Train.hdf5", "w") as f:
        f.attrs.update(eta=0.01, zeta=0.02, M=0.1)
        f["density"], f["pressure"], f["Vx"], f["Vy"] = u + 9, u + 99, u, -3 * u
        f["x-coordinate"], f["y-coordinate"] = CELLS["x"].astype("f4"), CELLS["y"].astype("f4")
        f["t-coordinate"] = np.append(t, 3.0).astype("f4")
    fields = {"density": u + 9, "pressure": u + 99, "velocity": np.stack([u, -3 * u], -1)}
    params = {"eta": 0.01, "zeta": 0.02, "M": 0.1}
    return Expected(folder / "2D_CFD_Rand_M0.1_periodic_Train.hdf5", fields, {}, params, tuple(t))


def pdebench_groups(folder: Path) -> Expected:
    t = np.linspace(0, 2, T)
    u = value(CELLS["x"], CELLS["y"], t).astype("f4")
    with h5py.File(folder / "2D_diff-react_NA_NA.h5", "w") as f:
        for k in range(N):
            g = f.create_group(f"{k:04d}")
            g["data"] = np.stack([u[k], u[k] ** 2], axis=-1)
            g["grid/x"], g["grid/y"], g["grid/t"] = (a.astype("f4") for a in (CELLS["x"], CELLS["y"], t))
            g.attrs["config"] = "sim: {Du: 0.001}"
    return Expected(folder / "2D_diff-react_NA_NA.h5", {"activator": u, "inhibitor": u**2}, times=tuple(t))


def pdebench_incompressible(folder: Path) -> Expected:
    t = np.linspace(0, 2, T)
    u = value(CELLS["x"], CELLS["y"], t).astype("f4")
    v, force = np.stack([u, 5 * u], -1), np.stack([u[:, 0], 7 * u[:, 0]], -1)
    with h5py.File(folder / "ns_incom_inhom_2d_512-0.h5", "w") as f:
        f["velocity"], f["particles"], f["force"], f["t"] = v, u[..., None], force, np.tile(t, (N, 1)).astype("f4")
        f.attrs["latestIndex"] = T - 1
    path = folder / "ns_incom_inhom_2d_512-0.h5"
    return Expected(path, {"velocity": v, "particles": u}, {"force": force}, times=tuple(t))


def poseidon(folder: Path) -> Expected:
    t = np.linspace(0, 1, T)
    x, y = np.arange(X) / X, np.arange(Y) / Y
    u = value(x, y, t).astype("f4")
    with h5py.File(folder / "CE-told.nc", "w") as f:
        f["data"] = np.stack([u + 9, u, -3 * u, u + 99, u**2], axis=2)
    fields = {"density": u + 9, "velocity": np.stack([u, -3 * u], -1), "pressure": u + 99, "energy": u**2}
    return Expected(folder / "CE-told.nc", fields, times=tuple(t), kind="periodic")


def space_time_table(folder: Path) -> Expected:
    x, t = np.linspace(-1, 1, X), np.linspace(0, 0.99, T)
    u = value(x, None, t, 1)
    scipy.io.savemat(folder / "table.mat", {"x": x[:, None], "t": t[:, None], "usol": u[0].T})
    return Expected(folder / "table.mat", {"u": u}, times=tuple(t), kind="nodes", ends=(-1.0, 1.0))


def mat_pairs(folder: Path) -> Expected:
    x, t = np.arange(X) / X, np.array([0.0, 1.0, 2.0, 3.0])
    u = value(x, np.arange(X) / X, t)
    content = {"a": u[:, 0], "u": np.moveaxis(u[:, 1:], 1, -1), "t": t[1:]}
    scipy.io.savemat(folder / "ns.mat", content)
    return Expected(folder / "ns.mat", {"u": u}, times=tuple(t), kind="periodic")


def torch_pairs(folder: Path) -> Expected:
    u = value(CELLS["x"], CELLS["x"], np.zeros(1)).astype("f4")
    torch.save({"x": torch.from_numpy(u[:, 0] > 1), "y": torch.from_numpy(u[:, 0])}, folder / "pairs.pt")
    return Expected(folder / "pairs.pt", {"u": u}, {"a": (u[:, 0] > 1).astype("f4")})


def torch_trajectories(folder: Path) -> Expected:
    t = np.linspace(0, 1, T)
    u = value(np.arange(X) / X, None, t)
    visc = torch.tensor([[0.01]], dtype=torch.float64)
    torch.save({"x": torch.from_numpy(u[:, 0]), "y": torch.from_numpy(u), "visc": visc}, folder / "burgers.pt")
    return Expected(folder / "burgers.pt", {"u": u}, {}, {"viscosity": 0.01}, tuple(t), "periodic")


def torch_tensor_pair(folder: Path) -> Expected:
    a, u = (value(ENDS["x"], None, np.array([t])).astype("f4") for t in (0.0, 1.0))
    torch.save(torch.from_numpy(np.moveaxis(a, 1, 2)), folder / "wave_input_training.pt")
    torch.save(torch.from_numpy(np.moveaxis(u, 1, 2)), folder / "wave_output_training.pt")
    return Expected(folder / "wave_input_training.pt", {"u": u}, {"a": a[:, 0]}, kind="nodes")


FILES: dict[str, Callable[[Path], Expected]] = {
    "TheWell": well,
    "PDEBenchArrays": pdebench_arrays,
    "PDEBenchGroups": pdebench_groups,
    "PDEBenchIncompressible": pdebench_incompressible,
    "Poseidon": poseidon,
    "SpaceTimeTable": space_time_table,
    "MatPairs": mat_pairs,
    "TorchPairs": torch_pairs,
    "TorchTrajectories": torch_trajectories,
    "TorchTensorPair": torch_tensor_pair,
}


@pytest.mark.parametrize("cls", ADAPTERS, ids=lambda c: c.__name__)
def test_a_file_in_the_layout_comes_out_in_the_axes_of_the_schema(tmp_path: Path, cls):
    expected = FILES[cls.__name__](tmp_path)
    adapter = find_adapter(expected.path)
    assert type(adapter) is cls
    spec, arrays = adapter.read(expected.path)
    assert set(arrays.fields) == set(expected.fields) == {f.name for f in spec.fields}
    assert set(arrays.static) == set(expected.static) == {f.name for f in spec.static}
    for found, wanted in ((arrays.fields, expected.fields), (arrays.static, expected.static)):
        for name, array in wanted.items():
            np.testing.assert_array_equal(found[name], array, err_msg=name)
    assert {k: v.tolist() for k, v in arrays.params.items()} == {
        k: [pytest.approx(v)] * adapter.count(expected.path) for k, v in expected.params.items()
    }
    assert spec.times == pytest.approx(expected.times, rel=1e-6)
    axis = spec.grid.axes[0]
    assert (axis.kind, axis.low, axis.high) == (expected.kind, *(pytest.approx(e, abs=1e-12) for e in expected.ends))


@pytest.mark.parametrize("cls", ADAPTERS, ids=lambda c: c.__name__)
def test_some_rows_are_those_rows_of_the_whole(tmp_path: Path, cls):
    path = FILES[cls.__name__](tmp_path).path
    adapter = find_adapter(path)
    if adapter.count(path) == 1:
        assert next(iter(adapter.read(path, slice(0, 1))[1].fields.values())).shape[0] == 1
        return
    (_, whole), (_, part) = adapter.read(path), adapter.read(path, slice(2, 4))
    for found, wanted in ((part.fields, whole.fields), (part.static, whole.static), (part.params, whole.params)):
        for name in wanted:
            np.testing.assert_array_equal(found[name], wanted[name][2:4])


@pytest.mark.parametrize("cls", ADAPTERS, ids=lambda c: c.__name__)
def test_a_converted_file_is_a_sound_data_set(tmp_path: Path, cls):
    expected = FILES[cls.__name__](tmp_path)
    count = find_adapter(expected.path).count(expected.path)
    splits = (3, 1, 1) if count == N else (1, 0, 0)
    out = convert(expected.path, tmp_path / "out", splits=splits)
    # A table of one trajectory has nothing left for validation; everything else must be in order.
    assert validate_dataset(out) == []
    data = FieldDataset(out, "train")
    assert (data.spec.name, len(data)) == ("out", splits[0])
    first = next(f for f in data.spec.fields if f.rank == 0)
    wanted = expected.fields[first.name][: splits[0]].astype(data.spec.dtype)
    np.testing.assert_array_equal(data.fields(range(splits[0]), names=[first.name])[:, :, 0], wanted)
    if splits[2]:
        assert FieldDataset(out, "test").samples["index"].tolist() == [4]


def test_every_layout_has_a_file_here_and_they_are_told_apart(tmp_path: Path):
    assert {c.__name__ for c in ADAPTERS} == set(FILES)
    for name, make in FILES.items():
        path = make(tmp_path).path
        assert [c.__name__ for c in ADAPTERS if c().matches(path)] == [name]


def test_an_unknown_layout_is_refused_with_those_known(tmp_path: Path):
    with h5py.File(tmp_path / "odd.h5", "w") as f:
        f["x"] = np.arange(3.0)
    with pytest.raises(DataError, match=r"odd\.h5: of no layout that is known: The Well"):
        find_adapter(tmp_path / "odd.h5")
    with pytest.raises(DataError, match=r"nothing\.h5: no such file"):
        find_adapter(tmp_path / "nothing.h5")


def test_lost_samples_are_kept_with_a_status(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    expected = pdebench_groups(tmp_path)
    with h5py.File(expected.path, "r+") as f:
        f["0001/data"][...] = 0.0
        f["0002/data"][1, 1, 1, 1] = np.nan
    out = convert(expected.path, tmp_path / "out", splits=(5, 0, 0))
    assert FieldDataset(out, "train").samples["seed"].tolist() == [0, 3, 4]
    assert "are no solutions" in caplog.text
    with h5py.File(out / "train/shard-00001.h5") as f:
        assert f["samples/status"][()].tolist() == [Status.BREAKDOWN, Status.NON_FINITE, 0, 0]


def test_nothing_is_overwritten_and_nothing_half_done_stays(tmp_path: Path):
    path = torch_pairs(tmp_path).path
    convert(path, tmp_path / "out")
    with pytest.raises(DataError, match="is there already"):
        convert(path, tmp_path / "out")
    with pytest.raises(DataError, match=r"splits=\(9, 0, 0\) must be at most 5"):
        convert(path, tmp_path / "more", splits=(9, 0, 0))
    before = set(tmp_path.iterdir())
    damaged = tmp_path / "damaged.h5"
    damaged.write_bytes(pdebench_groups(tmp_path).path.read_bytes())
    with h5py.File(damaged, "r+") as f:
        del f["0004/data"]
        f["0004/data"] = np.zeros((2, 2))
    with pytest.raises(DataError, match=r"/0004/data: has shape \(2, 2\)"):
        convert(damaged, tmp_path / "half")
    assert {p.name for p in set(tmp_path.iterdir()) - before} == {"damaged.h5", "2D_diff-react_NA_NA.h5"}
