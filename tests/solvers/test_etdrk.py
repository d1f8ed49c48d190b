"""ETDRK4 against exact solutions: Cole-Hopf, manufactured forcing, linear propagation, and a published solution."""

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from helpers import benchmark_file, observed_order

from sciml.fields import Boundaries, FieldSpec, Grid, ParameterSpec
from sciml.numerics.interpolation import fourier_series
from sciml.pdes import Burgers, Darcy, Problem, SemilinearPDE
from sciml.solvers import ETDRK4, rollout, symbols
from sciml.status import Status

TAU = 2 * math.pi


def cole_hopf(x: torch.Tensor, t: float, nu: "float | torch.Tensor", c: float = 0.8) -> torch.Tensor:
    """u = -2 nu (log theta)_x with the heat solution theta = 1 + c exp(-nu k^2 t) cos kx."""
    nu = torch.as_tensor(nu, dtype=torch.float64).view(-1, 1)
    decay = c * torch.exp(-nu * TAU**2 * t)
    return 2 * nu * TAU * decay * torch.sin(TAU * x) / (1 + decay * torch.cos(TAU * x))


def exact_problem(nu: float, n: int = 96, **more) -> Problem:
    return Problem(
        Burgers(viscosity=nu),
        Grid.periodic(n),
        initial=lambda x: cole_hopf(x, 0.0, nu)[0],
        times=torch.tensor([0.0, 0.5, 1.0]),
        **more,
    )


@dataclass(frozen=True)
class Dispersion(SemilinearPDE):
    """u_t = -u_xxx + a u_yy: a complex symbol in two dimensions, nothing nonlinear."""

    fields = (FieldSpec("u"),)
    parameters = (ParameterSpec("a"),)
    dimensions = (2,)
    a: float = 0.01

    def linear(self, u, d, p):
        return {"u": p.a * d(u["u"], "yy") - d(u["u"], "xxx")}


@dataclass(frozen=True)
class Smoothing(SemilinearPDE):
    """u_t = rate lap(u) + rate sin(x) (u^2)_x: parameters and a coordinate in both parts."""

    fields = (FieldSpec("u"),)
    parameters = (ParameterSpec("rate"),)
    dimensions = (1, 2)
    rate: float = 0.1

    def linear(self, u, d, p):
        return {"u": p.rate * d.laplacian(u["u"])}

    def nonlinear(self, u, d, p):
        return {"u": p.rate * torch.sin(p.x) * d(u["u"] ** 2, "x")}


@dataclass(frozen=True)
class Rotation(SemilinearPDE):
    """u' = -v, v' = u without space: two components that couple in the nonlinear part."""

    fields = (FieldSpec("u"), FieldSpec("v"))
    dimensions = (1,)

    def linear(self, u, d, p):
        return {name: 0.0 * value for name, value in u.items()}

    def nonlinear(self, u, d, p):
        return {"u": -u["v"], "v": u["u"]}


def test_burgers_converges_at_fourth_order_to_the_cole_hopf_solution():
    problem, nu, counts = exact_problem(0.02), 0.02, [40, 80, 160]
    x = torch.from_numpy(problem.domain.axes[0].coords)
    errors = [
        float((ETDRK4(dt=1 / n).solve(problem).u[0, -1, 0] - cole_hopf(x, 1.0, nu)[0]).abs().max()) for n in counts
    ]
    assert observed_order(errors, counts) == pytest.approx(ETDRK4.order, abs=0.1)


def test_manufactured_forcing_converges_at_fourth_order():
    nu = 0.05

    def forcing(x, t):
        phase = TAU * (x - t)
        u, u_t, u_x, u_xx = (
            torch.sin(phase),
            -TAU * torch.cos(phase),
            TAU * torch.cos(phase),
            -(TAU**2) * torch.sin(phase),
        )
        return u_t + u * u_x - nu * u_xx

    problem = Problem(
        Burgers(viscosity=nu),
        Grid.periodic(32),
        initial=lambda x: torch.sin(TAU * x),
        forcing={"u": forcing},
        times=torch.tensor([0.0, 1.0]),
    )
    x, counts = torch.from_numpy(problem.domain.axes[0].coords), [40, 80, 160]
    errors = [float((ETDRK4(dt=1 / n).solve(problem).u[0, -1, 0] - torch.sin(TAU * x)).abs().max()) for n in counts]
    assert observed_order(errors, counts) == pytest.approx(ETDRK4.order, abs=0.1)


