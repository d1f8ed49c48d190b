"""Rollout metrics against hand-made rollouts with known answers."""

import pytest
import torch

from sciml.metrics.rollout import correlation, correlation_time, rollout_nrmse

X = torch.arange(32, dtype=torch.float64) / 32
WAVE = torch.sin(2 * torch.pi * X)
OTHER = torch.cos(2 * torch.pi * X)
TIMES = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)


def frames(*fields):
    """(1, t, 1, n) of the given frames."""
    return torch.stack(fields)[None, :, None]


def test_nrmse_grows_with_the_error_of_each_step():
    target = frames(WAVE, WAVE, 2 * WAVE)
    assert rollout_nrmse(frames(WAVE, 1.5 * WAVE, WAVE), target)[0].tolist() == pytest.approx([0.0, 0.5, 0.5])


def test_nrmse_weighs_channels_alike_whatever_their_size():
    target = torch.stack([WAVE, 1000 * WAVE])[None, None]
    prediction = torch.stack([1.2 * WAVE, 1000 * WAVE])[None, None]
    assert rollout_nrmse(prediction, target).item() == pytest.approx(0.1)


def test_correlation_of_mixed_waves_is_the_cosine_of_their_angle():
    for angle in (0.0, 0.3, 1.2, 2.0):
        mixed = frames(torch.cos(torch.tensor(angle)) * WAVE + torch.sin(torch.tensor(angle)) * OTHER)
        assert correlation(mixed, frames(WAVE)).item() == pytest.approx(torch.cos(torch.tensor(angle)).item(), abs=1e-6)


def test_correlation_ignores_mean_and_scale():
    assert correlation(frames(3 * WAVE + 7), frames(WAVE)).item() == pytest.approx(1.0)


def test_constant_fields_correlate_only_when_equal():
    one = torch.ones(32, dtype=torch.float64)
    assert correlation(frames(one), frames(one)).item() == 1.0
    assert correlation(frames(2 * one), frames(one)).item() == 0.0


def test_correlation_time_is_the_last_good_time_before_the_first_bad_one():
    target = frames(WAVE, WAVE, WAVE, WAVE)
    prediction = frames(WAVE, WAVE, OTHER, WAVE)  # a late recovery does not count
    assert correlation_time(prediction, target, TIMES).item() == pytest.approx(0.2)
    assert correlation_time(target, target, TIMES).item() == pytest.approx(0.4)
    assert correlation_time(frames(OTHER, WAVE, WAVE, WAVE), target, TIMES).item() == 0.0


def test_a_diverged_rollout_is_infinitely_wrong_and_correlates_no_longer():
    target = frames(WAVE, WAVE, WAVE, WAVE)
    prediction = frames(WAVE, WAVE * torch.nan, WAVE * torch.inf, WAVE)
    assert rollout_nrmse(prediction, target)[0].tolist() == [0.0, torch.inf, torch.inf, 0.0]
    assert correlation_time(prediction, target, TIMES).item() == pytest.approx(0.1)


def test_a_threshold_that_is_no_correlation_is_refused():
    with pytest.raises(ValueError, match="threshold"):
        correlation_time(frames(WAVE), frames(WAVE), TIMES[:1], threshold=2.0)
