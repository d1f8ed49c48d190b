"""Steps chosen by the error: the tolerance is kept, samples go their own ways, failures are outcomes."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from helpers import observed_order

from sciml.fields import FieldSpec, Grid
from sciml.pdes import Advection, Burgers, EvolutionPDE, Problem
from sciml.pdes.exact import ColeHopf, EnvelopeSoliton, MovingWave, StandingWave
from sciml.solvers import ETDRK4, IMEX, RungeKutta, rollout
from sciml.solvers.etdrk import ETDRK4Formula
from sciml.solvers.formula import Lengths
from sciml.solvers.step_sizes import Controller, divisions
from sciml.status import Status

TAU = 2 * math.pi
CASES = [
    (ETDRK4(), ColeHopf(viscosity=0.05), (96,), 0.2),
    (IMEX(), ColeHopf(viscosity=0.05), (96,), 0.2),
    (ETDRK4(dealias=1.0), EnvelopeSoliton(), (512,), 0.2),
    (IMEX(dealias=1.0), EnvelopeSoliton(), (512,), 0.2),
    (RungeKutta(), StandingWave(), (4, 4), 0.5),
    (RungeKutta(), MovingWave(), (6,), 1.0),
]


def error(method, exact, n, times, tol) -> float:
    """Largest relative L2 error over the frames."""
    problem = exact.problem(*n, times=times)
    u = method.solve(problem, tol=tol).u[0]
    targets = [exact.on(problem.domain, t) for t in times]
    return max(float((a - b).norm() / b.norm()) for a, b in zip(u, targets, strict=True))


@pytest.mark.parametrize(("tol", "frames"), [(1e-4, 1), (1e-6, 5), pytest.param(1e-8, 1, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("method", "exact", "n", "stop"), CASES, ids=lambda c: type(c).__name__)
def test_the_error_over_a_whole_run_is_below_ten_tolerances(method, exact, n, stop, frames, tol):
    # The grids resolve the solutions to 1e-8 and better.
    times = torch.linspace(0, stop, frames + 1, dtype=torch.float64).tolist()
    assert error(method, exact, n, times, tol) < 10 * tol


def test_a_tighter_tolerance_costs_more_steps_and_has_a_smaller_error():
    found = [error(ETDRK4(), ColeHopf(viscosity=0.05), (96,), [0.0, 0.2], tol) for tol in (1e-3, 1e-5, 1e-7)]
    assert found[0] > 3 * found[1] > 9 * found[2]


@pytest.mark.parametrize("method", [ETDRK4(), IMEX(), RungeKutta()], ids=lambda m: type(m).__name__)
def test_samples_find_steps_of_their_own_that_do_not_depend_on_the_batch(method):
    speeds = torch.tensor([0.0, 0.1, 0.5, 2.0, 6.0], dtype=torch.float64)
    initial = (speeds[:, None] * torch.sin(TAU * torch.arange(32) / 32))[:, None]
    nu = torch.linspace(0.05, 0.1, 5, dtype=torch.float64)

    def solve(rows):
        problem = Problem(
            Burgers(), Grid.periodic(32), initial[rows], parameters={"viscosity": nu[rows]},
            forcing={"u": lambda x, t: torch.sin(TAU * (x - t))}, times=[0.0, 0.02, 0.05],
        )  # fmt: skip
        return method.solve(problem, tol=1e-6)

    together, alone = solve(slice(0, 5)), [solve(slice(i, i + 1)) for i in range(5)]
    assert torch.equal(together.u, torch.cat([a.u for a in alone]))
    assert torch.equal(together.residual, torch.cat([a.residual for a in alone]))


def test_fast_samples_take_more_steps():
    speeds = torch.tensor([0.1, 4.0], dtype=torch.float64)
    initial = (speeds[:, None] * torch.sin(TAU * torch.arange(64) / 64))[:, None]
    problem = Problem(Burgers(0.02), Grid.periodic(64), initial, times=[0.0, 0.2])
    stepper = ETDRK4().stepper(problem, tol=1e-6)
    state = stepper.step(stepper.start(problem.initial_state()), 0.2)
    slow, fast = state.memory.wanted
    assert fast < 0.5 * slow
    times, u = state.memory.passed(1), state.memory.values([1])
    assert times == sorted(times)
    assert times[-1] == pytest.approx(0.2)
    torch.testing.assert_close(u[-1, 0], state.u[1], rtol=0, atol=1e-14)


def test_a_state_may_be_advanced_twice_with_the_same_result():
    problem = ColeHopf().problem(48, times=[0.0, 0.5, 1.0])
    stepper = ETDRK4().stepper(problem)
    first = stepper.step(stepper.start(problem.initial_state()), 0.5)
    a, b = stepper.step(first, 0.5), stepper.step(first, 0.5)
    assert torch.equal(a.u, b.u)
    assert stepper.spec.dt is None


def test_values_put_in_place_of_a_state_are_what_is_advanced():
    problem = ColeHopf().problem(48, times=[0.0, 0.5, 1.0])
    for stepper in (ETDRK4().stepper(problem), ETDRK4(dt=0.05).stepper(problem)):
        state = stepper.step(stepper.start(problem.initial_state()), 0.05)
        flat = stepper.step(dataclasses.replace(state, u=torch.ones_like(state.u)), 0.05)
        torch.testing.assert_close(flat.u, torch.ones_like(flat.u), rtol=0, atol=1e-12)


def test_solve_is_the_rollout_of_its_stepper():
    problem = ColeHopf().problem(48, times=[0.0, 0.3, 1.0])
    stepper = ETDRK4().stepper(problem, tol=1e-5)
    trajectory = rollout(stepper, stepper.start(problem.initial_state()), problem.times)
    assert torch.equal(trajectory.u, ETDRK4().solve(problem, tol=1e-5).u)


@dataclasses.dataclass(frozen=True)
class Explosion(EvolutionPDE):
    """u' = u^2 at every point: infinite at t = 1 / u0."""

    fields = (FieldSpec("u"),)
    dimensions = (1,)

    def rhs(self, u, d, p):
        return {"u": u["u"] ** 2}


