"""Statistics against NumPy over everything at once; normalisers made of them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sciml.data import (
    DatasetSpec,
    FieldDataset,
    OneStep,
    Rollout,
    Steady,
    WindowedFields,
    normalizers,
    ranges_of,
    read_statistics,
    statistics,
    write_shard,
    write_statistics,
)
from sciml.data.normalization import Moments
from sciml.fields import Boundaries, FieldSpec, Grid
from sciml.status import DataError


@given(arrays("float64", st.tuples(st.just(2), st.integers(2, 40)), elements=st.floats(-1e6, 1e6)), st.data())
@settings(max_examples=50, deadline=None)
def test_moments_of_parts_add_up_to_those_of_the_whole(values: np.ndarray, data: st.DataObject):
    cut = data.draw(st.integers(1, values.shape[1] - 1))
    found = (Moments.of(values[:, :cut]) + Moments.of(values[:, cut:])).values()
    scale = np.abs(values).max() + 1e-300
    expected = {
        "mean": values.mean(1), "std": values.std(1), "rms": np.sqrt(np.square(values).mean(1)),
        "min": values.min(1), "max": values.max(1),
    }  # fmt: skip
    for name, wanted in expected.items():
        np.testing.assert_allclose(found[name], wanted, rtol=1e-9, atol=1e-7 * scale, err_msg=name)


def test_statistics_equal_those_of_all_values_at_once(root: Path, monkeypatch: pytest.MonkeyPatch):
    data = FieldDataset(root, "train")
    monkeypatch.setattr("sciml.data.normalization.PIECE_BYTES", 1)  # One trajectory at a time.
    found = statistics(data)
    u = data.fields(range(5))
    for name, take in (("mean", np.mean), ("std", np.std), ("min", np.min), ("max", np.max)):
        for suffix, values in (("", u), ("_delta", u[:, 1:] - u[:, :-1])):
            expected = take(np.moveaxis(values, 2, 0).reshape(3, -1), axis=1)
            assert found[name + suffix]["u"] == pytest.approx(expected[0], rel=1e-12)
            assert found[name + suffix]["v"] == pytest.approx(expected[1:].tolist(), rel=1e-12)
        assert found[name]["a"] == pytest.approx(take(data.static(range(5))), rel=1e-12)
        assert "a" not in found[f"{name}_delta"]
    assert found["units"] == {"u": "m s-1", "v": "1", "a": "1"}


def test_statistics_ignore_the_other_splits(root: Path):
    before = write_statistics(root)
    for split in ("valid", "test"):
        for shard in (root / split).iterdir():
            shard.unlink()
    assert write_statistics(root) == before
    with pytest.raises(ValueError, match="split='valid' must be 'train'"):
        statistics(_with_split(root, "valid"))


def _with_split(root: Path, split: str) -> FieldDataset:
    data = FieldDataset(root, "train")
    data.split = split
    return data


def test_normalised_channels_have_mean_zero_and_spread_one(root: Path):
    for windows in (OneStep(), Rollout(steps_in=2), Steady()):
        fields = WindowedFields(FieldDataset(root, "train"), windows, dtype=torch.float64)
        inputs, outputs = normalizers(fields)
        assert (inputs.channels, outputs.channels) == (len(fields.inputs), len(fields.outputs))
    everything = torch.from_numpy(fields.dataset.fields(range(5))).flatten(0, 1)
    encoded = outputs.double().encode(everything)
    assert encoded.mean(dim=(0, 2, 3)).abs().max() < 1e-6
    assert (encoded.std(dim=(0, 2, 3), correction=0) - 1).abs().max() < 1e-6
    assert torch.allclose(inputs.shift, torch.tensor(fields.dataset.static(range(5)).mean(), dtype=torch.float32))


def test_a_limit_of_trajectories_is_a_limit_for_statistics(root: Path):
    data = FieldDataset(root, "train")
    write_statistics(root)
    _, outputs = normalizers(WindowedFields(data, OneStep(), limit=2))
    assert outputs.shift[0] == pytest.approx(data.fields([0, 1], names=["u"]).mean(), rel=1e-6)
    _, outputs = normalizers(WindowedFields(data, OneStep()))
    assert outputs.shift[0] == pytest.approx(data.fields(range(5), names=["u"]).mean(), rel=1e-6)


def test_statistics_of_other_data_are_not_used(root: Path, caplog: pytest.LogCaptureFixture):
    write_statistics(root)
    text = (root / "stats.yaml").read_text()
    data = FieldDataset(root, "train")
    (root / "stats.yaml").write_text(text.replace(data.hash, "0" * 64).replace("mean:\n  u: ", "mean:\n  u: 77"))
    _, outputs = normalizers(WindowedFields(data, OneStep()))
    assert outputs.shift[0] == pytest.approx(data.fields(range(5), names=["u"]).mean(), rel=1e-6)
    assert "belongs to other data" in caplog.text


def test_held_out_windows_give_no_normalisers(root: Path):
    with pytest.raises(ValueError, match="split='test' must be 'train'"):
        normalizers(WindowedFields(FieldDataset(root, "test"), OneStep()))


@pytest.mark.parametrize("value", [0.0, 0.1, -3e8])
def test_a_constant_channel_keeps_the_scale_one(tmp_path: Path, value: float):
    spec = DatasetSpec("flat", (FieldSpec("u"),), (FieldSpec("a"),), (), Grid.periodic(50), Boundaries.periodic())
    u = np.random.default_rng(0).normal(size=(3, 1, 50))
    write_shard(
        tmp_path / "flat/train/0.h5", spec, fields={"u": u}, static={"a": np.full((3, 50), value)}, index=[0, 1, 2]
    )
    inputs, _ = normalizers(WindowedFields(FieldDataset(tmp_path / "flat", "train"), Steady()))
    assert inputs.scale.tolist() == [1.0]
    assert inputs.shift[0] == pytest.approx(value, rel=1e-6)


def test_a_damaged_statistics_file_is_named(root: Path):
    (root / "stats.yaml").write_text("mean: [1, 2\n")
    with pytest.raises(DataError, match=r"stats\.yaml: no YAML"):
        read_statistics(root)
    (root / "stats.yaml").write_text("mean: 1\n")
    with pytest.raises(DataError, match=r"stats\.yaml: no statistics"):
        read_statistics(root)


def test_ranges_are_those_of_every_channel_without_its_age(root: Path):
    data = FieldDataset(root, "train")
    found = ranges_of(("u@-1", "v_x@-1", "u", "v_y", "a"), statistics(data), data.spec)
    u, a = data.fields([0, 1, 2, 3, 4]), data.static([0, 1, 2, 3, 4])
    assert found == {
        "u": [u[:, :, 0].min(), u[:, :, 0].max()],
        "v_x": [u[:, :, 1].min(), u[:, :, 1].max()],
        "v_y": [u[:, :, 2].min(), u[:, :, 2].max()],
        "a": [a.min(), a.max()],
    }
