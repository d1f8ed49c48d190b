"""Taylor mode at points: collapsed Laplacians, estimates by random directions, reuse of the coordinates."""

import math

import pytest
import torch
from torch import nn

from sciml.fields import Grid
from sciml.numerics import Laplacian, RandomDirections, ReverseMode, TaylorMode, point_derivatives, requests, value
from sciml.pdes import PDE, AllenCahn, Heat, NavierStokes, Problem


def network(inputs: int, outputs: int = 1, width: int = 12, activation: nn.Module | None = None) -> nn.Module:
    torch.manual_seed(0)
    activation = activation or nn.Tanh()
    layers = [nn.Linear(inputs, width), activation, nn.Linear(width, width), activation, nn.Linear(width, outputs)]
    return nn.Sequential(*layers).double()


def points(d: int, n: int = 6) -> torch.Tensor:
    return torch.rand(n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def names(d: int) -> tuple[str, ...]:
    return tuple(f"x{i}" for i in range(d))


def poisson(u, d):
    return {"r": d.laplacian(u["u"])}


def relative(ours: torch.Tensor, exact: torch.Tensor) -> float:
    return float(((ours - exact).abs().max() / exact.abs().max()).detach())


@pytest.mark.parametrize("activation", [nn.Tanh(), nn.SiLU(), nn.Softplus(), nn.GELU()], ids=str)
def test_a_collapsed_laplacian_in_five_dimensions_is_the_trace_of_the_hessian(activation: nn.Module) -> None:
    net, z = network(5, activation=activation), points(5)
    d = TaylorMode(z, names(5), requests(poisson, "u", names(5)))
    assert len(d.coords.space) == 2 + 5
    ours = value(d.laplacian(d.evaluate(net, "u")["u"]))
    hessians = torch.func.vmap(torch.func.hessian(lambda x: net(x)[0]))(z)
    trace = hessians.diagonal(dim1=1, dim2=2).sum(1)
    assert relative(ours, trace) < 1e-10
    weights = list(net.parameters())
    gradients = (torch.autograd.grad(t.square().mean(), weights, allow_unused=True) for t in (ours, trace))
    for a, b in zip(*gradients, strict=True):
        assert (a is None) == (b is None) or a.abs().max() == 0
        assert b is None or relative(a, b) < 1e-9


def test_the_laplacian_of_an_expression_collapses_too() -> None:
    net, z, axes = network(3), points(3), ("x", "y", "t")

    def residual(u, d):
        return {"r": d(u["u"], "t") - d.laplacian(u["u"] ** 3 + torch.sin(d.coordinates()["x"]) * u["u"])}

    asked = requests(residual, "u", axes)
    assert asked == {(0, 0, 0), (0, 0, 1), Laplacian((1.0, 1.0, 0.0))}
    d, reverse = TaylorMode(z, axes, asked), ReverseMode(z, axes)
    assert len(d.coords.space) == 5
    ours = value(residual(d.evaluate(net, "u"), d)["r"])
    assert relative(ours, residual(reverse.evaluate(net, "u"), reverse)["r"]) < 1e-10


@pytest.mark.parametrize(
    ("residual", "rows"),
    [
        (lambda u, d: {"r": d.laplacian(u["u"]) + d(u["u"], "xy")}, 5),
        (lambda u, d: {"r": d.laplacian(u["u"]) + d(u["u"], "xx")}, 5),
        (lambda u, d: {"r": d.laplacian(u["u"]) + d(u["u"], "xx") + d(u["u"], "yy")}, 5),
        (lambda u, d: {"r": d.laplacian(d.laplacian(u["u"]))}, 13),
        (lambda u, d: {"r": d(d.laplacian(u["u"]), "x")}, 8),
        (lambda u, d: {"r": d.laplacian(d(u["u"], "x") * u["u"])}, 8),
    ],
)
def test_second_derivatives_that_are_asked_for_otherwise_are_all_there(residual, rows) -> None:
    net, z, axes = network(2), points(2), ("x", "y")
    d, reverse = TaylorMode(z, axes, requests(residual, "u", axes)), ReverseMode(z, axes)
    assert len(d.coords.space) == rows
    exact = residual(reverse.evaluate(net, "u"), reverse)["r"]
    assert relative(value(residual(d.evaluate(net, "u"), d)["r"]), exact) < 1e-10


def test_a_laplacian_that_was_not_asked_for_is_the_sum_of_its_terms() -> None:
    net, z, axes = network(2), points(2), ("x", "y")
    full, collapsed = (TaylorMode(z, axes, asked) for asked in ([(2, 0), (0, 2)], [Laplacian((1.0, 1.0))]))
    a, b = (value(d.laplacian(d.evaluate(net, "u")["u"])) for d in (full, collapsed))
    assert relative(a, b) < 1e-12
    with pytest.raises(ValueError, match=r"\(2, 0\)"):
        collapsed(collapsed.evaluate(net, "u")["u"], "xx")


def test_the_jet_of_unchanged_points_is_made_once() -> None:
    z = points(2)
    make = lambda: TaylorMode(z, ("x", "t"), [(2, 0), (0, 1)]).coords  # noqa: E731
    first = make()
    assert make() is first
    assert TaylorMode(z.clone(), ("x", "t"), [(2, 0), (0, 1)]).coords is not first
    z += 1.0
    assert make() is not first
    assert torch.equal(make().value, z)


def test_random_directions_estimate_the_laplacian_without_bias() -> None:
    """Mean of many draws within four standard errors of the exact trace; the variance is the one of the formula."""
    dimensions, draws, count = 20, 4000, 4
    net, z = network(dimensions, width=16), points(dimensions, 1)
    exact = torch.func.hessian(lambda x: net(x)[0])(z[0]).detach()
    estimator = RandomDirections(count, torch.Generator().manual_seed(3))
    many, axes = z.expand(draws, -1), names(dimensions)
    d, u = point_derivatives(net, many, axes, "u", requests(poisson, "u", axes), estimator)
    assert len(d.coords.space) == 2 + count
    found = value(d.laplacian(u["u"])).detach()
    error = float(found.std()) / math.sqrt(draws)
    assert abs(float(found.mean() - exact.trace())) < 4.0 * error
    variance = 2 / count * (exact.square().sum() - exact.diagonal().square().sum())
    assert float(found.var() / variance) == pytest.approx(1.0, abs=0.15)


def test_random_directions_leave_all_but_the_laplacian_exact() -> None:
    axes, z, net = ("x", "y", "t"), points(3), network(3)
    asked = [(0, 0, 1), (1, 1, 0), Laplacian((1.0, 1.0, 0.0))]
    d, u = point_derivatives(net, z, axes, "u", asked, RandomDirections(2, torch.Generator().manual_seed(0)))
    reverse = ReverseMode(z, axes)
    v = reverse.evaluate(net, "u")["u"]
    for wrt in ("t", "xy"):
        assert relative(value(d(u["u"], wrt)), reverse(v, wrt)) < 1e-10
    # Along the directions (+-1, +-1), v^T H v = trace +- 2 H_xy: time takes no part.
    gap = (value(d.laplacian(u["u"])) - reverse(v, "xx") - reverse(v, "yy")) / (2 * reverse(v, "xy"))
    assert torch.allclose(gap, gap.round(), atol=1e-8)
    assert set(gap.detach().round().tolist()) <= {-1.0, 0.0, 1.0}


def test_equal_generators_give_equal_estimates() -> None:
    net, z, axes = network(4), points(4), names(4)

    def estimate(seed: int) -> torch.Tensor:
        estimator = RandomDirections(2, torch.Generator().manual_seed(seed))
        d, u = point_derivatives(net, z, axes, "u", requests(poisson, "u", axes), estimator)
        return value(d.laplacian(u["u"]))

    assert torch.equal(estimate(0), estimate(0))
    assert not torch.equal(estimate(0), estimate(1))


def test_fewer_than_two_directions_are_refused() -> None:
    with pytest.raises(ValueError, match="count must be at least 2, got 1"):
        RandomDirections(1)


@pytest.mark.parametrize("pde", [Heat(), AllenCahn(), NavierStokes()], ids=lambda pde: type(pde).__name__)
def test_equations_with_a_laplacian_take_five_rows_in_the_plane(pde: PDE) -> None:
    """The value, three first derivatives and the Laplacian, whichever products and divergences stand beside it."""
    start = dict.fromkeys(pde.names(2), lambda x, y: torch.sin(x) * y)
    problem = Problem(pde, Grid.periodic(4, 4), start, times=[0.0, 1.0])
    assert len(TaylorMode(points(3), problem.axes, problem.requests).coords.space) == 5
    assert {(2, 0, 0), (0, 2, 0)} <= problem.required_derivatives
