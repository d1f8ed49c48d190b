"""A run whose network is the solution of a problem: errors with known answers, pictures of each kind, its page."""

import json
import math
import re

import numpy as np
import pytest
import torch

from sciml.fields import FieldSpec, Grid
from sciml.inference import Solution
from sciml.pdes import Heat, Lorenz, Poisson, Statement
from sciml.pinn import CausalWeights, HardInitial, PhysicsInformed
from sciml.report import measure_solution, render_page, solution_curves, solution_figures
from sciml.report.solutions import lattice
from sciml.status import DataError

HEAT = {
    "pde": {"class_path": "sciml.pdes.Heat", "init_args": {"diffusivity": 0.1}},
    "domain": {"x": [0.0, 2.0]},
    "initial": {"u": "cos(pi*x)"},
    "periodic": ["x"],
    "times": [0.0, 1.0],
    "exact": {"u": "exp(-0.1*pi**2*t)*cos(pi*x)"},
    "points": 16,
}


@pytest.fixture(autouse=True)
def coarse_pictures(monkeypatch):
    monkeypatch.setattr("sciml.report.style.DPI", 60)


def frozen(statement: Statement) -> HardInitial:
    """u(x, t) = u_0(x): the network is zero everywhere."""
    from sciml.nn import MLP

    network = HardInitial(MLP(2, 1, width=2, depth=1), "cos(pi*x)").double()
    torch.nn.init.zeros_(network.network.last.weight)
    torch.nn.init.zeros_(network.network.last.bias)
    return network


@pytest.fixture
def run(tmp_path):
    """What `sciml fit` leaves behind, for u = cos(pi x) where it should decay."""
    statement = Statement(Heat(0.1), **{k: v for k, v in HEAT.items() if k != "pde"})
    folder = tmp_path / "runs" / "heat" / "one"
    folder.mkdir(parents=True)
    Solution.of(frozen(statement), statement).save(folder / "model.sciml")
    problem = {"class_path": "sciml.pdes.Statement", "init_args": HEAT}
    config = {
        "model": {"objective": {"class_path": "sciml.pinn.PhysicsInformed", "init_args": {"problem": problem}}},
        "data": {
            "class_path": "sciml.training.Collocation",
            "init_args": {"reference": {"class_path": "sciml.pinn.Exact", "init_args": {"frames": 3}}},
        },
    }
    # JSON is YAML.
    (folder / "config.yaml").write_text(json.dumps(config))
    (folder / "metrics.csv").write_text(
        "epoch,step,train/loss,train/pde,train/lr,train/causal_min,train/causal_tolerance,train/coefficient:diffusivity,"
        "val/relative_l2\n0,9,1.0,0.5,0.1,0.2,0.01,0.3,0.9\n1,19,0.1,0.05,0.1,0.9,0.1,0.2,0.5\n"
    )
    return folder


def test_errors_are_those_of_the_formula(run):
    found = measure_solution(run)
    decay = np.exp(-0.1 * math.pi**2 * np.array([0.0, 0.5, 1.0]))
    expected = np.linalg.norm(1 - decay) / np.linalg.norm(decay)
    assert found == {"u": {"relative_l2": pytest.approx(expected), "largest": pytest.approx(1 - decay[-1])}}
    written = json.loads((run / "metrics.json").read_text())
    assert (written["kind"], written["points"]) == ("solution", 48)
    assert written["errors"] == found


def test_the_page_shows_solution_training_and_problem(run):
    weighting = CausalWeights(slices=4)
    state = {f"weighting.{k}": v for k, v in weighting.state_dict().items()}
    (run / "checkpoints").mkdir()
    torch.save({"state_dict": state}, run / "checkpoints" / "last.ckpt")
    text = render_page(run).read_text(encoding="utf-8")
    assert sorted(p.stem for p in (run / "figures").iterdir()) == ["causal", "coefficients", "fields", "losses"]
    assert text.count("<img") == 4
    for word in ("relative L2", "diffusivity = 0.1 [m2 s-1]", "x in [0, 2]", "u = cos(pi*x)", "HardInitial"):
        assert word in text
    assert not re.search(r"https?://|<script", text)


def test_without_its_reference_the_solution_is_drawn_alone(run):
    (run / "config.yaml").unlink()
    assert "No reference" in render_page(run).read_text(encoding="utf-8")
    assert (run / "figures" / "fields.png").is_file()
    with pytest.raises(DataError, match=r"names no data\.reference"):
        measure_solution(run)


