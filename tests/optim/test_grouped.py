"""AdamW with named groups is AdamW, group by group."""

import copy

import pytest
import torch
from torch import nn

from sciml.optim import GroupedAdamW


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))


def steps(optimizer: torch.optim.Optimizer, model: nn.Module) -> None:
    generator = torch.Generator().manual_seed(1)
    for _ in range(5):
        optimizer.zero_grad()
        model(torch.randn(8, 3, generator=generator)).square().mean().backward()
        optimizer.step()


def test_each_group_moves_as_under_an_optimiser_of_its_own() -> None:
    ours, theirs = network(), network()
    groups = [
        {"params": list(ours[0].parameters()), "name": "first"},
        {"params": list(ours[2].parameters()), "name": "last"},
    ]
    steps(GroupedAdamW(groups, lr=1e-3, rates={"last": 1e-1}, weight_decay=0.5, decays={"first": 0.0}), ours)
    plain = [
        {"params": list(theirs[0].parameters()), "lr": 1e-3, "weight_decay": 0.0},
        {"params": list(theirs[2].parameters()), "lr": 1e-1, "weight_decay": 0.5},
    ]
    steps(torch.optim.AdamW(plain), theirs)
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))


def test_parameters_without_groups_are_one() -> None:
    ours, theirs = network(), network()
    steps(GroupedAdamW(ours.parameters(), lr=1e-2), ours)
    steps(torch.optim.AdamW(theirs.parameters(), lr=1e-2), theirs)
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))


def test_state_survives() -> None:
    model, twin = network(), network()
    first = GroupedAdamW([{"params": list(model.parameters()), "name": "all"}], rates={"all": 1e-2})
    steps(first, model)
    twin.load_state_dict(model.state_dict())
    second = GroupedAdamW([{"params": list(twin.parameters()), "name": "all"}], rates={"all": 1e-2})
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    steps(first, model)
    steps(second, twin)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), twin.parameters(), strict=True))


def test_a_group_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="rates names 'norms'; the groups of the network are: all"):
        GroupedAdamW([{"params": list(network().parameters()), "name": "all"}], rates={"norms": 1.0})
    with pytest.raises(ValueError, match="decays names 'norms'; the groups of the network are: none"):
        GroupedAdamW(network().parameters(), decays={"norms": 1.0})
