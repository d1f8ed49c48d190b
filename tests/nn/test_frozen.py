"""Frozen embeddings: evaluated once on the jet of unchanged points, and as their module in every other respect."""

import copy
import pickle

import pytest
import torch
from torch import nn

from sciml.nn import Frozen
from sciml.numerics import TaylorMode

POINTS = torch.rand(6, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


class Features(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("matrix", torch.tensor([[1.0, 2.0], [0.5, -1.0], [3.0, 0.0]], dtype=torch.float64))
        self.calls = 0

    def forward(self, z):
        self.calls += 1
        return torch.sin(nn.functional.linear(z, self.matrix))


def evaluate(network: nn.Module, points: torch.Tensor) -> torch.Tensor:
    return network(TaylorMode(points, ("x", "t"), [(2, 1)]).coords).coefficients


def test_unchanged_points_are_embedded_once():
    frozen, points = Frozen(Features()), POINTS.clone()
    first = evaluate(frozen, points)
    assert evaluate(frozen, points) is first
    assert frozen.module.calls == 1
    assert torch.equal(first, evaluate(Features(), points))


def test_points_that_are_others_or_were_changed_in_place_are_embedded_anew():
    frozen, points = Frozen(Features()), POINTS.clone()
    evaluate(frozen, points)
    assert torch.equal(evaluate(frozen, points.clone()), evaluate(Features(), points))
    points += 0.1
    assert torch.equal(evaluate(frozen, points), evaluate(Features(), points))
    assert frozen.module.calls == 3


def test_a_changed_buffer_is_seen():
    frozen, points, other = Frozen(Features()), POINTS.clone(), Features()
    evaluate(frozen, points)
    other.matrix *= 2
    frozen.module.load_state_dict(other.state_dict())
    assert torch.equal(evaluate(frozen, points), evaluate(other, points))


def test_what_was_embedded_without_gradients_is_of_use_in_training():
    points = POINTS.clone()
    network = nn.Sequential(Frozen(Features()), nn.Linear(3, 1)).double()
    with torch.inference_mode():
        evaluate(network, points)
    evaluate(network, points).sum().backward()
    assert network[1].weight.grad is not None


def test_weights_may_vary_under_vmap():
    frozen, points = Frozen(Features()), POINTS.clone()
    evaluate(frozen, points)
    matrices = torch.stack([frozen.module.matrix, 2 * frozen.module.matrix])

    def at(matrix):
        return evaluate(lambda z: torch.func.functional_call(frozen, {"module.matrix": matrix}, (z,)), points)

    each = torch.func.vmap(at)(matrices)
    assert torch.allclose(each[0], at(matrices[0]))
    assert torch.allclose(each[1], at(matrices[1]))
    assert not torch.allclose(each[0], each[1])


def test_copies_and_pickles_keep_no_images():
    frozen, points = Frozen(nn.Tanh()), POINTS.clone()
    expected = evaluate(frozen, points)
    for other in (copy.deepcopy(frozen), pickle.loads(pickle.dumps(frozen))):
        assert torch.equal(evaluate(other, points), expected)


def test_trainable_weights_are_refused():
    with pytest.raises(ValueError, match="'weight' requires a gradient"):
        Frozen(nn.Linear(2, 2))