def test_a_blow_up_names_time_cell_and_field_and_leaves_the_others_alone():
    x = torch.arange(16, dtype=torch.float64) / 16
    bump = torch.exp(-((x - 0.25) ** 2) / 0.02)
    problem = Problem(
        Explosion(), Grid.periodic(16), torch.stack([2.0 * bump, 0.2 * bump])[:, None], times=[0.0, 0.4, 1.0]
    )
    trajectory = RungeKutta(dealias=1.0).solve(problem, tol=1e-6)
    assert trajectory.status.tolist() == [int(Status.NON_FINITE), int(Status.SUCCESS)]
    assert (trajectory.blowups[0].field, trajectory.blowups[0].cell) == ("u", (4,))
    assert 0.4 < trajectory.blowups[0].time <= 1.0
    exact = 1 / (1 / (0.2 * bump) - 1.0)
    torch.testing.assert_close(trajectory.u[1, -1, 0], exact, rtol=0, atol=1e-5)


def test_a_state_at_rest_that_a_force_sets_in_motion_is_followed():
    """u_t = sin(2 pi x), from zero, in which no error is relative to anything."""
    problem = Problem(
        Advection(0.0), Grid.periodic(16), torch.zeros(1, 1, 16),
        forcing={"u": lambda x, t: torch.cos(t) * torch.sin(TAU * x)}, times=[0.0, 1.0],
    )  # fmt: skip
    (x,) = problem.domain.meshgrid()
    for method in (ETDRK4(), RungeKutta()):
        u = method.solve(problem, tol=1e-6).u[0, -1, 0]
        torch.testing.assert_close(u, math.sin(1.0) * torch.sin(TAU * x), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("method", "tol"), [(ETDRK4(), 1e-3), (ETDRK4(), 1e-6), (IMEX(), 1e-6), (RungeKutta(), 1e-6)],
    ids=lambda m: type(m).__name__,
)  # fmt: skip
def test_a_force_that_sets_in_suddenly_is_followed_from_rest(method, tol):
    """u_t = sin(2 pi x) from t = 1 on: relative to a state near zero, no step across that time is short enough."""
    small = 1e-3 * torch.arange(2, dtype=torch.float64)[:, None, None]
    (x,) = Grid.periodic(16).meshgrid()
    problem = Problem(
        Advection(0.0), Grid.periodic(16), small * torch.cos(TAU * x),
        forcing={"u": lambda x, t: torch.sin(TAU * x) * (t > 1.0)}, times=[0.0, 0.7, 1.2, 2.0],
    )  # fmt: skip
    trajectory = method.solve(problem, tol=tol)
    assert trajectory.status.tolist() == [int(Status.SUCCESS)] * 2
    exact = 0.2 * torch.sin(TAU * x) + small[:, 0] * torch.cos(TAU * x)
    error = (trajectory.u[:, 2, 0] - exact).norm(dim=1) / exact.norm(dim=1)
    assert float(error.max()) < 10 * tol


def test_a_short_pulse_of_force_shortens_the_steps():
    r"""u_t = sin(2 pi x) exp(-(t - 1/2)^2 / 0.05^2), which depends on no state."""
    problem = Problem(
        Advection(0.0), Grid.periodic(16), lambda x: torch.sin(TAU * x),
        forcing={"u": lambda x, t: torch.sin(TAU * x) * torch.exp(-(((t - 0.5) / 0.05) ** 2))},
        times=[0.0, 0.4, 1.0],
    )  # fmt: skip
    (x,) = problem.domain.meshgrid()
    gain = 0.05 * math.sqrt(math.pi) * math.erf(0.5 / 0.05)
    u = ETDRK4().solve(problem, tol=1e-6).u[0, -1, 0]
    torch.testing.assert_close(u, (1 + gain) * torch.sin(TAU * x), rtol=0, atol=1e-5)


