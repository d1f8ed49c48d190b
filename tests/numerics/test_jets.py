"""Jets against nested reverse mode, value by value and in the gradient of the weights."""

import logging

import pytest
import torch
from torch import nn

from sciml.numerics import Jet, ReverseMode, TaylorMode, point_derivatives, required, value
from sciml.numerics.taylor import SERIES

ACTIVATIONS = [nn.Tanh(), nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.Sigmoid(), nn.Softplus()]


class Sine(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sin(x) + torch.cos(2.0 * x) - torch.exp(-x * x)


def network(activation: nn.Module, inputs: int = 2) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(inputs, 12), activation, nn.Linear(12, 12), activation, nn.Linear(12, 2)).double()


@pytest.mark.parametrize("activation", [*ACTIVATIONS, Sine()], ids=lambda a: str(a))
def test_jets_equal_nested_reverse_mode(activation: nn.Module) -> None:
    net, axes = network(activation), ("x", "t")
    points = torch.randn(7, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    wanted = ["x", "t", "xx", "xt", "xxx", "xxxx"]
    taylor = TaylorMode(points, axes, [(4, 0), (1, 1)])
    reverse = ReverseMode(points, axes)
    u, v = taylor.evaluate(net, "ab")["b"], reverse.evaluate(net, "ab")["b"]
    for wrt in wanted:
        ours, oracle = value(taylor(u, wrt)), reverse(v, wrt)
        assert float(((ours - oracle).abs().max() / oracle.abs().max()).detach()) < 1e-10, wrt
    parameters = list(net.parameters())
    gradients = [
        torch.autograd.grad((r**2).sum(), parameters, allow_unused=True)
        for r in (value(taylor(u, "xxxx")), reverse(v, "xxxx"))
    ]
    for a, b in zip(*gradients, strict=True):
        if b is not None:
            assert float((a - b).abs().max()) <= 1e-9 * float(b.abs().max())


def test_derivatives_of_expressions_equal_reverse_mode() -> None:
    net, axes = network(nn.Tanh()), ("x", "y")
    points = torch.rand(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) + 0.5

    def expression(u, d):
        p = d.coordinates()
        a = torch.exp(p["x"] * p["y"]) + torch.sqrt(p["y"]) + torch.log(p["x"]) / p["y"] - 1 / p["x"] + p["x"] ** 2.5
        return {"r": d(a * d(u["u"], "x"), "x") + d(u["v"] ** 2, "y") - 2.0 * (1.0 - u["u"]) / a}

    indices = required(expression, ("u", "v"), axes)
    taylor, reverse = TaylorMode(points, axes, indices), ReverseMode(points, axes)
    ours = value(expression(taylor.evaluate(net, "uv"), taylor)["r"])
    oracle = expression(reverse.evaluate(net, "uv"), reverse)["r"]
    assert float(((ours - oracle).abs().max() / oracle.abs().max()).detach()) < 1e-11


def test_required_derivatives_are_those_of_the_expression_and_no_more() -> None:
    found = required(lambda u, d: {"r": d(u["u"], "t") - d(u["u"] * d(u["u"], "xx"), "xx")}, ("u",), ("x", "t"))
    assert found == {(0, 0), (0, 1), (4, 0), (2, 0)}


@pytest.mark.parametrize("name", sorted(set(SERIES) - {"pow"}))
def test_series_equal_reverse_mode(name: str) -> None:
    function = getattr(torch, name, None) or getattr(nn.functional, name)
    u = torch.tensor([0.3, 0.7, 1.9], dtype=torch.float64, requires_grad=True)
    series, expected, factorial = SERIES[name](u.detach(), 4), function(u), 1.0
    for m in range(5):
        assert torch.allclose(series[m] * factorial, expected, rtol=1e-12, atol=1e-13), m
        # A constant has no graph any more.
        straight = not expected.requires_grad
        expected = 0 * u if straight else torch.autograd.grad(expected.sum(), u, create_graph=True)[0]
        factorial *= m + 1


def test_an_unknown_operation_falls_back_to_reverse_mode_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    net = nn.Sequential(nn.Linear(2, 4), nn.ELU(), nn.Linear(4, 1)).double()
    points = torch.rand(3, 2, dtype=torch.float64)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            engine, fields = point_derivatives(net, points, ("x", "t"), ("u",), [(1, 0)])
    assert isinstance(engine, ReverseMode)
    assert fields["u"].shape == (3,)
    assert [r for r in caplog.messages if "elu" in r] == caplog.messages[:1]


def test_a_jet_names_the_derivative_it_does_not_hold() -> None:
    jet = TaylorMode(torch.rand(3, 1), ("x",), [(1,)]).coordinates()["x"]
    assert isinstance(jet, Jet)
    with pytest.raises(ValueError, match=r"\(2,\)"):
        jet.derivative((2,))
