"""Every shipped configuration is read, checked, instantiated, and says the same after it was resolved."""

from pathlib import Path

import pytest
import yaml

from sciml.cli.fit import read_request
from sciml.resources import resource_root

ROOT = resource_root() / "configs"
FRAGMENTS = sorted((ROOT / "trainer").glob("*.yaml"))
EXPERIMENTS = sorted(p for p in ROOT.rglob("*.yaml") if p not in FRAGMENTS)

SMALL = """
seed_everything: 5
trainer: {max_epochs: 2}
model:
  network:
    class_path: sciml.operators.FNO
    init_args: {in_channels: 1, out_channels: 1, width: 4, modes: [4], depth: 1}
  objective: {class_path: sciml.operators.Supervised}
  lr_scheduler: {class_path: sciml.training.WarmupCosine, init_args: {warmup: 0.1}}
data:
  class_path: sciml.training.FieldData
  init_args: {dataset: burgers_1d, windows: {class_path: sciml.data.OneStep}}
"""


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def experiment(words: list[str]):
    from sciml.cli.experiments import Experiment
    from sciml.cli.run_log import quiet

    with quiet():
        return Experiment(read_request("fit", words), None)


def resolved_again(made, folder: Path):
    (folder / "resolved.yaml").write_text(made.resolved())
    return experiment(["--config", str(folder / "resolved.yaml")])


@pytest.mark.parametrize("path", EXPERIMENTS, ids=name)
def test_an_experiment_is_instantiated_and_keeps_its_meaning_when_resolved(path, tmp_path):
    import torch

    from sciml.describe import build, describe

    # Nobody looks at the numbers of an operator's weights, and the largest ones take long to draw.
    with torch.device("meta" if path.parent.name == "operators" else "cpu"):
        made = experiment(["--config", name(path), "--trainer.accelerator=cpu"])
        again = resolved_again(made, tmp_path)
    assert describe(made.model.network) == describe(again.model.network)
    assert describe(made.model.objective) == describe(again.model.objective)
    assert again.resolved() == made.resolved()
    # What reads a run's configuration without the command line's parser finds the same objects in it.
    assert describe(build(yaml.safe_load(made.resolved())["model"]["objective"])) == describe(made.model.objective)
    assert made.config["trainer"]["max_epochs"] or made.config["trainer"]["max_steps"] > 0


@pytest.mark.parametrize("path", FRAGMENTS, ids=name)
def test_a_fragment_holds_trainer_settings_alone_and_goes_on_top_of_an_experiment(path, tmp_path):
    (tmp_path / "small.yaml").write_text(SMALL)
    fragment = yaml.safe_load(path.read_text())
    assert list(fragment) == ["trainer"]
    words = ["--config", str(tmp_path / "small.yaml"), "--config", name(path)]
    # The accelerator is the one entry that depends on the machine of the test.
    made = experiment([*words, "--trainer.accelerator=cpu"])
    for key, value in fragment["trainer"].items():
        assert made.config["trainer"][key] == ("cpu" if key == "accelerator" else value)


def test_one_seed_reaches_weights_streams_and_order(tmp_path):
    (tmp_path / "small.yaml").write_text(SMALL)
    made = experiment(["--config", str(tmp_path / "small.yaml"), "--trainer.accelerator=cpu"])
    assert made.model.seed == made.datamodule.seed == 5
    again = resolved_again(made, tmp_path)
    assert again.model.seed == again.datamodule.seed == 5
    mine, other = (dict(m.model.network.named_parameters()) for m in (made, again))
    assert all(mine[k].equal(other[k]) for k in mine)
