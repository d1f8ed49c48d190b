"""Equations in many dimensions: exact solutions leave nothing, estimates have no bias, short trainings get closer."""

import math

import pytest
import torch
from torch import Tensor, nn

from sciml.batch import Batch
from sciml.describe import build, describe
from sciml.fields import Ball, Boundaries, Box, Dirichlet, Grid, MonteCarlo
from sciml.nn import MLP
from sciml.numerics import ReverseMode
from sciml.objective import FixedWeights
from sciml.optim import NaturalGradient
from sciml.pdes import Heat, Helmholtz, NavierStokes, Poisson, Problem, SolutionSpec
from sciml.pinn import (
    Face,
    HardBoundary,
    HighDimensional,
    Integral,
    Interior,
    PhysicsInformed,
    Quasirandom,
    Randomized,
    Scattered,
    Surface,
    TwoBody,
)
from sciml.status import ConfigError


def ball(dimensions: int) -> Ball:
    return Ball((0.0,) * dimensions)


def forced() -> HighDimensional:
    return HighDimensional(Helmholtz(k=2.0), Box((0.0,) * 5, (1.0,) * 5), {"f": 7.0}, exact=Waves())


class Waves(nn.Module):
    r"""$\prod_i \sin \pi x_i$, zero on the unit cube's boundary."""

    def forward(self, z: Tensor) -> Tensor:
        out = torch.sin(z[..., 0] * math.pi)
        for i in range(1, z.shape[-1]):
            out = out * torch.sin(z[..., i] * math.pi)
        return out[..., None]


def source(points: Tensor) -> Tensor:
    return 5 * math.pi**2 * torch.sin(math.pi * points).prod(1)


def test_the_exact_solution_leaves_no_residual_of_a_source_that_is_a_function_of_points() -> None:
    problem = HighDimensional(Poisson(), Box((0.0,) * 5, (1.0,) * 5), parameters={"f": source})
    points = problem.domain.sample(50)
    assert float(problem.network_residual(Waves(), points)["u"].abs().max()) < 1e-11
    assert float(problem.network_residual(TwoBody(5), points)["u"].abs().max()) > 0.1


def test_the_equation_is_forced_so_that_it_has_the_solution_that_was_chosen() -> None:
    problem, points, other = forced(), torch.rand(20, 5, dtype=torch.float64), TwoBody(5)
    assert float(problem.network_residual(Waves(), points)["u"].abs().max()) == 0.0
    reverse = ReverseMode(points, problem.axes)
    u, v = (reverse.evaluate(network, "u")["u"] for network in (other, Waves()))
    expected = -reverse.laplacian(u - v) - 4.0 * (u - v)
    assert torch.allclose(problem.network_residual(other, points)["u"], expected, rtol=1e-10, atol=1e-10)


def test_the_two_body_solution_is_its_formula_and_vanishes_on_the_sphere() -> None:
    u, x = TwoBody(3, seed=4), torch.tensor([[0.1, -0.4, 0.3]], dtype=torch.float64)
    (a, b), (x1, x2, x3) = u.coefficients.tolist(), x[0].tolist()
    first = a * math.sin(x1 + math.cos(x2) + x2 * math.cos(x1))
    second = b * math.sin(x2 + math.cos(x3) + x3 * math.cos(x2))
    assert float(u(x)) == pytest.approx((1 - 0.26) * (first + second), rel=1e-13)
    surface, _ = ball(30).boundary(50)
    assert float(TwoBody(30)(surface).abs().max()) < 1e-12


def test_a_condition_on_the_sphere_sees_who_keeps_it() -> None:
    problem = HighDimensional(Poisson(), ball(6), exact=TwoBody(6))
    conditions = [Interior(Quasirandom(20)), Surface(ball(6), sampler=Quasirandom(20))]
    terms = PhysicsInformed(problem, conditions).terms(TwoBody(6), Batch())
    assert max(float(t.values.max()) for t in terms.values()) < 1e-24
    free = PhysicsInformed(problem, conditions).terms(MLP(6, 1, width=4, depth=1).double(), Batch())
    assert float(free["boundary"].scalar().detach()) > 1e-4


