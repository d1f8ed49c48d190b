import math

import pytest
import torch

from sciml.training.schedules import WarmupCosine


def rates(total: int, **options: float) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=2.0)
    schedule = WarmupCosine(optimizer, **options)
    schedule.set_total(total)
    seen = []
    for _ in range(total):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return [*seen, optimizer.param_groups[0]["lr"]]


def test_the_rate_follows_half_a_cosine_from_the_first_to_the_final_one():
    expected = [2.0 * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * k / 50))) for k in range(51)]
    assert rates(50, final=0.1) == pytest.approx(expected, rel=1e-12)


def test_the_rate_rises_linearly_during_the_warm_up_and_reaches_the_full_one_after_it():
    seen = rates(40, warmup=0.25)
    assert seen[:11] == pytest.approx([2.0 * (k + 1) / 11 for k in range(11)])
    assert max(seen) == seen[10] == 2.0


def test_a_length_given_by_hand_is_kept():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = WarmupCosine(optimizer, total_steps=10)
    schedule.set_total(1000)
    assert schedule.total_steps == 10


@pytest.mark.parametrize(
    ("options", "message"),
    [({"warmup": 1.0}, r"warmup=1.0"), ({"final": 2.0}, r"final=2.0"), ({"total_steps": 0}, "total_steps=0")],
)
def test_shares_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        WarmupCosine(torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0), **options)
