"""Step limits against known ones: advection, Burgers, dense Jacobians, and what happens just beyond."""

import math

import pytest
import torch

from sciml.fields import Grid
from sciml.pdes import Advection, Burgers, Heat, Problem
from sciml.pdes.exact import TaylorGreenVorticity
from sciml.solvers import ETDRK4, IMEX, RungeKutta, step_limit
from sciml.solvers.step_limit import spectral_radius, stability_radius
from sciml.solvers.tableaux import RK4, SSPRK3, DormandPrince54

TAU = 2 * math.pi


def wavy(x):
    return 1.0 + 0.5 * torch.sin(TAU * x)


def start(method, problem: Problem):
    return method.stepper(problem).start(problem.initial_state(), t=float(problem.times[0]))


def radius(method, problem: Problem) -> float:
    state = start(method, problem)
    v, _ = state.memory.spectrum(state)
    return float(spectral_radius(state.memory.formula.system, v, state.t))


def test_stability_radii_are_those_of_the_methods():
    """SSPRK3 is bound by sqrt(3) on the imaginary axis, RK4 by 2.785 on the real one and by less between both."""
    assert stability_radius(SSPRK3()) == pytest.approx(math.sqrt(3), rel=5e-3)
    assert 2.5 < stability_radius(RK4()) < 2.785
    assert 1.0 < stability_radius(DormandPrince54()) < 3.3


@pytest.mark.parametrize("n", [32, 64, 128])
def test_the_radius_of_advection_is_the_speed_times_the_largest_wave_number(n):
    problem = Problem(Advection(velocity_x=0.7), Grid.periodic(n), wavy, times=[0.0, 1.0])
    largest = TAU * max(m for m in range(n) if m < n / 3)
    found = radius(RungeKutta(RK4(), dt=0.01), problem)
    assert 0.93 * 0.7 * largest < found <= 0.7 * largest * (1 + 1e-12)


@pytest.mark.parametrize("n", [32, 128])
def test_the_radius_of_burgers_is_near_the_largest_speed_times_the_largest_wave_number(n):
    problem = Problem(Burgers(1e-3), Grid.periodic(n), wavy, times=[0.0, 1.0])
    largest = 1.5 * TAU * max(m for m in range(n) if m < n / 3)
    assert 0.8 * largest < radius(ETDRK4(dt=0.01), problem) < 1.05 * largest


def test_the_radius_of_a_flow_is_that_of_the_dense_jacobian():
    exact = TaylorGreenVorticity()
    problem = exact.problem(12, 12, times=[0.0, 1.0])
    state = start(ETDRK4(dt=0.01), problem)
    system, (v, u) = state.memory.formula.system, state.memory.spectrum(state)
    dense = torch.func.jacrev(lambda w: system.backward(system.rate(system.forward(w), state.t)))(u)
    size = u.numel()
    exact_radius = float(torch.linalg.eigvals(dense.reshape(size, size)).abs().max())
    assert float(spectral_radius(system, v, state.t)) == pytest.approx(exact_radius, rel=0.1)


def test_a_step_within_the_limit_is_stable_and_one_beyond_it_is_not():
    generator = torch.Generator().manual_seed(1)
    noise = torch.randn(1, 1, 64, dtype=torch.float64, generator=generator)
    problem = Problem(Advection(), Grid.periodic(64), noise, times=[0.0, 4.0])
    limit = float(step_limit(start(RungeKutta(RK4(), dt=0.01), problem), safety=1.0))
    before = problem.initial_state().norm()

    def growth(dt: float) -> float:
        return float(RungeKutta(RK4(), dt=dt).solve(problem).u[0, -1].norm() / before)

    assert growth(0.9 * limit) < 1.0
    assert not growth(1.25 * limit) < 1e3


def test_samples_have_limits_of_their_own_that_do_not_depend_on_the_batch():
    speeds = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)

    def limits(rows):
        problem = Problem(
            Advection(), Grid.periodic(32), torch.sin(TAU * torch.arange(32) / 32)[None],
            parameters={"velocity_x": speeds[rows]}, times=[0.0, 1.0],
        )  # fmt: skip
        return step_limit(start(RungeKutta(), problem))

    together = limits(slice(0, 3))
    assert torch.equal(together, torch.cat([limits(slice(i, i + 1)) for i in range(3)]))
    assert (together * speeds).tolist() == pytest.approx([float(together[1])] * 3, rel=1e-12)


@pytest.mark.parametrize("method", [ETDRK4(), IMEX()])
def test_what_a_method_treats_by_the_symbol_limits_nothing(method):
    problem = Problem(Heat(), Grid.periodic(32), wavy, times=[0.0, 1.0])
    assert float(step_limit(start(method, problem))[0]) > 1e100
