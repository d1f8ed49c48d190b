"""The bytes of a shard are compared with the manifest before the HDF5 library sees them."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from sciml.cli.data_sets import check_dataset
from sciml.cli.field_files import check_fields
from sciml.data import FieldDataset, manifest, validate_dataset
from sciml.data.adapters import convert
from sciml.files import file_hash
from sciml.status import DataError


@pytest.fixture
def sealed(root: Path) -> Path:
    """The small data set, with a manifest that knows the bytes of its shards."""
    path = root / "manifest.json"
    data = json.loads(path.read_text())
    for listed in data["splits"].values():
        for shard in listed:
            assert "file_sha256" not in shard
            shard["file_sha256"] = file_hash(root / shard["file"])
    path.write_text(json.dumps(data))
    return root


def flip(path: Path) -> str:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    return "sha256"


def cut(path: Path) -> str:
    path.write_bytes(path.read_bytes()[:-100])
    return "bytes; manifest.json says"


def closed(*_: object, **__: object) -> None:
    raise AssertionError("the HDF5 library was given the file")


@pytest.mark.parametrize("damage", [flip, cut])
@pytest.mark.parametrize(
    "use",
    [
        lambda root: FieldDataset(root, "train"),
        lambda root: validate_dataset(root / "train/shard-00000.h5"),
        check_dataset,
        lambda root: check_fields(root / "train/shard-00000.h5"),
    ],
    ids=["open", "validate one shard", "check before a command", "check a file of fields"],
)
def test_a_damaged_file_is_refused_before_it_is_opened(sealed: Path, damage, use, monkeypatch: pytest.MonkeyPatch):
    use(sealed)
    expected = damage(sealed / "train/shard-00000.h5")
    monkeypatch.setattr(h5py, "File", closed)
    with pytest.raises(DataError, match=rf"^\S+train/shard-00000\.h5: damaged: .*{expected}") as caught:
        use(sealed)
    assert "\n" not in str(caught.value)


def test_validation_names_the_damaged_file_and_looks_at_the_others(sealed: Path):
    assert validate_dataset(sealed) == []
    flip(sealed / "test/shard-00001.h5")
    (sealed / "valid/shard-00000.h5").unlink()
    faults = {f.path: f.message for f in validate_dataset(sealed)}
    assert set(faults) == {"test/shard-00001.h5", "valid/shard-00000.h5"}
    assert faults["test/shard-00001.h5"].startswith("damaged: sha256 ")


def test_a_file_that_stays_as_it_is_is_hashed_once(sealed: Path, monkeypatch: pytest.MonkeyPatch):
    hashed: list[Path] = []
    monkeypatch.setattr(manifest, "file_hash", lambda path: hashed.append(path) or file_hash(path))
    FieldDataset(sealed, "train").fields([0, 1])
    FieldDataset(sealed, "train").fields([0, 1])
    assert sorted(p.name for p in hashed) == ["shard-00000.h5", "shard-00001.h5"]


def test_a_converted_file_is_sealed(tmp_path: Path):
    with h5py.File(tmp_path / "1D_Advection_Sols_beta0.1.hdf5", "w") as file:
        file["tensor"] = np.random.default_rng(0).normal(size=(10, 3, 8)).astype("f4")
        file["x-coordinate"], file["t-coordinate"] = (np.arange(8) + 0.5) / 8, np.linspace(0, 1, 4)
    root = convert(tmp_path / "1D_Advection_Sols_beta0.1.hdf5", tmp_path / "demo")
    assert validate_dataset(root) == []
    flip(next((root / "test").glob("*.h5")))
    with pytest.raises(DataError, match="damaged: sha256"):
        FieldDataset(root, "test")