def test_the_linear_part_is_exact_whatever_the_step():
    problem = Problem(
        Dispersion(),
        Grid.periodic(16, 12, high=[TAU, TAU]),
        initial=lambda x, y: torch.sin(3 * x + 2 * y),
        times=[0.0, 0.7],
    )
    x, y = problem.domain.meshgrid()
    expected = math.exp(-0.01 * 4 * 0.7) * torch.sin(3 * x + 2 * y + 27 * 0.7)
    torch.testing.assert_close(ETDRK4(dt=0.7).solve(problem).u[0, -1, 0], expected, rtol=0, atol=1e-12)


def test_components_couple_and_converge():
    one = {"u": lambda x: torch.ones_like(x), "v": lambda x: torch.zeros_like(x)}
    problem = Problem(Rotation(), Grid.periodic(4), initial=one, times=torch.tensor([0.0, 1.0]))
    u = ETDRK4(dt=0.01).solve(problem).u[0, -1, :, 0]
    assert u.tolist() == pytest.approx([math.cos(1.0), math.sin(1.0)], abs=1e-9)


def test_every_sample_has_its_own_parameter():
    nus = torch.tensor([0.05, 0.1, 0.2], dtype=torch.float64)
    problem = exact_problem(0.1)
    x = torch.from_numpy(problem.domain.axes[0].coords)
    problem = dataclasses.replace(problem, parameters={"viscosity": nus}, initial=cole_hopf(x, 0.0, nus)[:, None])
    u = ETDRK4(dt=0.01).solve(problem).u[:, -1, 0]
    torch.testing.assert_close(u, cole_hopf(x, 1.0, nus), rtol=0, atol=1e-7)


def test_parameters_given_at_the_start_replace_the_problems():
    problem = exact_problem(0.1)
    x, nus = torch.from_numpy(problem.domain.axes[0].coords), torch.tensor([[0.05], [0.2]], dtype=torch.float64)
    stepper = ETDRK4(dt=0.01).stepper(problem)
    state = stepper.start(cole_hopf(x, 0.0, nus)[:, None], params=nus)
    u = rollout(stepper, state, problem.times).u[:, -1, 0]
    torch.testing.assert_close(u, cole_hopf(x, 1.0, nus), rtol=0, atol=1e-7)


def test_one_initial_state_serves_all_parameters():
    problem = dataclasses.replace(exact_problem(0.1), parameters={"viscosity": torch.tensor([0.1, 0.2])})
    assert ETDRK4(dt=0.02).solve(problem).u.shape == (2, 3, 1, 96)


def test_the_mean_is_conserved():
    problem = dataclasses.replace(exact_problem(0.1), initial=lambda x: 0.3 + torch.sin(TAU * x))
    mean = ETDRK4(dt=0.01).solve(problem).u.mean(dim=-1)
    torch.testing.assert_close(mean, torch.full_like(mean, 0.3), rtol=0, atol=1e-12)


def test_products_are_free_of_aliasing():
    """u = cos(10 k x) on 32 points: its square has wave number 20, which would come back as 12."""
    problem = Problem(
        Burgers(viscosity=1e-9),
        Grid.periodic(32),
        initial=lambda x: torch.cos(10 * TAU * x),
        times=[0.0, 1e-6],
    )
    u = ETDRK4(dt=1e-6).solve(problem).u[0, -1, 0]
    spectrum = torch.fft.rfft(u).abs() / 32
    assert float(spectrum[10]) == pytest.approx(0.5, rel=1e-3)
    assert float(spectrum[torch.arange(17) != 10].max()) < 1e-12


def test_without_a_step_the_error_is_below_the_tolerance():
    problem = exact_problem(0.1, n=48)
    x = torch.from_numpy(problem.domain.axes[0].coords)
    for tol in (1e-3, 1e-6):
        u = ETDRK4().solve(problem, tol=tol).u[0, -1, 0]
        exact = cole_hopf(x, 1.0, 0.1)[0]
        assert float((u - exact).norm() / exact.norm()) < 10 * tol


def test_the_defect_of_the_equation_falls_with_the_step():
    problem = exact_problem(0.1)
    coarse, fine = (float(ETDRK4(dt=dt).solve(problem).residual) for dt in (0.02, 0.01))
    assert fine < coarse / 10 < 1e-3


def test_a_wrong_trajectory_has_a_large_defect():
    """The stepper believes in twice the viscosity of the problem that it is held against."""
    from sciml.solvers.defect import Defect

    watched = Defect(ETDRK4(dt=0.01).stepper(exact_problem(0.2)), exact_problem(0.1))
    problem = exact_problem(0.2)
    rollout(watched, watched.start(problem.initial_state()), problem.times)
    assert float(watched.largest) > 0.1


