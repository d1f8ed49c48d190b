import itertools

import pytest

from sciml.training.sampler import SequentialBatches, StepSampler


def test_every_epoch_visits_every_sample_once_in_another_order():
    sampler = StepSampler(length=23, batch_size=5, seed=1)
    epochs = [list(itertools.chain(*(sampler.indices(5 * e + k) for k in range(5)))) for e in range(3)]
    assert len(sampler) == 5
    assert all(sorted(epoch) == list(range(23)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


def test_a_batch_is_a_function_of_seed_and_step_in_any_order_of_asking():
    there = [StepSampler(17, 4, seed=3).indices(k) for k in range(12)]
    one = StepSampler(17, 4, seed=3)
    back = [one.indices(k) for k in reversed(range(12))][::-1]
    assert there == back
    assert there != [StepSampler(17, 4, seed=4).indices(k) for k in range(12)]


@pytest.mark.parametrize("start", [0, 3, 5, 7])
def test_an_iterator_starts_at_the_step_and_lasts_one_epoch(start):
    sampler = StepSampler(length=10, batch_size=2, seed=0)
    sampler.step = start
    assert list(sampler) == [sampler.indices(start + k) for k in range(5)]
    assert sampler.step == start


@pytest.mark.parametrize("world_size", [2, 4])
def test_ranks_share_the_batch_that_one_process_would_take(world_size):
    alone = StepSampler(24, 8, seed=5)
    ranks = [StepSampler(24, 8, seed=5, rank=r, world_size=world_size) for r in range(world_size)]
    for step in range(6):
        parts = [r.indices(step) for r in ranks]
        assert len({len(p) for p in parts}) == 1
        assert sorted(itertools.chain(*parts)) == sorted(alone.indices(step))


def test_batches_that_ranks_cannot_share_are_refused():
    with pytest.raises(ValueError, match=r"batch_size=5 .* multiples of the 2 processes"):
        StepSampler(20, 5, world_size=2)
    with pytest.raises(ValueError, match="last batch of 3 samples"):
        StepSampler(19, 4, world_size=2)
    assert len(StepSampler(19, 4, world_size=2, drop_last=True)) == 4


def test_drop_last_leaves_out_the_smaller_batch_and_never_all_of_them():
    sampler = StepSampler(10, 4, drop_last=True)
    assert [len(b) for b in sampler] == [4, 4]
    with pytest.raises(ValueError, match="leaves no batch"):
        StepSampler(3, 4, drop_last=True)


def test_sequential_batches_keep_the_order_and_split_it_by_rank():
    assert list(SequentialBatches(7, 3)) == [[0, 1, 2], [3, 4, 5], [6]]
    ranks = [SequentialBatches(7, 3, rank=r, world_size=2) for r in range(2)]
    assert [len(r) for r in ranks] == [2, 1]
    assert sorted(itertools.chain(*itertools.chain(*ranks))) == list(range(7))
