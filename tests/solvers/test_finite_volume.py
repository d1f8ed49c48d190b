"""Finite volumes for the Euler equations: shock tubes, order, invariants, symmetry, failure, gradients."""

import dataclasses
import math

import pytest
import torch
from helpers import observed_order

from sciml.fields import Boundaries, Grid, Outflow
from sciml.pdes import Burgers, Euler, Problem
from sciml.pdes.exact import EntropyShearWave, ExactRiemann, ExactSolution, IsentropicVortex, Side
from sciml.solvers import HLLC, HLLE, SSPRK54, WENOJS, WENOZ, FiniteVolume, rollout, solve
from sciml.solvers.cell_averages import cell_averages
from sciml.status import SolveFailure, Status

SOD = ExactRiemann(Side(1.0, 0.0, 1.0), Side(0.125, 0.0, 0.1), position=0.5)
OUT = Boundaries({"all": Outflow()})


def sod(n: int, time: float = 0.2) -> Problem:
    return Problem(Euler(), Grid.cells(n), SOD.initial(), boundary=OUT, times=[0.0, time])


def random_flow(*n: int, samples: int = 1, seed: int = 0) -> Problem:
    """Random averages of everything, on a torus: as rough as can be."""
    g = torch.Generator().manual_seed(seed)
    u = torch.rand(samples, len(n) + 2, *n, generator=g, dtype=torch.float64)
    u[:, 0], u[:, -1], u[:, 1:-1] = 0.2 + u[:, 0], 0.2 + u[:, -1], 2 * u[:, 1:-1] - 1
    return Problem(Euler(), Grid.periodic(*n), u, times=[0.0, 0.05, 0.1])


def density_error(solver: FiniteVolume, n: int) -> float:
    problem = sod(n)
    (x,) = problem.domain.meshgrid()
    return float((solver.solve(problem).u[0, -1, 0] - SOD(x, 0.2)[0]).abs().mean())


@pytest.mark.slow
def test_sods_tube_is_closer_to_the_exact_solution_than_with_classical_weights_and_two_waves():
    """At 200 cells; half the errors that are recorded at 400 (scripts/benchmarks/shock_tubes.py)."""
    ours, classical = density_error(FiniteVolume(), 200), density_error(FiniteVolume(None, WENOJS(), HLLE()), 200)
    assert ours <= 2.4e-3
    assert ours < classical


def test_sods_tube_converges_at_first_order():
    """A contact smears over h^(5/6), so that a little less than one is what a scheme of fifth order can do."""
    counts = [25, 50, 100]
    assert 0.75 < observed_order([density_error(FiniteVolume(), n) for n in counts], counts) < 1.1


def smooth_error(solution: ExactSolution, solver: FiniteVolume, *n: int, time: float) -> float:
    start, end = solution.problem(*n), solution.problem(*n, times=[time, time + 1])
    problem = dataclasses.replace(start, initial=cell_averages(start), times=[0.0, time])
    return float((solver.solve(problem).u[0, -1] - cell_averages(end)[0])[0].abs().mean())


@pytest.mark.slow
def test_fixed_steps_in_proportion_to_the_cells_are_of_third_order_in_two_dimensions():
    """Long steps, so that it is their error that is seen and not that of the cells, which is of fourth order."""
    wave, counts = EntropyShearWave(density=0.1, pressure=0.03), [32, 64, 128]
    errors = [smooth_error(wave, FiniteVolume(dt=0.45 / n, cfl=1.2, positivity=None), n, n, time=0.25) for n in counts]
    assert observed_order(errors, counts) == pytest.approx(FiniteVolume.order, abs=0.1)


def test_a_method_of_fourth_order_leaves_the_error_of_the_cells():
    """In one dimension, where it is of fifth order."""
    wave, counts = EntropyShearWave(), [16, 32, 64]
    solver = FiniteVolume(time=SSPRK54())
    errors = [smooth_error(wave, solver, n, time=0.1) for n in counts]
    assert observed_order(errors, counts) == pytest.approx(5, abs=0.2)