class Scaled(nn.Module):
    """A function with mixed derivatives, times a number."""

    def __init__(self) -> None:
        super().__init__()
        self.factor, self.function = nn.Parameter(torch.ones(()).double()), TwoBody(10, seed=1)

    def forward(self, z: Tensor) -> Tensor:
        return self.function(z) * self.factor


def estimates(network: nn.Module, condition: Interior, problem: HighDimensional) -> tuple[Tensor, Tensor]:
    """Squares at the points of a condition, and the gradient of their mean."""
    squares, _ = condition.squares(problem, network, condition.sampler.points)["u"]
    return squares.detach(), torch.cat([g.flatten() for g in torch.autograd.grad(squares.mean(), network.parameters())])


def test_the_product_of_two_estimates_has_the_mean_of_the_square_and_of_its_gradient() -> None:
    torch.manual_seed(0)
    """At one point, many draws: both within four standard errors; the square of one estimate is far off."""
    problem, network = HighDimensional(Poisson(), ball(10), exact=TwoBody(10)), Scaled()
    point, draws = ball(10).sample(1), 16_000
    conditions = Interior(), Randomized(2)
    for condition, n in zip(conditions, (1, draws), strict=True):
        condition.sampler.points = point.repeat(n, 1)
    (exact, gradient), (found, mean) = (estimates(network, c, problem) for c in conditions)
    assert abs(float(found.mean() - exact)) < 4 * float(found.std()) / draws**0.5
    residual = conditions[1].residuals(problem, network, conditions[1].sampler.points)["u"].detach()
    assert float(residual.square().mean() - exact) > 6 * float(found.std()) / draws**0.5
    parts = []
    for part in point.repeat(draws, 1).split(draws // 20):
        conditions[1].sampler.points = part
        parts.append(estimates(network, conditions[1], problem)[1])
    assert abs(float(mean - gradient)) < 4 * float(torch.stack(parts).std()) / math.sqrt(20)


def test_along_one_axis_an_estimate_is_exact_on_a_grid_s_problem_too() -> None:
    problem = Problem(Poisson(), Grid.nodes(9), boundary=Boundaries({"x": Dirichlet(0.0)}))
    network, points = MLP(1, 1, width=6, depth=1).double(), torch.rand(10, 1, dtype=torch.float64)
    random, exact = (c.residuals(problem, network, points)["u"] for c in (Randomized(), Interior()))
    assert torch.allclose(random, exact, rtol=1e-12, atol=1e-12)


def test_a_jacobian_of_estimates_is_refused() -> None:
    objective = PhysicsInformed(HighDimensional(Poisson(), ball(4)), [Randomized()])
    with pytest.raises(ConfigError, match="those of 'pde' are estimates"):
        objective.linearize(MLP(4, 1, width=4, depth=1), FixedWeights())


def test_a_coefficient_of_many_dimensions_is_found() -> None:
    r"""$-\Delta u - k^2 u = (5\pi^2 - 4) u$ for the product of five sines, so that $k = 2$."""
    problem = HighDimensional(
        Helmholtz(), Box((0.0,) * 5, (1.0,) * 5), {"f": lambda z: source(z) - 4 * Waves()(z)[..., 0]}
    )

    def loss(k: float) -> float:
        objective = PhysicsInformed(problem, [Interior(Quasirandom(50))], unknown={"k": k}).double()
        return float(objective.terms(Waves(), Batch())["pde"].scalar().detach())

    assert loss(2.0) < 1e-20
    assert min(loss(1.9), loss(2.1)) > 1e-5


def test_a_problem_in_many_dimensions_is_made_again_from_its_description() -> None:
    objective = PhysicsInformed(HighDimensional(Poisson(), ball(4), exact=TwoBody(4, seed=2)), [Randomized()])
    twin = build(describe(objective))
    assert describe(twin) == describe(objective)
    assert torch.equal(twin.problem.exact.coefficients, objective.problem.exact.coefficients)


def test_what_is_known_of_a_solution_in_many_dimensions_survives_a_file() -> None:
    spec = PhysicsInformed(HighDimensional(Poisson(), ball(4), exact=TwoBody(4))).solution()
    assert (spec.grid, spec.channels, spec.axes) == (None, ("u",), ("x1", "x2", "x3", "x4"))
    assert (spec.low, spec.high) == ((-1.0,) * 4, (1.0,) * 4)
    assert SolutionSpec.from_dict(spec.to_dict()) == spec


def relative_error(network: nn.Module, problem: HighDimensional) -> float:
    points, values = Scattered(500).samples(problem)
    with torch.no_grad():
        found = network(points.to(next(network.parameters()).dtype)).double()
    return float((found - values).norm() / values.norm())


def test_ten_dimensions_are_solved_by_a_few_steps_of_the_natural_gradient() -> None:
    torch.manual_seed(0)
    problem = HighDimensional(Poisson(), ball(10), exact=TwoBody(10))
    network = HardBoundary(MLP(10, 1, width=10, depth=2), ball(10)).double()
    objective, before = PhysicsInformed(problem, [Interior(Quasirandom(300))]), relative_error(network, problem)
    optimizer = NaturalGradient(network.parameters(), damping=1e-4)
    optimizer.bind(lambda: objective.linearize(network, FixedWeights()))
    for _ in range(10):
        optimizer.step(lambda: objective.terms(network, Batch())["pde"].scalar())
    assert relative_error(network, problem) < 0.4 * before


def test_a_hundred_dimensions_are_approached_by_steps_with_estimates() -> None:
    torch.manual_seed(0)
    problem = HighDimensional(Poisson(), ball(100), exact=TwoBody(100))
    network = HardBoundary(MLP(100, 1, width=32, depth=2), ball(100))
    objective = PhysicsInformed(problem, [Randomized(4, Quasirandom(20, 1, MonteCarlo()))])
    optimizer, before = torch.optim.Adam(network.parameters(), lr=1e-2), relative_error(network, problem)
    for step in range(30):
        objective.advance(step, 0, network)
        optimizer.zero_grad()
        objective.terms(network, Batch())["pde"].scalar().backward()
        optimizer.step()
    assert relative_error(network, problem) < 0.4 * before


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: HighDimensional(Heat(), ball(4)), "pde=Heat must be steady"),
        (lambda: HighDimensional(NavierStokes(), ball(4)), "pde=NavierStokes must be steady"),
        (lambda: HighDimensional(Poisson(), ball(4), parameters={"g": 1.0}), "no parameter 'g'"),
        (lambda: HighDimensional(Helmholtz(), ball(4), parameters={"k": -1.0}), "k"),
        (lambda: PhysicsInformed(HighDimensional(Poisson(), ball(4)), [Face("x-")]), "is a Surface"),
        (
            lambda: PhysicsInformed(HighDimensional(Poisson(), ball(4)), [Integral()]),
            "the problem's domain is a region",
        ),
        (lambda: PhysicsInformed(HighDimensional(Poisson(), ball(4)), [Surface(ball(3))]), "3 dimension"),
        (lambda: Scattered().samples(HighDimensional(Poisson(), ball(4))), "an exact solution"),
        (lambda: PhysicsInformed(forced(), unknown={"k": 1.0}), "'k' cannot be found"),
        (lambda: TwoBody(1), "dimensions=1"),
        (lambda: Randomized(1), "at least 2"),
    ],
)
def test_what_a_problem_in_many_dimensions_cannot_be_is_refused_in_one_line(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)
