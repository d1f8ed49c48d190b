"""Exports: documented keys, shapes and attributes exactly, the same numbers through our own readers, the same bytes."""

import json
import math
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray
import yaml

from sciml.data import SPLITS, DatasetSpec, FieldDataset, Shard, write_manifest, write_shard, write_statistics
from sciml.data.adapters import convert, find_adapter
from sciml.data.layouts import (
    LAYOUTS,
    Layout,
    PDEBenchArraysLayout,
    PDEBenchGroupsLayout,
    PDEBenchIncompressibleLayout,
    PoseidonLayout,
    TheWellLayout,
    base,
    export,
    find_layout,
)
from sciml.data.layouts.flows import velocity_of
from sciml.describe import describe
from sciml.fields import Boundaries, Dirichlet, FieldSpec, Grid, ParameterSpec, Periodic
from sciml.files import file_hash
from sciml.status import DataError, Status

ONE = (FieldSpec("u"),)
LINE, PLANE = Grid.periodic(8), Grid.periodic(6, 4)
GAS = (FieldSpec("density"), FieldSpec("velocity", rank=1), FieldSpec("pressure"))


def spec(fields=ONE, grid=LINE, *, static=(), parameters=(), times=(0.0, 0.5, 1.0), **meta) -> DatasetSpec:
    boundaries = Boundaries.periodic() if grid.is_periodic else Boundaries.dirichlet()
    return DatasetSpec("demo", fields, static, parameters, grid, boundaries, times=times, dtype="float64", meta=meta)


def make(folder: Path, what: DatasetSpec, params=None, sizes=((2, 1), (1,), (2,)), failed=None) -> Path:
    """A data set of random numbers; `sizes` are the trajectories per shard of each split."""
    rng, first, shards = np.random.default_rng(0), 0, {}
    d, s, t = what.grid.dimensions, what.grid.shape, len(what.times)
    for split, counts in zip(("train", "valid", "test"), sizes, strict=True):
        shards[split] = []
        for number, n in enumerate(counts):
            name, index = f"{split}/shard-{number:05d}.h5", np.arange(first, first + n)
            values = {f.name: rng.normal(size=(n, t, *s, *(d,) * f.rank)) for f in what.fields}
            digest = write_shard(
                folder / name,
                what,
                fields=values,
                static={f.name: rng.random((n, *s, *(d,) * f.rank)) for f in what.static},
                params={p.name: np.array([(params or {})[p.name][i] for i in index]) for p in what.parameters},
                index=index,
                status=np.where(index == failed, int(Status.MAX_STEPS), 0),
            )
            shards[split].append(Shard(name, n, (folder / name).stat().st_size, digest, file_hash(folder / name)))
            first += n
    write_manifest(folder, shards)
    write_statistics(folder)
    return folder


def whole(root: Path, name: str, static: bool = False) -> np.ndarray:
    """A field of all trajectories in the order of the splits, float32, `(n, t, c, *s)` or `(n, c, *s)`."""
    sets = [FieldDataset(root, s) for s in ("train", "valid", "test")]
    parts = [(d.static if static else d.fields)(range(len(d)), names=[name]) for d in sets]
    return np.concatenate(parts).astype("f4")


def shapes(path: Path) -> dict[str, tuple]:
    found = {}
    with h5py.File(path) as f:
        f.visititems(lambda n, i: found.update({n: (i.shape, i.dtype.str)}) if isinstance(i, h5py.Dataset) else None)
    return found


def attributes(path: Path) -> dict:
    with h5py.File(path) as f:
        return dict(f.attrs)


def files(out: Path) -> list[str]:
    return sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file())


# ---- PDEBench, one array per variable -------------------------------------------------------------------------------