@pytest.mark.slow
def test_the_isentropic_vortex_converges_at_least_at_the_order_of_face_averages():
    counts = [32, 48, 64]
    errors = [smooth_error(IsentropicVortex(), FiniteVolume(), n, n, time=0.5) for n in counts]
    assert observed_order(errors, counts) > 4
    assert errors[-1] < 2e-5


@pytest.mark.parametrize("n", [(40,), (12, 10), (6, 5, 4)])
def test_mass_momentum_and_energy_are_conserved_on_a_torus(n):
    trajectory = FiniteVolume().solve(random_flow(*n))
    assert trajectory.status.tolist() == [int(Status.SUCCESS)]
    rho, v, p = trajectory.u[0, :, 0], trajectory.u[0, :, 1:-1], trajectory.u[0, :, -1]
    energy = p / 0.4 + 0.5 * rho * (v * v).sum(1)
    momentum = rho[:, None] * v
    for total, scale in (
        (rho.flatten(1).sum(1), rho[0].sum()),
        (energy.flatten(1).sum(1), energy[0].sum()),
        (momentum.flatten(2).sum(2), momentum[0].abs().sum()),
    ):
        assert float(((total - total[0]) / scale).abs().max()) <= 1e-12
    assert float(trajectory.residual) <= 1e-12


def test_the_balance_counts_what_leaves_through_the_ends():
    trajectory = FiniteVolume().solve(sod(50, time=0.6))
    assert abs(float(trajectory.u[0, -1, 0].sum() - trajectory.u[0, 0, 0].sum())) > 0.5
    assert float(trajectory.residual) <= 1e-12


@pytest.mark.parametrize("axis", [0, 1])
def test_a_tube_along_either_axis_of_a_plane_is_the_tube_itself(axis):
    line = sod(24, time=0.1)
    plane = torch.zeros(1, 4, 24, 24, dtype=torch.float64)
    shape = (1, 24, 1) if axis == 0 else (1, 1, 24)
    u = line.initial_state()
    plane[:, 0], plane[:, 1 + axis], plane[:, 3] = u[:, 0].view(shape), u[:, 1].view(shape), u[:, 2].view(shape)
    problem = Problem(Euler(), Grid.cells(24, 24), plane, boundary=OUT, times=[0.0, 0.1])
    # Fixed steps: the speeds along both axes bound those of a plane.
    found = FiniteVolume(dt=0.002).solve(problem).u[0, -1]
    expected = FiniteVolume(dt=0.002).solve(line).u[0, -1]
    across = found.movedim(1 + axis, 2)
    torch.testing.assert_close(across[0], expected[0].expand(24, 24), rtol=0, atol=1e-13)
    torch.testing.assert_close(across[1 + axis], expected[1].expand(24, 24), rtol=0, atol=1e-13)
    assert float(across[2 - axis].abs().max()) < 1e-13


def test_a_flow_that_is_turned_turns_its_solution():
    problem = random_flow(9, 9)
    turned = dataclasses.replace(problem, initial=problem.initial_state()[:, [0, 2, 1, 3]].transpose(2, 3))
    one, other = (FiniteVolume().solve(p).u[:, -1] for p in (problem, turned))
    torch.testing.assert_close(one, other[:, [0, 2, 1, 3]].transpose(2, 3), rtol=0, atol=1e-12)


def test_samples_with_gases_of_their_own_take_steps_of_their_own():
    gamma = torch.tensor([1.1, 1.4, 1.67], dtype=torch.float64)
    problem = dataclasses.replace(random_flow(30, samples=3), parameters={"gamma": gamma})
    together = FiniteVolume().solve(problem)
    for i in range(3):
        single = dataclasses.replace(
            problem, initial=problem.initial_state()[i : i + 1], parameters={"gamma": float(gamma[i])}
        )
        assert torch.equal(FiniteVolume().solve(single).u[0], together.u[i])


