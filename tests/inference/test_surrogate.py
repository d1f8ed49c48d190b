"""A surrogate with a network known in closed form: torch, numpy and xarray, calls and rollouts."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

from sciml.fields import Boundaries, FieldSpec, Grid, ParameterSpec
from sciml.inference import Surrogate, SurrogateSpec, valid_until
from sciml.nn import Normalized, Normalizer
from sciml.operators import FNO
from sciml.solvers import Stepper, rollout
from sciml.status import SolveFailure, Status

U = torch.linspace(-1, 1, 3 * 16).reshape(3, 1, 16)


def halved(u, times=1):
    return np.where(u > 0, u, u * 0.5**times)


def dataset(u, spec, **coords):
    """Frames (sample, time, x) as xarray with the units of a specification."""
    x = ("x", spec.grid.resized(u.shape[-1]).axes[0].coords, {"units": "m"})
    return xr.Dataset({"u": (("sample", "time", "x"), np.asarray(u), {"units": "m s-1"})}, {"x": x, **coords})


def test_torch_and_numpy_come_back_as_they_came(stepper):
    assert torch.equal(stepper(U), torch.as_tensor(halved(U)))
    result = stepper(U.numpy().astype(np.float64))
    assert isinstance(result, np.ndarray)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, halved(U.numpy()))


def test_a_loaded_surrogate_equals_the_saved_one(tmp_path, stepper):
    loaded = Surrogate.load(stepper.save(tmp_path / "model.sciml"))
    assert loaded.spec == stepper.spec
    assert torch.equal(loaded(U), stepper(U))


def test_blocks_do_not_change_the_result(stepper):
    assert torch.equal(Surrogate(stepper.network, stepper.spec, batch_size=2)(U), stepper(U))


def test_results_carry_no_graph_and_the_network_is_in_evaluation_mode(stepper):
    assert not stepper.network.training
    assert not stepper(U.clone().requires_grad_()).requires_grad


def test_xarray_keeps_dimensions_coordinates_units_and_moves_time_on(stepper):
    frames = U.numpy().reshape(3, 1, 16)
    given = dataset(frames, stepper.spec, time=("time", [0.5], {"units": "s"}), sample=("sample", [7, 8, 9]))
    result = stepper(given.transpose("x", "time", "sample"))
    assert result.u.dims == ("sample", "time", "x")
    np.testing.assert_array_equal(result.u.values, halved(frames))
    assert result.time.values == pytest.approx([0.6])
    assert result.sample.values.tolist() == [7, 8, 9]
    assert result.u.attrs == {"units": "m s-1", "long_name": "velocity"}
    assert result.x.attrs["units"] == "m"


def test_a_data_array_gives_a_data_array(steady):
    a = xr.DataArray(np.full((4, 6), -1.0), dims=("x", "y"), name="a", attrs={"units": "m2"})
    p = steady(a)
    assert isinstance(p, xr.DataArray)
    assert (p.name, p.dims, p.attrs["units"]) == ("p", ("x", "y"), "Pa")
    assert (p.values == -0.25).all()


def test_another_unit_is_refused(stepper):
    given = dataset(np.zeros((1, 1, 16)), stepper.spec)
    given.u.attrs["units"] = "km h-1"
    with pytest.raises(ValueError, match=r"'u' is given in 'km h-1'.*'m s-1'"):
        stepper(given)
    given.u.attrs["units"] = "m s-1"
    given.x.attrs["units"] = "cm"
    with pytest.raises(ValueError, match=r"'x' is given in 'cm'"):
        stepper(given)


def test_a_missing_variable_is_named_with_the_nearest_one(steady):
    with pytest.raises(ValueError, match="variable 'a' is missing; the data set has aa, b; did you mean 'aa'"):
        steady(xr.Dataset({"aa": (("x", "y"), np.zeros((4, 6))), "b": 1.0}))


def test_coordinates_of_another_domain_or_axis_kind_are_refused(steady):
    cells = (np.arange(4) + 0.5) / 4
    a = xr.DataArray(np.ones((4, 6)), dims=("x", "y"), coords={"x": cells})
    steady(a)
    for wrong in (2 * cells, np.linspace(0, 1, 4), cells[::-1]):
        with pytest.raises(ValueError, match="coordinate 'x' runs from"):
            steady(a.assign_coords(x=wrong))


def test_an_unknown_or_missing_dimension_is_refused(steady):
    with pytest.raises(ValueError, match="unknown dimension 'level'"):
        steady(xr.DataArray(np.ones((2, 4, 6)), dims=("level", "x", "y")))
    with pytest.raises(ValueError, match="lacks the dimension 'y'"):
        steady(xr.DataArray(np.ones(4), dims=("x",)))


def test_another_resolution_is_taken_where_the_network_claims_it_and_refused_elsewhere(stepper, steady):
    fine = stepper(dataset(np.ones((1, 1, 24)), stepper.spec))
    assert fine.u.shape == (1, 1, 24)
    assert fine.x.values[1] == pytest.approx(2.0 / 24)
    with pytest.raises(ValueError, match=r"takes \(4, 6\) alone"):
        steady(torch.ones(1, 1, 8, 12))


def test_wrong_channels_are_refused_with_both_shapes(steady):
    with pytest.raises(ValueError, match=r"shape \(1, 2, 4, 6\); this surrogate takes \(b, 1, 4, 6\).*channels a"):
        steady(torch.ones(1, 2, 4, 6))


def test_the_surrogate_rolls_out_like_a_solver(stepper):
    assert isinstance(stepper, Stepper)
    times = torch.tensor([1.0, 1.1, 1.4], dtype=torch.float64)
    trajectory = rollout(stepper, stepper.start(U, t=1.0), times)
    for frame, steps in enumerate((0, 1, 4)):
        np.testing.assert_array_equal(trajectory.u[:, frame].numpy(), halved(U.numpy(), steps))
    assert torch.equal(stepper.rollout(U, times).u, trajectory.u)


def test_xarray_rolls_out_to_xarray_with_the_same_labels(stepper):
    times = [0.5, 0.6, 0.8]
    given = dataset(U.numpy().reshape(3, 1, 16).repeat(3, axis=1), stepper.spec, time=("time", times))
    result = stepper.rollout(given.isel(time=0), times=given.time)
    assert result.u.dims == ("sample", "time", "x")
    np.testing.assert_array_equal(result.u.isel(time=2).values, halved(U.numpy()[:, 0], 3))
    assert result.time.values.tolist() == times
    assert result.valid_until.values.tolist() == [0.8] * 3
    single = stepper.rollout(given.isel(time=0, sample=1), times=given.time)
    np.testing.assert_array_equal(single.u.values, result.u.isel(sample=1).values)


def test_rollouts_at_another_resolution_carry_their_own_grid(stepper):
    trajectory = stepper.rollout(torch.ones(1, 1, 20), [0.0, 0.1])
    assert trajectory.to_xarray().x.shape == (20,)


def test_a_time_that_is_no_multiple_of_the_step_is_refused(stepper):
    with pytest.raises(ValueError, match="no multiple"):
        stepper.rollout(U, [0.0, 0.15])
    with pytest.raises(ValueError, match="not the only step"):
        stepper(U, lead=0.2)


def test_a_map_neither_starts_nor_takes_a_lead_time(steady):
    with pytest.raises(ValueError, match="steady map"):
        steady.start(torch.ones(1, 1, 4, 6))
    with pytest.raises(ValueError, match="steady map"):
        steady(torch.ones(1, 1, 4, 6), lead=0.1)


def test_a_diverging_rollout_stops_and_reports_how_long_it_was_good(stepper):
    with torch.no_grad():
        stepper.network.weight.fill_(1e20)
    u = torch.stack([torch.ones(1, 16), -torch.ones(1, 16)])
    trajectory = stepper.rollout(u, [0.0, 0.1, 0.2, 0.3])
    assert trajectory.status.tolist() == [Status.SUCCESS, Status.NON_FINITE]
    assert valid_until(trajectory).tolist() == pytest.approx([0.3, 0.1])
    assert torch.isnan(trajectory.u[1, 2:]).all()
    assert torch.equal(trajectory.u[0, 3], u[0])
    with pytest.raises(SolveFailure, match="sample 1"):
        trajectory.check()


class Shift(nn.Module):
    """u + time + the sum of parameters + static field + coordinate: shows what a network is given."""

    accepts = ("time", "params", "coords")

    def forward(self, x, *, time=None, params=None, coords=None):
        extra = time.view(-1, 1, 1) + params.sum(dim=1).view(-1, 1, 1) + coords[None]
        return x[:, :1] + x[:, 1:] + extra


@pytest.fixture
def conditioned():
    spec = SurrogateSpec(
        fields=(FieldSpec("u"),),
        grid=Grid.cells(4),
        boundaries=Boundaries.dirichlet(),
        static=(FieldSpec("k"),),
        parameters=(ParameterSpec("nu"), ParameterSpec("beta")),
        dt=0.5,
        any_dt=True,
        shortest=0.1,
    )
    return Surrogate(Shift(), spec)


def test_lead_time_parameters_static_fields_and_coordinates_reach_the_network(conditioned):
    u, k = torch.zeros(2, 1, 4), torch.ones(2, 1, 4)
    params = torch.tensor([[10.0, 20.0], [30.0, 40.0]])
    x = torch.tensor([0.125, 0.375, 0.625, 0.875])
    result = conditioned(u, params=params, static=k, lead=0.25)
    assert torch.allclose(result[:, 0], torch.tensor([[31.25], [71.25]]) + x)
    labelled = xr.Dataset(
        {"u": (("sample", "x"), u[:, 0].numpy()), "k": ("x", np.ones(4)), "nu": ("sample", [10.0, 30.0])},
        {"beta": ("sample", [20.0, 40.0])},
    )
    np.testing.assert_allclose(conditioned(labelled, lead=0.25).u.values, result[:, 0].numpy())
    trajectory = conditioned.rollout(u, [0.0, 0.5, 0.75], params=params, static=k)
    expected = u[:, 0] + torch.tensor([[31.5 + 31.25], [71.5 + 71.25]]) + 2 * x
    assert torch.allclose(trajectory.u[:, 2, 0], expected)


def test_missing_parameters_static_fields_and_untrained_lead_times_are_refused(conditioned):
    u, k, params = torch.zeros(2, 1, 4), torch.ones(2, 1, 4), torch.ones(2, 2)
    with pytest.raises(ValueError, match=r"params has shape None; accepted is \(2, 2\): nu, beta"):
        conditioned(u, static=k)
    with pytest.raises(ValueError, match="static"):
        conditioned.start(u, params=params)
    for lead in (0.05, 0.6):
        with pytest.raises(ValueError, match=r"0\.1 to 0\.5"):
            conditioned(u, params=params, static=k, lead=lead)


def test_vector_fields_are_one_variable_per_component():
    spec = SurrogateSpec((FieldSpec("v", rank=1),), Grid.periodic(4, 4), Boundaries.periodic(), dt=1.0)
    data = xr.Dataset({"v_x": (("x", "y"), -np.ones((4, 4))), "v_y": (("x", "y"), np.ones((4, 4)))})
    result = Surrogate(nn.PReLU(), spec)(data)
    assert float(result.v_x.mean()) == -0.25
    assert float(result.v_y.mean()) == 1.0


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"fields": ()}, "fields"),
        ({"dt": 0.0}, "dt=0.0"),
        ({"dt": None, "inputs": ()}, "inputs"),
        ({"inputs": (FieldSpec("w"),)}, "inputs must be its fields"),
        ({"ranges": {"w": (0.0, 1.0)}}, "ranges names"),
        ({"shortest": 0.01}, "shortest"),
        ({"dt": None, "static": (FieldSpec("k"),)}, "steady map"),
    ],
)
def test_contradictory_specifications_are_refused(stepper, change, match):
    with pytest.raises(ValueError, match=match):
        dataclasses.replace(stepper.spec, **change)


@pytest.fixture
def advanced():
    """A Fourier neural operator with normalisers that do something, as a stepper."""
    torch.manual_seed(0)
    network = Normalized(FNO(1, 1, width=8, modes=[8], depth=2), Normalizer(1), Normalizer(1))
    network.inputs.shift.fill_(0.3)
    network.outputs.scale.fill_(0.9)
    spec = SurrogateSpec((FieldSpec("u"),), Grid.periodic(16), Boundaries.periodic(), dt=0.1)
    return Surrogate(network, spec)


@pytest.mark.slow
def test_a_new_process_predicts_the_same_with_torch_numpy_and_safetensors_alone(tmp_path, advanced):
    path = advanced.save(tmp_path / "model.sciml")
    np.save(tmp_path / "u.npy", U.numpy())
    code = """
