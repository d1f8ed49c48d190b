from pathlib import Path

import pytest

from sciml.cli import config
from sciml.cli.config import check
from sciml.cli.overrides import split_overrides
from sciml.status import ConfigError

MODEL = "model: {objective: {class_path: sciml.operators.Supervised}}\n"


def refusal(tmp_path: Path, text: str, *overrides: tuple[str, str], trust: tuple[str, ...] = ()) -> str:
    file = tmp_path / "c.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        check([str(file)], list(overrides), trust)
    message = str(caught.value)
    assert "\n" not in message
    assert str(file) in message or message.startswith("--")
    return message


@pytest.mark.parametrize(
    "text",
    [
        "model: {network: {class_path: os.system}}",
        "model: {network: {class_path: sciml._private.Thing}}",
        "model: {network: {class_path: torch.hub.load}}",
        "model: {network: foreign.module.Network}",
        "model: {optimizer: foreign.make}",
        "model: foreign.Module",
        "data: {class_path: foreign.Data}",
        "trainer: {logger: foreign.Logger}",
        "trainer: {callbacks: [foreign.Callback]}",
        "trainer: {callbacks: [{class_path: foreign.Callback}]}",
        "trainer: {strategy: foreign.Strategy}",
        "model: {network: {class_path: sciml.operators.NeuralOp, init_args: {class_path: foreign.FNO, init_args: {}}}}",
    ],
)
def test_a_class_off_the_list_is_refused_wherever_it_stands(tmp_path, text):
    assert "is not allowed" in refusal(tmp_path, text)


def test_a_foreign_class_is_refused_even_if_a_later_file_replaces_it(tmp_path):
    bad, good = tmp_path / "bad.yaml", tmp_path / "good.yaml"
    bad.write_text("model: {network: {class_path: foreign.Network}}")
    good.write_text("model: {network: {class_path: torch.nn.Identity}}")
    with pytest.raises(
        ConfigError, match=r"bad\.yaml:1: model\.network\.class_path: 'foreign\.Network' is not allowed"
    ):
        check([str(bad), str(good)])


@pytest.mark.parametrize("override", [("model.network", "foreign.N"), ("model.network.class_path", "foreign.N"),
                                      ("model.network", "{class_path: foreign.N}"), ("model", "foreign.N"),
                                      ("trainer.callbacks+", "foreign.Callback")])  # fmt: skip
def test_an_override_is_held_to_the_same_list(tmp_path, override):
    assert "is not allowed" in refusal(tmp_path, "seed_everything: 0", override)


def test_configurations_hidden_in_text_or_in_files_are_refused(tmp_path):
    assert "without quotes" in refusal(tmp_path, "model: {network: '{class_path: foreign.N}'}")
    assert "is a file" in refusal(tmp_path, "model: {network: other.yaml}")
    extensionless = tmp_path / "network"
    extensionless.write_text("class_path: foreign.N")
    assert "is a file" in refusal(tmp_path, f"model: {{network: {extensionless}}}")


def test_a_trusted_package_is_accepted(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text("model: {network: {class_path: foreign.Network, init_args: {anything: 1}}}")
    assert check([str(file)], trust=("foreign",)).data["model"]["network"]["class_path"] == "foreign.Network"
    assert "accepted are classes of sciml" in refusal(tmp_path, file.read_text(), trust=("other",))


def test_text_arguments_may_look_like_import_paths(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text(
        "trainer:\n  default_root_dir: runs.v1\n  callbacks:\n"
        "    - class_path: lightning.pytorch.callbacks.ModelCheckpoint\n"
        "      init_args: {dirpath: a.b, filename: best.weights, monitor: val.loss}\n"
    )
    assert check([str(file)]).data["trainer"]["default_root_dir"] == "runs.v1"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("trainner: {}", [":1: trainner: unknown key", "nearest: trainer"]),
        ("trainer:\n  max_epoch: 3", [":2: trainer.max_epoch", "nearest: max_epochs"]),
        ("model: {objectiv: 1}", ["model.objectiv: no argument of FitModule", "nearest: objective"]),
        ("data: {batchsize: 1}", ["data.batchsize: no argument of FieldData", "nearest: batch_size"]),
        (
            "model:\n  weighting:\n    class_path: sciml.objective.FixedWeight",
            [":3: model.weighting.class_path", "nearest: sciml.objective.FixedWeights", "names no class"],
        ),
        (
            "model:\n  weighting:\n    class_path: sciml.objective.FixedWeights\n    init_args:\n      weigths: {}",
            [":5: model.weighting.init_args.weigths: no argument of FixedWeights", "nearest: weights"],
        ),
        (
            "model: {optimizer: {class_path: torch.optim.AdamW, init_args: {lrate: 1}}}",
            ["no argument of AdamW", "nearest: lr"],
        ),
        ("model: {weighting: {class_path: FixedWeight}}", ["nearest: sciml.objective.FixedWeights"]),
        (
            "model: {weighting: {class_path: sciml.objective.FixedWeights, args: {}}}",
            ["args: unknown key beside class_path"],
        ),
        ("data: {dataset: burgers}", ["'burgers' is no data set"]),
    ],
)
def test_a_misspelt_name_is_answered_with_file_line_key_and_nearest(tmp_path, text, parts):
    message = refusal(tmp_path, text)
    for part in parts:
        assert part in message


