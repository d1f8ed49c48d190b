"""Windows in time: they join, earlier ones stay, and marching solves what one network would not."""

import math

import pytest
import torch
from torch import Tensor

from sciml.batch import Batch
from sciml.describe import build, describe
from sciml.nn import MLP, Scaled
from sciml.numerics import ReverseMode, TaylorMode, value
from sciml.optim import Phase, Phases, SSBroyden
from sciml.pdes import Equation, Statement
from sciml.pinn import Interior, Marching, PhysicsInformed, Quasirandom, TimeWindows
from sciml.status import ConfigError


def network(count: int = 3, warm: bool = False) -> TimeWindows:
    torch.manual_seed(0)
    inner = MLP(2, 1, width=6, depth=1, embedding=Scaled([0.0, -1.0], [1.0, 1.0]))
    return TimeWindows(inner, "sin(pi*x)", 0.0, 3.0, count, warm=warm).double()


def points(n: int = 30) -> Tensor:
    return torch.rand(n, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * torch.tensor([1.0, 3.0])


def test_the_first_window_starts_from_the_initial_data() -> None:
    x = torch.linspace(0, 1, 7).double()
    start = torch.stack([x, torch.zeros(7).double()], dim=1)
    assert torch.allclose(network()(start)[:, 0], torch.sin(math.pi * x), atol=1e-15)


@pytest.mark.parametrize("warm", [False, True])
def test_windows_join_and_earlier_ones_stay(warm: bool) -> None:
    u, z = network(warm=warm), points()
    first = u(z)
    u.advance(seed=5)
    second = u(z)
    u.advance(seed=6)
    third = u(z)
    assert torch.equal(first[z[:, 1] < 1], third[z[:, 1] < 1])
    assert torch.equal(second[z[:, 1] < 2], third[z[:, 1] < 2])
    assert not torch.allclose(second[z[:, 1] > 2], third[z[:, 1] > 2])
    for edge in (1.0, 2.0):
        sides = [torch.tensor([[0.3, edge + e]]).double() for e in (-1e-12, 1e-12)]
        assert float((u(sides[0]) - u(sides[1])).abs()) < 1e-10


def test_jets_of_a_later_window_equal_reverse_mode_also_after_the_start_was_kept() -> None:
    u = network()
    u.advance(seed=5)
    z = points() * torch.tensor([1.0, 1 / 3]) + torch.tensor([0.0, 1.0])
    for _ in range(2):
        taylor, reverse = TaylorMode(z, ("x", "t"), [(2, 0), (0, 1)]), ReverseMode(z, ("x", "t"))
        jet, plain = taylor.evaluate(u, ["u"])["u"], reverse.evaluate(u, ["u"])["u"]
        for wrt in ("xx", "t"):
            assert torch.allclose(value(taylor(jet, wrt)), reverse(plain, wrt), atol=1e-12)
    with torch.no_grad():
        u.stored.mul_(1.1)
    jet = TaylorMode(z, ("x", "t"), [(2, 0), (0, 1)]).evaluate(u, ["u"])["u"]
    assert torch.allclose(jet.value, u(z)[:, 0], atol=1e-12)


def test_a_channel_without_initial_value_is_the_network_itself_in_every_window() -> None:
    torch.manual_seed(0)
    inner = MLP(2, 2, width=6, depth=1)
    u = TimeWindows(inner, "sin(pi*x)", 0.0, 3.0, count=3, channels=[0]).double()
    edge = torch.tensor([[0.3, 2.0]]).double()
    for seed in (5, 6):
        before = u(edge)
        u.advance(seed)
    assert torch.allclose(u(edge)[:, 0], before[:, 0], atol=1e-12)
    own = inner(torch.tensor([[0.3, -1.0]]).double())
    assert torch.equal(u(edge)[:, 1], own[:, 1])
    z = points() * torch.tensor([1.0, 1 / 3]) + torch.tensor([0.0, 2.0])
    taylor, reverse = TaylorMode(z, ("x", "t"), [(2, 0), (0, 1)]), ReverseMode(z, ("x", "t"))
    jets, plain = taylor.evaluate(u, ["u", "p"]), reverse.evaluate(u, ["u", "p"])
    for name, wrt in (("u", "xx"), ("u", "t"), ("p", "xx"), ("p", "t")):
        assert torch.allclose(value(taylor(jets[name], wrt)), reverse(plain[name], wrt), atol=1e-12)


@pytest.mark.parametrize(("initial", "channels"), [([1.0], [0, 1]), (1.0, [2]), ([1.0, 2.0, 3.0], None)])
def test_wrong_channels_of_windows_are_named(initial: list[float] | float, channels: list[int] | None) -> None:
    with pytest.raises(ValueError, match="channels"):
        TimeWindows(MLP(2, 2, width=4, depth=1), initial, channels=channels)


def test_windows_are_made_again_from_description_and_state() -> None:
    u = network()
    u.advance(seed=5)
    twin = build(describe(u)).double()
    twin.load_state_dict(u.state_dict())
    assert torch.equal(twin(points()), u(points()))


def decay() -> Statement:
    return Statement(Equation({"u": "-2*u + 0*u_x"}), {"x": [0.0, 1.0]}, {"u": "1"}, periodic=["x"], times=[0.0, 3.0])


def test_marching_solves_window_by_window() -> None:
    torch.manual_seed(0)
    u = TimeWindows(MLP(2, 1, width=5, depth=1), 1.0, 0.0, 1.0, count=2).double()
    marching = Marching(PhysicsInformed(decay(), [Interior(Quasirandom(30))]), steps=2)
    phases = [Phase(lambda p: SSBroyden(p, iterations=20), steps=2)]
    optimizer = Phases(u.parameters(), phases, repeat=True)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = marching.terms(u, Batch())["pde"].scalar()
        loss.backward()
        return loss

    for step in range(4):
        marching.advance(step, 0, u)
        optimizer.step(closure)
    z = points() / torch.tensor([1.0, 3.0])
    assert int(u.window) == 1
    assert float((u(z)[:, 0] - torch.exp(-2 * z[:, 1])).abs().max()) < 1e-3


def test_points_are_those_of_the_window_and_its_margin() -> None:
    u, marching = network(), Marching(PhysicsInformed(decay(), [Interior(Quasirandom(200))]), steps=2, margin=0.1)
    for step, low in ((0, 0.0), (2, 1.0), (3, 1.0)):
        marching.advance(step, 0, u)
        assert marching.begins == (step == 2)
        times = marching.objective.conditions[0].sampler.points[:, 1]
        assert (float(times.min()) >= low, float(times.max()) <= low + 1.1, float(times.max()) > low + 1) == (True,) * 3


def test_what_does_not_march_is_refused() -> None:
    with pytest.raises(ConfigError, match="needs a network of TimeWindows; this one is MLP"):
        Marching.example().advance(0, 0, MLP(2, 1))
    with pytest.raises(ValueError, match="count=0"):
        TimeWindows(MLP(2, 1), 0.0, count=0)
    with pytest.raises(ValueError, match="window 0 is the last of 1"):
        TimeWindows(MLP(2, 1), 0.0, count=1).advance()
    with pytest.raises(ValueError, match="steps=0"):
        Marching(PhysicsInformed.example(), steps=0)
