"""The method of lines on exact and manufactured solutions: order, conservation, fronts, tolerances, outcomes."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from helpers import observed_order
from torch import Tensor

from sciml.fields import Boundaries, Dirichlet, FieldSpec, Grid, Neumann, Outflow, Robin
from sciml.numerics import Derivatives
from sciml.pdes import (
    Burgers,
    DiffusionSorption,
    EvolutionPDE,
    FitzHughNagumo,
    KortewegDeVries,
    NavierStokes,
    Parameters,
    PorousMedium,
    Problem,
)
from sciml.pdes.base import Fields
from sciml.pdes.exact import Barenblatt, FisherFront
from sciml.solvers import MethodOfLines, Newton, rollout, solve
from sciml.solvers.tableaux import ESDIRK43, RK4, SDIRK2, SDIRK43, DormandPrince54, Tableau
from sciml.status import SolveFailure, Status

PI = math.pi


def wave(x: Tensor, t: Tensor) -> Tensor:
    """A smooth density without flux at 0 and 1."""
    return 2 + torch.cos(PI * x) * torch.cos(3 * t)


def force(x: Tensor, t: Tensor) -> Tensor:
    """$u_t - (u^2)_{xx}$ of `wave`."""
    u, ux, uxx = wave(x, t), -PI * torch.sin(PI * x) * torch.cos(3 * t), -(PI**2) * torch.cos(PI * x) * torch.cos(3 * t)
    return -3 * torch.cos(PI * x) * torch.sin(3 * t) - 2 * u * uxx - 2 * ux**2


def manufactured(n: int, kind: str = "cells", boundary: Boundaries | None = None, end: float = 0.5) -> Problem:
    return Problem(
        PorousMedium(2.0),
        Grid.uniform(n, kind=kind),
        initial=lambda x: wave(x, 0 * x),
        boundary=boundary or Boundaries({"all": Neumann()}),
        forcing={"u": force},
        times=[0.0, end],
    )


@pytest.fixture(scope="module")
def semi_discrete() -> Tensor:
    """The solution of the equations on 8 cells, by an explicit method with short steps."""
    return MethodOfLines(DormandPrince54(), dt=1 / 400).solve(manufactured(8)).u[0, -1, 0]


@pytest.mark.slow
@pytest.mark.parametrize("tableau", [SDIRK2(), SDIRK43(), ESDIRK43()], ids=lambda t: type(t).__name__)
def test_every_implicit_method_has_its_order_on_a_nonlinear_problem(tableau: Tableau, semi_discrete: Tensor) -> None:
    counts = [16, 32, 64]
    runs = [MethodOfLines(tableau, dt=1 / n).solve(manufactured(8)).u[0, -1, 0] for n in counts]
    errors = [float((u - semi_discrete).norm()) for u in runs]
    assert observed_order(errors, counts) == pytest.approx(tableau.order, abs=0.2)


@pytest.mark.parametrize("tol", [1e-3, 1e-4, 1e-6])
def test_the_error_of_adaptive_steps_follows_the_tolerance(tol: float, semi_discrete: Tensor) -> None:
    solution = MethodOfLines().solve(manufactured(8), tol=tol)
    error = float((solution.u[0, -1, 0] - semi_discrete).abs().max() / semi_discrete.abs().max())
    assert error < 10 * tol
    assert error > 1e-3 * tol


CONDITIONS = {
    "Neumann": Boundaries({"all": Neumann()}),
    "Dirichlet": Boundaries({"all": Dirichlet(wave)}),
    "Robin": Boundaries({"x-": Robin(1.0, 0.5, wave), "x+": Robin(2.0, 1.0, lambda x, t: 2 * wave(x, t))}),
    "mixed": Boundaries({"x-": Dirichlet(wave), "x+": Neumann()}),
}


@pytest.mark.parametrize("kind", ["cells", "nodes"])
@pytest.mark.parametrize("name", CONDITIONS)
def test_solutions_with_every_condition_converge_with_second_order(name: str, kind: str) -> None:
    errors = []
    cells = (8, 16)
    for n in cells:
        # As many spacings, whatever the kind of the axis.
        problem = manufactured(n + (kind == "nodes"), kind, CONDITIONS[name])
        (x,) = problem.domain.meshgrid()
        u = MethodOfLines(dt=1 / 8).solve(problem).u[0, -1, 0]
        errors.append(float((u - wave(x, torch.tensor(0.5))).abs().max()))
    assert observed_order(errors, cells) == pytest.approx(2.0, abs=0.3)


def front(u: Tensor) -> int:
    return int((u > 1e-3 * u.max()).nonzero()[-1])


@pytest.mark.parametrize("exponent", [2.0, 3.0, 6.0])
@pytest.mark.parametrize(
    "method",
    [pytest.param(MethodOfLines(), marks=pytest.mark.slow), MethodOfLines(SDIRK2(), dt=0.1)],
    ids=["adaptive", "SDIRK2"],
)
def test_a_front_of_the_porous_medium_moves_as_it_should_and_nothing_is_lost(
    exponent: float, method: MethodOfLines
) -> None:
    exact = Barenblatt(exponent)
    problem = exact.problem(96, times=[0.0, 1.0])
    solution = method.solve(problem, tol=1e-3)
    u, wanted = solution.u[0, :, 0], exact.on(problem.domain, 1.0)[0]
    assert solution.status.tolist() == [Status.SUCCESS]
    assert abs(front(u[-1]) - front(wanted)) <= 2
    assert front(wanted) > front(u[0]) + 2
    assert float(u.min()) >= 0.0
    assert abs(float(u[-1].sum() / u[0].sum()) - 1) <= 1e-12
    assert float((u[-1] - wanted).abs().mean() / wanted.mean()) < 0.01


@pytest.mark.slow
def test_the_error_of_a_front_falls_with_the_cells() -> None:
    exact, errors = Barenblatt(2.0), []
    for n in (16, 32, 64):
        problem = exact.problem(n, times=[0.0, 1.0])
        u = MethodOfLines().solve(problem, tol=1e-4).u[0, -1, 0]
        errors.append(float((u - exact.on(problem.domain, 1.0)[0]).abs().mean()))
    # Of first order at least: the slope jumps at the front.
    assert observed_order(errors, [16, 32, 64]) > 1.2


def test_a_block_of_gas_in_two_dimensions_spreads_within_its_bounds() -> None:
    problem = Problem(
        PorousMedium(3.0),
        Grid.cells(12, 10),
        initial=lambda x, y: ((x - 0.5).abs() < 0.2).double() * ((y - 0.5).abs() < 0.2),
        boundary=Boundaries({"all": Neumann()}),
        times=[0.0, 0.01],
    )
    u = solve(problem, tol=1e-3).u[0, :, 0]
    assert float(u.min()) >= 0.0
    assert float(u.max()) == 1.0
    assert float(u[-1].max()) < 1.0
    assert float((u[-1] > 0).sum()) > float((u[0] > 0).sum())
    assert abs(float(u[-1].sum() / u[0].sum()) - 1) <= 1e-12
    assert torch.allclose(u[-1], u[-1].flip(0), atol=1e-9)


def test_a_population_front_travels_at_its_speed_and_stays_between_zero_and_one() -> None:
    exact, errors = FisherFront(diffusivity=1e-2), []
    for n in (32, 64):
        problem = exact.problem(n, times=[0.0, 1.0])
        u = solve(problem, solver=MethodOfLines(), tol=1e-6).u[0, :, 0]
        errors.append(float((u[-1] - exact.on(problem.domain, 1.0)[0]).abs().max()))
        assert float(u.min()) >= 0.0
        assert float(u.max()) <= 1.0
    assert observed_order(errors, [32, 64]) > 1.8


def test_activator_and_inhibitor_in_two_dimensions_meet_a_manufactured_solution() -> None:
    du, dv, k = 1e-3, 5e-3, 5e-3

    def u(x, y, t):
        return torch.cos(PI * x) * torch.cos(PI * y) * torch.exp(-t)

    def v(x, y, t):
        return 0.5 * torch.cos(PI * x) * torch.sin(t)

    forcing = {
        "u": lambda x, y, t: (-1 + 2 * PI**2 * du - 1) * u(x, y, t) + u(x, y, t) ** 3 + k + v(x, y, t),
        "v": lambda x, y, t: 0.5 * torch.cos(PI * x) * torch.cos(t) + (PI**2 * dv + 1) * v(x, y, t) - u(x, y, t),
    }
    errors = []
    for n in (8, 16):
        problem = Problem(
            FitzHughNagumo(du, dv, k),
            Grid.cells(n, n, low=-1.0),
            initial={"u": lambda x, y: u(x, y, 0 * x), "v": lambda x, y: 0 * x},
            boundary=Boundaries({"all": Neumann()}),
            forcing=forcing,
            times=[0.0, 0.5],
        )
        found = MethodOfLines(SDIRK43(), dt=0.125).solve(problem).u[0, -1]
        x, y = problem.domain.meshgrid()
        end = torch.tensor(0.5, dtype=torch.float64)
        errors.append(float((found - torch.stack([u(x, y, end), v(x, y, end)])).abs().max()))
    assert errors[1] < 5e-3
    assert observed_order(errors, [8, 16]) > 1.8


def test_sorption_by_a_linear_isotherm_is_diffusion_slowed_down() -> None:
    """With the exponent 1 the retardation is constant; behind a wall of u = 1 stands the error function."""
    pde = DiffusionSorption(exponent=1.0)
    slow = pde.diffusivity / (1 + (1 - 0.29) / 0.29 * 2880.0 * 3.5e-4)

    def exact(x, t):
        return torch.erfc(x / (2 * math.sqrt(slow * t)))

    problem = Problem(
        pde,
        Grid.cells(64),
        initial=lambda x: exact(x, 50.0),
        boundary=Boundaries({"x-": Dirichlet(1.0), "x+": Robin(1.0, pde.diffusivity)}),
        times=[50.0, 100.0],
    )
    u = solve(problem, tol=1e-5).u[0, -1, 0]
    assert float((u - exact(problem.domain.meshgrid()[0], 100.0)).abs().max()) < 2e-3


def test_sorption_meets_a_manufactured_solution_with_a_condition_of_the_third_kind() -> None:
    pde = DiffusionSorption(diffusivity=0.05)
    factor = (1 - 0.29) / 0.29 * 2880.0 * 3.5e-4 * 0.874

    def u(x, t):
        return 1 - 0.5 * torch.sin(x) * torch.exp(-t)

    def g(t):
        return 1 - (0.5 * math.sin(1.0) + 0.05 * 0.5 * math.cos(1.0)) * torch.exp(-t)

    def source(x, t):
        bend = 0.5 * torch.sin(x) * torch.exp(-t)  # u_t and u_xx
        return bend - 0.05 * bend / (1 + factor * u(x, t) ** (0.874 - 1))

    errors = []
    for n in (8, 16, 32):
        problem = Problem(
            pde,
            Grid.cells(n),
            initial=lambda x: u(x, 0 * x),
            boundary=Boundaries({"x-": Dirichlet(1.0), "x+": Robin(1.0, 0.05, g)}),
            forcing={"u": source},
            times=[0.0, 2.0],
        )
        found = MethodOfLines(dt=0.25).solve(problem).u[0, -1, 0]
        errors.append(float((found - u(problem.domain.meshgrid()[0], torch.tensor(2.0))).abs().max()))
    assert observed_order(errors, [8, 16, 32]) == pytest.approx(2.0, abs=0.2)


def chebyshev(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Points on [0, 1] and the differentiation matrix.

    Reference: Trefethen (2000), Spectral Methods in MATLAB, chapter 6.
    """
    k = np.arange(n + 1)
    x = np.cos(np.pi * k / n)
    c = np.where((k == 0) | (k == n), 2.0, 1.0) * (-1.0) ** k
    d = np.outer(c, 1 / c) / (x[:, None] - x[None, :] + np.eye(n + 1))
    return (x + 1) / 2, 2 * (d - np.diag(d.sum(axis=1)))