def test_a_short_class_name_is_written_out(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text("model: {weighting: {class_path: FixedWeights}}")
    assert check([str(file)]).data["model"]["weighting"]["class_path"] == "sciml.objective.FixedWeights"


def test_later_files_win_and_overrides_win_over_all(tmp_path):
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text("seed_everything: 1\ntrainer: {max_epochs: 10, devices: 1}")
    second.write_text("trainer: {max_epochs: 20}")
    checked = check([str(first), str(second)], [("seed_everything", "3")])
    assert checked.data == {"seed_everything": 3, "trainer": {"max_epochs": 20, "devices": 1}}
    assert checked.files == (first, second)


def test_a_mistake_in_a_layer_names_the_file_that_made_it(tmp_path):
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text("trainer: {max_epochs: 10}")
    second.write_text("seed_everything: 1\ntrainer: {max_epoch: 10}")
    with pytest.raises(ConfigError, match=r"b\.yaml:2: trainer\.max_epoch"):
        check([str(first), str(second)])


def test_arguments_of_a_replaced_class_are_forgotten(tmp_path):
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text("model: {weighting: {class_path: sciml.objective.FixedWeights, init_args: {weights: {a: 1}}}}")
    second.write_text("model: {weighting: {class_path: sciml.objective.GradNormWeights, init_args: {every: 5}}}")
    arguments = check([str(first), str(second)]).data["model"]["weighting"]["init_args"]
    assert arguments == {"every": 5}


@pytest.mark.parametrize("path", ["FNO", "sciml.operators.FNO", "sciml.operators.fno.FNO"])
def test_arguments_stay_with_their_class_however_it_is_named(tmp_path, path):
    file = tmp_path / "c.yaml"
    file.write_text("model: {network: {class_path: sciml.operators.FNO, init_args: {width: 8, depth: 2}}}")
    overrides = [("model.network.class_path", path), ("model.network.init_args.width", "16")]
    for given in (overrides, overrides[::-1]):
        network = check([str(file)], given).data["model"]["network"]
        assert network["init_args"] == {"width": 16, "depth": 2}
        assert network["class_path"] in ("sciml.operators.FNO", "sciml.operators.fno.FNO")


def test_arguments_in_a_file_with_a_short_name_stay_under_the_full_one(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text("model: {network: {class_path: FNO, init_args: {width: 8}}}")
    data = check([str(file)], [("model.network.class_path", "sciml.operators.FNO")]).data
    assert data["model"]["network"] == {"class_path": "sciml.operators.FNO", "init_args": {"width": 8}}


def test_a_dataset_is_a_recipe_a_folder_or_a_mistake(tmp_path, monkeypatch):
    monkeypatch.setenv("SCIML_DATA", str(tmp_path))
    (tmp_path / "mine").mkdir()
    file = tmp_path / "c.yaml"
    file.write_text("data: {dataset: mine}")
    assert check([str(file)]).data["data"]["dataset"] == "mine"
    assert "nearest: mine" in refusal(tmp_path, "data: {dataset: mines}")
    assert "remote" in refusal_of_remote(tmp_path)


def refusal_of_remote(tmp_path: Path) -> str:
    file = tmp_path / "r.yaml"
    file.write_text("data: {dataset: 's3://bucket/data'}")
    with pytest.raises(ConfigError) as caught:
        check([str(file)])
    return str(caught.value)


def test_an_unknown_configuration_is_answered_with_the_nearest_shipped_one(monkeypatch):
    monkeypatch.setattr(config, "shipped_configs", lambda: ["operators/darcy_2d_fno.yaml", "trainer/smoke.yaml"])
    with pytest.raises(ConfigError, match=r"nearest: operators/darcy_2d_fno\.yaml"):
        check(["darcy_2d_fn.yaml"])


def test_every_shipped_configuration_passes():
    for name in config.shipped_configs():
        check([name])


def test_dotted_words_are_separated_from_options():
    rest, overrides = split_overrides(
        ["test", "--config", "a.b.yaml", "--trainer.max_epochs", "3", "--model.x=-1", "run.1"]
    )
    assert rest == ["test", "--config", "a.b.yaml", "run.1"]
    assert overrides == [("trainer.max_epochs", "3"), ("model.x", "-1")]
    with pytest.raises(ConfigError, match="a value is missing"):
        split_overrides(["--trainer.max_epochs", "--dry-run"])
