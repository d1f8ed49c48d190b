"""Hard conditions: they hold to rounding for any weights, and derivatives pass through them."""

import math

import pytest
import torch
from helpers import observed_order
from torch import Tensor

from sciml.describe import build, describe
from sciml.fields import Ball, Boundaries, Box, Dirichlet, Grid, Neumann, Periodic, Polygon
from sciml.nn import MLP
from sciml.numerics import ReverseMode, TaylorMode, value
from sciml.optim import jacobian
from sciml.pdes import AllenCahn, Burgers, Problem
from sciml.pinn.ansatz import HardBoundary, HardInitial, exact_periodicity
from sciml.pinn.evolution import HeatEvolution

PI = math.pi


def network(inputs: int = 2, outputs: int = 1) -> MLP:
    torch.manual_seed(0)
    return MLP(inputs, outputs, width=10, depth=2)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def exact(x: Tensor, y: Tensor) -> Tensor:
    return torch.exp(x) * torch.sin(y) + 2.0


BOX, DISC = Box((-1.0, 0.0), (2.0, 1.0)), Ball((0.5, 0.0), 2.0)
ANSATZE = {
    "rectangle": lambda: HardBoundary(network(), BOX, exact),
    "disc": lambda: HardBoundary(network(), DISC, exact),
    "normalised": lambda: HardBoundary(network(), DISC, exact, normalized=True),
    "difference": lambda: HardBoundary(network(), BOX - Ball((0.5, 0.5), 0.25), exact),
    "polygon": lambda: HardBoundary(network(), Polygon(((-1, -1), (2, 0), (1, 2), (0, 1))), exact),
    "space and time": lambda: HardBoundary(network(), Box((-1.0,), (1.0,)), lambda x, t: torch.sin(x) * t),
    "initial": lambda: HardInitial(network(outputs=2), [lambda x: torch.cos(PI * x), 3.0], start=0.5),
    "evolved": lambda: HardInitial(network(), lambda x: x**2 * torch.cos(PI * x), HeatEvolution(0.1, modes=8)),
    "both": lambda: HardInitial(
        HardBoundary(network(), Box((-1.0,), (1.0,))),
        lambda x: torch.sin(PI * x),
        HeatEvolution(0.01, ends=Dirichlet(), modes=4),
    ),
}


@pytest.mark.parametrize("name", ANSATZE)
def test_jets_through_an_ansatz_equal_reverse_mode(name: str) -> None:
    ansatz = ANSATZE[name]().double()
    points = 0.2 + 0.5 * torch.rand(5, 2, dtype=torch.float64, generator=generator())
    axes, names = ("x", "t"), [str(i) for i in range(ansatz.out_features)]
    taylor, reverse = TaylorMode(points, axes, [(4, 0), (1, 1), (0, 2)]), ReverseMode(points, axes)
    u, v = taylor.evaluate(ansatz, names), reverse.evaluate(ansatz, names)
    for wrt in ("", "x", "t", "xx", "xt", "tt", "xxxx"):
        for n in names:
            ours, oracle = value(taylor(u[n], wrt)), reverse(v[n], wrt)
            assert float((ours - oracle).detach().abs().max()) <= 1e-9 * float(oracle.detach().abs().max()), wrt


@pytest.mark.parametrize("name", ANSATZE)
def test_gradients_reach_the_network_and_single_precision_stays(name: str) -> None:
    ansatz = ANSATZE[name]()
    out = ansatz(0.2 + 0.5 * torch.rand(3, 4, 2, generator=generator()))
    assert out.shape == (3, 4, ansatz.out_features)
    assert out.dtype == torch.float32
    out.square().sum().backward()
    assert all(float(p.grad.abs().sum()) > 0 for p in ansatz.parameters())


@pytest.mark.parametrize("name", ANSATZE)
def test_nothing_is_left_behind_on_another_device(name: str) -> None:
    ansatz, points = ANSATZE[name]().to("meta"), torch.rand(3, 2, device="meta")
    assert ansatz(points).device == points.device
    assert ansatz(TaylorMode(points, ("x", "t"), [(2, 1)]).coords).device == points.device


