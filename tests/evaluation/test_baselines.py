"""Baselines against brute force and known answers."""

import numpy as np
import pytest
import torch

from sciml.evaluation import Cases, Classical, Mean, Nearest, Persistence, default_baselines


def test_the_mean_is_that_of_all_training_targets_whatever_the_blocks(steady_data, steady_task):
    train = steady_data(7, 1)
    mean = Mean(Cases(train, steady_task), block=3)
    case = Cases(steady_data(2, 2), steady_task).block([0, 1])
    expected = torch.as_tensor(train.fields(range(7)).mean(axis=0))
    assert torch.allclose(mean(case)[1], expected)
    assert mean(case).shape == case.targets.shape


def test_persistence_repeats_the_initial_state(decay_data, decay_task):
    case = Cases(decay_data(3, 0), decay_task).block([0, 1, 2])
    assert torch.equal(Persistence()(case)[:, 1], case.inputs)


def test_the_nearest_sample_is_that_of_a_brute_force_search(steady_data, steady_task):
    train, test = steady_data(50, 1), steady_data(9, 2)
    case = Cases(test, steady_task).block(range(9))
    a, b = train.static(range(50)).reshape(50, -1), test.static(range(9)).reshape(9, -1)
    nearest = ((b[:, None] - a[None]) ** 2).sum(-1).argmin(1)
    for memory in (0, 2**20):
        result = Nearest(Cases(train, steady_task), block=16, memory=memory)(case)
        np.testing.assert_array_equal(result.numpy(), train.fields(nearest))


def test_parameters_and_units_count_alike_for_the_nearest_sample(decay_data, decay_task):
    """Same initial states everywhere: only the parameter is left to decide, however small it is."""
    train, test = decay_data(6, 1), decay_data(1, 2)
    train._fields["u"][:] = test._fields["u"][:] * 1e6
    train._fields["u"][:, 1:] += np.arange(6).reshape(6, 1, 1, 1)
    test._fields["u"] = train._fields["u"][:1]
    train._params = np.array([[1e-6 * i] for i in range(6)])
    test._params = np.array([[3.4e-6]])
    nearest = Nearest(Cases(train, decay_task), block=4)
    assert torch.equal(nearest(Cases(test, decay_task).block([0])), Cases(train, decay_task).block([3]).targets)


def test_a_sample_of_the_training_split_is_its_own_neighbour(decay_data, decay_task):
    cases = Cases(decay_data(20, 3), decay_task)
    case = cases.block([4, 4, 17])
    assert torch.equal(Nearest(cases, block=7)(case), case.targets)


def test_a_solver_gets_the_positions_and_may_give_the_initial_frame_too(decay_data, decay_task):
    data = decay_data(4, 0)
    asked = []

    def solve(i):
        asked.append(i)
        return data.fields([i], times=[0, 2, 4])[0]

    case = Cases(data, decay_task).block([3, 1])
    assert torch.equal(Classical(solve)(case), case.targets)
    assert asked == [3, 1]


def test_a_solver_may_give_every_frame_of_the_data_set(decay_data, decay_task):
    """Frames that the step of the network skips are left out, wherever they stand."""
    data = decay_data(4, 0)
    case = Cases(data, decay_task).block([3, 1])
    assert case.frames == (2, 4)
    solved = Classical(lambda i: data.fields([i], times=range(6))[0])(case)
    assert torch.equal(solved, case.targets)
    with pytest.raises(ValueError, match="gave 4 frames; the case has 2 targets"):
        Classical(lambda i: data.fields([i], times=range(4))[0])(case)


def test_default_baselines_fit_the_task(steady_data, steady_task, decay_data, decay_task):
    assert [m.name for m in default_baselines(Cases(steady_data(3, 0), steady_task))] == [
        "training mean",
        "nearest sample",
    ]
    assert [m.name for m in default_baselines(Cases(decay_data(3, 0), decay_task))] == ["persistence", "nearest sample"]
