"""The predictor file: what is written is read, and nothing that is damaged or hostile passes."""

import json
import pickle
import re
import struct
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save

from sciml.inference import Surrogate, check_predictor
from sciml.inference.file import MAX_HEADER, metadata_text, sealed
from sciml.status import DataError

NETWORK = {"class_path": "torch.nn.PReLU", "init_args": {}}


def crafted(stepper, **changes):
    """A sealed file whose metadata differ from the stepper's."""
    tensors = changes.pop("tensors", {"weight": torch.tensor([0.5])})
    return sealed(
        save(tensors, {"sciml": metadata_text({"network": NETWORK, "spec": stepper.spec.to_dict(), **changes})})
    )


def refused(path, match):
    """Both the check without torch and the load refuse in one line that names the file."""
    for read in (check_predictor, Surrogate.load):
        with pytest.raises(DataError, match=match) as caught:
            read(path)
        assert str(caught.value).startswith(str(path))
        assert "\n" not in str(caught.value)


def test_the_file_is_plain_safetensors_with_readable_metadata(tmp_path, stepper):
    path = stepper.save(tmp_path / "model.sciml")
    assert load_file(path)["weight"].item() == 0.5
    metadata = check_predictor(path)
    assert metadata["network"]["class_path"] == "torch.nn.PReLU"
    assert metadata["spec"]["fields"][0]["unit"] == "m s-1"
    assert metadata["spec"]["data_hash"] == "ab" * 32


def test_saving_twice_gives_the_same_bytes_and_leaves_no_other_file(tmp_path, stepper):
    first = stepper.save(tmp_path / "model.sciml").read_bytes()
    assert stepper.save(tmp_path / "model.sciml").read_bytes() == first
    assert [p.name for p in tmp_path.iterdir()] == ["model.sciml"]


def test_a_save_that_fails_half_way_keeps_the_old_file_and_leaves_no_other(tmp_path, stepper, monkeypatch):
    path = stepper.save(tmp_path / "model.sciml")
    before = path.read_bytes()
    with torch.no_grad():
        stepper.network.weight.fill_(3.0)

    def full_disk(descriptor):
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OSError, match="no space"):
        stepper.save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["model.sciml"]


def test_a_flipped_bit_is_noticed_wherever_it_lies(tmp_path, stepper):
    content = stepper.save(tmp_path / "model.sciml").read_bytes()
    path = tmp_path / "flipped.sciml"
    for position in (*range(16), *range(16, len(content) - 8, 5), *range(len(content) - 8, len(content))):
        damaged = bytearray(content)
        damaged[position] ^= 1 << (position % 8)
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=re.escape(str(path))):
            check_predictor(path)


@pytest.mark.parametrize("keep", [0, 1, 7, 8, 100, -1, -4])
def test_a_truncated_file_is_refused(tmp_path, stepper, keep):
    path = stepper.save(tmp_path / "model.sciml")
    path.write_bytes(path.read_bytes()[:keep])
    refused(path, "truncated|damaged|no predictor")


def test_bytes_behind_the_tensors_are_refused(tmp_path, stepper):
    path = stepper.save(tmp_path / "model.sciml")
    path.write_bytes(path.read_bytes() + b"\0")
    refused(path, "checksum")


@pytest.mark.parametrize("schema", [2, "1", None])
def test_another_schema_is_refused(tmp_path, stepper, schema):
    path = tmp_path / "model.sciml"
    content = crafted(stepper)
    old = rb"\"schema\":1"
    new = b'\\"schema\\":' + json.dumps(schema).replace('"', '\\"').encode()
    length = struct.unpack("<Q", content[:8])[0] + len(new) - len(old)
    path.write_bytes(struct.pack("<Q", length) + content[8:].replace(old, new, 1))
    refused(path, "schema")


@pytest.mark.parametrize(
    "class_path",
    [
        "os.system",
        "subprocess.Popen",
        "sciml.cli.main.main",
        "torch.optim.SGD",
        "lightning.pytorch.loggers.CSVLogger",
        3,
    ],
)
def test_a_class_that_is_no_network_is_refused_wherever_it_stands(tmp_path, stepper, class_path):
    path = tmp_path / "model.sciml"
    path.write_bytes(crafted(stepper, network={"class_path": class_path, "init_args": {}}))
    refused(path, "class")
    nested = {"class_path": "sciml.nn.Normalized", "init_args": {"network": [{"class_path": class_path}]}}
    path.write_bytes(crafted(stepper, network=nested))
    refused(path, "class")


