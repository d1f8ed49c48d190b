"""HDF5 files of others: whatever reaches outside of a file, or asks for absurd memory, is refused before it is read."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sciml.data import DatasetSpec, FieldDataset, Shard, check_hdf5, validate_dataset, write_manifest, write_shard
from sciml.fields import Boundaries, FieldSpec, Grid
from sciml.status import DataError


def hostile(path: Path, kind: str) -> None:
    secret = path.with_name("secret.txt")
    secret.write_text("a secret of 32 bytes ...........")
    with h5py.File(path.with_name("other.h5"), "w") as other:
        other["x"] = np.arange(4.0)
    with h5py.File(path, "w") as file:
        file["t0_fields/fine"] = np.arange(3.0)
        group = file["t0_fields"]
        if kind == "external storage":
            group.create_dataset("u", (32,), "uint8", external=[(str(secret), 0, 32)])
        elif kind == "ExternalLink":
            group["u"] = h5py.ExternalLink("other.h5", "/x")
        elif kind == "SoftLink":
            group["u"] = h5py.SoftLink("/t0_fields/fine")
        elif kind == "virtual data set":
            layout = h5py.VirtualLayout(shape=(4,), dtype="f8")
            layout[:] = h5py.VirtualSource("other.h5", "x", shape=(4,))
            group.create_virtual_dataset("u", layout)
        elif kind == "of type object":
            group.create_dataset("u", (2,), dtype=h5py.vlen_dtype("f4"))
        elif kind == "reference":
            group.create_dataset("u", (1,), dtype=h5py.ref_dtype)
        elif kind == "declares":
            group.create_dataset("u", (2**40,), "f8", chunks=(1024,))
        elif kind == "second link":
            group["u"] = file["/"]
            group["v"] = group["u"]
        elif kind == "named type":
            group["u"] = np.dtype("f8")


KINDS = [
    "external storage", "ExternalLink", "SoftLink", "virtual data set", "of type object", "reference", "declares",
    "second link", "named type",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_structure_is_refused_with_its_path(tmp_path: Path, kind: str):
    path = tmp_path / "bad.h5"
    hostile(path, kind)
    with pytest.raises(DataError) as caught:
        check_hdf5(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: /t0_fields/")
    assert "\n" not in text
    assert (kind if kind != "reference" else "of type object") in text
    assert "secret of" not in text


def test_an_attribute_of_objects_is_refused(tmp_path: Path):
    with h5py.File(tmp_path / "bad.h5", "w") as file:
        file.attrs.create("spec", np.array([file.ref], dtype=h5py.ref_dtype))
    with pytest.raises(DataError, match=r"bad\.h5: /@spec: of type object"):
        check_hdf5(tmp_path / "bad.h5")


def test_sound_shards_pass_and_no_values_are_read(root: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise AssertionError("a value was read")

    monkeypatch.setattr(h5py.Dataset, "__getitem__", fail)
    check_hdf5(root / "train/shard-00000.h5")


def test_an_old_library_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(h5py.version, "hdf5_version_tuple", (1, 14, 2))
    with pytest.raises(DataError, match=r"1\.14\.4 or newer is needed"):
        check_hdf5(root / "train/shard-00000.h5")


def test_a_size_beyond_the_limit_is_refused(root: Path):
    with pytest.raises(DataError, match=r"declares .*bytes, but stores"):
        check_hdf5(root / "train/shard-00000.h5", max_bytes=100)


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(root: Path, part: float):
    path = root / "train/shard-00001.h5"
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(DataError, match=r"shard-00001\.h5: no readable HDF5 file"):
        check_hdf5(path)
    assert [f.path for f in validate_dataset(root) if "no readable" in f.message] == ["train/shard-00001.h5"]


def test_a_flipped_bit_names_file_and_data_set(root: Path):
    path = root / "train/shard-00000.h5"
    with h5py.File(path) as file:
        offset = file["t0_fields/u"].id.get_chunk_info(1).byte_offset
    content = bytearray(path.read_bytes())
    content[offset + 100] ^= 4
    path.write_bytes(bytes(content))
    data = FieldDataset(root, "train")
    data.fields([0])  # Another chunk: still whole.
    with pytest.raises(DataError, match=r"shard-00000\.h5: /t0_fields/u: cannot be read"):
        data.fields([1])
    faults = validate_dataset(root)
    assert [f.path for f in faults] == ["train/shard-00000.h5:/t0_fields/u"]


@given(position=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.filterwarnings("ignore:Do not use the .random. module")  # The shape checks of the tests sample.
def test_any_flipped_bit_is_noticed_or_harmless(tmp_path: Path, position: float, bit: int):
    path = tmp_path / "demo/train/a.h5"
    spec = DatasetSpec("demo", (FieldSpec("u"),), (), (), Grid.periodic(8), Boundaries.periodic())
    values = np.linspace(1.0, 2.0, 16).reshape(2, 1, 8)
    digest = write_shard(path, spec, fields={"u": values}, index=[0, 1])
    write_manifest(tmp_path / "demo", {"train": [Shard("train/a.h5", 2, path.stat().st_size, digest)]})
    content = bytearray(path.read_bytes())
    content[int(position * len(content))] ^= 1 << bit
    path.write_bytes(bytes(content))
    if not validate_dataset(tmp_path / "demo"):
        found = FieldDataset(tmp_path / "demo", "train")
        assert found.samples["index"].tolist() == [0, 1]
        assert np.array_equal(found.fields([0, 1])[:, :, 0], values.astype("float32"))


def test_a_flipped_bit_is_noticed_or_harmless_without_a_manifest(root: Path):
    """The structure has checksums of its own: without them a flipped chunk index reads as zeros."""
    path = root / "train/shard-00000.h5"
    content = path.read_bytes()
    assert content[8] == 3, "version of the superblock: those below have no checksum"
    assert b"TREE" not in content, "an index of chunks or links of the older format"
    (root / "manifest.json").unlink()
    data = FieldDataset(root, "train")
    everything = range(len(data))
    written, times = data.fields(everything), data.spec.times
    for position in np.random.default_rng(0).integers(len(content), size=60).tolist():
        damaged = bytearray(content)
        damaged[position] ^= 1 << position % 8
        path.write_bytes(bytes(damaged))
        try:
            found = FieldDataset(root, "train")
            same = np.array_equal(found.fields(everything), written) and found.spec.times == times
            outcome = "the same values" if same else "other values"
        except DataError as error:
            outcome = str(error)
        assert outcome == "the same values" or str(path) in outcome, (position, outcome)
