"""A schedule of optimisers makes the steps of each in turn, and goes on from its state across a switch."""

import copy
import functools
import itertools
import math

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam

from sciml.optim import CosineDecay, ExponentialDecay, GroupedAdamW, NaturalGradient, Phase, Phases, SSBroyden


class Regression:
    """A small network on fixed points."""

    def __init__(self, phases: list[Phase]) -> None:
        torch.manual_seed(0)
        self.network = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 1)).double()
        self.x = torch.randn(30, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        self.optimizer = Phases(self.network.parameters(), phases)

    def closure(self) -> Tensor:
        self.optimizer.zero_grad()
        loss = (self.network(self.x)[:, 0] - self.x.prod(dim=1)).square().mean()
        loss.backward()
        return loss

    def run(self, steps: int) -> list[Tensor]:
        for _ in range(steps):
            self.optimizer.step(self.closure)
        return [p.detach().clone() for p in self.network.parameters()]


def phases() -> list[Phase]:
    return [
        Phase(functools.partial(Adam, lr=1e-2), steps=5, rate=ExponentialDecay(0.5, period=5, warmup=2)),
        Phase(functools.partial(SSBroyden, iterations=3), steps=4),
        Phase(functools.partial(Adam, lr=1e-3)),
    ]


def same(one: list[Tensor], other: list[Tensor]) -> bool:
    return all(torch.equal(p, q) for p, q in zip(one, other, strict=True))


def test_each_phase_makes_its_optimisers_steps_from_where_the_one_before_ended():
    ours = Regression(phases())
    theirs = Regression([Phase(SGD)])
    made = ours.run(12)
    for cls, options, rates in (
        (Adam, {}, [1e-2 * f for f in (1 / 3, 2 / 3, 1, 0.5**0.2, 0.5**0.4)]),
        (SSBroyden, {"iterations": 3}, [1.0] * 4),
        (Adam, {}, [1e-3] * 3),
    ):
        theirs.optimizer = cls(theirs.network.parameters(), **options)
        for rate in rates:
            theirs.optimizer.param_groups[0]["lr"] = rate
            theirs.optimizer.step(theirs.closure)
    for p, q in zip(made, theirs.network.parameters(), strict=True):
        torch.testing.assert_close(p, q.detach(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("stop", [2, 5, 7, 9, 10])
def test_a_run_goes_on_from_its_state_bit_by_bit_on_either_side_of_a_switch(stop):
    undisturbed = Regression(phases()).run(12)
    first, second = Regression(phases()), Regression(phases())
    first.run(stop)
    second.network.load_state_dict(first.network.state_dict())
    second.optimizer.load_state_dict(copy.deepcopy(first.optimizer.state_dict()))
    assert same(second.run(12 - stop), undisturbed)


def test_the_current_phase_shows_through():
    run = Regression(phases())
    groups = run.optimizer.param_groups
    seen = []
    for _ in range(11):
        seen.append((run.optimizer.position[0], run.optimizer.guarded))
        run.run(1)
    assert seen == [(0, False)] * 5 + [(1, True)] * 4 + [(2, False)] * 2
    assert run.optimizer.param_groups is groups
    assert groups[0]["lr"] == 1e-3


def test_the_state_of_a_finished_phase_is_given_up():
    run = Regression(phases())
    run.run(10)
    assert [len(optimizer.state) > 0 for optimizer in run.optimizer.optimizers] == [False, False, True]


def test_groups_keep_their_rates():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    groups = [{"params": layer.parameters(), "name": name} for layer, name in zip(network, ("in", "out"), strict=True)]
    grouped = functools.partial(GroupedAdamW, lr=1e-2, rates={"out": 1e-3})
    optimizer = Phases(groups, [Phase(grouped, steps=4, rate=ExponentialDecay(0.5, period=1)), Phase(SGD)])
    for _ in range(3):
        network(torch.ones(1, 2)).sum().backward()
        optimizer.step()
    assert [g["lr"] for g in optimizer.param_groups] == pytest.approx([1e-2 / 4, 1e-3 / 4])


def test_what_computes_the_jacobian_reaches_the_phases_that_ask_for_it():
    x = nn.Parameter(torch.tensor([3.0], dtype=torch.float64))
    optimizer = Phases([x], [Phase(functools.partial(SGD, lr=0.1), steps=1), Phase(NaturalGradient)])
    optimizer.bind(lambda: (x.detach().clone(), torch.ones(1, 1, dtype=torch.float64)))

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = x.square().sum()
        loss.backward()
        return loss

    for _ in range(6):
        optimizer.step(closure)
    assert abs(float(x.detach())) < 1e-8


@pytest.mark.parametrize("rate", [ExponentialDecay(warmup=5), CosineDecay(warmup=5, final=0.1)])
def test_rates_rise_to_the_optimisers_own_and_fall_from_there(rate):
    factors = [rate.factor(k, 2005) for k in range(2006)]
    assert factors[:6] == pytest.approx([k / 6 for k in range(1, 7)])
    assert all(a > b for a, b in itertools.pairwise(factors[5:]))
    assert factors[2005] == pytest.approx(0.9 if isinstance(rate, ExponentialDecay) else 0.1)
    assert rate.factor(1005, 2005) == pytest.approx(math.sqrt(0.9) if isinstance(rate, ExponentialDecay) else 0.55)


def test_mistakes_are_named_in_one_line():
    x = nn.Parameter(torch.zeros(2))
    cases = {
        "phases is empty": lambda: Phases([x], []),
        r"phases\[0\] has no number of steps": lambda: Phases([x], [Phase(Adam), Phase(Adam)]),
        "steps=0": lambda: Phase(Adam, steps=0),
        "CosineDecay needs a phase": lambda: Phases([x], [Phase(Adam, rate=CosineDecay())]),
        "has 1 phases; this schedule has 2": lambda: Phases([x], [Phase(Adam, steps=1), Phase(Adam)]).load_state_dict(
            Phases([x], [Phase(Adam)]).state_dict()
        ),
        "warmup=-1": lambda: ExponentialDecay(warmup=-1),
        "period=0": lambda: ExponentialDecay(period=0),
        "final=2": lambda: CosineDecay(final=2),
    }
    for message, wrong in cases.items():
        with pytest.raises(ValueError, match=message) as raised:
            wrong()
        assert "\n" not in str(raised.value)
