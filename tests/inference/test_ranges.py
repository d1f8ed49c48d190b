"""Inputs unlike those of the training are answered, and named in the log."""

import dataclasses

import pytest
import torch

from sciml.inference import Surrogate
from sciml.inference.ranges import RangeWatch


def warnings(caplog) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]


@pytest.mark.parametrize(
    ("value", "warned"), [(1.0, False), (1.19, False), (1.21, True), (-1.19, False), (-1.21, True), (50.0, True)]
)
def test_a_tenth_of_the_width_beyond_the_range_is_tolerated(stepper, caplog, value, warned):
    x = torch.zeros(2, 1, 16)
    x[1, 0, 3] = value
    expected = torch.where(x > 0, x, 0.5 * x)
    assert stepper(x).equal(expected)
    text = f"input channel u has the value {value:g}, outside of the training data's range [-1, 1]"
    assert warnings(caplog) == [text] * warned


def test_arrays_and_rollouts_are_looked_at_too_and_each_surrogate_warns_once(stepper, caplog):
    far = torch.full((1, 1, 16), 3.0)
    for use in (lambda s: s(far.numpy()), lambda s: s.rollout(far, [0.0, 0.1])):
        one = Surrogate(stepper.network, stepper.spec)
        use(one), use(one)
        assert len(warnings(caplog)) == 1
        caplog.clear()


def test_a_call_names_the_channel_that_is_farthest_out_and_the_next_call_another(caplog):
    watch, x = RangeWatch({"a": (0.0, 1.0), "c": (0.0, 100.0)}), torch.ones(1, 3, 4)
    x[0, 0, 1], x[0, 1, 2], x[0, 2, 3] = 2.0, 1e9, 120.0  # one width beyond, no range known, a fifth of one
    for _ in range(3):
        watch.look(x, ("a", "b", "c"))
    assert [text.split()[2] for text in warnings(caplog)] == ["a", "c"]


def test_rounding_of_a_constant_channel_is_no_departure(caplog):
    watch, x = RangeWatch({"a": (7.0, 7.0), "b": (0.0, 0.0)}), torch.zeros(1, 2, 4)
    x[:, 0] = 7.0 + 1e-6
    watch.look(x, ("a", "b"))
    assert not warnings(caplog)
    x[:, 0] = 7.01
    watch.look(x, ("a", "b"))
    x[:, 1] = 1e-9
    watch.look(x, ("a", "b"))
    assert [text.split()[2] for text in warnings(caplog)] == ["a", "b"]


def test_without_ranges_nothing_is_said(stepper, caplog):
    plain = Surrogate(stepper.network, dataclasses.replace(stepper.spec, ranges={}))
    plain(torch.full((1, 1, 16), 1e6))
    assert not warnings(caplog)
