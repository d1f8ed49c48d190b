"""Additive and explicit Runge–Kutta in Fourier space against exact solutions; what they refuse."""

import math

import pytest
import torch
from helpers import observed_order

from sciml.fields import Boundaries, Grid
from sciml.pdes import Burgers, Heat, Problem, Schroedinger, Wave
from sciml.pdes.exact import ColeHopf, EnvelopeSoliton, StandingWave, TaylorGreen
from sciml.solvers import ETDRK4, IMEX, RungeKutta
from sciml.solvers.tableaux import (
    ARK436L2SA,
    ARS443,
    RK4,
    SDIRK2,
    SSPRK2,
    SSPRK3,
    BogackiShampine32,
    DormandPrince54,
)

TAU = 2 * math.pi


def errors(method, exact, n: tuple[int, ...], counts: list[int], stop: float = 1.0) -> list[float]:
    problem = exact.problem(*n, times=[0.0, stop])
    target = exact.on(problem.domain, stop)
    return [float((method(stop / m).solve(problem).u[0, -1] - target).norm() / target.norm()) for m in counts]


@pytest.mark.parametrize("tableau", [ARK436L2SA(), ARS443()], ids=lambda t: type(t).__name__)
def test_the_order_of_an_additive_method_is_observed(tableau):
    counts = [40, 80, 160]
    found = errors(lambda dt: IMEX(tableau, dt=dt), ColeHopf(), (96,), counts)
    assert observed_order(found, counts) == pytest.approx(tableau.order, abs=0.15)
    assert IMEX(tableau, dt=0.1).order == tableau.order


def test_the_order_is_observed_where_the_implicit_part_couples_components():
    counts = [20, 40, 80]
    found = errors(lambda dt: IMEX(dt=dt, dealias=1.0), EnvelopeSoliton(), (256,), counts)
    assert observed_order(found, counts) == pytest.approx(4, abs=0.15)


@pytest.mark.parametrize(
    "tableau", [RK4(), SSPRK2(), SSPRK3(), BogackiShampine32(), DormandPrince54()], ids=lambda t: type(t).__name__
)
def test_the_order_of_an_explicit_method_is_observed_on_the_wave_equation(tableau):
    counts = [25, 50, 100]
    found = errors(lambda dt: RungeKutta(tableau, dt=dt), StandingWave(), (8, 8), counts, stop=0.5)
    # On linear waves Dormand-Prince shows the next order early: its first error term is small there.
    assert tableau.order - 0.1 < observed_order(found, counts) < tableau.order + 0.5
    assert RungeKutta(tableau, dt=0.1).order == tableau.order


def test_explicit_and_exponential_steps_agree_on_a_flow():
    problem = TaylorGreen().problem(16, 16, times=[0.0, 0.05])
    a, b = (method(dt=2e-3).solve(problem).u for method in (RungeKutta, ETDRK4))
    torch.testing.assert_close(a, b, rtol=0, atol=1e-11)


def test_a_wave_of_varying_speed_meets_a_manufactured_solution():
    r"""$u = \sin(x - t)$, $v = u_t$, with the force $(1 - c^2) u_{xx}$ and $c^2 = 1 + \sin(x)/2$."""
    problem = Problem(
        Wave(),
        Grid.periodic(32, high=TAU),
        {"u": lambda x: torch.sin(x), "v": lambda x: -torch.cos(x)},
        parameters={"speed": lambda x: (1 + 0.5 * torch.sin(x)).sqrt()},
        forcing={"v": lambda x, t: 0.5 * torch.sin(x) * torch.sin(x - t)},
        times=[0.0, 0.5],
    )
    (x,), counts = problem.domain.meshgrid(), [10, 20, 40]
    found = [
        float((RungeKutta(RK4(), dt=0.5 / n).solve(problem).u[0, -1, 0] - torch.sin(x - 0.5)).norm()) for n in counts
    ]
    assert observed_order(found, counts) == pytest.approx(4, abs=0.1)
    assert "semilinear" in str(ETDRK4().refuses(problem))


def test_a_stiff_linear_part_limits_no_step():
    """Heat conduction with a step thousands of times the explicit limit decays in every mode."""
    u0 = torch.randn(1, 1, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    problem = Problem(Heat(1.0), Grid.periodic(64), u0 - u0.mean(), times=[0.0, 10.0])
    u = IMEX(dt=1.0).solve(problem).u[0, -1]
    assert float(u.abs().max()) < 1e-3 * float(u0.abs().max())


@pytest.mark.parametrize("method", [IMEX(dt=1e-3), RungeKutta(dt=1e-3), IMEX(), RungeKutta()])
def test_bits_do_not_depend_on_the_batch(method):
    u0 = torch.rand(5, 2, 9, 14, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    strength = torch.linspace(0.5, 1.5, 5, dtype=torch.float64)

    def solve(rows):
        problem = Problem(
            Schroedinger(), Grid.periodic(9, 14), u0[rows],
            parameters={"dispersion": 1e-3 * strength[rows], "focusing": strength[rows]}, times=[0.0, 2e-3, 4e-3],
        )  # fmt: skip
        return method.solve(problem, tol=1e-5).u

    assert torch.equal(solve(slice(0, 5)), torch.cat([solve(slice(i, i + 1)) for i in range(5)]))


def test_what_they_cannot_honour_is_refused():
    walls = Problem(Burgers(), Grid.nodes(8), lambda x: x, Boundaries.dirichlet(), times=[0.0, 1.0])
    wave = StandingWave().problem(8)
    assert "periodic" in str(RungeKutta().refuses(walls))
    assert "IMEX" in str(IMEX().refuses(walls))
    assert "semilinear" in str(IMEX().refuses(wave))
    assert RungeKutta().refuses(wave) is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RungeKutta(SDIRK2(), dt=0.1), "SDIRK2 is implicit"),
        (lambda: RungeKutta(RK4()), "RK4 has none"),
        (lambda: IMEX(ARS443()), "ARS443 has none"),
        (lambda: IMEX(dt=-1.0), "dt=-1.0"),
        (lambda: RungeKutta(dealias=2.0), "dealias=2.0"),
    ],
)
def test_bad_arguments_are_refused_by_name(make, message):
    with pytest.raises(ValueError, match=message):
        make()