@pytest.mark.parametrize("name", [n for n in ANSATZE if n != "initial"])
def test_the_jacobian_of_residuals_goes_through_an_ansatz(name: str) -> None:
    ansatz = ANSATZE[name]().double()
    points = 0.2 + 0.5 * torch.rand(4, 2, dtype=torch.float64, generator=generator())
    parameters = dict(ansatz.named_parameters())

    def residual(p: dict[str, Tensor], point: Tensor) -> Tensor:
        engine = TaylorMode(point[None], ("x", "t"), [(2, 0), (0, 1)])
        u = torch.func.functional_call(ansatz, p, (engine.coords,))[..., 0]
        return (value(engine.derivative(u, (0, 1))) - value(engine.derivative(u, (2, 0))))[0]

    values, rows = jacobian(residual, parameters, points)
    reverse = ReverseMode(points, ("x", "t"))
    u = reverse.evaluate(ansatz, "u")["u"]
    expected = reverse(u, "t") - reverse(u, "xx")
    assert torch.allclose(values, expected, rtol=1e-10, atol=1e-12)
    for i in range(len(points)):
        gradient = torch.autograd.grad(expected[i], [*parameters.values()], retain_graph=True, allow_unused=True)
        flat = [torch.zeros_like(p) if g is None else g for g, p in zip(gradient, parameters.values(), strict=True)]
        assert torch.allclose(rows[i], torch.cat([g.flatten() for g in flat]), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", ["rectangle", "disc", "normalised", "difference", "polygon"])
def test_a_boundary_condition_holds_to_rounding(name: str) -> None:
    ansatz = ANSATZE[name]().double()
    points, _ = ansatz.region.boundary(100, None, generator())
    expected = exact(*points.unbind(-1))
    assert float((ansatz(points)[:, 0] - expected).detach().abs().max()) < 1e-14 * 20
    inner = ansatz.region.sample(100, None, generator())
    assert float((ansatz(inner)[:, 0] - exact(*inner.unbind(-1))).detach().abs().max()) > 1e-3


def test_the_network_is_the_normal_slope_of_a_normalised_ansatz() -> None:
    ansatz = ANSATZE["normalised"]().double()
    points, normals = DISC.boundary(40, None, generator())
    reverse = ReverseMode(points, ("x", "y"))
    u = reverse.evaluate(ansatz, "u")["u"]
    slope = reverse(u, "x") * normals[:, 0] + reverse(u, "y") * normals[:, 1]
    x, y = points.unbind(-1)
    of_value = torch.exp(x) * (torch.sin(y) * normals[:, 0] + torch.cos(y) * normals[:, 1])
    assert torch.allclose(slope, of_value - ansatz.network(points)[:, 0], atol=1e-12)


def test_a_condition_holds_on_the_chosen_faces_and_channels_only() -> None:
    ansatz = HardBoundary(network(outputs=3), BOX, [1.0, lambda x, y: x * y], faces=["x-", "y+"], channels=[0, 2])
    ansatz = ansatz.double()
    for face in ("x-", "y+"):
        points, _ = BOX.boundary(20, None, generator(), faces=[face])
        u = ansatz(points).detach()
        assert torch.allclose(u[:, 0], torch.ones(20, dtype=torch.float64), atol=1e-14)
        assert torch.allclose(u[:, 2], points.prod(dim=1), atol=1e-14)
        assert torch.equal(u[:, 1], ansatz.network(points)[:, 1].detach())
    points, _ = BOX.boundary(20, None, generator(), faces=["x+"])
    assert float((ansatz(points)[:, 0] - 1.0).detach().abs().max()) > 1e-3


def test_initial_values_hold_to_rounding() -> None:
    x = torch.linspace(-1, 1, 51, dtype=torch.float64)
    ansatz = ANSATZE["initial"]().double()
    u = ansatz(torch.stack([x, torch.full_like(x, 0.5)], dim=-1)).detach()
    assert torch.allclose(u, torch.stack([torch.cos(PI * x), torch.full_like(x, 3.0)], dim=-1), atol=1e-15)
    both = ANSATZE["both"]().double()
    u = both(torch.stack([x, torch.zeros_like(x)], dim=-1))[:, 0].detach()
    assert float((u - torch.sin(PI * x)).abs().max()) < 1e-14
    t = torch.rand(20, dtype=torch.float64, generator=generator())
    for end in (-1.0, 1.0):
        assert float(both(torch.stack([torch.full_like(t, end), t], dim=-1)).detach().abs().max()) < 1e-14


def test_initial_values_of_some_channels_leave_the_others_to_the_network() -> None:
    ansatz = HardInitial(network(outputs=3), [lambda x: torch.cos(PI * x), 2.0], start=0.5, channels=[2, 0]).double()
    x = torch.linspace(-1, 1, 21, dtype=torch.float64)
    start = torch.stack([x, torch.full_like(x, 0.5)], dim=-1)
    u, free = ansatz(start).detach(), ansatz.network(start).detach()
    assert torch.allclose(u, torch.stack([0 * x + 2, free[:, 1], torch.cos(PI * x)], dim=-1), atol=1e-15)
    later = ansatz(start + torch.tensor([0.0, 0.25])).detach()
    moved = ansatz.network(start + torch.tensor([0.0, 0.25])).detach()
    assert torch.allclose(later[:, 0], 2.0 + 0.25 * moved[:, 0], atol=1e-15)
    assert torch.equal(later[:, 1], moved[:, 1])


def test_an_ordinary_equation_starts_at_its_numbers() -> None:
    ansatz = HardInitial(network(1, 3), [1.0, 2.0, -1.0]).double()
    start = ansatz(torch.zeros(1, 1, dtype=torch.float64)).detach()
    assert torch.equal(start, torch.tensor([[1.0, 2.0, -1.0]], dtype=torch.float64))
    reverse = ReverseMode(torch.zeros(1, 1, dtype=torch.float64), ("t",))
    u = reverse.evaluate(ansatz, "abc")
    slope = torch.stack([reverse(u[n], "t") for n in "abc"], dim=-1)
    assert torch.allclose(slope, ansatz.network(torch.zeros(1, 1, dtype=torch.float64)), atol=1e-15)


@pytest.mark.parametrize(
    ("ends", "mode", "rate"),
    [
        (Neumann(), lambda s: torch.cos(3 * PI * s), 3 * PI),
        (Dirichlet(), lambda s: torch.sin(2 * PI * s), 2 * PI),
        (Periodic(), lambda s: torch.cos(4 * PI * s) - torch.sin(4 * PI * s), 4 * PI),
        (Periodic(), lambda s: 0 * s + 1.5, 0.0),
    ],
    ids=["neumann", "dirichlet", "periodic", "constant"],
)
def test_a_mode_decays_as_the_heat_equation_says(ends, mode, rate: float) -> None:
    low, high, diffusivity = -0.5, 2.0, 0.3
    series = HeatEvolution(diffusivity, low, high, ends, modes=6).of(lambda x: mode((x - low) / (high - low)))
    x, t = torch.rand(2, 20, dtype=torch.float64, generator=generator())
    expected = mode((x - low) / (high - low)) * torch.exp(-diffusivity * (rate / (high - low)) ** 2 * t)
    assert torch.allclose(series(x, t), expected, atol=1e-13)


def test_the_evolution_of_data_with_a_kink_is_that_of_a_heat_kernel() -> None:
    # The periodic extension of |x| on [-1, 1] under u_t = nu u_xx, by quadrature with the kernel on the whole line.
    diffusivity, t = 0.02, 0.3
    series = HeatEvolution(diffusivity, modes=64).of(lambda x: (x + 1) * (1 - x))
    x = torch.linspace(-1, 1, 9, dtype=torch.float64)
    y = torch.linspace(-9, 9, 180_001, dtype=torch.float64)
    wrapped = (y + 1).remainder(2.0) - 1
    kernel = torch.exp(-((x[:, None] - y) ** 2) / (4 * diffusivity * t)) / math.sqrt(4 * PI * diffusivity * t)
    expected = torch.trapezoid(kernel * (1 - wrapped**2), y)
    assert torch.allclose(series(x, torch.full_like(x, t)), expected, atol=1e-8)


def test_what_the_series_leaves_out_at_the_start_falls_with_the_modes() -> None:
    # Coefficients of a kink fall like k^-2, and so the error in the mean square like m^-3/2.
    x = (torch.arange(8000, dtype=torch.float64) + 0.5) / 4000 - 1
    data, modes, errors = x**2 * torch.cos(PI * x), [32, 64, 128], []
    for m in modes:
        series = HeatEvolution(1e-4, modes=m).of(lambda x: x**2 * torch.cos(PI * x))
        errors.append(float((series(x, torch.zeros_like(x)) - data).norm() / data.norm()))
    assert observed_order(errors, modes) == pytest.approx(1.5, abs=0.05)


def test_a_problem_gets_the_embedding_of_its_periodic_axes() -> None:
    times = [0.0, 0.5]
    problem = Problem(AllenCahn(), Grid.periodic(8, low=-1.0, high=1.0), initial=torch.zeros(1, 8), times=times)
    embedding = exact_periodicity(problem, modes=3).double()
    z = torch.tensor([[0.3, 0.5], [2.3, 0.5]], dtype=torch.float64)
    out = embedding(z)
    assert torch.allclose(out[0], out[1], atol=1e-14)
    assert out.shape == (2, 8)
    assert float(out[0, -1]) == 1.0
    walls = Problem(Burgers(), Grid.nodes(8), initial=torch.zeros(1, 8), times=times, boundary=Boundaries.dirichlet())
    with pytest.raises(ValueError, match="at least one period"):
        exact_periodicity(walls)


def test_a_hard_ansatz_of_text_is_made_again_from_its_description() -> None:
    inner = HardInitial(network(), "x**2*cos(pi*x)", HeatEvolution(0.1))
    ansatz = HardBoundary(inner, Box((0.0,), (1.0,)), ["sin(x*t)"], faces=["x-"])
    twin = build(describe(ansatz))
    twin.load_state_dict(ansatz.state_dict())
    z = torch.rand(4, 2)
    assert torch.equal(twin(z), ansatz(z))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: HardBoundary(network(1), BOX), "region has 2 dimensions"),
        (lambda: HardBoundary(network(), DISC, faces=["x-"]), "faces"),
        (lambda: HardBoundary(network(), BOX, channels=[1]), "channels"),
        (lambda: HardBoundary(network(), BOX, channels=[]), "channels"),
        (lambda: HardBoundary(network(), BOX, [1.0, 2.0]), "2 entries for 1"),
        (lambda: HardBoundary(network(), BOX, faces=["z-"]), "z-"),
        (lambda: HardInitial(network(), [1.0, 2.0]), "2 entries for 1"),
        (lambda: HardInitial(network(), 1.0, channels=[1]), "channels"),
        (lambda: HardInitial(network(outputs=2), 1.0, HeatEvolution(0.1), channels=[1]), "all channels"),
        (lambda: HardInitial(network(3), 1.0, HeatEvolution(0.1)), "3 coordinates"),
        (lambda: HardInitial(network(), lambda y: y)(torch.rand(2, 2)), "'y'"),
        (lambda: HeatEvolution(-0.1), "diffusivity=-0.1"),
        (lambda: HeatEvolution(0.1, modes=0), "modes=0"),
        (lambda: HeatEvolution(0.1, ends=Dirichlet(1.0)), "must have the value 0"),
    ],
)
def test_a_wrong_argument_is_named(make, message) -> None:
    with pytest.raises(ValueError, match=message):
        make()
