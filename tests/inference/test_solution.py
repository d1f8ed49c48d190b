"""A solution against its formula: at points, on grids, through files and in a new process; what is refused."""

import json
import logging
import math
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sciml.describe import Described
from sciml.fields import Box, Grid
from sciml.inference import Solution, Surrogate, check_predictor, from_checkpoint
from sciml.inference.file import metadata_text, sealed
from sciml.nn import MLP
from sciml.pdes import Burgers, Lorenz, NavierStokes, Poisson, SolutionSpec, Statement
from sciml.pinn import HardBoundary, HardInitial, TimeWindows
from sciml.status import DataError, Status


class Wave(nn.Module):
    """u = sin(pi x) e^-t, with a factor that is trained."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.ones((), dtype=torch.float64))

    def forward(self, z: Tensor) -> Tensor:
        return self.factor * torch.sin(math.pi * z[..., :1]) * torch.exp(-z[..., 1:])


def burgers(**changes: object) -> Statement:
    given = {"times": [0.0, 1.0], "points": 9, "length_unit": "m", "time_unit": "s", **changes}
    return Statement(Burgers(0.01), {"x": [-1.0, 1.0]}, {"u": "-sin(pi*x)"}, {"x": 0.0}, **given)


@pytest.fixture
def wave() -> Solution:
    return Solution.of(Wave(), burgers(), {"viscosity": 0.0032})


def formula(x: np.ndarray, t: np.ndarray) -> np.ndarray:
    return np.sin(np.pi * x) * np.exp(-t)


def test_points_of_any_shape_and_kind_are_answered_as_they_come(wave: Solution) -> None:
    points = np.random.default_rng(0).random((2, 3, 2))
    np.testing.assert_allclose(wave(points)[..., 0], formula(points[..., 0], points[..., 1]), atol=1e-15)
    assert isinstance(wave(points), np.ndarray)
    assert torch.equal(wave(torch.from_numpy(points)), torch.from_numpy(wave(points)))
    assert wave(points[0, 0]).shape == (1,)
    assert wave(np.empty((0, 2))).shape == (0, 1)
    assert not wave(torch.zeros(1, 2).requires_grad_()).requires_grad


def test_blocks_do_not_change_the_values(wave: Solution) -> None:
    points = torch.rand(11, 2).double()
    assert torch.equal(Solution(wave.network, wave.spec, batch_size=4)(points), wave(points))


def test_a_data_set_has_coordinates_names_units_and_the_formula_s_values(wave: Solution) -> None:
    data = wave.to_xarray(5, [0.0, 0.25])
    assert data["u"].dims == ("time", "x")
    assert (data["u"].units, data["x"].units, data["time"].units) == ("m s-1", "m", "s")
    assert data["x"].values.tolist() == [-1.0, -0.5, 0.0, 0.5, 1.0]
    np.testing.assert_allclose(data["u"], formula(data["x"].values[None], data["time"].values[:, None]), atol=1e-15)
    assert "u_t" in data.attrs["equation"]
    assert (data.attrs["fitted"], data.attrs["initial"]) == ("viscosity=0.0032", "u=-sin(pi*x)")


def test_without_arguments_it_is_shown_on_its_own_grid_with_times_between_start_and_end(wave: Solution) -> None:
    trajectory = wave.on()
    assert trajectory.u.shape == (1, 51, 1, 9)
    assert trajectory.status.tolist() == [Status.SUCCESS]
    np.testing.assert_allclose(trajectory.times, np.linspace(0, 1, 51), atol=1e-15)
    listed = Solution.of(Wave(), burgers(times=[0.0, 0.1, 1.0]))
    assert listed.on(Grid.nodes(4, low=-1.0)).times.tolist() == [0.0, 0.1, 1.0]


def test_problems_without_space_without_time_and_with_a_pressure_have_their_shapes() -> None:
    lorenz = Statement(Lorenz(), initial={"X": "1", "Y": "1", "Z": "1"}, times=[0.0, 0.5])
    assert Solution.of(MLP(1, 3, width=4, depth=1), lorenz).on(times=[0.0, 0.5]).u.shape == (1, 2, 3)
    steady = Statement(Poisson(), {"x": [0, 1], "y": [0, 1]}, boundary={"all": 0.0}, points=6)
    solution = Solution.of(MLP(2, 1, width=4, depth=1), steady)
    assert solution.to_xarray()["u"].dims == ("x", "y")
    assert solution.to_xarray()["u"].shape == (6, 6)
    square, rest = {"x": [0, 1], "y": [0, 1]}, dict.fromkeys(("velocity_x", "velocity_y", "tracer"), "0")
    flow = Statement(NavierStokes(), square, rest, {"all": 0.0}, times=[0, 1], points=5)
    data = Solution.of(MLP(3, 4, width=4, depth=1), flow).to_xarray(times=[0.0])
    assert {name: v.units for name, v in data.items()} == {
        "velocity_x": "m s-1", "velocity_y": "m s-1", "tracer": "1", "pressure": "m2 s-2"
    }  # fmt: skip


def test_each_coordinate_outside_of_the_training_is_reported_once(wave: Solution, caplog) -> None:
    with caplog.at_level(logging.WARNING):
        wave(torch.tensor([[-1.0, 0.0], [1.0, 1.0]]))
        assert caplog.text == ""
        wave(torch.tensor([[0.0, 1.01]]))
        wave(torch.tensor([[0.0, 2.0]]))
        assert caplog.text.count("coordinate t has the value 1.01, outside of the range of the training, [0, 1]") == 1
        wave(torch.tensor([[-1.5, 0.5]]))
    assert len(caplog.records) == 2
    assert "coordinate x has the value -1.5" in caplog.text


def wrapped() -> nn.Module:
    inner = HardBoundary(MLP(2, 1, width=6, depth=2), Box((-1.0,), (1.0,)))
    return HardInitial(inner, "-sin(pi*x)").double()


def test_a_file_gives_back_what_was_saved_to_the_last_bit_and_names_its_kind(tmp_path) -> None:
    solution = Solution.of(wrapped(), burgers(), {"viscosity": 0.0032})
    path = solution.save(tmp_path / "model.sciml")
    loaded = Solution.load(path)
    points = torch.rand(20, 2).double()
    assert torch.equal(loaded(points), solution(points))
    assert loaded.dtype == torch.float64
    assert loaded.spec == solution.spec
    assert check_predictor(path)["kind"] == "solution"
    assert check_predictor(path)["network"]["class_path"] == "sciml.pinn.HardInitial"
    assert loaded.spec.version


@pytest.mark.slow
def test_a_solution_loads_in_a_new_process_with_torch_numpy_and_safetensors_alone(tmp_path) -> None:
    windows = TimeWindows(MLP(2, 1, width=6, depth=1), "sin(pi*x)", count=2)
    windows.advance()
    for name, network in (("hard", wrapped()), ("windows", windows)):
        Solution.of(network, burgers()).save(tmp_path / f"{name}.sciml")
    program = """