import sys, numpy as np, sciml
model = sciml.Surrogate.load(sys.argv[1])
u = np.load(sys.argv[2])
np.save(sys.argv[3], model.rollout(u, [0.0, 0.1, 0.3]).u.numpy())
np.save(sys.argv[4], model(u))
print(*sorted({"lightning", "xarray", "h5py", "scipy", "matplotlib", "neuralop", "yaml"} & set(sys.modules)))
"""
    arguments = [str(p) for p in (path, tmp_path / "u.npy", tmp_path / "rollout.npy", tmp_path / "step.npy")]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).resolve().parents[2]), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == ""
    np.testing.assert_allclose(np.load(tmp_path / "step.npy"), advanced(U.numpy()), rtol=0, atol=1e-6)
    expected = advanced.rollout(U, [0.0, 0.1, 0.3]).u.numpy()
    np.testing.assert_allclose(np.load(tmp_path / "rollout.npy"), expected, rtol=0, atol=1e-6)


def test_a_file_is_checked_without_torch(tmp_path, stepper):
    path = stepper.save(tmp_path / "model.sciml")
    code = "import sys, sciml.inference as i; i.check_predictor(sys.argv[1]); assert 'torch' not in sys.modules"
    env = {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    subprocess.run([sys.executable, "-c", code, str(path)], env=env, check=True)
