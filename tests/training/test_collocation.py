"""Training without data: what is logged, when it ends, and what its checkpoints know of the solution."""

import functools
from typing import Any

import pytest
import torch

from sciml.inference import Solution, from_checkpoint
from sciml.nn import MLP
from sciml.pdes import Heat, NavierStokes, Statement
from sciml.pinn import CausalWeights, Exact, Interior, Marching, PhysicsInformed, Quasirandom, TimeWindows
from sciml.status import ConfigError

pytest_plugins = ["training_fixtures"]
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")


def heat() -> Statement:
    return Statement(
        Heat(0.1), {"x": [0.0, 2.0]}, initial={"u": "cos(pi*x)"}, periodic=["x"], times=[0.0, 1.0],
        exact={"u": "exp(-0.1*pi**2*t)*cos(pi*x)"}, points=8,
    )  # fmt: skip


def fitted(folder: Any, module: dict[str, Any], steps: int = 4, reference: Any = None, **trainer: Any) -> Any:
    """`(module, trainer)` after one epoch, with its best and last checkpoint in the folder."""
    from lightning.pytorch import Trainer

    from sciml.training import AtomicCheckpointIO, BestAndLast, Collocation, FitModule

    torch.manual_seed(0)
    settings: dict[str, Any] = {
        "network": MLP(2, 1, width=4, depth=1),
        "objective": PhysicsInformed(heat(), [Interior(Quasirandom(16))]),
        "optimizer": functools.partial(torch.optim.Adam, lr=1e-3),
        "monitor": "train/loss" if reference is None else "val/relative_l2",
    }
    made = FitModule(**{**settings, **module})
    run = Trainer(**{
        "default_root_dir": folder, "max_epochs": 1, "logger": False, "accelerator": "cpu", "num_sanity_val_steps": 0,
        "enable_progress_bar": False, "enable_model_summary": False,
        "plugins": [AtomicCheckpointIO()], "callbacks": [BestAndLast()], **trainer,
    })  # fmt: skip
    run.fit(made, Collocation(steps, reference))
    return made, run


def test_causal_weights_and_coefficients_are_logged_beside_the_losses(tmp_path) -> None:
    objective = PhysicsInformed(heat(), [Interior(Quasirandom(16))], unknown={"diffusivity": 0.3})
    module, run = fitted(tmp_path, {"objective": objective, "weighting": CausalWeights(4, [0.5])})
    metrics = {k: float(v) for k, v in run.callback_metrics.items()}
    assert metrics["train/causal_tolerance"] == 0.5
    assert metrics["train/causal_min"] == pytest.approx(float(module.weighting.weights.min()))
    assert metrics["train/causal_active"] == 4.0
    assert metrics["train/coefficient:diffusivity"] == pytest.approx(objective.coefficients()["diffusivity"])


def test_a_weighting_that_has_finished_ends_the_training(tmp_path) -> None:
    # With a tolerance of zero all weights are one from the first step on.
    _, run = fitted(tmp_path, {"weighting": CausalWeights(4, [0.0])}, steps=50)
    assert run.global_step == 1
    assert (tmp_path / "checkpoints" / "best.ckpt").is_file()
    _, going = fitted(tmp_path, {"weighting": CausalWeights(4, [0.0, 1e9])}, steps=5)
    assert going.global_step == 5


def test_a_window_before_the_last_one_does_not_end_the_training(tmp_path) -> None:
    objective = Marching(PhysicsInformed(heat(), [Interior(Quasirandom(16))]), steps=3)
    network = TimeWindows(MLP(2, 1, width=4, depth=1), "cos(pi*x)", count=2)
    settings = {"network": network, "objective": objective, "weighting": CausalWeights(4, [0.0])}
    _, run = fitted(tmp_path, settings, steps=50)
    assert run.global_step == 4


def test_a_checkpoint_becomes_the_solution_in_the_precision_of_the_training(tmp_path) -> None:
    module, _ = fitted(tmp_path, {}, reference=Exact(frames=3), precision="64-true")
    assert module.exportable
    solution = from_checkpoint(tmp_path / "checkpoints" / "best.ckpt")
    assert isinstance(solution, Solution)
    points = torch.rand(9, 2, dtype=torch.float64)
    assert torch.equal(solution(points), module.network(points).detach())
    assert (solution.spec.axes, solution.spec.coefficients) == (("x", "t"), {"diffusivity": 0.1})


def test_a_checkpoint_in_the_middle_of_the_windows_is_known_up_to_their_end(tmp_path) -> None:
    objective = Marching(PhysicsInformed(heat(), [Interior(Quasirandom(16))]), steps=2)
    network = TimeWindows(MLP(2, 1, width=4, depth=1), "cos(pi*x)", count=4)
    fitted(tmp_path, {"network": network, "objective": objective}, steps=3)
    solution = from_checkpoint(tmp_path / "checkpoints" / "last.ckpt")
    assert solution.spec.times == (0.0, 0.5)
    points = torch.tensor([[0.3, 0.1], [0.3, 0.4]])
    assert torch.equal(solution(points), network(points).detach())


def test_the_error_is_that_of_the_components_that_the_reference_knows(tmp_path) -> None:
    """A flow has a pressure, which no reference gives."""
    names = ("velocity_x", "velocity_y", "tracer")
    flow = Statement(
        NavierStokes(), {"x": [0, 1], "y": [0, 1]}, dict.fromkeys(names, "0"), {"all": 0.0}, times=[0, 1],
        exact=dict.fromkeys(names, "1"), points=3,
    )  # fmt: skip
    objective = PhysicsInformed(flow, [Interior(Quasirandom(8))])
    _, run = fitted(
        tmp_path, {"network": MLP(3, 4, width=4, depth=1), "objective": objective}, 1, reference=Exact(frames=2)
    )
    assert 0.1 < float(run.callback_metrics["val/relative_l2"]) < 10


def test_a_reference_needs_a_problem(tmp_path) -> None:
    from sciml.fields import Box
    from sciml.pinn import DeepRitz, HardBoundary

    network = HardBoundary(MLP(1, 1, width=4, depth=1), Box((0.0,), (1.0,)))
    with pytest.raises(ConfigError, match="needs an objective with a problem; DeepRitz has none"):
        fitted(tmp_path, {"network": network, "objective": DeepRitz.example()}, reference=Exact())
