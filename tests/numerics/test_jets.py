"""Jets against nested reverse mode, value by value and in the gradient of the weights."""

import itertools
import logging
import math

import pytest
import torch
from torch import nn

from sciml.numerics import (
    Jet,
    ReverseMode,
    TaylorMode,
    UnsupportedOperation,
    jet_functions,
    point_derivatives,
    requests,
    required,
    value,
)
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


class Gated(nn.Module):
    """A modified MLP: two encoders, between which each layer chooses."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.encoders = nn.ModuleList([nn.Linear(inputs, 8), nn.Linear(inputs, 8)])
        self.layers = nn.ModuleList([nn.Linear(inputs, 8), nn.Linear(8, 8)])
        self.last = nn.Linear(8, 2)

    def forward(self, z):
        a, b = (torch.tanh(e(z)) for e in self.encoders)
        h = z
        for layer in self.layers:
            gate = torch.sigmoid(layer(h))
            h = gate * a + (1 - gate) * b
        return self.last(h)


class Periodic(nn.Module):
    """Four harmonics of the first coordinate, of period 2, beside the others as they are."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(8 + inputs - 1, 10), nn.SiLU(), nn.Linear(10, 2))

    def forward(self, z):
        phases = z[..., :1] * (math.pi * torch.arange(1.0, 5.0, dtype=z.dtype))
        return self.body(torch.cat([torch.cos(phases), torch.sin(phases), z[..., 1:]], dim=-1))


class Powers(nn.Module):
    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, 2)

    def forward(self, z):
        u = self.linear(z)
        return u**3 + (u**2 + 1.0) ** -0.5 + torch.exp(u) / (2.0 + torch.cos(u)) + u.sum(-1).unsqueeze(-1) ** 4


INDICES = [a for a in itertools.product(range(5), repeat=3) if sum(a) <= 2 or (sum(a) <= 4 and a.count(0) == 2)]


