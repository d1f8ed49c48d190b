"""Folders in the published layout: what is written is read, what changes starts anew, what is odd is refused."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from sciml.operators import ScOT
from sciml.status import DataError


def network(**changes: object) -> ScOT:
    torch.manual_seed(3)
    return ScOT(2, 3, 16, 2, 8, (2, 2), (2, 4), (1, 0), 4, **changes)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    network().save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def changed(folder: Path, **entries: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **entries}))


def as_bin(folder: Path, content: object) -> None:
    (folder / "model.safetensors").unlink()
    torch.save(content, folder / "pytorch_model.bin")


def test_a_network_comes_back_as_it_was_saved(folder: Path) -> None:
    again, fresh = ScOT.from_pretrained(folder)
    u, lead = torch.randn(2, 2, 16, 16), torch.rand(2)
    assert fresh == []
    assert torch.equal(again(u, time=lead), network()(u, time=lead))
    assert again.settings == network().settings


def test_parameters_and_the_scale_of_time_come_back_too(tmp_path: Path) -> None:
    network(params=2, lead_scale=20.0).save_pretrained(tmp_path)
    again, fresh = ScOT.from_pretrained(tmp_path)
    assert (again.params, again.lead_scale, fresh) == (2, 20.0, [])


def test_the_older_weights_file_is_read_without_running_anything(folder: Path) -> None:
    as_bin(folder, dict(network().state_dict()))
    again, fresh = ScOT.from_pretrained(folder)
    assert fresh == []
    assert torch.equal(again.patch_recovery.mixup.weight, network().patch_recovery.mixup.weight)


def test_a_weights_file_that_would_run_code_is_refused(folder: Path, tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple:
            return Path.touch, (tmp_path / "ran",)

    as_bin(folder, {"a": Hostile()})
    with pytest.raises(DataError, match="holds more than tensors"):
        ScOT.from_pretrained(folder)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"in_channels": 5}, ["embeddings.patch_embeddings.projection.weight"]),
        (
            {"out_channels": 1},
            ["patch_recovery.mixup.weight", "patch_recovery.projection.bias", "patch_recovery.projection.weight"],
        ),
    ],
)
def test_other_channels_start_anew_and_nothing_else_does(
    folder: Path, changes: dict[str, int], expected: list[str]
) -> None:
    again, fresh = ScOT.from_pretrained(folder, **changes)
    stored = load_file(folder / "model.safetensors")
    assert fresh == expected
    state = again.state_dict()
    assert all(torch.equal(state[k], v) for k, v in stored.items() if k not in fresh)
    assert all(state[k].shape != stored[k].shape for k in fresh)


def test_parameters_that_the_weights_do_not_know_start_without_influence(folder: Path) -> None:
    again, fresh = ScOT.from_pretrained(folder, params=1)
    assert fresh == [k for k in sorted(again.state_dict()) if k.endswith("_params.weight")]
    u, lead = torch.randn(2, 2, 16, 16), torch.rand(2)
    assert torch.equal(again(u, time=lead, params=torch.randn(2, 1)), network()(u, time=lead))


def test_another_grid_takes_the_same_weights(folder: Path) -> None:
    again, fresh = ScOT.from_pretrained(folder, image_size=32)
    assert (fresh, again.image_size) == ([], (32, 32))


def test_stored_tables_of_relative_positions_are_ignored(folder: Path) -> None:
    stored = load_file(folder / "model.safetensors")
    prefix = "encoder.layers.0.blocks.0.attention.self"
    stored[f"{prefix}.relative_coords_table"] = torch.zeros(1, 7, 7, 2)
    stored[f"{prefix}.relative_position_index"] = torch.zeros(16, 16)
    save_file(stored, folder / "model.safetensors")
    assert ScOT.from_pretrained(folder)[1] == []


def test_an_interrupted_save_leaves_the_folder_as_it_was(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {p.name: p.read_bytes() for p in folder.iterdir()}

    def fail(*args: object, **kwargs: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("safetensors.torch.save_file", fail)
    with pytest.raises(OSError, match="disk full"):
        network(qkv_bias=False).save_pretrained(folder)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"embed_dim": 16}, "config.json has width 16, 2 channels and patches of 2; the weights have"),
        ({"embed_dim": 10**9}, "embed_dim=1000000000 is not a number"),
        ({"depths": [2, 10**9]}, "config.json has depths .*; the weights have 8 blocks"),
        ({"depths": [3, 2]}, "config.json has depths .*; the weights have 8 blocks"),
        ({"depths": "all"}, "depths='all' is not a number"),
        ({"num_heads": [2, 3]}, "heads=3 must divide the 16 channels"),
        ({"skip_connections": [0, 0]}, "the weights hold 'residual_blocks.0.0.*', which the network"),
        ({"skip_connections": [2, 0]}, "tensor 'residual_blocks.0.1.*' is missing"),
        ({"mlp_ratio": 2.0}, "tensor .* has shape"),
        ({"residual_model": "resnet"}, "residual_model='resnet' is not supported; accepted is 'convnext'"),
        ({"learn_residual": True}, "learn_residual=True is not supported"),
    ],
)
def test_a_configuration_that_the_weights_do_not_bear_out_is_refused_in_one_line(
    folder: Path, entries: dict[str, object], message: str
) -> None:
    changed(folder, **entries)
    with pytest.raises(DataError, match=message) as raised:
        ScOT.from_pretrained(folder)
    assert "\n" not in str(raised.value)


def test_changes_that_the_weights_cannot_follow_are_refused(folder: Path) -> None:
    with pytest.raises(DataError, match=r"tensor .* has shape"):
        ScOT.from_pretrained(folder, mlp_ratio=2.0)
    with pytest.raises(ValueError, match="unexpected keyword argument 'layers'"):
        ScOT.from_pretrained(folder, layers=2)


def test_files_that_are_missing_or_damaged_are_named(folder: Path) -> None:
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:100])
    with pytest.raises(DataError, match="cannot be read as safetensors"):
        ScOT.from_pretrained(folder)
    weights.unlink()
    with pytest.raises(DataError, match=r"holds neither model.safetensors nor pytorch_model.bin"):
        ScOT.from_pretrained(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(DataError, match="cannot be read as JSON"):
        ScOT.from_pretrained(folder)
    (folder / "config.json").unlink()
    with pytest.raises(DataError, match="no such file"):
        ScOT.from_pretrained(folder)
