"""Windows as maps of numbers, and the batches that follow them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sciml.batch import collate
from sciml.data import AllToAll, DatasetSpec, FieldDataset, OneStep, Rollout, Steady, WindowedFields, write_shard
from sciml.describe import build, describe
from sciml.fields import Boundaries, FieldSpec, Grid, ParameterSpec


def listed(windows, n_times: int) -> list[tuple[list[int], list[int]]]:
    return [windows.window(k, n_times) for k in range(windows.count(n_times))]


def test_one_step_is_every_frame_to_the_one_after():
    assert listed(OneStep(), 4) == [([0], [1]), ([1], [2]), ([2], [3])]
    assert listed(OneStep(stride=2), 4) == [([0], [2]), ([1], [3])]


def test_all2all_runs_over_pairs_with_the_input_outside():
    assert listed(AllToAll(), 3) == [([0], [0]), ([0], [1]), ([0], [2]), ([1], [1]), ([1], [2]), ([2], [2])]
    assert listed(AllToAll(include_equal=False), 3) == [([0], [1]), ([0], [2]), ([1], [2])]


@pytest.mark.parametrize(("last", "pairs"), [(10, 66), (7, 36)])
def test_all2all_counts_as_published(last: int, pairs: int):
    # Poseidon's pretraining takes 66 pairs of 11 snapshots, its finetuning 36 of the snapshots 0, 2, ..., 14.
    assert AllToAll().count(last + 1) == (last + 1) * (last + 2) // 2 == pairs
    assert AllToAll(stride=2).count(2 * last + 1) == pairs


def test_all2all_with_the_gap_one_is_one_step():
    assert listed(AllToAll(gaps=[1]), 6) == listed(OneStep(), 6)


def test_all2all_gaps_count_in_strides_and_a_start_fixes_the_input():
    assert listed(AllToAll(gaps=[0, 2], stride=2), 7) == [
        ([0], [0]), ([0], [4]), ([2], [2]), ([2], [6]), ([4], [4]), ([6], [6])
    ]  # fmt: skip
    assert listed(AllToAll(include_equal=False, start=0), 4) == [([0], [1]), ([0], [2]), ([0], [3])]


def test_a_rollout_follows_its_inputs_at_the_stride():
    assert listed(Rollout(steps_out=2), 4) == [([0], [1, 2]), ([1], [2, 3])]
    assert listed(Rollout(steps_in=2, steps_out=1, stride=2), 6) == [([0, 2], [4]), ([1, 3], [5])]


def test_steady_takes_no_frame_in():
    assert listed(Steady(), 1) == [([], [0])]


@pytest.mark.parametrize("windows", [OneStep(3), AllToAll(gaps=[4]), Rollout(steps_out=3), Rollout(2, 2)])
def test_every_window_stays_inside_and_goes_forward(windows):
    for n_times in range(5, 9):
        for inputs, targets in listed(windows, n_times):
            frames = [*inputs, *targets]
            assert frames == sorted(frames)
            assert 0 <= frames[0] <= frames[-1] < n_times
        with pytest.raises(IndexError):
            windows.window(windows.count(n_times), n_times)


@pytest.mark.parametrize(
    ("windows", "least"),
    [(OneStep(3), 4), (AllToAll(gaps=[2, 4]), 3), (Rollout(steps_out=8), 9), (Rollout(2, 1, 3), 7)],
)
def test_a_short_trajectory_is_refused_with_the_number_of_frames_it_takes(windows, least: int):
    assert windows.count(least) == 1
    with pytest.raises(ValueError, match=f"at least {least} frames; there are {least - 1}"):
        windows.count(least - 1)


@pytest.mark.parametrize("windows", [OneStep(2), AllToAll(gaps=[1, 3]), Rollout(2, 3), Steady()])
def test_windows_are_described_and_built_again(windows):
    assert listed(build(describe(windows)), 8) == listed(windows, 8)


@pytest.mark.parametrize(
    "make", [lambda: OneStep(0), lambda: Rollout(steps_out=0), lambda: AllToAll(gaps=[]), lambda: AllToAll(False, [0])]
)
def test_wrong_numbers_are_refused(make):
    with pytest.raises(ValueError, match=r"must"):
        make()


@pytest.fixture
def data(tmp_path: Path) -> FieldDataset:
    """Field values tell trajectory, frame and channel: `100 i + 10 k + c`; times 0, 1, 4, 9."""
    spec = DatasetSpec(
        "told",
        (FieldSpec("v", rank=1),),
        (FieldSpec("a"),),
        (ParameterSpec("nu"),),
        Grid.nodes(2, 3),
        Boundaries.dirichlet(),
        times=(0.0, 1.0, 4.0, 9.0),
    )
    for number, rows in enumerate(([0, 1, 2], [3, 4])):
        i, k, c = np.meshgrid(rows, range(4), range(2), indexing="ij")
        v = np.broadcast_to((100 * i + 10 * k + c)[:, :, None, None], (len(rows), 4, 2, 3, 2))
        a = np.broadcast_to(-np.array(rows, dtype=float)[:, None, None] - 1, (len(rows), 2, 3))
        path = tmp_path / f"told/train/{number}.h5"
        index = [10 + r for r in rows]
        write_shard(path, spec, fields={"v": v}, static={"a": a}, params={"nu": 0.5 * np.array(rows)}, index=index)
    return FieldDataset(tmp_path / "told", "train")


@pytest.mark.parametrize("cache", [True, False])
def test_a_batch_holds_what_the_map_says(data: FieldDataset, cache: bool):
    fields = WindowedFields(data, AllToAll(include_equal=False), cache=cache)
    assert len(fields) == 5 * 6
    batch = fields.batch([2 * 6 + 4, 4 * 6 + 0])  # Trajectory 2, frames 1 -> 3; trajectory 4, frames 0 -> 1.
    assert batch.fields.shape == batch.targets.shape == (2, 2, 2, 3)
    assert batch.fields[:, :, 0, 0].tolist() == [[210, 211], [400, 401]]
    assert batch.targets[:, :, 1, 2].tolist() == [[230, 231], [410, 411]]
    assert batch.time.tolist() == [1, 0]
    assert batch.lead.tolist() == [8, 1]
    assert batch.params.tolist() == [[1.0], [2.0]]
    assert batch.static[:, 0, 0, 0].tolist() == [-3, -5]
    assert batch.index.tolist() == [12, 14]
    assert batch.coords[0, :, 0].tolist() == [0, 1]
    assert batch.coords[1, 0].tolist() == [0, 0.5, 1]
    assert batch.fields.dtype == torch.float32


@pytest.mark.parametrize("cache", [True, False])
def test_a_rollout_keeps_time_and_folds_its_inputs_oldest_first(data: FieldDataset, cache: bool):
    fields = WindowedFields(data, Rollout(steps_in=2, steps_out=2), cache=cache)
    batch = fields.batch([3])
    assert batch.fields[0, :, 0, 0].tolist() == [300, 301, 310, 311]
    assert batch.targets[0, :, :, 0, 0].tolist() == [[320, 321], [330, 331]]
    assert (batch.time.tolist(), batch.lead.tolist()) == ([1], [[3, 8]])
    assert fields.inputs == ("v_x@-1", "v_y@-1", "v_x", "v_y", "a")
    assert WindowedFields(data, Rollout()).batch([0]).targets.shape == (1, 1, 2, 2, 3)


def test_steady_takes_the_static_fields_for_input(data: FieldDataset):
    fields = WindowedFields(data, Steady())
    batch = fields.batch([4, 0])
    assert (fields.inputs, fields.outputs) == (("a",), ("v_x", "v_y"))
    assert batch.fields[:, 0, 0, 0].tolist() == [-5, -1]
    assert batch.targets[:, :, 0, 0].tolist() == [[400, 401], [0, 1]]
    assert batch.static is batch.time is batch.lead is None


def test_samples_collated_are_the_batch(data: FieldDataset):
    fields = WindowedFields(data, OneStep())
    batch, again = fields.batch([7, 2]), collate(fields.__getitems__([7, 2]))
    for name in ("fields", "targets", "time", "lead", "params", "static", "coords", "index"):
        assert torch.equal(getattr(batch, name), getattr(again, name)), name
    assert torch.equal(fields[7].targets, batch.targets[0])


def test_a_limit_leaves_the_first_trajectories(data: FieldDataset):
    fields = WindowedFields(data, OneStep(), limit=2)
    assert len(fields) == 6
    assert set(fields.batch(range(6)).index.tolist()) == {10, 11}
    with pytest.raises(IndexError):
        fields.batch([6])
    with pytest.raises(ValueError, match=r"limit=6 must be between 1 and the 5 trajectories of told/train"):
        WindowedFields(data, OneStep(), limit=6)


def test_windows_that_do_not_fit_name_the_data_set(data: FieldDataset):
    with pytest.raises(ValueError, match=r"told/train: Rollout\(steps_out=8\) needs .* 9 frames; there are 4"):
        WindowedFields(data, Rollout(steps_out=8))


def test_float64_is_kept_when_asked_for(data: FieldDataset):
    assert WindowedFields(data, OneStep(), dtype=torch.float64).batch([0]).fields.dtype == torch.float64


def test_loader_workers_read_the_same(data: FieldDataset):
    fields = WindowedFields(data, OneStep(), cache=False)
    loader = torch.utils.data.DataLoader(fields, batch_size=4, num_workers=1, collate_fn=collate)
    found = torch.cat([b.targets for b in loader])
    assert torch.equal(found, fields.batch(range(len(fields))).targets)
