"""What one step of training does, and what happens when it leaves the finite numbers."""

import functools
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from sciml.batch import Batch
from sciml.objective import Objective, Term, evaluate
from sciml.status import ConfigError, SolveFailure

pytest_plugins = ["training_fixtures"]
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")


class Fitted(Objective):
    """Mean squared distance of `network(points)` to given values: no grid, no data set."""

    def terms(self, network: nn.Module, batch: Batch) -> dict[str, Term]:
        assert batch.points is not None
        x = batch.points["inside"]
        return {"residual": Term((network(x) - (2 * x + 1)).square())}


def points() -> list[Batch]:
    rng = np.random.default_rng(0)
    return [Batch(points={"inside": torch.from_numpy(rng.normal(size=(5, 1))).float()}) for _ in range(4)]


def fit_points(folder, module, epochs=1, **options):
    from lightning.pytorch import Trainer

    trainer = Trainer(
        default_root_dir=folder, max_epochs=epochs, logger=False, accelerator="cpu", enable_progress_bar=False,
        enable_model_summary=False, enable_checkpointing=False, **options,
    )  # fmt: skip
    # A bare list would be taken for a list of loaders.
    trainer.fit(module, DataLoader(points(), batch_size=None, collate_fn=lambda batch: batch))
    return trainer


def test_one_epoch_of_descent_equals_the_same_steps_by_hand(tmp_path):
    from sciml.training import FitModule

    torch.manual_seed(0)
    network = nn.Linear(1, 1)
    byhand = nn.Linear(1, 1)
    byhand.load_state_dict(network.state_dict())
    module = FitModule(network, Fitted(), optimizer=functools.partial(torch.optim.SGD, lr=0.1))
    fit_points(tmp_path, module)
    assert module.network is network  # no data set, nothing to normalise
    for batch in points():
        x = batch.points["inside"]
        loss = (byhand(x) - (2 * x + 1)).square().mean()
        gradients = torch.autograd.grad(loss, list(byhand.parameters()))
        with torch.no_grad():
            for p, g in zip(byhand.parameters(), gradients, strict=True):
                p -= 0.1 * g
    for p, q in zip(network.parameters(), byhand.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-6, atol=1e-7)


def test_an_optimiser_with_closures_solves_a_least_squares_problem(tmp_path):
    from sciml.training import FitModule

    network = nn.Linear(1, 1).double()
    optimizer = functools.partial(torch.optim.LBFGS, max_iter=30, tolerance_grad=1e-14, tolerance_change=1e-16)
    fit_points(tmp_path, FitModule(network, Fitted(), optimizer=optimizer), epochs=3)
    assert network.weight.item() == pytest.approx(2, abs=1e-9)  # float64, as the network's weights are
    assert network.bias.item() == pytest.approx(1, abs=1e-9)


def test_two_accumulated_batches_are_one_of_twice_the_size(make):
    from training_fixtures import ConvolutionNetwork

    def trained(size, **options):
        torch.manual_seed(1)
        sgd = {"optimizer": functools.partial(torch.optim.SGD, lr=0.1), "lr_scheduler": None}
        module, data, trainer = make(
            module={"network": ConvolutionNetwork(dropout=0.0), **sgd},
            data={"batch_size": size},
            max_epochs=1,
            **options,
        )
        trainer.fit(module, data)
        return trainer.global_step, torch.cat([p.detach().flatten() for p in module.parameters()])

    steps, accumulated = trained(5, accumulate_grad_batches=2)
    whole_steps, whole = trained(10)
    assert steps == whole_steps == 2
    torch.testing.assert_close(accumulated, whole, rtol=1e-5, atol=1e-6)