def test_burgers_has_the_published_keys_shapes_attribute_and_name(tmp_path):
    what = spec(pde="Burgers", constants={"viscosity": 0.001 / math.pi})
    root = make(tmp_path / "demo", what)
    out = export(root, tmp_path / "out", PDEBenchArraysLayout())
    assert files(out) == ["1D_Burgers_Sols_Nu0.001.hdf5", "layout.json"]
    path = out / "1D_Burgers_Sols_Nu0.001.hdf5"
    assert shapes(path) == {
        "tensor": ((6, 3, 8), "<f4"),
        "x-coordinate": ((8,), "<f4"),
        "t-coordinate": ((4,), "<f4"),
    }
    assert attributes(path) == {"Nu": 0.001}
    with h5py.File(path) as f:
        np.testing.assert_array_equal(f["t-coordinate"], np.array([0.0, 0.5, 1.0, 1.5], "f4"))
        np.testing.assert_array_equal(f["x-coordinate"], LINE.axes[0].coords.astype("f4"))
        np.testing.assert_array_equal(f["tensor"], whole(root, "u")[:, :, 0])
    read, arrays = find_adapter(path).read(path)
    np.testing.assert_array_equal(arrays.fields["u"], whole(root, "u")[:, :, 0])
    assert (read.times, arrays.params["Nu"].tolist()) == ((0.0, 0.5, 1.0), [0.001] * 6)


def test_advection_becomes_one_file_per_speed(tmp_path):
    what = spec(pde="Advection", constants={"velocity_y": 0.0}, parameters=(ParameterSpec("velocity_x"),))
    root = make(tmp_path / "demo", what, {"velocity_x": [0.1, 4, 0.1, 4, 4, 0.1]})
    out = export(root, tmp_path / "out", find_layout("pdebench", what))
    names = ["1D_Advection_Sols_beta0.1.hdf5", "1D_Advection_Sols_beta4.0.hdf5"]
    assert files(out) == [*names, "layout.json"]
    for name, rows, beta in zip(names, ([0, 2, 5], [1, 3, 4]), (0.1, 4.0), strict=True):
        assert attributes(out / name) == {"beta": beta}
        with h5py.File(out / name) as f:
            np.testing.assert_array_equal(f["tensor"], whole(root, "u")[rows, :, 0])


def test_darcy_has_its_coefficient_and_one_time(tmp_path):
    grid = Grid.cells(6, 4)
    what = spec(grid=grid, static=(FieldSpec("a"),), times=(0.0,), pde="Darcy", constants={"f": 1.0})
    root = make(tmp_path / "demo", what)
    path = export(root, tmp_path / "out", PDEBenchArraysLayout()) / "2D_DarcyFlow_beta1.0_Train.hdf5"
    assert shapes(path) == {
        "tensor": ((6, 1, 6, 4), "<f4"),
        "nu": ((6, 6, 4), "<f4"),
        "x-coordinate": ((6,), "<f4"),
        "y-coordinate": ((4,), "<f4"),
    }
    assert attributes(path) == {"beta": 1.0}
    read, arrays = find_adapter(path).read(path)
    np.testing.assert_array_equal(arrays.fields["u"], whole(root, "u")[:, :, 0])
    np.testing.assert_array_equal(arrays.static["nu"], whole(root, "a", static=True)[:, 0])
    assert read.grid == grid


@pytest.mark.parametrize(
    ("grid", "meta", "name", "attrs"),
    [
        (Grid.periodic(8), {}, "1D_CFD_Rand_Eta0.0_Zeta0.0_periodic_Train.hdf5", {"eta": 0.0, "zeta": 0.0}),
        (
            Grid.cells(8),
            {"initial": "ShockTube", "constants": {"eta": 1e-8, "zeta": 1e-8}},
            "1D_CFD_Shock_Eta1.e-8_Zeta1.e-8_trans_Train.hdf5",
            {"eta": 1e-8, "zeta": 1e-8},
        ),
        (
            Grid.periodic(6, 4),
            {"initial": "TurbulentGas", "mach": 0.1, "constants": {"eta": 1e-8, "zeta": 0.01}},
            "2D_CFD_Turb_M0.1_Eta1e-08_Zeta0.01_periodic_6_Train.hdf5",
            {"eta": 1e-8, "zeta": 0.01, "M": 0.1},
        ),
        (
            Grid.periodic(3, 4, 5),
            {"initial": {"density": "Constant"}, "mach": 1.0},
            "3D_CFD_Rand_M1.0_Eta0.0_Zeta0.0_periodic_Train.hdf5",
            {"eta": 0.0, "zeta": 0.0, "M": 1.0},
        ),
    ],
)
def test_a_gas_has_one_array_per_component(tmp_path, grid, meta, name, attrs):
    what = spec(GAS, grid, **meta)
    root = make(tmp_path / "demo", what)
    out = export(root, tmp_path / "out", PDEBenchArraysLayout())
    assert files(out) == [name, "layout.json"]
    assert attributes(out / name) == attrs
    frames = len(what.times) + (grid.dimensions == 1)
    arrays = dict.fromkeys(("density", "pressure", *(f"V{n}" for n in grid.names)), ((6, 3, *grid.shape), "<f4"))
    axes = {f"{n}-coordinate": ((a.n,), "<f4") for n, a in zip(grid.names, grid.axes, strict=True)}
    assert shapes(out / name) == {**arrays, **axes, "t-coordinate": ((frames,), "<f4")}
    _, read = find_adapter(out / name).read(out / name)
    np.testing.assert_array_equal(read.fields["pressure"], whole(root, "pressure")[:, :, 0])
    np.testing.assert_array_equal(np.moveaxis(read.fields["velocity"], -1, 2), whole(root, "velocity"))