@pytest.mark.slow
def test_forced_burgers_between_two_ends_at_rest_meets_a_collocation_method() -> None:
    from scipy.integrate import solve_ivp
    from scipy.interpolate import BarycentricInterpolator

    nu = 0.01

    def initial(x):
        return torch.sin(PI * x) * (
            1.2 * torch.exp(-((x - 0.35) ** 2) / 0.02) - 0.9 * torch.exp(-((x - 0.7) ** 2) / 0.02)
        )

    def push(x, t):
        return 1.1 * torch.exp(-((x - 0.4) ** 2) / 0.05 - (t - 0.4) ** 2 / 0.08)

    points, d = chebyshev(96)
    x = torch.from_numpy(points)

    def rate(t, inner):
        u = np.concatenate([[0.0], inner, [0.0]])
        return (-0.5 * d @ u**2 + nu * d @ d @ u + push(x, torch.tensor(t)).numpy())[1:-1]

    run = solve_ivp(rate, (0, 0.5), initial(x).numpy()[1:-1], "BDF", rtol=1e-8, atol=1e-9)
    exact = BarycentricInterpolator(points, np.concatenate([[0.0], run.y[:, -1], [0.0]]))
    problem = Problem(
        Burgers(nu),
        Grid.nodes(1025),
        initial=initial,
        boundary=Boundaries.dirichlet(),
        forcing={"u": push},
        times=[0, 0.5],
    )
    u = solve(problem, tol=1e-5).u[0, -1, 0].numpy()
    wanted = exact(problem.domain.axes[0].coords)
    assert np.linalg.norm(u - wanted) / np.linalg.norm(wanted) < 1e-4


