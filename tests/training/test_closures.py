"""Optimisers that evaluate the loss many times in one step, and schedules of optimisers, under the fit module."""

import functools
import json

import pytest
import torch
import yaml
from closure_runs import STEPS, Regression, fit, killed, make, schedule
from torch import nn

from sciml.batch import Batch
from sciml.objective import GradNormWeights, Term
from sciml.optim import NaturalGradient
from sciml.status import ConfigError, ResumeMismatch, SolveFailure
from sciml.training.resume import optimizer_settings

pytest_plugins = ["training_fixtures"]
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")


def test_all_evaluations_of_a_step_are_of_one_function_and_losses_are_counted_once(tmp_path):
    objective, weighting = Regression(), GradNormWeights(["one", "two"], every=1)
    module, trainer = make(tmp_path, objective, weighting=weighting)
    fit(module, trainer)
    evaluations = [sum(step == k for step, _ in objective.seen) for k in range(STEPS)]
    assert evaluations[:4] == [1] * 4
    assert all(n > 3 for n in evaluations[4:])
    assert int(weighting.calls) == STEPS
    firsts = [next(v for step, v in objective.seen if step == k) for k in range(STEPS)]
    assert trainer.callback_metrics["train/one"].item() == pytest.approx(sum(firsts) / STEPS, rel=1e-6)
    assert trainer.global_step == STEPS


def test_a_trial_that_is_not_finite_does_not_stop_the_run(tmp_path):
    module, trainer = make(tmp_path, Regression(bad=lambda step, call: step >= 4 and call % 3 == 1))
    state = fit(module, trainer)
    assert all(v.isfinite().all() for v in state.values())
    assert trainer.global_step == STEPS
    objective = module.objective
    last = next(v for step, v in objective.seen if step == STEPS - 1)
    objective.bad = None
    assert objective.terms(module.network, Batch())["one"].values.mean().item() < last


def test_a_point_that_is_not_finite_stops_the_run_and_is_never_the_best(tmp_path):
    module, trainer = make(tmp_path, Regression(bad=lambda step, call: step == 6))
    with pytest.raises(SolveFailure, match="non-finite loss at step 6"):
        fit(module, trainer)
    assert json.loads((tmp_path / "failure.json").read_text())["what"] == "loss"
    assert not (tmp_path / "best.ckpt").exists()
    last = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert last["sciml"]["step"] == 6
    assert all(v.isfinite().all() for v in last["state_dict"].values())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lr": 0.1}, "model.optimizer.optimizers.0.lr: 0.01 in the checkpoint, 0.1 now"),
        ({"iterations": 4}, "model.optimizer.optimizers.1.iterations: 3 in the checkpoint, 4 now"),
        ({"first": 5}, r"model.optimizer.steps: \[4, None\] in the checkpoint, \[5, None\] now"),
    ],
)
def test_another_schedule_is_refused_by_the_entry_that_differs(change, message, tmp_path):
    path = killed(tmp_path / "half", 2)
    with pytest.raises(ResumeMismatch, match=message):
        fit(*make(tmp_path / "rest", optimizer=schedule(**change)), path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gradient_clip_val": 1.0}, r"SSBroyden evaluates .*trainer\.gradient_clip_val=1\.0"),
        ({"accumulate_grad_batches": 2}, r"SSBroyden evaluates .*trainer\.accumulate_grad_batches=2"),
        ({"optimizer": torch.optim.LBFGS, "gradient_clip_val": 1.0}, "LBFGS evaluates"),
        (
            {"lr_scheduler": functools.partial(torch.optim.lr_scheduler.StepLR, step_size=1)},
            "model.lr_scheduler is set beside Phases",
        ),
    ],
)
def test_what_a_search_cannot_work_with_is_refused_in_one_line(options, message, tmp_path):
    with pytest.raises(ConfigError, match=message) as raised:
        fit(*make(tmp_path, **options))
    assert "\n" not in str(raised.value)


def test_a_schedule_is_written_in_a_configuration():
    import inspect

    from jsonargparse import ArgumentParser

    from sciml.training import FitModule

    text = """
    class_path: sciml.optim.Phases
    init_args:
      phases:
        - optimizer: {class_path: torch.optim.Adam, init_args: {lr: 1.0e-3}}
          steps: 5000
          rate: {class_path: sciml.optim.ExponentialDecay, init_args: {period: 2000}}
        - optimizer:
            class_path: sciml.optim.SSBroyden
            init_args: {iterations: 7, search: {c2: 0.8}, transform: {class_path: sciml.optim.LogLoss}}
    """
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--optimizer", type=inspect.signature(FitModule).parameters["optimizer"].annotation)
    config = parser.parse_object({"optimizer": yaml.safe_load(text)})
    optimizer = parser.instantiate(config).optimizer([nn.Parameter(torch.zeros(2, dtype=torch.float64))])
    settings = optimizer_settings(optimizer)
    assert settings["class"] == "sciml.optim.Phases"
    assert settings["steps"] == [5000, None]
    assert settings["rates"][0]["init_args"]["period"] == 2000
    adam, broyden = (settings["optimizers"][k] for k in "01")
    assert (adam["class"], adam["lr"]) == ("torch.optim.Adam", 1e-3)
    assert (broyden["class"], broyden["iterations"]) == ("sciml.optim.SSBroyden", 7)
    assert broyden["search"]["init_args"]["c2"] == 0.8
    assert broyden["transform"]["class_path"] == "sciml.optim.LogLoss"


def test_an_objective_that_knows_its_jacobian_is_bound_to_the_optimiser_that_asks_for_it(tmp_path, caplog):
    class Plain(Regression):
        def terms(self, network: nn.Module, batch: Batch) -> dict[str, Term]:
            return {"one": super().terms(network, batch)["one"]}

    module, trainer = make(tmp_path, Plain(), optimizer=NaturalGradient)
    fit(module, trainer)
    seen = module.objective.seen
    assert seen[-1][1] < 0.25 * seen[0][1]
    assert "not the sum of squared residuals" not in caplog.text
