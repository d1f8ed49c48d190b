"""A run on a mixture from the command line: generate, fit, judge on one member."""

from pathlib import Path

import pytest

from sciml.cli.main import main

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
def test_a_mixture_is_trained_on_and_judged_by_member(
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