def test_another_equation_gives_a_file_of_the_data_sets_name_with_its_parameters(tmp_path):
    what = spec(pde="Heat", constants={"a": 2.0}, parameters=(ParameterSpec("diffusivity"),))
    root = make(tmp_path / "demo", what, {"diffusivity": [0.5] * 5 + [0.25]})
    out = export(root, tmp_path / "out", PDEBenchArraysLayout())
    assert files(out) == ["demo_diffusivity0.25.hdf5", "demo_diffusivity0.5.hdf5", "layout.json"]
    assert attributes(out / "demo_diffusivity0.5.hdf5") == {"a": 2.0, "diffusivity": 0.5}


def test_a_parameter_that_the_published_name_has_no_place_for_is_refused(tmp_path):
    what = spec(pde="Burgers", constants={"viscosity": 0.1}, parameters=(ParameterSpec("other"),))
    root = make(tmp_path / "demo", what, {"other": [1, 2, 1, 1, 1, 1]})
    with pytest.raises(DataError, match="more than one setting"):
        export(root, tmp_path / "out", PDEBenchArraysLayout())
    assert not list(tmp_path.glob("*out*"))


def test_a_continuous_parameter_is_refused_with_what_to_do(tmp_path):
    what = spec(pde="Burgers", parameters=(ParameterSpec("viscosity"),))
    root = make(tmp_path / "demo", what, {"viscosity": np.arange(200) / 100}, sizes=((100,), (50,), (50,)))
    with pytest.raises(DataError, match=r"200 settings.*Choice.*--set parameters\.viscosity"):
        export(root, tmp_path / "out", PDEBenchArraysLayout())


# ---- PDEBench, groups and incompressible flow -----------------------------------------------------------------------


def test_groups_have_the_published_keys_and_settings(tmp_path):
    fields = (FieldSpec("activator"), FieldSpec("inhibitor"))
    what = spec(fields, PLANE, parameters=(ParameterSpec("k"),), constants={"d": 0.5})
    root = make(tmp_path / "demo", what, {"k": np.arange(6.0)})
    out = export(root, tmp_path / "out", find_layout("pdebench", what))
    path = out / "2D_diff-react_NA_NA.h5"
    assert files(out) == [path.name, "layout.json"]
    one = {"data": (3, 6, 4, 2), "grid/x": (6,), "grid/y": (4,), "grid/t": (3,)}
    assert shapes(path) == {f"{k:04d}/{n}": (s, "<f4") for k in range(6) for n, s in one.items()}
    with h5py.File(path) as f:
        settings = yaml.safe_load(f["0004"].attrs["config"])
        assert (settings["parameters"], settings["index"], settings["constants"]) == ({"k": 4.0}, 4, {"d": 0.5})
    _, arrays = find_adapter(path).read(path)
    for name in ("activator", "inhibitor"):
        np.testing.assert_array_equal(arrays.fields[name], whole(root, name)[:, :, 0])
    assert arrays.seed.tolist() == list(range(6))


FORCES = {
    "velocity": (FieldSpec("force", rank=1),),
    "velocity and components": (FieldSpec("force_x"), FieldSpec("force_y")),
    "vorticity": (),
}