import sys
import numpy
for name in ("lightning", "scipy", "h5py", "xarray", "matplotlib", "numba", "jsonargparse"):
    sys.modules[name] = None
from sciml.inference import Solution
for name in ("hard", "windows"):
    solution = Solution.load(f"{name}.sciml")
    print(solution(numpy.array([[0.5, 0.25], [0.25, 0.75]])).flatten().tolist(), solution.on(4).u.shape[1])
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(["", os.getcwd()])}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    for name, line in zip(("hard", "windows"), lines, strict=True):
        here = Solution.load(tmp_path / f"{name}.sciml")(np.array([[0.5, 0.25], [0.25, 0.75]])).flatten().tolist()
        assert line == f"{here} 51"


def test_a_checkpoint_of_a_solution_becomes_one(tmp_path) -> None:
    from sciml.describe import describe
    from sciml.pinn import PhysicsInformed

    network, objective = wrapped(), PhysicsInformed(burgers(), unknown={"viscosity": 0.004})
    entry = {
        "schema": 1, "version": "0.0.7", "data": None, "module": {"network": describe(network)},
        "solution": objective.solution().to_dict(),
    }  # fmt: skip
    state = {f"network.{k}": v for k, v in network.state_dict().items()}
    torch.save({"state_dict": state, "sciml": entry}, tmp_path / "best.ckpt")
    found = from_checkpoint(tmp_path / "best.ckpt")
    assert isinstance(found, Solution)
    points = torch.rand(20, 2).double()
    assert torch.equal(found(points), Solution.of(network, burgers())(points))
    assert found.spec.fitted == {"viscosity": pytest.approx(0.004)}
    assert "viscosity" not in found.spec.coefficients
    assert found.spec.version == "0.0.7"