def test_a_blow_up_is_a_status():
    problem = dataclasses.replace(exact_problem(1e-3, n=64), initial=lambda x: 1e6 * torch.sin(TAU * x))
    trajectory = ETDRK4(dt=0.1).solve(problem)
    assert trajectory.status.tolist() == [int(Status.NON_FINITE)]


@pytest.mark.parametrize(
    "problem",
    [
        Problem(Darcy(), Grid.cells(8, 8), boundary=Boundaries.dirichlet()),
        Problem(
            Burgers(),
            Grid.nodes(8),
            boundary=Boundaries.dirichlet(),
            initial=lambda x: x,
            times=torch.tensor([0.0, 1.0]),
        ),
    ],
)
def test_what_it_cannot_honour_is_refused(problem):
    assert ETDRK4(dt=0.1).refuses(problem)
    with pytest.raises(ValueError, match="ETDRK4"):
        ETDRK4(dt=0.1).stepper(problem)


@pytest.mark.parametrize("arguments", [{"dt": 0.0}, {"dt": -1.0}, {"dealias": 0.0}, {"dealias": 1.5}])
def test_bad_arguments_are_refused_by_name(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        ETDRK4(**arguments)


@pytest.mark.slow
def test_the_published_burgers_shock_is_met_to_ten_digits():
    """Until after it is steepest, at t = 0.51."""
    import scipy.io

    data = scipy.io.loadmat(benchmark_file("burgers_shock.mat"))
    x, t, published = data["x"].ravel(), data["t"].ravel()[:54], data["usol"].T[:54]
    problem = Problem(
        Burgers(viscosity=0.01 / math.pi),
        Grid.periodic(2048, low=-1.0, high=1.0),
        initial=lambda x: -torch.sin(math.pi * x),
        times=torch.from_numpy(t),
    )
    u = ETDRK4(dt=2.5e-4).solve(problem).u[0, :, 0].numpy()
    # The file holds both ends: the Fourier series is summed at its points.
    values = fourier_series(u, problem.domain.axes[0], x)
    assert np.linalg.norm(values - published) / np.linalg.norm(published) < 1e-10


def test_bits_do_not_depend_on_the_batch_in_two_dimensions_with_a_complex_symbol():
    u0 = torch.rand(5, 1, 15, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    def solve(initial):
        problem = Problem(Dispersion(), Grid.periodic(15, 12), initial=initial, times=[0.0, 1e-3, 2e-3])
        return ETDRK4(dt=5e-4).solve(problem).u

    assert torch.equal(solve(u0), torch.cat([solve(u0[i : i + 1]) for i in range(5)]))


def test_every_sample_finds_its_own_step():
    speeds = torch.tensor([0.1, 2.0], dtype=torch.float64)
    initial = (speeds[:, None] * torch.sin(TAU * torch.arange(32) / 32))[:, None]
    problem = Problem(Burgers(viscosity=0.1), Grid.periodic(32), initial=initial, times=[0.0, 0.1])
    together = ETDRK4().solve(problem, tol=1e-4)
    alone = [ETDRK4().solve(dataclasses.replace(problem, initial=initial[i : i + 1]), tol=1e-4) for i in range(2)]
    assert torch.equal(together.u, torch.cat([a.u for a in alone]))


@pytest.mark.parametrize("dims", [1, 2])
def test_a_step_uses_nothing_that_lies_on_another_device_than_its_state(dims: int, monkeypatch: pytest.MonkeyPatch):
    # The device `meta` has shapes and no values, and refuses operations with tensors of others, as a GPU does.
    monkeypatch.setattr(symbols, "_real_if_possible", lambda symbol: symbol.real)
    monkeypatch.setattr(symbols, "_couples", lambda matrix: False)
    grid = Grid.periodic(*(16,) * dims)
    forced = Problem(
        Smoothing(), grid, torch.zeros(3, 1, *grid.shape), times=(0.0, 1.0),
        parameters={"rate": torch.tensor([0.1, 0.2, 0.3])}, forcing={"u": lambda x, t: torch.sin(x - t)},
    )  # fmt: skip
    stepper = ETDRK4(dt=0.1).stepper(forced)
    with pytest.raises(RuntimeError, match="device"):
        torch.zeros(3, device="meta") + torch.zeros(3)
    for params in (None, torch.full((3, 1), 0.5)):
        state = stepper.start(torch.zeros(3, 1, *grid.shape, device="meta"), params=params)
        state = stepper.step(stepper.step(state), 0.05)
        assert (state.u.device.type, state.t.device.type, state.u.shape) == ("meta", "meta", (3, 1, *grid.shape))
    here = stepper.step(stepper.start(torch.zeros(3, 1, *grid.shape)))
    assert here.u.device.type == "cpu"
    assert bool(here.u.any())