@pytest.mark.parametrize("stored", FORCES)
def test_incompressible_flow_has_the_published_keys(tmp_path, stored):
    flow, force = FieldSpec("vorticity") if stored == "vorticity" else FieldSpec("velocity", rank=1), FORCES[stored]
    what = spec((flow, FieldSpec("tracer")), PLANE, static=force)
    root = make(tmp_path / "demo", what)
    out = export(root, tmp_path / "out", find_layout("pdebench", what))
    names = [f"ns_incom_inhom_2d_512-{k}.h5" for k in range(2)]
    assert files(out) == ["layout.json", *names]
    for name, rows in zip(names, (slice(0, 4), slice(4, 6)), strict=True):
        b = rows.stop - rows.start
        assert shapes(out / name) == {
            "velocity": ((b, 3, 6, 4, 2), "<f4"),
            "particles": ((b, 3, 6, 4, 1), "<f4"),
            "force": ((b, 6, 4, 2), "<f4"),
            "t": ((b, 3), "<f4"),
        }
        assert set(attributes(out / name)) == {"config", "latestIndex"}
        assert attributes(out / name)["latestIndex"] == 2
        read, arrays = find_adapter(out / name).read(out / name)
        np.testing.assert_array_equal(arrays.fields["particles"], whole(root, "tracer")[rows, :, 0])
        velocity, pushed = np.moveaxis(arrays.fields["velocity"], -1, 2), np.moveaxis(arrays.static["force"], -1, 1)
        if force:
            np.testing.assert_array_equal(velocity, whole(root, "velocity")[rows])
            drawn = np.concatenate([whole(root, f.name, static=True)[rows] for f in force], axis=1)
            np.testing.assert_array_equal(pushed, drawn)
        else:
            expected = velocity_of(whole(root, "vorticity")[rows, :, 0], PLANE)
            np.testing.assert_allclose(velocity, expected, atol=1e-6)
            assert not pushed.any()
        assert read.times == (0.0, 0.5, 1.0)


def test_velocity_of_a_vorticity_is_that_of_its_stream_function():
    """psi = cos(x) sin(2y) on a box of 2 pi by pi, and a mean flow."""
    grid = Grid.periodic(16, 12, high=(2 * math.pi, math.pi))
    x, y = (a.numpy() for a in grid.meshgrid())
    u, v = 2 * np.cos(x) * np.cos(2 * y), np.sin(x) * np.sin(2 * y)
    found = velocity_of(5 * np.cos(x) * np.sin(2 * y), grid, (1.0, -2.0))
    np.testing.assert_allclose(found, np.stack([u + 1, v - 2]), atol=1e-13)


# ---- The Well -------------------------------------------------------------------------------------------------------