@pytest.mark.parametrize("kind", [Gated, Periodic, Powers])
def test_structured_networks_in_three_dimensions_equal_reverse_mode(kind: type[nn.Module]) -> None:
    """Pure derivatives to order 4, mixed second ones, and the gradient of all of them together."""
    torch.manual_seed(0)
    net, axes = kind(3).double(), ("x", "y", "t")
    points = torch.rand(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    taylor, reverse = TaylorMode(points, axes, INDICES), ReverseMode(points, axes)
    u, v = taylor.evaluate(net, "ab"), reverse.evaluate(net, "ab")
    totals = [torch.zeros(4, dtype=torch.float64)] * 2
    for name, index in itertools.product("ab", INDICES):
        ours, oracle = value(taylor.derivative(u[name], index)), reverse.derivative(v[name], index)
        scale = oracle.abs().max().detach()
        assert float((ours - oracle).abs().max().detach()) <= 1e-10 * float(scale), index
        totals = [t + part / (scale + 1e-300) for t, part in zip(totals, (ours, oracle), strict=True)]
    gradients = [torch.autograd.grad(t.square().mean(), list(net.parameters())) for t in totals]
    for a, b in zip(*gradients, strict=True):
        assert float((a - b).abs().max()) <= 1e-9 * float(b.abs().max())


def test_a_periodic_embedding_makes_all_derivatives_periodic() -> None:
    torch.manual_seed(0)
    net, points = Periodic(2).double(), torch.rand(5, 2, dtype=torch.float64)
    period = torch.tensor([2.0, 0.0], dtype=torch.float64)
    here, there = (
        TaylorMode(at, ("x", "t"), [(4, 0)]).evaluate(net, "ab")["a"].coefficients for at in (points, points + period)
    )
    assert len(here) == 5
    assert torch.allclose(here, there, rtol=1e-10, atol=1e-10)


def burgers_like(u, d):
    return {"r": d(u["a"], "t") + u["b"] * d(u["a"], "x") - d(u["b"], "xxxx") + d(u["a"] * u["b"], "xt")}


class With(nn.Module):
    """A network with other weights, as a function of both."""

    def __init__(self, net: nn.Module, weights: dict[str, torch.Tensor]) -> None:
        super().__init__()
        self.run = lambda z: torch.func.functional_call(net, weights, (z,))

    def forward(self, z):
        return self.run(z)


def test_jacobians_of_residuals_agree_with_reverse_mode_under_every_transform() -> None:
    """Per point by `vmap(grad)`, by `jacrev`, by batched cotangents, and for an ensemble of weights."""
    torch.manual_seed(0)
    net, axes, points = Gated(2).double(), ("x", "t"), torch.rand(4, 2, dtype=torch.float64)
    weights, asked = dict(net.named_parameters()), requests(burgers_like, "ab", axes)

    def residual(weights, z, engine=lambda z: TaylorMode(z, axes, asked)):
        d = engine(z)
        return value(burgers_like(d.evaluate(With(net, weights), "ab"), d)["r"])

    exact = residual(weights, points, lambda z: ReverseMode(z, axes))
    rows = [torch.autograd.grad(r, list(weights.values()), retain_graph=True) for r in exact]
    oracle = {name: torch.stack(parts) for name, parts in zip(weights, zip(*rows, strict=True), strict=True)}
    one = lambda weights, x: residual(weights, x[None])[0]  # noqa: E731
    ours = residual(weights, points)
    batched = torch.autograd.grad(
        ours, list(weights.values()), torch.eye(4, dtype=torch.float64), is_grads_batched=True, retain_graph=True
    )
    for found in (
        torch.func.vmap(torch.func.grad(one), (None, 0))(weights, points),
        torch.func.jacrev(residual)(weights, points),
        dict(zip(weights, batched, strict=True)),
    ):
        for name, jacobian in oracle.items():
            assert (found[name] - jacobian).abs().max().detach() <= 1e-10 * jacobian.abs().max(), name
    ensemble = {name: torch.stack([w, 0.5 * w]) for name, w in weights.items()}
    members = torch.func.vmap(residual, (0, None))(ensemble, points)
    assert torch.allclose(members[0], ours, rtol=1e-12, atol=1e-12)
    assert torch.allclose(members[1], residual({n: 0.5 * w for n, w in weights.items()}, points), rtol=1e-12)


def test_products_with_the_hessian_of_the_loss_equal_those_of_reverse_mode() -> None:
    torch.manual_seed(0)
    net, axes, points = Gated(2).double(), ("x", "t"), torch.rand(4, 2, dtype=torch.float64)
    weights, asked = list(net.parameters()), requests(burgers_like, "ab", axes)
    products = []
    for d in (TaylorMode(points, axes, asked), ReverseMode(points, axes)):
        loss = value(burgers_like(d.evaluate(net, "ab"), d)["r"]).square().mean()
        slopes = torch.autograd.grad(loss, weights, create_graph=True)
        products.append(torch.autograd.grad(sum(s.square().sum() for s in slopes), weights))
    for a, b in zip(*products, strict=True):
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


def test_a_sum_over_the_points_is_no_operation_on_jets() -> None:
    jet = TaylorMode(torch.rand(3, 2), ("x", "t"), [(1, 0)]).coords
    assert torch.equal(torch.sum(jet, dim=-1, keepdim=True).coefficients, jet.coefficients.sum(-1, keepdim=True))
    with pytest.raises(UnsupportedOperation, match="along one axis"):
        torch.sum(jet)


def test_blocks_of_points_change_no_digit(monkeypatch: pytest.MonkeyPatch) -> None:
    net, points = network(nn.Tanh()), torch.rand(9, 2, dtype=torch.float64)
    results = []
    for block in (10**6, 7):
        monkeypatch.setattr(jet_functions, "BLOCK", block)
        jet = TaylorMode(points, ("x", "t"), [(3, 1)]).evaluate(net, "ab")["a"]
        parts = torch.autograd.grad(jet.coefficients.square().sum(), list(net.parameters()))
        results.append([jet.coefficients, *parts])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def test_a_jet_names_the_derivative_it_does_not_hold() -> None:
    jet = TaylorMode(torch.rand(3, 1), ("x",), [(1,)]).coordinates()["x"]
    assert isinstance(jet, Jet)
    with pytest.raises(ValueError, match=r"\(2,\)"):
        jet.derivative((2,))