def test_no_sample_of_an_adaptive_batch_depends_on_the_others() -> None:
    exponents = torch.tensor([1.5, 2.0, 4.0], dtype=torch.float64)
    heights = torch.tensor([1.0, 0.5, 2.0], dtype=torch.float64).view(3, 1, 1)
    grid = Grid.cells(20, low=-1.0)
    initial = heights * (1 - grid.meshgrid()[0] ** 2).clamp_min(0.2)

    def run(rows: slice):
        return MethodOfLines().solve(
            Problem(
                PorousMedium(),
                grid,
                initial=initial[rows],
                boundary=Boundaries({"x-": Dirichlet(0.1), "x+": Neumann()}),
                parameters={"exponent": exponents[rows]},
                times=[0.0, 0.02, 0.05],
            ),
            tol=1e-3,
        )

    together, alone = run(slice(0, 3)), [run(slice(i, i + 1)) for i in range(3)]
    assert torch.equal(together.u, torch.cat([s.u for s in alone]))
    assert torch.equal(together.residual, torch.cat([s.residual for s in alone]))
    assert not torch.equal(together.u[0], together.u[1])


@dataclass(frozen=True)
class Explosion(EvolutionPDE):
    """$u_t = u_{xx} + u^2$, which ends at $t = 1 / u_0$ for a constant state."""

    fields = (FieldSpec("u"),)
    dimensions = (1,)

    def rhs(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        return {"u": d(u["u"], "xx") + u["u"] ** 2}


def explosive(times: list[float]) -> Problem:
    initial = torch.tensor([1.0, 4.0], dtype=torch.float64).view(2, 1, 1).expand(2, 1, 6)
    return Problem(Explosion(), Grid.cells(6), initial, Boundaries({"all": Neumann()}), times=times)


@pytest.mark.parametrize(
    "tableau",
    [pytest.param(ESDIRK43(), marks=pytest.mark.slow), DormandPrince54()],
    ids=["ESDIRK43", "DormandPrince54"],
)
def test_a_sample_that_ends_before_its_time_is_marked_and_the_others_go_on(tableau: Tableau) -> None:
    solution = MethodOfLines(tableau, max_steps=60).solve(explosive([0.0, 0.2, 0.5]), tol=1e-4)
    assert solution.status[0] == Status.SUCCESS
    assert solution.status[1] in (Status.BREAKDOWN, Status.MAX_STEPS)
    assert float((solution.u[0, -1] - 2.0).abs().max()) < 10 * 1e-4 * 2.0
    assert float((solution.u[1, 1] - 4.0 / (1 - 0.8)).abs().max()) < 0.05
    assert bool(torch.isnan(solution.u[1, 2]).all())
    with pytest.raises(SolveFailure, match="sample 1 ended with"):
        solution.check()


def test_too_many_steps_are_an_outcome() -> None:
    solution = MethodOfLines(max_steps=2).solve(manufactured(8), tol=1e-9)
    assert solution.status.tolist() == [Status.MAX_STEPS]


def test_a_fixed_step_that_fails_is_covered_by_shorter_ones() -> None:
    """Two Newton steps do not solve the stages of a long step from a block."""
    problem = Problem(
        PorousMedium(4.0),
        Grid.cells(16),
        initial=lambda x: (x < 0.3).double(),
        boundary=Boundaries({"all": Neumann()}),
        times=[0.0, 0.05],
    )
    method = MethodOfLines(SDIRK2(), dt=0.05, newton=Newton(max_iterations=4))
    assert method.solve(problem).status.tolist() == [Status.SUCCESS]
    stepper = method.stepper(problem)
    once = rollout(stepper, stepper.start(problem.initial_state()), problem.times)
    assert torch.equal(once.u, method.solve(problem).u)


def test_a_stepper_takes_parameters_per_sample() -> None:
    problem = manufactured(8)
    stepper = MethodOfLines(SDIRK2(), dt=0.1).stepper(problem)
    state = stepper.start(problem.initial_state().expand(2, 1, 8), params=torch.tensor([[2.0], [3.0]]).double())
    after = stepper.step(state)
    assert after.u.shape == (2, 1, 8)
    alone = stepper.step(stepper.start(problem.initial_state()))
    assert torch.equal(after.u[:1], alone.u)
    assert not torch.equal(after.u[1:], alone.u)


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        (
            Problem(KortewegDeVries(), Grid.nodes(16), lambda x: x, Boundaries.dirichlet(), times=[0.0, 1.0]),
            "KortewegDeVries has derivatives of order 3; one condition per face closes those up to two.",
        ),
        (
            Problem(NavierStokes(), Grid.periodic(8, 8), {"u_x": lambda x: x, "u_y": lambda x: x}, times=[0.0, 1.0]),
            "no equation for the diagnostic unknown 'pressure'",
        ),
    ],
)
def test_what_cannot_be_honoured_is_refused_in_one_line(problem: Problem, reason: str) -> None:
    assert reason in str(MethodOfLines().refuses(problem))
    with pytest.raises(ValueError, match=reason[:30]):
        MethodOfLines().solve(problem)


def test_a_method_without_an_error_estimate_needs_a_step() -> None:
    with pytest.raises(ValueError, match="RK4 does not estimate its error; give a step dt"):
        MethodOfLines(RK4())
    with pytest.raises(ValueError, match="dt=-1"):
        MethodOfLines(dt=-1.0)
    with pytest.raises(ValueError, match="a stepper needs the length of its steps"):
        MethodOfLines().stepper(manufactured(8))


def test_what_flows_out_does_not_come_back() -> None:
    """A pulse that is carried through an open face leaves less than a hundredth of its mass behind."""
    problem = Problem(
        Burgers(5e-3),
        Grid.cells(64),
        initial=lambda x: 1 + 0.5 * torch.exp(-((x - 0.5) ** 2) / 0.01),
        boundary=Boundaries({"x-": Dirichlet(1.0), "x+": Outflow()}),
        times=[0.0, 1.5],
    )
    u = solve(problem, tol=1e-4).u[0, :, 0] - 1
    assert float(u[-1].abs().sum() / u[0].sum()) < 1e-2
