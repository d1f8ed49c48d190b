"""Inputs and targets that a task takes from a data set, against the arrays they come from."""

import dataclasses
from types import SimpleNamespace

import pytest
import torch

from sciml.evaluation import Cases


def test_a_steady_map_takes_static_fields_and_is_judged_on_the_only_frame(steady_data, steady_task):
    data = steady_data(5, 0)
    cases = Cases(data, steady_task)
    blocks = list(cases.blocks(2))
    assert [len(b) for b in blocks] == [2, 2, 1]
    assert torch.equal(torch.cat([b.inputs for b in blocks]), torch.as_tensor(data.static(range(5))))
    assert torch.equal(blocks[1].targets, 2 * blocks[1].inputs[:, None])
    assert blocks[2].index.tolist() == [4]


def test_a_stepper_starts_from_the_first_frame_and_meets_every_second_one(decay_data, decay_task):
    cases = Cases(decay_data(3, 0), decay_task)
    case = cases.block([2, 0])
    assert cases.times.tolist() == pytest.approx([0.0, 0.2, 0.4])
    for k, factor in enumerate((0.25, 0.0625)):
        assert torch.allclose(case.targets[:, k], factor * case.inputs)
    assert case.static.shape == (2, 1, 8)
    assert case.params.shape == (2, 1)


def test_a_network_with_free_lead_times_is_judged_on_every_frame(decay_data, decay_task):
    task = dataclasses.replace(decay_task, any_dt=True, dt=0.5)
    assert len(Cases(decay_data(2, 0), task).times) == 6


def test_a_network_with_free_lead_times_goes_by_its_shortest_one(decay_data, decay_task):
    task = SimpleNamespace(**vars(decay_task) | {"any_dt": True, "dt": 0.4, "shortest": 0.2})
    assert Cases(decay_data(2, 0), task).frames == [0, 2, 4]


def test_a_step_that_no_frame_meets_is_refused(decay_data, decay_task):
    with pytest.raises(ValueError, match=r"multiple of the step dt=0\.33"):
        Cases(decay_data(2, 0), dataclasses.replace(decay_task, dt=0.33))


def test_a_field_that_the_data_lack_and_too_many_samples_are_refused(steady_data, decay_task, steady_task):
    with pytest.raises(ValueError, match="field 'u' is not in 'double'"):
        Cases(steady_data(2, 0), decay_task)
    with pytest.raises(ValueError, match="samples=3"):
        Cases(steady_data(2, 0), steady_task, samples=3)