# What is refused


class Undescribed(Described, nn.Module):
    """A network whose class is no part of the package."""

    def forward(self, z: Tensor) -> Tensor:
        return z


def test_files_of_the_other_kind_name_the_class_that_reads_them(tmp_path, stepper) -> None:
    one = Solution.of(wrapped(), burgers()).save(tmp_path / "solution.sciml")
    other = stepper.save(tmp_path / "surrogate.sciml")
    with pytest.raises(DataError, match=r"sciml.inference.Solution.load reads it"):
        Surrogate.load(one)
    with pytest.raises(DataError, match=r"sciml.inference.Surrogate.load reads it"):
        Solution.load(other)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "oracle"}, "is of the kind 'oracle'"),
        ({"network": {"class_path": "os.system"}}, "names the class 'os.system'"),
        ({"network": {"class_path": "sciml.cli.main.main"}}, "names the class"),
        ({"network": {"class_path": "sciml.nn.MLP", "init_args": {"in_features": 3, "out_features": 1}}}, "tensor"),
        ({"spec": {"axes": ["x"]}}, "cannot be read"),
        ({"spec": {"surprise": 1}}, "unknown entries"),
    ],
)
def test_a_hostile_or_damaged_file_is_refused_in_one_line(tmp_path, change: dict, message: str) -> None:
    from safetensors.torch import save

    solution = Solution.of(MLP(2, 1, width=4, depth=1), burgers())
    content = check_predictor(solution.save(tmp_path / "good.sciml"))
    metadata = {k: v for k, v in content.items() if k not in ("format", "schema", "file_sha256")}
    path = tmp_path / "bad.sciml"
    path.write_bytes(sealed(save(solution.network.state_dict(), {"sciml": metadata_text({**metadata, **change})})))
    with pytest.raises(DataError, match=message) as caught:
        Solution.load(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: s(torch.zeros(4, 3)), r"points has shape \(4, 3\); accepted is \(..., 2\): x, t"),
        (lambda s: s.on(Grid.nodes(4, 4)), "grid has the axes"),
        (lambda s: Solution(MLP(3, 1), s.spec), "network.in_features=3, but the problem has x, t"),
        (lambda s: Solution(MLP(2, 2), s.spec), "network.out_features=2, but the problem has u"),
        (lambda s: Solution(s.network, s.spec, batch_size=0), "batch_size=0"),
        (lambda s: SolutionSpec(s.spec.fields, ("x",), (0.0,), (0.0,)), "must be below"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(wave: Solution, call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        call(wave)
    assert "\n" not in str(caught.value)


def test_beyond_three_dimensions_there_are_points_alone() -> None:
    from sciml.numerics.quadrature import QuasiMonteCarlo
    from sciml.pinn import DeepRitz, DirichletEnergy

    region = Box((0.0,) * 5, (1.0,) * 5)
    spec = DeepRitz(DirichletEnergy(), region, QuasiMonteCarlo(16)).solution()
    solution = Solution(MLP(5, 1, width=4, depth=1), spec)
    assert solution(torch.rand(3, 5)).shape == (3, 1)
    with pytest.raises(ValueError, match="call it at points"):
        solution.on()


def test_a_specification_survives_json(wave: Solution) -> None:
    assert SolutionSpec.from_dict(json.loads(json.dumps(wave.spec.to_dict()))) == wave.spec