def test_a_bad_initial_state_fails_alone_and_says_where():
    problem = random_flow(16, samples=2)
    u = problem.initial_state().clone()
    u[1, 2, 5] = -0.1
    trajectory = FiniteVolume().solve(dataclasses.replace(problem, initial=u))
    assert trajectory.status.tolist() == [int(Status.SUCCESS), int(Status.NON_FINITE)]
    assert str(trajectory.blowups[1]) == "pressure is not positive at t=0 in cell 5"
    assert bool(torch.isfinite(trajectory.u[0]).all())
    with pytest.raises(SolveFailure, match="sample 1 ended with NON_FINITE: pressure is not positive"):
        trajectory.check()


def test_gradients_through_steps_are_those_of_differences():
    problem = random_flow(10)
    stepper = FiniteVolume(dt=0.004).stepper(problem)
    g = torch.Generator().manual_seed(3)
    u, direction = problem.initial_state(), torch.randn(1, 3, 10, generator=g, dtype=torch.float64)
    weight = torch.randn(1, 3, 10, generator=g, dtype=torch.float64)

    def value(u: torch.Tensor) -> torch.Tensor:
        state = stepper.start(u)
        for _ in range(3):
            state = stepper.step(state)
        return (weight * state.u).sum()

    leaf = u.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(value(leaf), leaf)
    h = 1e-6
    difference = (value(u + h * direction) - value(u - h * direction)) / (2 * h)
    assert float((gradient * direction).sum()) == pytest.approx(float(difference), rel=1e-6)