def test_the_well_has_its_schema(tmp_path):
    tensor, flow = FieldSpec("s", rank=2), FieldSpec("v", rank=1, unit="m s-1")
    what = DatasetSpec(
        "demo",
        (FieldSpec("u"), flow, tensor),
        (FieldSpec("a"),),
        (ParameterSpec("nu"),),
        Grid((*Grid.periodic(6).axes, *Grid.nodes(4).axes)),
        Boundaries({"x": Periodic(), "y": Dirichlet()}),
        times=(0.0, 0.5, 1.0),
        meta={"constants": {"g": 9.5}},
    )
    root = make(tmp_path / "demo", what, {"nu": np.arange(6.0)})
    out = export(root, tmp_path / "out", TheWellLayout())
    splits = {"train": 3, "valid": 1, "test": 2}
    assert files(out) == [
        "data/test/demo.hdf5",
        "data/train/demo.hdf5",
        "data/valid/demo.hdf5",
        "layout.json",
        "stats.yaml",
    ]
    for split, n in splits.items():
        path, data = out / f"data/{split}/demo.hdf5", FieldDataset(root, split)
        assert shapes(path) == {
            "dimensions/time": ((3,), "<f4"),
            "dimensions/x": ((6,), "<f4"),
            "dimensions/y": ((4,), "<f4"),
            "boundary_conditions/x_periodic/mask": ((6,), "|b1"),
            "boundary_conditions/y_wall/mask": ((4,), "|b1"),
            "scalars/nu": ((n,), "<f4"),
            "scalars/g": ((), "<f4"),
            "t0_fields/u": ((n, 3, 6, 4), "<f4"),
            "t0_fields/a": ((n, 6, 4), "<f4"),
            "t1_fields/v": ((n, 3, 6, 4, 2), "<f4"),
            "t2_fields/s": ((n, 3, 6, 4, 2, 2), "<f4"),
        }
        with h5py.File(path) as f:
            assert {k: f.attrs[k] for k in ("dataset_name", "grid_type", "n_spatial_dims", "n_trajectories", "g")} == {
                "dataset_name": "demo",
                "grid_type": "cartesian",
                "n_spatial_dims": 2,
                "n_trajectories": n,
                "g": 9.5,
            }
            assert list(f.attrs["simulation_parameters"]) == ["g"]
            assert list(f["dimensions"].attrs["spatial_dims"]) == ["x", "y"]
            assert list(f["scalars"].attrs["field_names"]) == ["nu", "g"]
            names = {g: list(f[g].attrs["field_names"]) for g in ("t0_fields", "t1_fields", "t2_fields")}
            assert names == {"t0_fields": ["u", "a"], "t1_fields": ["v"], "t2_fields": ["s"]}
            flags = {
                k: list(np.ravel(f["t0_fields/a"].attrs[k])) for k in ("sample_varying", "time_varying", "dim_varying")
            }
            assert flags == {"sample_varying": [True], "time_varying": [False], "dim_varying": [True, True]}
            wall = f["boundary_conditions/y_wall"]
            assert (wall.attrs["bc_type"], list(wall.attrs["associated_dims"])) == ("WALL", ["y"])
            assert wall["mask"][()].tolist() == [True, False, False, True]
            assert not f["t2_fields/s"].attrs["symmetric"]
        read, arrays = find_adapter(path).read(path)
        assert read.grid == what.grid
        every = data.fields(range(n)).astype("f4")
        np.testing.assert_array_equal(arrays.fields["u"], every[:, :, 0])
        np.testing.assert_array_equal(np.moveaxis(arrays.fields["v"], -1, 2), every[:, :, 1:3])
        np.testing.assert_array_equal(arrays.fields["s"].reshape(n, 3, 6, 4, 4), np.moveaxis(every[:, :, 3:], 2, -1))
        np.testing.assert_array_equal(arrays.static["a"], data.static(range(n))[:, 0].astype("f4"))
        assert arrays.params["nu"].tolist() == data.params(range(n))[:, 0].tolist()
    stats = yaml.safe_load((out / "stats.yaml").read_text())
    assert set(stats) == {f"{n}{s}" for n in ("mean", "std", "rms") for s in ("", "_delta")}
    assert np.shape(stats["mean"]["v"]) == (2,)
    u = FieldDataset(root, "train").fields(range(3), names=["u"])
    assert stats["std"]["u"] == pytest.approx(u.std())
    assert stats["mean_delta"]["u"] == pytest.approx(np.diff(u, axis=1).mean())


# ---- Poseidon -------------------------------------------------------------------------------------------------------

POSEIDON = {
    "gas": (spec(GAS, PLANE, constants={"gamma": 1.4}), {"data": (6, 3, 5, 6, 4)}),
    "gas with a tracer": (spec((*GAS, FieldSpec("tracer")), PLANE), {"data": (6, 3, 5, 6, 4)}),
    "flow": (spec((FieldSpec("velocity", rank=1),), PLANE), {"velocity": (6, 3, 2, 6, 4)}),
    "flow with a tracer": (
        spec((FieldSpec("velocity", rank=1), FieldSpec("tracer")), PLANE),
        {"velocity": (6, 3, 3, 6, 4)},
    ),
    "vorticity": (spec((FieldSpec("vorticity"), FieldSpec("tracer")), PLANE), {"velocity": (6, 3, 3, 6, 4)}),
    "forced": (
        spec((FieldSpec("velocity", rank=1), FieldSpec("tracer")), PLANE, forcing={"velocity_x": {}}),
        {"solution": (6, 3, 3, 6, 4)},
    ),
    "scalar": (spec(ONE, PLANE), {"solution": (6, 3, 6, 4)}),
    "wave": (
        spec((FieldSpec("u"), FieldSpec("v")), PLANE, static=(FieldSpec("speed"),), pde="Wave"),
        {"solution": (6, 3, 6, 4), "c": (6, 6, 4)},
    ),
    "steady": (
        spec(ONE, PLANE, static=(FieldSpec("f"),), times=(0.0,)),
        {"solution": (6, 6, 4), "source": (6, 6, 4)},
    ),
}


