"""Operator transformers from the command line: a run on a mixture, its predictor, and two processes instead of one."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sciml.cli.main import main

pytest_plugins = ["mixture_fixtures"]

SMALL = ["--set", "grid.x.n=8", "--set", "grid.y.n=8", "--set", "times.count=5", "--set", "times.stop=0.02", "--quiet"]
TWO = """
trainer: {max_epochs: 1}
model: {network: {init_args: {image_size: 8, window: 2, depths: [1, 1, 1]}}}
data:
  init_args:
    train_samples: 2
    members:
      - {class_path: sciml.data.Member, init_args: {dataset: poseidon_ce_rp}}
      - {class_path: sciml.data.Member, init_args: {dataset: poseidon_ce_kh}}
"""


@pytest.mark.slow
def test_a_mixture_is_trained_on_and_judged_by_member_and_its_predictor_takes_any_list_of_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    families = ("poseidon_ce_rp", "poseidon_ce_kh")
    for family in families:
        assert main(["generate", family, "--train", "2", "--valid", "1", "--test", "1", *SMALL]) == 0
    (tmp_path / "two.yaml").write_text(TWO)
    assert main(["fit", "--config", "operators/poseidon_pretrain_mini.yaml", "--config", "two.yaml"]) == 0
    run = "runs/poseidon_pretrain_mini/latest"
    capsys.readouterr()
    assert main(["test", run]) != 0
    assert f"name a member with --dataset: {', '.join(families)}" in capsys.readouterr().err
    assert main(["test", run, "--dataset", families[1]]) == 0
    table = capsys.readouterr().out
    assert "poseidon_ce_kh/test" in table
    # Every second frame is a lead time of the training; the solver that made the data repeats just those.
    solver = next(line for line in table.splitlines() if "classical" in line)
    assert float(solver.split("│")[2]) < 1e-6
    check_predictor(f"{run}/model.sciml", f"data/{families[1]}/test/shard-00000.h5")


def check_predictor(model: str, shard: str) -> None:
    """One call over the longest lead time, and a rollout over a list of unequal steps."""
    import torch
    import xarray

    from sciml.cli.field_files import read_fields
    from sciml.inference import Surrogate

    surrogate = Surrogate.load(model)
    assert (surrogate.spec.any_dt, surrogate.spec.shortest, surrogate.spec.dt) == pytest.approx((True, 0.01, 0.02))
    gas = read_fields(Path(shard), ("x", "y")).isel(time=0)
    u = torch.from_numpy(np.stack([gas[c].values for c in surrogate.spec.channels], axis=1))
    assert main(["rollout", model, "--in", shard, "--times", "0,0.01,0.025,0.045", "--out", "some.nc"]) == 0
    with xarray.open_dataset("some.nc") as found:
        for k, lead in enumerate((0.01, 0.015, 0.02), start=1):
            u = surrogate(u, lead=lead)
            for i, channel in enumerate(surrogate.spec.channels):
                np.testing.assert_allclose(found[channel].isel(time=k).values, u[:, i], rtol=1e-6, atol=1e-6)
    gas.to_netcdf("start.nc")
    assert main(["predict", model, "--in", "start.nc", "--out", "one.nc"]) == 0
    with xarray.open_dataset("one.nc") as found:
        direct = surrogate(torch.from_numpy(np.stack([gas[c].values for c in surrogate.spec.channels], axis=1)))
        np.testing.assert_allclose(found["pressure"].values.squeeze(), direct[0, 3], rtol=1e-6, atol=1e-6)


SHARED = """
seed_everything: 0
trainer: {{max_epochs: 2, accelerator: cpu, gradient_clip_val: 5.0}}
model:
  network:
    class_path: sciml.operators.ScOT
    init_args: {{image_size: 8, patch: 2, width: 4, depths: [1, 1], heads: [1, 2], skips: [1, 0], window: 2}}
  objective:
    class_path: sciml.operators.Supervised
    init_args: {{loss: {{class_path: sciml.operators.RelativeL2}}}}
  optimizer: {{class_path: sciml.optim.GroupedAdamW, init_args: {{lr: 1.0e-3, rates: {{norms: 5.0e-3}}}}}}
data:
  class_path: sciml.training.MixtureData
  init_args:
    members:
      - {{class_path: sciml.data.Member, init_args: {{dataset: {gas}}}}}
      - class_path: sciml.data.Member
        init_args: {{dataset: {flow}, names: {{velocity: wind}}, fill: {{density: 1.0, pressure: 0.0}}}}
    fields: [density, velocity, pressure]
    windows: {{class_path: sciml.data.AllToAll}}
    batch_size: 12
"""


@pytest.mark.slow
def test_two_processes_take_the_steps_of_one(two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    # A loss of each sample alone: the pooled denominators of `GroupedLoss` are those of a process's share.
    monkeypatch.chdir(tmp_path)
    Path("shared.yaml").write_text(SHARED.format(gas=two / "gas", flow=two / "flow"))
    assert main(["fit", "--config", "shared.yaml"]) == 0
    # Through the program itself: Lightning starts the second process with the words of the first.
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2]), "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-W", "ignore", "-m", "sciml", "fit", "--config", "shared.yaml"]
    both = ["--trainer.strategy=ddp", "--trainer.devices=2"]
    subprocess.run([*words, *both], check=True, env=environment, capture_output=True, timeout=100)
    runs = sorted(p for p in Path("runs/shared").iterdir() if not p.is_symlink())
    alone, shared = (torch.load(f / "checkpoints/last.ckpt", weights_only=True)["state_dict"] for f in runs)
    for name, value in alone.items():
        np.testing.assert_allclose(shared[name], value, rtol=1e-4, atol=1e-5, err_msg=name)
