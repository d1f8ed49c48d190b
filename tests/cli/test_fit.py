"""`fit`, `validate`, `test`, `predict` on a configuration: run folders, exit codes, and messages of one line."""

import csv
import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from sciml.cli.fit import read_request, run
from sciml.status import ConfigError, DataError, ResumeMismatch, SolveFailure
from sciml.yaml_files import Document

pytest_plugins = ["training_fixtures"]

CONFIG = """
seed_everything: 3
trainer: {{max_epochs: 2, accelerator: cpu}}
model:
  network:
    class_path: sciml.operators.FNO
    init_args: {{in_channels: 1, out_channels: 1, width: 4, modes: [4], depth: 1}}
  objective: {{class_path: sciml.operators.Supervised}}
  optimizer: {{class_path: torch.optim.AdamW, init_args: {{lr: 1e-2}}}}
  lr_scheduler: {{class_path: sciml.training.WarmupCosine, init_args: {{warmup: 0.1}}}}
  ema: 0.9
data:
  class_path: sciml.training.FieldData
  init_args: {{dataset: {dataset}, batch_size: 6}}
"""


@pytest.fixture
def config(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Words that name a small experiment, in an empty folder."""
    (tmp_path / "small.yaml").write_text(CONFIG.format(dataset=tiny))
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return ["--config", "../small.yaml"]


def checkpoint(path: str) -> dict:
    import torch

    return torch.load(path, weights_only=True)


def test_a_run_has_its_folder_with_everything_in_it_and_nothing_beside_it(config, capfd):
    assert run("fit", config) == 0
    assert run("fit", config) == 0
    first, second = sorted(p for p in Path("runs/small").iterdir() if not p.is_symlink())
    assert Path("runs/small/latest").resolve() == second.resolve()
    assert sorted(p.name for p in Path().iterdir()) == ["runs"]
    names = {p.name for p in second.iterdir()} - {"tensorboard"}
    assert names == {"checkpoints", "config.yaml", "environment.json", "log.txt", "metrics.csv", "model.sciml"}
    out = capfd.readouterr()
    assert "epoch 2/2, step 8" in out.out
    assert not {"Tip", "lightning", "GPU available"} & set((out.out + out.err).replace(":", " ").split())
    assert "epoch 2/2, step 8" in (second / "log.txt").read_text()
    environment = json.loads((second / "environment.json").read_text())
    assert environment["seed"] == 3
    assert environment["threads"] >= 1
    rows = (second / "metrics.csv").read_text().splitlines()
    metrics = {"train/loss", "train/relative_l2", "train/lr", "val/loss", "val/relative_l2"}
    assert set(rows[0].split(",")) == {"epoch", "step", *metrics}
    last = dict(zip(rows[0].split(","), rows[-1].split(","), strict=True))
    assert f"epoch 2/2, step 8: train/loss {float(last['train/loss']):.4g}," in out.out
    # The same configuration and seed: the same bits, in folders of their own.
    one, two = (checkpoint(str(f / "checkpoints/last.ckpt"))["state_dict"] for f in (first, second))
    assert all(one[k].equal(two[k]) for k in one)


def test_a_run_that_was_killed_goes_on_exactly_with_its_own_configuration(config, monkeypatch):
    from sciml.training import BestAndLast

    assert run("fit", config) == 0
    whole = checkpoint("runs/small/latest/checkpoints/last.ckpt")
    save = BestAndLast._save_last

    def killed(self, trainer, module):
        save(self, trainer, module)
        raise KeyboardInterrupt

    monkeypatch.setattr(BestAndLast, "_save_last", killed)
    with pytest.raises(KeyboardInterrupt):
        run("fit", config)
    monkeypatch.setattr(BestAndLast, "_save_last", save)
    assert checkpoint("runs/small/latest/checkpoints/last.ckpt")["sciml"]["step"] == 4
    interrupted = Path("runs/small/latest").resolve()
    assert run("fit", ["--resume", "runs/small/latest"]) == 0
    resumed = checkpoint("runs/small/latest/checkpoints/last.ckpt")
    assert Path("runs/small/latest").resolve() != interrupted
    for key in ("state_dict", "ema_state_dict"):
        assert all(whole[key][k].equal(resumed[key][k]) for k in whole[key])
    with pytest.raises(ConfigError, match=r"at the end of its run \(8 steps\)"):
        run("fit", ["--resume", "runs/small/latest"])
    with pytest.raises(ResumeMismatch, match="total_steps: 8 in the checkpoint, 12 now"):
        run("fit", ["--resume", "runs/small/latest", "--trainer.max_epochs=3"])


def test_the_best_state_of_the_interrupted_run_comes_along_when_nothing_better_follows(config, monkeypatch):
    from sciml.training import BestAndLast

    still = [*config, "--model.optimizer.init_args.lr=0.0"]
    save = BestAndLast._save_last

    def killed(self, trainer, module):
        save(self, trainer, module)
        raise KeyboardInterrupt

    monkeypatch.setattr(BestAndLast, "_save_last", killed)
    with pytest.raises(KeyboardInterrupt):
        run("fit", still)
    monkeypatch.setattr(BestAndLast, "_save_last", save)
    assert run("fit", ["--resume", "runs/small/latest"]) == 0
    folder = Path("runs/small/latest/checkpoints")
    assert checkpoint(str(folder / "best.ckpt"))["sciml"]["step"] == 4
    assert checkpoint(str(folder / "last.ckpt"))["sciml"]["step"] == 8


@pytest.mark.slow
def test_two_processes_take_the_steps_of_one_and_measure_the_same(config):
    # Through the program itself: Lightning starts the second process with the words of the first.
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-W", "ignore", "-m", "sciml", "fit", *config]
    two = ["--trainer.strategy=ddp", "--trainer.devices=2"]
    for more in ([], two):
        subprocess.run([*words, *more], check=True, env=environment, capture_output=True, timeout=100)
    alone, shared = sorted(p for p in Path("runs/small").iterdir() if not p.is_symlink())
    one, other = (checkpoint(str(f / "checkpoints/last.ckpt"))["state_dict"] for f in (alone, shared))
    for name, value in one.items():
        np.testing.assert_allclose(other[name], value, rtol=1e-4, atol=1e-5)
    rows = [list(csv.DictReader((f / "metrics.csv").open())) for f in (alone, shared)]
    assert len(rows[0]) == len(rows[1]) == 4
    for mine, theirs in zip(*rows, strict=True):
        numbers = {k: float(v) for k, v in mine.items() if v}
        assert {k: float(v) for k, v in theirs.items() if v} == pytest.approx(numbers, rel=1e-4)


def test_the_best_checkpoint_is_measured_and_applied_with_its_averaged_weights(config, capsys, tiny):
    from sciml.data import open_dataset
    from sciml.inference import Surrogate

    run("fit", config)
    best = checkpoint("runs/small/latest/checkpoints/best.ckpt")
    score = next(v["best_score"] for k, v in best["callbacks"].items() if "best_score" in v)
    capsys.readouterr()
    assert run("validate", [*config, "--ckpt_path", "best"]) == 0
    printed = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert float(printed["val/relative_l2"]) == pytest.approx(score, rel=1e-5)
    assert run("test", [*config, "--ckpt_path", "best"]) == 0
    tested = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert run("predict", [*config, "--ckpt_path", "best"]) == 0
    path = Path(capsys.readouterr().out.split()[-1])
    prediction = np.load(path)["fields"]
    data = open_dataset(tiny, "test")
    truth, coefficient = data.fields(range(5))[:, 0], data.static(range(5)).astype("float32")
    error = np.linalg.norm(prediction - truth, axis=(1, 2)) / np.linalg.norm(truth, axis=(1, 2))
    assert float(tested["test/relative_l2"]) == pytest.approx(error.mean(), rel=1e-5)
    predictor = Surrogate.load(path.parent / "model.sciml")
    np.testing.assert_allclose(np.asarray(predictor(coefficient)), prediction, rtol=1e-5, atol=1e-5)


def test_a_dry_run_makes_one_step_and_writes_nothing(config, capsys):
    assert run("fit", [*config, "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "trainable parameters" in out
    assert "data set tiny: 20 training samples on 8; a -> u" in out
    assert "steps: 4 per epoch, 8 in 2 epochs" in out
    assert "memory: " in out
    assert list(Path().iterdir()) == []


def test_a_dry_run_of_a_network_that_is_a_solution_counts_the_jacobian(capsys):
    assert run("fit", ["--config", "pinn/poisson_2d.yaml", "--trainer.accelerator=cpu", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "337 trainable parameters" in out
    points, parameters = 400, 337
    kept = float(re.search(r"kept for derivatives ([\d.]+) MB", out)[1]) * 1e6
    assert 8 * points * parameters < kept < 3 * 8 * points * parameters


def test_a_dry_run_counts_what_is_kept_at_one_time():
    from sciml.cli.memory import KeptBytes

    class Squares:
        def terms(self, x):
            return (x * 2).square().sum()

    objective = Squares()
    kept, x = KeptBytes(objective), torch.ones(100, requires_grad=True)
    for _ in range(3):
        loss = objective.terms(x)
        assert kept.total == 400
        loss.backward()
        del loss
        assert kept.current == 0
    together = [objective.terms(x), objective.terms(x)]
    assert len(together) == 2
    assert kept.total == 800


@pytest.mark.skipif(torch.cuda.is_available() or torch.backends.mps.is_available(), reason="a GPU is at hand")
def test_a_gpu_that_is_not_there_is_named(config):
    message = "trainer.accelerator=gpu needs a GPU and there is none at hand; cpu or auto is accepted."
    with pytest.raises(ConfigError, match=re.escape(message)):
        run("fit", [*config, "--trainer.accelerator=gpu", "--dry-run"])


def test_a_dry_run_without_its_data_says_so_and_is_content(config, capsys, tmp_path):
    (tmp_path / "small.yaml").write_text(CONFIG.format(dataset="darcy_2d"))
    assert run("fit", [*config, "--dry-run"]) == 0
    assert "not at hand" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("--trainer.max_epochs=many", "--trainer.max_epochs: 'many' is not accepted; an integer or null is expected."),
        ("--model.network.init_args.width=wide", "--model.network.init_args.width: wide is not accepted; an integer"),
        ("--model.optimizer.init_args.lr=fast", "--model.optimizer.init_args.lr: 'fast' is not accepted; a number is"),
        ("--data.init_args.batch_size=0", "batch_size=0 must be at least 1."),
        ("--data.init_args.windows.class_path=sciml.operators.FNO", "sciml.operators.FNO is no Windows"),
        ("--trainer.precision=12", "64-true or bf16 or null is expected"),
        ("--trainer.gradient_clip_algorithm=all", "Allowed algorithms"),
        ("--model.network={class_path: sciml.operators.FNO, init_args: {width: 3}}", None),
        ("--model.network.init_args.in_channels=2", "in_channels=2 (configuration), but data set 'tiny' has 1 input"),
        ("--model.ema=2", "ema=2.0 must lie in (0, 1)"),
        ("--model.lr_scheduler.init_args.warmup=3", "model.lr_scheduler: warmup=3.0 must lie in [0, 1)"),
        ("--data.init_args.train_samples=21", "limit=21 must be between 1 and the 20 trajectories"),
        ("--seed_everything=true", "seed_everything=True must be an integer"),
        ("--model.objective=foo", "--model.objective: 'foo' is not accepted"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_value_and_leaves_no_run(word, message, config):
    if message is None:  # arguments given before go with the class that they were given for
        assert run("fit", [*config, word]) == 0
        return
    with pytest.raises(ConfigError) as raised:
        run("fit", [*config, word])
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not Path("runs/small").exists() or list(Path("runs/small").iterdir()) == []


def test_a_mistake_in_a_file_is_named_with_file_and_line(config, tmp_path):
    text = (tmp_path / "small.yaml").read_text()
    (tmp_path / "small.yaml").write_text(text.replace("max_epochs: 2", "max_epochs: two"))
    with pytest.raises(ConfigError, match=r"^\.\./small\.yaml:3: trainer\.max_epochs: 'two' is not accepted"):
        run("fit", config)


def test_training_that_diverges_ends_with_a_report_and_keeps_its_folder(config):
    with pytest.raises(SolveFailure) as raised:
        run("fit", [*config, "--model.optimizer.init_args.lr=1e30"])
    assert raised.value.exit_code == 4
    report = json.loads(Path("runs/small/latest/failure.json").read_text())
    assert report["what"] == "loss"
    assert not math.isfinite(float(report["losses"]["loss"]))
    assert not Path("runs/small/latest/model.sciml").exists()


def test_requests_that_mean_nothing_are_refused_before_anything_is_imported(config, tmp_path):
    with pytest.raises(ConfigError, match="--ckpt_path FILE is needed"):
        read_request("validate", config)
    with pytest.raises(ConfigError, match="--resume goes with fit and without --config"):
        read_request("fit", [*config, "--resume", "x"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"no config\.yaml, so there is nothing to continue"):
        read_request("fit", ["--resume", str(tmp_path / "empty")])
    with pytest.raises(DataError, match="no run folder"):
        read_request("validate", [*config, "--ckpt_path", "best"])


def test_reports_of_the_parser_are_cut_to_the_innermost_mistake():
    from sciml.cli.one_line import shorten

    report = """Parser key "trainer.callbacks":
  Does not validate against any of the Union subtypes
  Errors:
    - Problem with given class_path 'lightning.pytorch.callbacks.EarlyStopping':
        Parser key "patience":
          Expected a <class 'int'>. Got value: x
    - Expected a <class 'NoneType'>
  Given value type: <class 'list'>
  Given value: [{'class_path': 'a'}]"""
    document = Document("a.yaml", {"trainer": {"callbacks": []}}, {("trainer", "callbacks"): 7})
    message = shorten(report, document.data, (document,))
    assert message == "a.yaml:7: trainer.callbacks.init_args.patience: x is not accepted; an integer is expected."


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["--model.network.init_args.modes=[4,4]"], "does not fit; accepted is"),
        (["--model.weighting={class_path: FixedWeights, init_args: {weights: {flux: 2.0}}}"], "weights names ['flux']"),
        (
            ["--data.init_args.windows={class_path: AllToAll}", "--model.network.init_args.in_channels=2"],
            "data.windows=AllToAll has several lead times",
        ),
        (["--trainer.gradient_clip_val=-1"], "trainer.gradient_clip_val=-1"),
        (["--trainer.max_epochs=0"], "nothing to train"),
        (["--model.network=3"], "model.network: 3 is not accepted; a Module as class_path and init_args is expected."),
        (["--model.network.init_args.width=0"], "model.network.init_args.width: width=0 must be at least 1"),
    ],
)
def test_a_mistake_that_shows_only_on_the_data_is_one_of_the_configuration_and_no_run(config, overrides, said):
    with pytest.raises(ConfigError) as caught:
        run("fit", [*config, *overrides])
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list(Path().glob("runs/small/*"))


def test_a_mistake_leaves_latest_at_the_last_run_that_trained(config):
    assert run("fit", config) == 0
    before = Path("runs/small/latest").resolve()
    with pytest.raises(ConfigError):
        run("fit", [*config, "--model.network.init_args.modes=[4,4]"])
    assert Path("runs/small/latest").resolve() == before
    assert [p for p in Path("runs/small").iterdir() if not p.is_symlink()] == [before.relative_to(Path.cwd())]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("--seed_everything=-1", "seed_everything=-1"),
        ("--trainer.logger.class_path=lightning.pytorch.loggers.WandbLogger", "no logger that sends to a server"),
        ("--trainer.logger=lightning.pytorch.loggers.wandb.WandbLogger", "no logger that sends to a server"),
        ("--trainer.logger=[WandbLogger]", "no logger that sends to a server"),
        ("--trainer.default_root_dir=https://host/runs", "trainer.default_root_dir: 'https://host/runs' is a remote"),
        ("--trainer.default_root_dir=../small.yaml", "small.yaml is a file"),
        ("--ckpt_path=https://host/best.ckpt", "ckpt_path: 'https://host/best.ckpt' is a remote address"),
    ],
)
def test_seeds_and_places_are_checked_before_anything_is_made(config, word, said):
    with pytest.raises(ConfigError, match=r"^[^\n]+$") as caught:
        read_request("fit", [*config, word])
    assert said in str(caught.value)
    assert not list(Path().iterdir())


def test_a_checkpoint_callback_of_the_configuration_stands_beside_our_own(config, tmp_path):
    more = tmp_path / "more.yaml"
    more.write_text(
        "trainer:\n  callbacks:\n  - class_path: lightning.pytorch.callbacks.ModelCheckpoint\n"
        "    init_args: {every_n_epochs: 1, save_top_k: -1, filename: 'at-{epoch}'}\n"
    )
    assert run("fit", [*config, "--config", str(more)]) == 0
    saved = {p.name for p in Path("runs/small/latest").resolve().rglob("*.ckpt")}
    assert {"best.ckpt", "last.ckpt", "at-epoch=0.ckpt", "at-epoch=1.ckpt"} <= saved


@pytest.mark.parametrize(
    ("overrides", "word"),
    [
        (["--model.optimizer.class_path", "torch.optim.SparseAdam"], "SparseAdam"),
        (["--data.init_args.train_samples", "0"], "train_samples=0"),
    ],
)
def test_what_fails_before_the_first_step_is_a_mistake_of_the_configuration(config, overrides, word):
    with pytest.raises(ConfigError, match=word) as caught:
        run("fit", [*config, *overrides])
    assert "\n" not in str(caught.value)


def test_early_stopping_on_a_metric_that_is_not_logged_is_named(config, tmp_path):
    (tmp_path / "stop.yaml").write_text(
        "trainer:\n  callbacks:\n  - class_path: lightning.pytorch.callbacks.EarlyStopping\n"
        "    init_args: {monitor: val/foo}\n"
    )
    with pytest.raises(ConfigError, match="val/foo"):
        run("fit", [*config, "--config", str(tmp_path / "stop.yaml")])