@pytest.mark.parametrize("case", POSEIDON)
def test_poseidon_has_its_variables_and_dimensions(tmp_path, case):
    what, variables = POSEIDON[case]
    root = make(tmp_path / "demo", what)
    path = export(root, tmp_path / "out", find_layout("poseidon", what)) / "demo.nc"
    found = shapes(path)
    assert {k: found[k] for k in variables} == {k: (s, "<f4") for k, s in variables.items()}
    assert set(found) - set(variables) <= {"sample", "time", "channel", "x", "y"}
    (main, shape), *_ = variables.items()
    with xarray.open_dataset(path, engine="h5netcdf") as seen:
        dims = {5: ("sample", "time", "channel", "x", "y"), 4: ("sample", "time", "x", "y"), 3: ("sample", "x", "y")}
        assert seen[main].dims == dims[len(shape)]
        assert set(seen.data_vars) == set(variables)
    _, arrays = find_adapter(path).read(path)
    u = arrays.fields
    for name in set(u) & {f.name for f in what.fields}:
        given = whole(root, name)
        np.testing.assert_array_equal(np.moveaxis(u[name], -1, 2) if name == "velocity" else u[name][:, :, None], given)
    if case == "gas":
        kinetic = 0.5 * whole(root, "density") * (whole(root, "velocity") ** 2).sum(axis=2, keepdims=True)
        np.testing.assert_allclose(
            u["energy"][:, :, None], whole(root, "pressure") / 0.4 + kinetic, rtol=1e-4, atol=1e-5
        )
    if case == "gas with a tracer":
        np.testing.assert_array_equal(u["energy"], whole(root, "tracer")[:, :, 0])
    if case == "vorticity":
        expected = velocity_of(whole(root, "vorticity")[:, :, 0], PLANE)
        np.testing.assert_allclose(np.moveaxis(u["velocity"], -1, 2), expected, atol=1e-6)
    for name in arrays.static:
        np.testing.assert_array_equal(arrays.static[name], whole(root, what.static[0].name, static=True)[:, 0])


def test_a_file_of_the_name_that_is_published_with_y_before_x_is_written_and_read_so(tmp_path):
    what = POSEIDON["flow with a tracer"][0]
    root = make(tmp_path / "demo", what)
    path = export(root, tmp_path / "out", PoseidonLayout(name="NS-SL")) / "NS-SL.nc"
    with xarray.open_dataset(path, engine="h5netcdf") as seen:
        assert seen["velocity"].dims == ("sample", "time", "channel", "y", "x")
        np.testing.assert_array_equal(np.swapaxes(seen["velocity"][:, :, :2], 3, 4), whole(root, "velocity"))
    read, arrays = find_adapter(path).read(path)
    assert read.grid.shape == PLANE.shape
    np.testing.assert_array_equal(np.moveaxis(arrays.fields["velocity"], -1, 2), whole(root, "velocity"))
    np.testing.assert_array_equal(arrays.fields["tracer"][:, :, None], whole(root, "tracer"))


# ---- what all of them keep to ---------------------------------------------------------------------------------------

EVERY: dict[str, tuple[Layout, DatasetSpec]] = {
    "arrays": (PDEBenchArraysLayout(), spec()),
    "groups": (PDEBenchGroupsLayout(), spec(ONE, PLANE)),
    "incompressible": (PDEBenchIncompressibleLayout(), POSEIDON["flow with a tracer"][0]),
    "poseidon": (PoseidonLayout(name="other"), POSEIDON["gas"][0]),
    "the_well": (TheWellLayout(), POSEIDON["wave"][0]),
}


def test_every_layout_is_looked_at_here():
    assert {type(layout) for layout, _ in EVERY.values()} == {cls for group in LAYOUTS.values() for cls in group}


@pytest.mark.parametrize("name", EVERY)
def test_the_same_data_give_the_same_bytes_whatever_the_pieces_and_the_clock(tmp_path, name, monkeypatch):
    layout, what = EVERY[name]
    root = make(tmp_path / "demo", what, failed=1)
    first = export(root, tmp_path / "a", layout)
    monkeypatch.setattr(base, "PIECE_BYTES", 1)
    monkeypatch.setattr("time.time", lambda: 0.0)
    second = export(root, tmp_path / "b", layout)
    assert {f: (first / f).read_bytes() for f in files(first)} == {f: (second / f).read_bytes() for f in files(second)}
    record = json.loads((first / "layout.json").read_text())
    assert record["layout"] == describe(layout)
    # The trajectory that failed is left out.
    assert record["rows"] == {"train": [0, 2], "valid": [2, 3], "test": [3, 5]}
    assert record["files"] == {f: file_hash(first / f) for f in files(first) if f != "layout.json"}


