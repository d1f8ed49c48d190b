import pytest
import torch
from torch import nn

from sciml.training.average import WeightAverage


def test_the_average_follows_its_recursion():
    module, average = nn.Linear(1, 1), WeightAverage(0.5)
    nn.init.zeros_(module.weight)
    average.start(module)
    expected = 0.0
    for step in range(1, 8):
        nn.init.constant_(module.weight, float(step))
        average.update(module, step)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * step
    assert average.weights["weight"].item() == pytest.approx(expected, rel=1e-6)


def test_swapping_puts_the_average_in_and_the_trained_weights_back_bit_by_bit():
    module, average = nn.BatchNorm1d(2), WeightAverage(0.9)
    average.start(module)
    module(torch.randn(8, 2, generator=torch.Generator().manual_seed(0)))
    trained = {k: v.clone() for k, v in module.state_dict().items()}
    average.update(module, 1)
    average.swap_in(module)
    assert average.swapped
    assert module.running_mean.equal(average.weights["running_mean"])
    assert not module.running_mean.equal(trained["running_mean"])
    assert module.num_batches_tracked.item() == 1  # counters are copied, not averaged
    average.swap_out(module)
    assert not average.swapped
    assert all(module.state_dict()[k].equal(v) for k, v in trained.items())


def test_an_average_that_was_loaded_is_gone_on_with():
    module, average = nn.Linear(1, 1), WeightAverage(0.9)
    average.load({"weight": torch.full((1, 1), 7.0), "bias": torch.zeros(1)})
    average.start(module)
    assert average.weights["weight"].item() == 7.0


@pytest.mark.parametrize("decay", [0.0, 1.0, -0.1])
def test_a_decay_out_of_range_is_refused(decay):
    with pytest.raises(ValueError, match="ema="):
        WeightAverage(decay)