def test_a_configuration_that_names_foreign_classes_is_not_followed(run):
    text = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(text.replace("sciml.pinn.Exact", "os.system"))
    with pytest.raises(DataError, match=r"'os.system' is not allowed") as caught:
        measure_solution(run)
    assert "\n" not in str(caught.value)


def test_points_that_are_a_grid_in_any_order_are_recognised():
    points = np.stack(np.meshgrid([0.0, 1.0, 3.0], [5.0, 6.0], indexing="ij"), -1).reshape(-1, 2)
    values = points.sum(axis=1, keepdims=True)
    order = np.random.default_rng(0).permutation(6)
    columns, array = lattice(points[order], values[order])
    assert [c.tolist() for c in columns] == [[0.0, 1.0, 3.0], [5.0, 6.0]]
    assert array[..., 0].tolist() == [[5.0, 6.0], [6.0, 7.0], [8.0, 9.0]]
    assert lattice(points[:-1], values[:-1]) is None
    repeated = np.concatenate([points[:-1], points[:1]])
    assert lattice(repeated, values) is None


LORENZ = Statement(Lorenz(), initial={"X": "1", "Y": "1", "Z": "1"}, times=[0.0, 0.5])
SQUARE = Statement(Poisson(), {"x": [0, 1], "y": [0, 1]}, boundary={"all": 0.0}, points=6)


@pytest.mark.parametrize("statement", [LORENZ, SQUARE], ids=["curves", "images"])
def test_problems_of_other_dimensions_are_drawn_too(statement, tmp_path):
    from sciml.nn import MLP

    spec = PhysicsInformed(statement).solution()
    Solution(MLP(len(spec.axes), len(spec.channels), width=3, depth=1), spec).save(tmp_path / "model.sciml")
    assert "No reference" in render_page(tmp_path).read_text(encoding="utf-8")
    assert (tmp_path / "figures" / "fields.png").is_file()


# Single figures: what is drawn, with which limits and labels


def axes_of(figure):
    return [ax for ax in figure.axes if ax.get_label() != "<colorbar>"]


def test_prediction_and_reference_share_their_colours_and_the_error_is_symmetric():
    truth = np.arange(12.0).reshape(4, 3) / 8
    figure = solution_figures.panels(truth, truth + 0.5, Grid.nodes(4, 3), FieldSpec("p", unit="Pa"), "m")
    limits = [ax.collections[0].get_clim() for ax in axes_of(figure)]
    assert limits == [(0.0, 1.875), (0.0, 1.875), (-0.5, 0.5)]
    assert axes_of(figure)[0].get_xlabel() == "x [m]"
    assert {ax.get_ylabel() for ax in figure.axes if ax.get_label() == "<colorbar>"} == {"p [Pa]", "error [Pa]"}


def test_components_over_time_have_a_panel_each_and_one_for_their_errors():
    truth, times = np.ones((5, 2)), [0.0, 1.0, 2.0, 3.0, 4.0]
    figure = solution_figures.over_time(truth, truth + 1e-3, times, [FieldSpec("X"), FieldSpec("Y", unit="m")], "s")
    assert [ax.get_ylabel() for ax in figure.axes] == ["X", "Y [m]", "|error|"]
    assert figure.axes[-1].get_xlabel() == "time [s]"
    assert figure.axes[-1].get_yscale() == "log"
    np.testing.assert_allclose(figure.axes[-1].lines[0].get_ydata(), 1e-3)


def test_a_loss_that_is_negative_is_drawn_on_a_linear_axis():
    curve = ([0, 1], [0.5, -0.5])
    assert solution_curves.losses({"energy": curve}, {}).axes[0].get_yscale() == "linear"
    both = solution_curves.losses({"pde": ([0, 1], [0.5, 0.1])}, {"relative_l2": ([0, 1], [0.5, 0.1])})
    assert [ax.get_yscale() for ax in both.axes] == ["log", "log"]


def test_causal_weights_are_bars_over_the_slices_beside_their_history():
    observed = {"causal_min": ([0, 1], [0.1, 0.9]), "causal_tolerance": ([0, 1], [0.1, 1.0])}
    left, right, twin = solution_curves.causal(np.array([1.0, 0.5]), observed).axes
    assert [bar.get_height() for bar in left.patches] == [1.0, 0.5]
    assert right.lines[0].get_ydata().tolist() == [0.1, 0.9]
    assert twin.get_yscale() == "log"


def test_a_coefficient_says_where_it_ended():
    figure = solution_curves.coefficients({"viscosity": ([0, 1], [0.1, 0.01])}, {"viscosity": "m2 s-1"})
    assert figure.axes[0].get_title() == "viscosity = 0.01"
    assert figure.axes[0].get_ylabel() == "viscosity [m2 s-1]"