def test_divisions_are_the_least_of_their_kind():
    kinds = sorted({1, 2, 3} | {n * 2**j for n in range(4, 9) for j in range(12)})
    for ratio in np.concatenate([np.geomspace(1e-3, 1000, 200), np.arange(1.0, 50.0)]):
        assert divisions(np.array([ratio]), 2**20)[0] == next(n for n in kinds if n >= ratio)


def frames_of(stepper, problem) -> tuple[torch.Tensor, list[float]]:
    """The trajectory of one sample, and the times of its last steps."""
    states = list(stepper.march(stepper.start(problem.initial_state()), problem.times.tolist()))
    return torch.stack([s.u[0] for s in states]), states[-1].memory.passed(0)


@pytest.mark.parametrize("tol", [1e-3, 1e-5])
def test_steps_over_several_intervals_keep_the_tolerance_at_the_frames_inside(tol):
    wave, interval = ColeHopf(viscosity=0.1, amplitude=0.5), 0.0005
    problem = wave.problem(32, times=[interval * i for i in range(33)])
    u, passed = frames_of(ETDRK4().stepper(problem, tol=tol), problem)
    exact = torch.stack([wave.on(problem.domain, t) for t in problem.times[1:].tolist()])
    assert min(np.diff(passed)) > 1.9 * interval
    assert float(((u - exact).flatten(1).norm(dim=1) / exact.flatten(1).norm(dim=1)).max()) < 10 * tol


@pytest.mark.parametrize("compiled", [True, False])
def test_the_states_inside_a_step_have_the_order_of_the_step(compiled):
    problem = ColeHopf(viscosity=0.02, amplitude=0.8).problem(64)
    system = ETDRK4().stepper(problem).system()
    formula = ETDRK4().formula(system) if compiled else ETDRK4Formula(system)
    v = system.forward(problem.initial_state())
    t = torch.zeros(1, dtype=torch.float64)

    def inside(h: float) -> torch.Tensor:
        """One third of the way through a step."""
        return formula.advance(v, t, Lengths((h,)), system.rate(v, t)).inside(3, np.arange(1))[0]

    def exact(time: float) -> torch.Tensor:
        new = v
        for _ in range(8):
            new = formula.advance(new, t, Lengths((time / 8,)), system.rate(new, t)).v
        return new

    lengths = [0.004, 0.002, 0.001]
    errors = [float((inside(h) - exact(h / 3)).abs().max()) for h in lengths]
    # The error of one step is one order higher than that of many.
    assert observed_order(errors, [1 / h for h in lengths]) == pytest.approx(4.0, abs=0.2)


def test_a_linear_wave_that_turns_many_times_within_a_step_is_met_at_the_frames_inside():
    problem = Problem(
        Advection(50.0), Grid.periodic(32), lambda x: torch.sin(TAU * x) + torch.cos(3 * TAU * x),
        times=[i / 16 for i in range(17)],
    )  # fmt: skip
    states, passed = frames_of(ETDRK4().stepper(problem, tol=1e-3), problem)
    assert passed[-1] - passed[-2] == pytest.approx(0.5)
    (x,) = problem.domain.meshgrid()
    for u, time in zip(states[:, 0], problem.times[1:], strict=True):
        moved = x - 50.0 * time
        torch.testing.assert_close(u, torch.sin(TAU * moved) + torch.cos(3 * TAU * moved), rtol=0, atol=1e-10)


def test_the_controller_shortens_after_a_failure_and_lengthens_after_a_small_error():
    control, one = Controller(4.0), np.ones(1)
    assert control.after_success(0.01 * one, one)[0] > 1.0
    assert control.after_success(one, one)[0] == pytest.approx(0.9)
    assert control.after_failure(16 * one)[0] == pytest.approx(0.45)
    assert control.after_failure(np.array([math.nan, math.inf, 1e9])).tolist() == [0.1, 0.1, 0.1]


@pytest.mark.parametrize("tol", [0.0, -1.0])
def test_a_tolerance_that_is_not_positive_is_refused(tol):
    with pytest.raises(ValueError, match="tol"):
        ETDRK4().solve(ColeHopf().problem(16), tol=tol)


@pytest.mark.gpu
@pytest.mark.parametrize("method", [ETDRK4(), IMEX(), RungeKutta()], ids=lambda m: type(m).__name__)
def test_steps_on_a_gpu_are_those_on_a_cpu(method):
    problem = ColeHopf().problem(48, times=[0.0, 0.1, 0.2])
    stepper = method.stepper(problem, tol=1e-6)
    here, there = (
        rollout(stepper, stepper.start(problem.initial_state().to(d)), problem.times).u for d in ("cpu", "cuda")
    )
    torch.testing.assert_close(there.cpu(), here, rtol=0, atol=1e-10)
    assert there.device.type == "cuda"
