"""Causal weights: the worked example of the method, chunks that are slices, the schedule."""

import math

import pytest
import torch
from torch import nn

from sciml.objective import Term
from sciml.pinn import CausalWeights
from sciml.pinn.causal import NOTICE, causal_weights


def term(losses: list[float], each: int = 1) -> Term:
    """`each` points per time, whose squared residuals are the losses, in a scrambled order."""
    times = torch.arange(len(losses), dtype=torch.float64).repeat_interleave(each)
    order = torch.randperm(len(times), generator=torch.Generator().manual_seed(0))
    values = torch.tensor(losses, dtype=torch.float64).repeat_interleave(each)
    points = torch.stack([torch.rand(len(times), dtype=torch.float64), times], dim=1)
    return Term(values[order].requires_grad_(), points[order])


def test_weights_halve_when_the_tolerance_is_the_logarithm_of_two() -> None:
    weights = causal_weights(torch.ones(4, dtype=torch.float64), math.log(2))
    assert torch.allclose(weights, torch.tensor([1, 0.5, 0.25, 0.125], dtype=torch.float64), atol=1e-15)


def test_the_mean_mode_does_not_depend_on_the_number_of_slices() -> None:
    few = causal_weights(torch.ones(4, dtype=torch.float64), 1.0, mode="mean")
    many = causal_weights(torch.ones(8, dtype=torch.float64), 1.0, mode="mean")
    assert torch.allclose(few, many[::2])


@pytest.mark.parametrize("each", [1, 5])
def test_chunks_of_equal_times_are_the_slices_whatever_the_order_of_the_points(each: int) -> None:
    losses = [0.3, 0.1, 0.7, 0.2]
    weighting = CausalWeights(slices=4, tolerances=[1.5])
    total = weighting({"pde": term(losses, each)}, nn.Identity())
    weights = [math.exp(-1.5 * sum(losses[:i])) for i in range(4)]
    assert float(total) == pytest.approx(sum(w * v for w, v in zip(weights, losses, strict=True)) / 4, rel=1e-12)


def test_weights_carry_no_gradient() -> None:
    one = term([0.3, 0.1, 0.7, 0.2])
    CausalWeights(slices=4, tolerances=[1.5])({"pde": one}, nn.Identity()).backward()
    weights = causal_weights(torch.tensor([0.3, 0.1, 0.7, 0.2], dtype=torch.float64), 1.5)
    order = one.points[:, 1].long()
    assert torch.allclose(one.values.grad, weights[order] / 4)


def test_the_initial_condition_is_time_zero() -> None:
    start = Term(torch.full((3,), 0.2, dtype=torch.float64))
    weighting = CausalWeights(slices=2, tolerances=[1.0], initial_weight=10.0)
    weighting({"pde": term([1.0, 1.0]), "initial": start}, nn.Identity())
    assert torch.allclose(weighting.weights.double(), torch.exp(torch.tensor([-2.0, -3.0]).double()), atol=1e-7)


def test_several_equations_share_the_smallest_weight() -> None:
    weighting = CausalWeights(slices=2, tolerances=[1.0])
    weighting({"pde:u": term([1.0, 1.0]), "pde:v": term([3.0, 1.0])}, nn.Identity())
    assert torch.allclose(weighting.weights.double(), torch.exp(torch.tensor([0.0, -3.0]).double()), atol=1e-7)


def test_the_tolerance_rises_when_all_weights_exceed_the_threshold_and_the_last_one_ends_the_run() -> None:
    weighting = CausalWeights(slices=4, tolerances=[0.1, 1.0], threshold=0.9)
    big, small = term([1.0] * 4), term([0.01] * 4)
    weighting({"pde": big}, nn.Identity())
    assert (weighting.tolerance, bool(weighting.finished)) == (0.1, False)
    weighting({"pde": small}, nn.Identity())
    assert (weighting.tolerance, bool(weighting.finished)) == (1.0, False)
    weighting({"pde": small}, nn.Identity())
    assert bool(weighting.finished)


def test_patience_ends_a_stage_too() -> None:
    weighting = CausalWeights(slices=4, tolerances=[0.1, 1.0], patience=2)
    for _ in range(2):
        weighting({"pde": term([1.0] * 4)}, nn.Identity())
    assert weighting.tolerance == 1.0


def test_a_restart_goes_back_to_the_first_tolerance() -> None:
    weighting = CausalWeights(slices=4, tolerances=[0.1, 1.0], patience=1)
    fresh = {name: value.clone() for name, value in weighting.state_dict().items()}
    for _ in range(2):
        weighting({"pde": term([0.0001] * 4)}, nn.Identity())
    assert (weighting.tolerance, bool(weighting.finished)) == (1.0, True)
    weighting.restart()
    assert all(torch.equal(value, fresh[name]) for name, value in weighting.state_dict().items())


def test_a_run_says_that_the_method_is_patented(caplog: pytest.LogCaptureFixture) -> None:
    CausalWeights()
    assert NOTICE in caplog.text
    assert "patent" in (CausalWeights.__doc__ or "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"slices": 0}, "slices=0"), ({"tolerances": []}, "tolerances"), ({"mode": "max"}, "mode='max'")],
)
def test_bad_arguments_are_named(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CausalWeights(**arguments)


def test_fewer_points_than_slices_are_refused() -> None:
    with pytest.raises(ValueError, match="slices=8 is more than the 4 points"):
        CausalWeights(slices=8)({"pde": term([1.0] * 4)}, nn.Identity())