@pytest.mark.parametrize("name", EVERY)
def test_an_exported_file_converts_into_a_data_set_again(tmp_path, name):
    layout, what = EVERY[name]
    out = export(make(tmp_path / "demo", what), tmp_path / "out", layout)
    path = next(p for p in sorted(out.rglob("*")) if p.suffix in (".h5", ".hdf5", ".nc"))
    again = convert(path, tmp_path / "again", splits=(1, 0, 0))
    assert len(FieldDataset(again, "train")) == 1


@pytest.mark.parametrize(
    ("record", "sizes"),
    [
        (None, (3, 1, 2)),
        ("{", (6, 0, 0)),
        ('{"files": {"demo.nc": ""}, "rows": 3}', (6, 0, 0)),
        ('{"files": {"other.nc": ""}, "rows": {"train": [0, 3]}}', (6, 0, 0)),
    ],
    ids=["as written", "cut off", "without rows", "of another file"],
)
def test_a_conversion_keeps_the_splits_that_the_export_recorded(tmp_path, record, sizes):
    out = export(make(tmp_path / "demo", spec(ONE, PLANE)), tmp_path / "out", PoseidonLayout())
    if record is not None:
        (out / "layout.json").write_text(record)
    again = convert(out / "demo.nc", tmp_path / "again")
    assert tuple(len(FieldDataset(again, s)) if any((again / s).glob("*.h5")) else 0 for s in SPLITS) == sizes


def test_a_record_of_more_rows_than_there_are_is_refused(tmp_path):
    out = export(make(tmp_path / "demo", spec(ONE, PLANE)), tmp_path / "out", PoseidonLayout())
    (out / "layout.json").write_text('{"files": {"demo.nc": ""}, "rows": {"train": [0, 9]}}')
    with pytest.raises(DataError, match="must be at most 6 trajectories"):
        convert(out / "demo.nc", tmp_path / "again")


def test_an_export_that_is_there_is_kept_and_anything_else_is_not_overwritten(tmp_path):
    root, layout = make(tmp_path / "demo", spec()), PDEBenchArraysLayout()
    out = export(root, tmp_path / "out", layout)
    stamps = {f: (out / f).stat().st_mtime_ns for f in files(out)}
    assert export(root, out, layout) == out
    assert stamps == {f: (out / f).stat().st_mtime_ns for f in files(out)}
    with pytest.raises(DataError, match="other data or in another layout"):
        export(root, out, TheWellLayout())
    (out / "demo.hdf5").write_bytes(b"changed")
    with pytest.raises(DataError, match="missing or changed"):
        export(root, out, layout)
    (tmp_path / "full").mkdir()
    with pytest.raises(DataError, match="no export; nothing is overwritten"):
        export(root, tmp_path / "full", layout)


def test_an_export_that_fails_leaves_nothing(tmp_path, monkeypatch):
    root = make(tmp_path / "demo", spec())
    before = set(tmp_path.rglob("*"))

    def breaks(self, file, source, rows):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(PDEBenchArraysLayout, "_arrays", breaks)
    with pytest.raises(OSError, match="No space"):
        export(root, tmp_path / "out", PDEBenchArraysLayout())
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "what", "words"),
    [
        ("pdebench", spec(GAS, PLANE), "needs M or mach among parameters or meta"),
        ("pdebench", spec(static=(FieldSpec("a"), FieldSpec("b"))), "one scalar coefficient; there are a, b"),
        ("poseidon", spec(), "2 dimensions; the grid has 1"),
        ("poseidon", spec(GAS, PLANE), "gamma"),
        ("poseidon", spec((FieldSpec("u"), FieldSpec("v")), PLANE), "there are u, v"),
        (
            "poseidon",
            spec((FieldSpec("vorticity"),), Grid.cells(4, 4)),
            "velocity of a vorticity is known on a periodic grid only",
        ),
    ],
)
def test_a_layout_without_a_place_for_the_data_says_why(name, what, words):
    with pytest.raises(DataError, match=words):
        find_layout(name, what)


def test_an_unknown_layout_is_told_with_those_known():
    with pytest.raises(ValueError, match=r"layout='pdebensch' must be one of pdebench, the_well, poseidon\."):
        find_layout("pdebensch", spec())