def test_a_foreign_module_named_by_a_file_is_never_imported(tmp_path, stepper, monkeypatch):
    """The module could be found, and would leave a mark."""
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'mark')!r}, 'w')\nclass Net: ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / "model.sciml"
    path.write_bytes(crafted(stepper, network={"class_path": "evil.Net"}))
    refused(path, "evil.Net")
    assert "evil" not in sys.modules
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize("length", [0x0580, 0x0880, 0x4B50])
def test_a_header_whose_length_looks_like_the_beginning_of_another_format_is_read(tmp_path, stepper, length):
    path = tmp_path / "model.sciml"
    size = struct.unpack("<Q", crafted(stepper, filler="")[:8])[0]
    # Headers are padded to eight bytes.
    path.write_bytes(crafted(stepper, filler="x" * max(length - size, 0)))
    found = struct.unpack("<Q", path.read_bytes()[:8])[0]
    assert found == length, "another length of the metadata asks for other examples here"
    assert Surrogate.load(path).spec == stepper.spec


class Bomb:
    def __reduce__(self):
        return (Path.touch, (Path("bomb_went_off"),))


def test_a_pickle_under_the_name_of_a_predictor_is_refused_unopened(tmp_path, stepper, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "model.sciml"
    for protocol in (0, 2, 4, 5):
        path.write_bytes(pickle.dumps(Bomb(), protocol=protocol))
        refused(path, "pickle|no predictor|truncated")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Bomb()))
    refused(path, "zip")
    assert not (tmp_path / "bomb_went_off").exists()


def test_other_safetensors_files_are_refused(tmp_path):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(save({"w": torch.zeros(2)}))
    refused(path, "without sciml's metadata")
    path.write_bytes(save({"w": torch.zeros(2)}, {"sciml": '{"format": "other"}'}))
    refused(path, "format")


def test_a_missing_file_a_folder_and_an_absurd_header_are_refused(tmp_path):
    refused(tmp_path / "none.sciml", "No such file")
    refused(tmp_path, "not a file")
    path = tmp_path / "model.sciml"
    path.write_bytes(struct.pack("<Q", MAX_HEADER + 1) + b"{}")
    refused(path, "no predictor file")


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [10**12], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]},
        {"dtype": "F32", "shape": [-1], "data_offsets": [0, -4]},
        {"dtype": "F7", "shape": [1], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [1]},
        [],
    ],
)
def test_a_false_table_of_tensors_is_refused(tmp_path, stepper, entry):
    """Sealed anew, so that the layout check and not the checksum has to notice."""
    text = metadata_text({"network": NETWORK, "spec": stepper.spec.to_dict()})
    header = json.dumps({"__metadata__": {"sciml": text}, "weight": entry}, separators=(",", ":")).encode()
    path = tmp_path / "model.sciml"
    path.write_bytes(sealed(struct.pack("<Q", len(header)) + header + b"\0\0\0\0"))
    refused(path, "damaged|truncated")


def test_tensors_that_the_network_does_not_have_or_lacks_are_refused(tmp_path, stepper):
    path = tmp_path / "model.sciml"
    for tensors in ({}, {"weight": torch.zeros(2)}, {"weight": torch.zeros(1), "more": torch.zeros(1)}):
        path.write_bytes(crafted(stepper, tensors=tensors))
        with pytest.raises(DataError, match=r"tensor '(weight|more)'"):
            Surrogate.load(path)


def test_a_network_of_absurd_size_is_refused_without_allocating_it(tmp_path, stepper):
    path = tmp_path / "model.sciml"
    network = {"class_path": "torch.nn.PReLU", "init_args": {"num_parameters": 10**14}}
    path.write_bytes(crafted(stepper, network=network))
    with pytest.raises(DataError, match="100000000000000"):
        Surrogate.load(path)


def test_a_specification_with_unknown_or_missing_entries_is_refused(tmp_path, stepper):
    path = tmp_path / "model.sciml"
    spec = stepper.spec.to_dict()
    for wrong in ({**spec, "colour": 1}, {k: v for k, v in spec.items() if k != "grid"}, {**spec, "dt": -1.0}):
        path.write_bytes(crafted(stepper, spec=wrong))
        with pytest.raises(DataError, match=r"specification|dt"):
            Surrogate.load(path)