def test_the_gradient_with_respect_to_gamma_is_that_of_differences():
    problem = random_flow(8)

    def value(gamma: torch.Tensor) -> torch.Tensor:
        stepper = FiniteVolume(dt=0.004).stepper(problem)
        state = stepper.start(problem.initial_state(), params=gamma.view(1, 1))
        return stepper.step(state).u.square().sum()

    leaf = torch.tensor(1.4, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(value(leaf), leaf)
    h = 1e-6
    difference = (value(leaf.detach() + h) - value(leaf.detach() - h)) / (2 * h)
    assert float(gradient) == pytest.approx(float(difference), rel=1e-4)


def test_solve_picks_finite_volumes_for_a_conservation_law():
    trajectory = solve(sod(20, time=0.05))
    assert torch.equal(trajectory.u, FiniteVolume().solve(sod(20, time=0.05)).u)
    assert trajectory.spec.channels == ("density", "velocity_x", "pressure")


def test_the_step_is_computed_and_a_longer_one_is_divided():
    """A step of the whole interval is far beyond the Courant number; it is taken in parts."""
    problem = sod(50)
    stepper = FiniteVolume().stepper(problem)
    assert stepper.spec.dt is None
    whole = stepper.step(stepper.start(problem.initial_state()), 0.2)
    assert whole.t.tolist() == [0.2]
    assert torch.equal(rollout(stepper, stepper.start(problem.initial_state()), [0.0, 0.2]).u[:, -1], whole.u)
    with pytest.raises(ValueError, match="dt is missing"):
        stepper.step(stepper.start(problem.initial_state()))


def test_averages_of_a_wave_are_those_of_its_antiderivative():
    wave, n = EntropyShearWave(), 8
    problem = wave.problem(n)
    half = math.pi / n
    exact = 1 + (wave.on(problem.domain, 0.0)[0] - 1) * math.sin(half) / half
    torch.testing.assert_close(cell_averages(problem, 5)[0, 0], exact, rtol=0, atol=1e-12)
    with pytest.raises(ValueError, match="initial is a tensor"):
        cell_averages(dataclasses.replace(problem, initial=problem.initial_state()))
    with pytest.raises(ValueError, match="Burgers is none"):
        cell_averages(Problem(Burgers(), Grid.periodic(8), lambda x: x, times=[0.0, 1.0]))


@pytest.mark.parametrize(("arguments", "message"), [({"dt": -1.0}, "dt=-1"), ({"cfl": 0.0}, "cfl=0")])
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        FiniteVolume(**arguments)


def test_parts_are_objects():
    solver = FiniteVolume(reconstruction=WENOZ(power=2), riemann=HLLC(), time=SSPRK54())
    assert solver.stepper(sod(8)).order == 4


@dataclasses.dataclass(frozen=True)
class Growing(Euler):
    r"""A gas whose mass grows at the rate $r \rho^m$, without a change of velocity and pressure.

    Args:
        rate: $r$.
        power: $m$.
    """

    rate: float = 1.0
    power: int = 1

    def source(self, u, d, p):
        gain = self.rate * u["density"] ** self.power
        return {"mass": gain, "momentum_x": gain * u["velocity_x"], "energy": 0.5 * gain * u["velocity_x"] ** 2}


def wave(x, n: int, power: int, rate: float, t: float) -> torch.Tensor:
    r"""Averages of density that is carried along: $\rho' = r \rho^m$ on the way; by Gauss's rule of three points."""
    total = 0.0
    for node, weight in ((-math.sqrt(0.6), 5 / 18), (0.0, 4 / 9), (math.sqrt(0.6), 5 / 18)):
        start = 1.0 + 0.5 * torch.sin(2 * math.pi * (x + 0.5 * node / n - t))
        total = total + weight * (start * math.exp(rate * t) if power == 1 else start / (1 - rate * t * start))
    return total


@pytest.mark.parametrize(("power", "rate", "order"), [(1, 1.0, 3), (2, -1.0, 2)])
def test_a_source_takes_part_in_every_stage_and_its_order_is_observed(power, rate, order):
    """Of third order where it is linear, of second where the source of an average is not the average of the source."""
    law, counts, errors = Growing(rate=rate, power=power), [40, 80, 160], []
    for n in counts:
        (x,) = Grid.periodic(n).meshgrid()
        density = wave(x, n, power, rate, 0.0)
        initial = torch.stack([density, torch.ones_like(x), 0.02 * torch.ones_like(x)])
        trajectory = FiniteVolume(dt=0.4 / n).solve(Problem(law, Grid.periodic(n), initial, times=[0.0, 0.2]))
        assert float(trajectory.residual) < 1e-13
        errors.append(float((trajectory.u[0, -1, 0] - wave(x, n, power, rate, 0.2)).square().mean().sqrt()))
    assert observed_order(errors, counts) == pytest.approx(order, abs=0.1)


def test_a_force_by_equation_is_averaged_over_the_cells_and_depends_on_time():
    """A gas at rest of uniform pressure that gains mass and nothing else: its density is the integral of the force."""
    (x,) = Grid.periodic(16).meshgrid()
    problem = Problem(
        Euler(), Grid.periodic(16), torch.stack([torch.ones_like(x), 0 * x, torch.ones_like(x)]).repeat(2, 1, 1),
        forcing={"mass": lambda x, t: 3 * t**2 * torch.sin(2 * math.pi * x)}, times=[0.0, 0.5],
    )  # fmt: skip
    trajectory = FiniteVolume(dt=0.01).solve(problem)
    mean = torch.sin(2 * math.pi * x) * math.sin(math.pi / 16) / (math.pi / 16)
    torch.testing.assert_close(trajectory.u[:, -1, 0], (1 + 0.125 * mean).expand(2, -1), rtol=0, atol=1e-5)
    assert float(trajectory.residual.max()) < 1e-13


def test_sources_with_derivatives_and_forces_on_what_is_no_equation_are_refused_in_one_line():
    class Diffusing(Euler):
        def source(self, u, d, p):
            return {"mass": d(u["density"], "xx")}

    initial = torch.ones(1, 3, 16, dtype=torch.float64)
    diffusing = Problem(Diffusing(), Grid.periodic(16), initial, times=[0.0, 1.0])
    assert "without derivatives" in FiniteVolume().refuses(diffusing)
    named = Problem(Euler(), Grid.periodic(16), initial, forcing={"density": lambda x: x}, times=[0.0, 1.0])
    assert "mass, momentum_x, energy" in FiniteVolume().refuses(named)