def test_the_network_takes_and_gives_physical_units_by_the_training_split_alone(make, tiny):
    from sciml.data import open_dataset

    module, data, trainer = make(max_epochs=1)
    trainer.fit(module, data)
    a, u = (getattr(open_dataset(tiny, "train"), n) for n in ("static", "fields"))
    a, u = a(range(20)), u(range(20))
    network = module.network
    np.testing.assert_allclose(network.inputs.shift, a.mean(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(network.outputs.shift, u.mean(), rtol=1e-5)
    np.testing.assert_allclose(network.outputs.scale, u.std(), rtol=1e-5)
    batch = data.train.batch([0, 1])
    inner = network.network.eval()(network.inputs.encode(batch.fields))
    torch.testing.assert_close(network.eval()(batch.fields), network.outputs.decode(inner))


@pytest.mark.parametrize(("side", "name"), [("in", "input channels: a"), ("out", "output channels: u")])
def test_channels_that_do_not_match_the_data_are_refused_with_both_numbers(side, name, make):
    from training_fixtures import ConvolutionNetwork

    module, data, trainer = make(module={"network": ConvolutionNetwork(**{f"{side}_channels": 3})})
    with pytest.raises(
        ConfigError, match=rf"network.{side}_channels=3 \(configuration\), but data set 'tiny' has 1 {name}"
    ):
        trainer.fit(module, data)


def test_validation_looks_at_the_averaged_weights_and_training_goes_on_with_its_own(make):
    module, data, trainer = make(max_epochs=1)
    trainer.fit(module, data)
    average = {k: v.clone() for k, v in module.average.weights.items()}
    own = {k: v.clone() for k, v in module.network.state_dict().items()}
    assert not all(average[k].equal(own[k]) for k in own)
    batch = data._splits["valid"].batch(range(6))
    module.network.load_state_dict(average)
    prediction = evaluate(module.network.eval(), batch)
    error = (prediction - batch.targets).flatten(1).norm(dim=1) / batch.targets.flatten(1).norm(dim=1)
    assert trainer.callback_metrics["val/relative_l2"].item() == pytest.approx(error.mean().item(), rel=1e-5)


def test_a_checkpoint_is_tensors_and_plain_data_that_rebuild_the_network(make, tmp_path):
    from sciml.data import DatasetSpec

    module, data, trainer = make(max_epochs=1)
    trainer.fit(module, data)
    path = tmp_path / "checkpoints" / "last.ckpt"
    assert sorted(p.name for p in path.parent.iterdir()) == ["best.ckpt", "last.ckpt"]
    checkpoint = torch.load(path, weights_only=True)
    entry = json.loads(json.dumps(checkpoint["sciml"]))
    assert entry["schema"] == 1
    assert entry["module"]["objective"]["class_path"] == "sciml.operators.Supervised"
    assert entry["data"]["inputs"] == ["a"]
    assert entry["data"]["outputs"] == ["u"]
    assert entry["data"]["windows"] == {"class_path": "sciml.data.Steady", "init_args": {}}
    assert DatasetSpec.from_dict(entry["data"]["spec"]) == data.spec
    assert entry["data"]["hash"] == data.train.dataset.hash
    names = {f"network.{k}" for k in module.network.state_dict()}
    assert set(checkpoint["ema_state_dict"]) == names
    assert names <= set(checkpoint["state_dict"])
    assert {"network.inputs.shift", "network.outputs.scale", "network.network.layers.0.weight"} <= names


class Poisoned(Objective):
    """Relative to `Supervised`, the loss or its gradient is not finite once a given sample is seen after some steps."""

    def __init__(self, where: str, after: int) -> None:
        super().__init__()
        self.where, self.after, self.steps = where, after, 0

    def advance(self, step: int, epoch: int, network: nn.Module | None = None) -> None:
        self.steps = step

    def terms(self, network: nn.Module, batch: Batch) -> dict[str, Term]:
        error = (evaluate(network, batch) - batch.targets).flatten(1).square().mean(dim=1)
        if self.steps >= self.after and network.training:
            # The square root has the value 0 and an infinite slope at 0.
            error = error * math.nan if self.where == "loss" else error + (error - error.detach()).sqrt()
        return {"relative_l2": Term(error)}


@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_numbers_that_are_not_finite_stop_the_run_before_the_weights_change(where, make, tmp_path):
    module, data, trainer = make(module={"objective": Poisoned(where, after=6)})
    with pytest.raises(SolveFailure, match=f"non-finite {where} at step 6") as raised:
        trainer.fit(module, data)
    assert raised.value.exit_code == 4
    report = json.loads((tmp_path / "failure.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    last = tmp_path / "checkpoints" / "last.ckpt"
    assert report["what"] == where
    assert (report["step"], report["epoch"]) == (6, 1)
    expected = data.train.batch(data.train_dataloader().steps.indices(6)).index
    assert report["samples"] == expected.tolist()
    assert report["last_good_checkpoint"] == str(last)
    assert set(report["gradient_norms"]) == {n for n, _ in module.named_parameters()}
    assert all(p.isfinite().all() for p in module.parameters())
    for path in last.parent.iterdir():
        state = torch.load(path, weights_only=True)["state_dict"]
        assert all(v.isfinite().all() for v in state.values())


def test_weights_that_overflowed_are_never_saved(make, tmp_path):
    from lightning.pytorch.callbacks import Callback

    class Overflow(Callback):
        def on_train_epoch_end(self, trainer, module):
            if trainer.current_epoch == 1:
                with torch.no_grad():
                    next(module.network.parameters()).fill_(math.inf)

    from sciml.training import BestAndLast

    module, data, trainer = make(callbacks=[Overflow(), BestAndLast()], module={"ema": None})
    with pytest.raises(SolveFailure, match="non-finite weights"):
        trainer.fit(module, data)
    state = torch.load(tmp_path / "checkpoints" / "last.ckpt", weights_only=True)
    assert state["sciml"]["step"] == 4  # the end of the first epoch
    assert all(v.isfinite().all() for v in state["state_dict"].values())


def test_a_metric_that_is_not_a_number_is_never_the_best(make, tmp_path):
    class BlindLater(Poisoned):
        def terms(self, network: nn.Module, batch: Batch) -> dict[str, Term]:
            term = super().terms(network, batch)["relative_l2"]
            return {"relative_l2": Term(term.values * (math.nan if self.steps > 4 and not network.training else 1.0))}

    module, data, trainer = make(module={"objective": BlindLater("loss", after=1000)})
    trainer.fit(module, data)
    assert torch.load(tmp_path / "checkpoints" / "best.ckpt", weights_only=True)["sciml"]["step"] == 4
    assert torch.load(tmp_path / "checkpoints" / "last.ckpt", weights_only=True)["sciml"]["step"] == 12


@pytest.mark.parametrize(("precision", "dtype"), [("64-true", torch.float64), ("bf16-mixed", torch.float32)])
def test_precision_is_the_trainers(precision, dtype, make):
    module, data, trainer = make(max_epochs=1, precision=precision)
    trainer.fit(module, data)
    assert {p.dtype for p in module.parameters()} == {dtype}
    assert math.isfinite(trainer.callback_metrics["val/relative_l2"])


COMPILED = """
import sys, torch
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from training_fixtures import ConvolutionNetwork, make_run, write_tiny
states = []
data_folder = write_tiny(Path(sys.argv[2]) / "tiny")
for compiled in (False, True):
    settings = {"network": ConvolutionNetwork(dropout=0.0), "compile": compiled, "ema": None}
    torch.manual_seed(0)
    for p in settings["network"].parameters():
        torch.nn.init.normal_(p, std=0.3)
    module, data, trainer = make_run(data_folder, Path(sys.argv[2]), module=settings, max_epochs=1)
    trainer.fit(module, data)
    states.append(module.state_dict())
torch.save(states, sys.argv[3])
"""


@pytest.mark.slow
def test_a_compiled_network_trains_to_the_same_weights_and_writes_the_same_names(tmp_path):
    # In a process of its own: the shape checks of the tests cannot be compiled.
    out, tests = tmp_path / "states.pt", Path(__file__).parents[1]
    words = [sys.executable, "-W", "ignore", "-c", COMPILED, str(tests), str(tmp_path), str(out)]
    subprocess.run(words, check=True, cwd=tests.parent, capture_output=True, timeout=110)
    eager, compiled = torch.load(out, weights_only=True)
    assert eager.keys() == compiled.keys()
    for name, value in eager.items():
        torch.testing.assert_close(compiled[name], value, rtol=1e-4, atol=1e-5)


def test_a_schedule_of_a_run_without_an_end_is_refused_in_one_line(make):
    module, data, trainer = make(max_epochs=-1)
    with pytest.raises(ConfigError, match="max_epochs=-1 has no end"):
        trainer.fit(module, data)


def test_a_network_that_does_not_record_its_arguments_trains_and_says_what_it_cannot(make, caplog):
    module, data, trainer = make(module={"network": nn.Sequential(nn.Conv1d(1, 1, 3, padding=1))}, max_epochs=1)
    trainer.fit(module, data)
    assert sum("does not record its arguments" in r.message for r in caplog.records) == 1
    assert not module.exportable


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lr_scheduler": torch.optim.lr_scheduler.ReduceLROnPlateau}, "cannot be resumed exactly"),
        ({"optimizer": functools.partial(torch.optim.AdamW, lr=-1.0)}, "Invalid learning rate"),
        ({"monitor": "val/nothing"}, "monitor='val/nothing' is not logged; accepted are"),
    ],
)
def test_settings_that_cannot_work_are_refused_in_one_line(settings, message, make):
    module, data, trainer = make(module=settings)
    with pytest.raises(ConfigError, match=message) as raised:
        trainer.fit(module, data)
    assert "\n" not in str(raised.value)
