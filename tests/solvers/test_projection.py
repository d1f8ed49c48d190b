"""The projection method against flows in closed form, manufactured flows, invariants, and published numbers."""

import cmath
import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from helpers import observed_order

from sciml.describe import build, describe
from sciml.fields import Axis, Boundaries, Dirichlet, Grid, Neumann, Outflow, Periodic, Robin, Wall
from sciml.numerics import ReverseMode
from sciml.pdes import Burgers, NavierStokes, Problem, Smoke
from sciml.pdes.exact import Beltrami, BoxedTaylorGreen, ExactSolution, StratifiedShear, TaylorGreen
from sciml.solvers import ETDRK4, CentralTransport, LimitedTransport, Projection, SolidBoxes, rollout, solve
from sciml.status import Status

PI = math.pi


def error(solution: ExactSolution, problem: Problem, t: float, **method) -> float:
    found = Projection(**method).solve(problem).u[0, -1]
    exact = solution.on(problem.domain, t)
    return float((found - exact).norm() / exact.norm())


def divergence(problem: Problem, **method) -> float:
    stepper = Projection(**method).stepper(problem)
    state = stepper.start(problem.initial_state(), t=float(problem.times[0]))
    largest = 0.0
    for start, stop in zip(problem.times[:-1].tolist(), problem.times[1:].tolist(), strict=True):
        state = stepper.step(state, stop - start)
        found = state.memory.rates.staggered.divergence(state.memory.faces)
        largest = max(largest, float(found.abs().max()))
    return largest


@pytest.mark.parametrize(
    ("solution", "counts", "t"),
    [
        (TaylorGreen(velocity=0.5), [16, 24, 32], 0.3),
        (BoxedTaylorGreen(0.2), [16, 24, 32], 1.0),
        (StratifiedShear(), [8, 12, 16], 0.5),
    ],
)
def test_flows_in_closed_form_are_met_at_second_order(solution: ExactSolution, counts: list[int], t: float) -> None:
    central = {"tracer_transport": CentralTransport()}
    errors = [error(solution, solution.problem(n, n, times=(0.0, t)), t, courant=0.8, **central) for n in counts]
    assert observed_order(errors, counts) == pytest.approx(Projection.order, abs=0.1)


def test_limited_transport_converges_at_second_order_in_the_mean() -> None:
    """Of both; its extrema are cut, which shows as noise in the order from grid to grid."""
    solution, counts = TaylorGreen(velocity=0.5), [16, 32, 48]
    errors = [
        error(solution, solution.problem(n, n, times=(0.0, 0.3)), 0.3, courant=0.8, transport=LimitedTransport())
        for n in counts
    ]
    assert observed_order(errors, counts) > Projection.order - 0.1


def test_a_buoyant_flow_is_that_of_the_spectral_method() -> None:
    counts, errors = [16, 24, 32], []
    initial = {
        "velocity_x": lambda x, y: -torch.cos(x) * torch.sin(y),
        "velocity_y": lambda x, y: torch.sin(x) * torch.cos(y),
        "tracer": lambda x, y: torch.sin(x) + torch.cos(y + x),
    }
    for n in counts:
        problem = Problem(Smoke(0.05, 0.05, 1.0), Grid.periodic(n, n, high=2 * PI), initial, times=[0.0, 0.3])
        found = Projection(courant=0.8, tracer_transport=CentralTransport()).solve(problem).u[0, -1]
        errors.append(float((found - ETDRK4(dt=0.05).solve(problem).u[0, -1]).norm() / n))
    assert observed_order(errors, counts) == pytest.approx(Projection.order, abs=0.1)


def test_flow_in_three_dimensions_is_met_at_second_order() -> None:
    solution, counts = Beltrami(), [8, 12, 16]
    errors = [error(solution, solution.problem(n, n, n, times=(0.0, 0.2)), 0.2, courant=0.8) for n in counts]
    assert observed_order(errors, counts) == pytest.approx(Projection.order, abs=0.1)


def test_a_flow_in_the_plane_is_the_same_in_a_slab() -> None:
    solution = BoxedTaylorGreen()
    plane = solution.problem(8, 8, times=(0.0, 0.2))
    slab = Grid((*plane.domain.axes, Axis(6, high=2.0, kind="cells")))
    u0 = plane.initial_state()
    still = torch.zeros_like(u0[:, :1])
    initial = torch.cat([u0[:, :2], still, u0[:, 2:]], dim=1)[..., None].expand(1, 4, 8, 8, 6)
    boundary = Boundaries({"all": Wall(), ("x", "tracer"): Dirichlet(1.0), ("y", "tracer"): Dirichlet(1.0)})
    deep = Problem(plane.pde, slab, initial, boundary, times=plane.times)
    found = Projection(dt=0.02).solve(deep).u[0, -1]
    expected = Projection(dt=0.02).solve(plane).u[0, -1]
    assert float((found[[0, 1, 3]] - expected[..., None]).abs().max()) <= 1e-13
    assert float(found[2].abs().max()) <= 1e-14


@pytest.mark.parametrize("solution", [TaylorGreen(), BoxedTaylorGreen(), StratifiedShear()])
def test_the_pressure_is_of_second_order(solution: ExactSolution) -> None:
    counts, errors = [12, 24, 48], []
    for n in counts:
        problem = solution.problem(n, n)
        stepper = Projection(courant=1.0).stepper(problem)
        mesh = problem.domain.meshgrid()
        exact = solution(*mesh, torch.zeros_like(mesh[0]))["pressure"]
        exact = exact - exact.mean()
        errors.append(float((stepper.pressure(stepper.start(problem.initial_state()))[0] - exact).abs().max()))
    assert observed_order(errors, counts) == pytest.approx(2.0, abs=0.15)


def test_the_error_in_time_is_of_third_order() -> None:
    """Against a much finer step on the same grid, whose error in space is the same."""
    problem, counts = TaylorGreen(0.01, 1.0).problem(12, 12, times=(0.0, 0.5)), [10, 20, 40]
    method = {"transport": CentralTransport(), "tracer_transport": CentralTransport()}
    reference = Projection(dt=0.5 / 160, **method).solve(problem).u
    errors = [float((Projection(dt=0.5 / n, **method).solve(problem).u - reference).abs().max()) for n in counts]
    assert observed_order(errors, counts) == pytest.approx(3.0, abs=0.1)


class NoSlip:
    r"""$\psi = \sin^2 \pi x \sin^2 \pi y \cos t$ in the unit box, at rest on its walls, with the forcing that it needs.

    The tracer is $1 + \tfrac12 \cos \pi x \cos \pi y \cos t$, the pressure $\cos \pi x \cos \pi y$.
    """

    nu, kappa = 0.02, 0.01

    def fields(self, x, y, t) -> dict[str, torch.Tensor]:
        c = torch.cos(t)
        return {
            "velocity_x": PI * c * torch.sin(PI * x) ** 2 * torch.sin(2 * PI * y),
            "velocity_y": -PI * c * torch.sin(2 * PI * x) * torch.sin(PI * y) ** 2,
            "tracer": 1 + 0.5 * c * torch.cos(PI * x) * torch.cos(PI * y),
            "pressure": torch.cos(PI * x) * torch.cos(PI * y) + 0 * t,
        }

    def force_x(self, x, y, t):
        f, g, c, d = self.fields(x, y, t), self.slopes(x, y, t), torch.cos(t), torch.sin(t)
        laplacian = 2 * PI**3 * c * (torch.cos(2 * PI * x) - 2 * torch.sin(PI * x) ** 2) * torch.sin(2 * PI * y)
        pressure = -PI * torch.sin(PI * x) * torch.cos(PI * y)
        rate = -PI * d * torch.sin(PI * x) ** 2 * torch.sin(2 * PI * y)
        return rate + f["velocity_x"] * g["u_x"] + f["velocity_y"] * g["u_y"] + pressure - self.nu * laplacian

    def force_y(self, x, y, t):
        f, g, c, d = self.fields(x, y, t), self.slopes(x, y, t), torch.cos(t), torch.sin(t)
        laplacian = -2 * PI**3 * c * torch.sin(2 * PI * x) * (torch.cos(2 * PI * y) - 2 * torch.sin(PI * y) ** 2)
        pressure = -PI * torch.cos(PI * x) * torch.sin(PI * y)
        rate = PI * d * torch.sin(2 * PI * x) * torch.sin(PI * y) ** 2
        return rate + f["velocity_x"] * g["v_x"] - f["velocity_y"] * g["u_x"] + pressure - self.nu * laplacian

    def source(self, x, y, t):
        f, c, d = self.fields(x, y, t), torch.cos(t), torch.sin(t)
        shape = 0.5 * torch.cos(PI * x) * torch.cos(PI * y)
        s_x = -0.5 * PI * c * torch.sin(PI * x) * torch.cos(PI * y)
        s_y = -0.5 * PI * c * torch.cos(PI * x) * torch.sin(PI * y)
        return -d * shape + f["velocity_x"] * s_x + f["velocity_y"] * s_y + self.kappa * 2 * PI**2 * c * shape

    def slopes(self, x, y, t) -> dict[str, torch.Tensor]:
        c = PI**2 * torch.cos(t)
        return {
            "u_x": c * torch.sin(2 * PI * x) * torch.sin(2 * PI * y),
            "u_y": 2 * c * torch.sin(PI * x) ** 2 * torch.cos(2 * PI * y),
            "v_x": -2 * c * torch.cos(2 * PI * x) * torch.sin(PI * y) ** 2,
        }

    def problem(self, n: int, t_end: float = 0.5, **more) -> Problem:
        def at_start(name: str) -> Callable:
            return lambda x, y: self.fields(x, y, 0 * x)[name]

        return Problem(
            NavierStokes(self.nu, self.kappa), Grid.cells(n, n),
            initial={m: at_start(m) for m in ("velocity_x", "velocity_y", "tracer")},
            boundary=Boundaries({"all": Wall(slip=False)}),
            forcing={"velocity_x": self.force_x, "velocity_y": self.force_y, "tracer": self.source},
            times=[0.0, t_end], **more,
        )  # fmt: skip


def test_the_forcing_of_the_manufactured_flow_is_the_one_it_needs() -> None:
    flow = NoSlip()
    problem = flow.problem(8)
    points = torch.rand(40, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    engine = ReverseMode(points, problem.axes)
    fields = flow.fields(*engine.coordinates().values())
    assert max(float(r.detach().abs().max()) for r in problem.residual(fields, engine).values()) <= 1e-11


def test_a_forced_flow_between_walls_without_slip_is_met_at_second_order() -> None:
    flow, counts, errors = NoSlip(), [16, 24, 32], []
    for n in counts:
        problem = flow.problem(n, 0.3)
        x, y = problem.domain.meshgrid()
        exact = torch.stack(list(flow.fields(x, y, 0 * x + 0.3).values())[:3])
        found = Projection(dt=0.08 / n, tracer_transport=CentralTransport()).solve(problem).u[0, -1]
        errors.append(float((found - exact).norm() / n))
    assert observed_order(errors, counts) == pytest.approx(Projection.order, abs=0.1)


def test_without_its_forcing_the_flow_is_another() -> None:
    problem = NoSlip().problem(8)
    free = dataclasses.replace(problem, forcing=None)
    method = Projection(courant=1.0)
    assert float((method.solve(problem).u - method.solve(free).u)[:, -1].abs().max()) > 0.1


def test_flow_through_the_boundary_that_changes_in_time_is_met_at_second_order() -> None:
    """Vortices drift through a box whose faces are given the exact velocity and tracer."""
    solution, counts, errors = TaylorGreen(velocity=0.5), [12, 16, 24], []
    names = ("velocity_x", "velocity_y", "tracer")
    given = {("all", m): Dirichlet(lambda x, y, t, m=m: solution(x, y, t)[m]) for m in names}
    for n in counts:
        grid = Grid.cells(n, n, high=2 * PI)
        initial = {m: lambda x, y, m=m: solution(x, y, 0 * x)[m] for m in names}
        problem = Problem(solution.pde, grid, initial, Boundaries({"all": Dirichlet(), **given}), times=[0.0, 0.3])
        errors.append(error(solution, problem, 0.3, courant=0.8, tracer_transport=CentralTransport()))
        assert divergence(problem, courant=0.8) <= 1e-12
    assert observed_order(errors, counts) == pytest.approx(Projection.order, abs=0.1)


def channel(n: int, times, **more) -> Problem:
    """Along x: a parabola enters, an open end follows; walls without slip; a tracer enters with the fluid."""
    parabola = lambda x, y: 4 * y * (1 - y)  # noqa: E731
    conditions = {
        "y": Wall(slip=False),
        "x-": Dirichlet(0.0), ("x-", "velocity_x"): Dirichlet(parabola), ("x-", "tracer"): Dirichlet(1.0),
        "x+": Outflow(),
    }  # fmt: skip
    initial = {"velocity_x": parabola, "velocity_y": lambda x, y: 0 * x, "tracer": lambda x, y: 0 * x}
    grid = Grid.cells(2 * n, n, high=[2.0, 1.0])
    return Problem(NavierStokes(0.2, 0.0), grid, initial, Boundaries(conditions), times=times, **more)


def test_the_steady_channel_is_that_of_poiseuille_and_so_is_its_pressure() -> None:
    counts, errors, drops = [12, 16, 24], [], []
    for n in counts:
        problem = channel(n, [0.0, 0.4])
        stepper = Projection(courant=1.0).stepper(problem)
        state = stepper.step(stepper.start(problem.initial_state()), 0.4)
        x, y = problem.domain.meshgrid()
        errors.append(float((state.u[0, 0] - 4 * y * (1 - y)).norm() / n))
        drops.append(float((stepper.pressure(state)[0] - 8 * 0.2 * (2.0 - x)).norm() / n))
        assert float(state.memory.rates.staggered.divergence(state.memory.faces).abs().max()) <= 1e-12
    assert observed_order(errors, counts) == pytest.approx(2.0, abs=0.1)
    assert observed_order(drops, counts) == pytest.approx(2.0, abs=0.1)


def test_the_tracer_that_enters_is_what_the_inflow_carries() -> None:
    """Until its front nears the open end; and it stays within the bounds of what enters."""
    problem = channel(6, [0.0, 0.4, 0.8])
    tracer = Projection(courant=1.0).solve(problem).u[0, :, -1]
    y = torch.as_tensor(problem.domain.axes[1].coords)
    inflow = float((4 * y * (1 - y)).mean())
    h = problem.domain.axes[0].h * problem.domain.axes[1].h
    assert (tracer.sum((1, 2)) * h).tolist() == pytest.approx([0.0, 0.4 * inflow, 0.8 * inflow], rel=1e-3)
    assert bool((tracer >= -1e-13).all())
    assert bool((tracer <= 1 + 1e-13).all())


def test_an_inflow_that_oscillates_moves_the_whole_channel() -> None:
    """Between walls with slip the fluid moves as one, u = cos t."""
    grid = Grid.cells(8, 6, high=[2.0, 1.0])
    conditions = {
        "y": Wall(), "x-": Dirichlet(0.0), ("x-", "velocity_x"): Dirichlet(lambda t: torch.cos(t)), "x+": Outflow()
    }  # fmt: skip
    initial = {"velocity_x": lambda x, y: 0 * x + 1, "velocity_y": lambda x, y: 0 * x, "tracer": lambda x, y: 0 * x}
    problem = Problem(NavierStokes(), grid, initial, Boundaries(conditions), times=[0.0, 1.0, 2.0])
    u = Projection(courant=1.0).solve(problem).u[0]
    for frame, t in zip(u, problem.times.tolist(), strict=True):
        assert torch.allclose(frame[0], torch.full_like(frame[0], math.cos(t)), rtol=0, atol=1e-12)
        assert float(frame[1].abs().max()) <= 1e-12


def test_a_wall_that_oscillates_drags_the_fluid_along() -> None:
    r"""$u = \Re\, e^{i\omega t} \cosh k(y - \tfrac12) / \cosh \tfrac k2$ with $k^2 = i\omega/\nu$."""
    nu, omega, counts, errors = 0.1, 2.0, [8, 12, 16], []
    k = cmath.sqrt(1j * omega / nu)
    profile = lambda y, t: ((k * (y - 0.5)).cosh() / cmath.cosh(k / 2) * torch.exp(1j * omega * t)).real  # noqa: E731
    wall = Wall(slip=False, velocity=lambda t: torch.cos(omega * t))
    for n in counts:
        grid = Grid((Axis(6), Axis(n, kind="cells")))
        initial = {
            "velocity_x": lambda x, y: profile(y, 0 * x),
            "velocity_y": lambda x, y: 0 * x,
            "tracer": lambda x, y: 0 * x,
        }
        boundary = Boundaries({"x": Periodic(), "y": wall})
        problem = Problem(NavierStokes(nu), grid, initial, boundary, times=[0.0, 1.0])
        x, y = grid.meshgrid()
        found = Projection(courant=1.0).solve(problem).u[0, -1, 0]
        errors.append(float((found - profile(y, 0 * x + 1.0)).norm() / n**0.5))
    assert observed_order(errors, counts) == pytest.approx(2.0, abs=0.1)


def smoke(n: int = 16, times=(0.0, 1.0, 2.0), slip: bool = False, **pde) -> Problem:
    """A sharp-edged block of smoke in a closed box, at rest at first."""
    block = lambda x, y: ((x - 2).abs() < 1).double() * ((y - 1).abs() < 0.7).double()  # noqa: E731
    initial = {"velocity_x": lambda x, y: 0 * x, "velocity_y": lambda x, y: 0 * x, "tracer": block}
    boundary = Boundaries({"all": Wall(slip=slip)})
    return Problem(Smoke(**pde), Grid.cells(n, n, high=4.0), initial, boundary, times=list(times))


def test_smoke_rises_keeps_its_mass_and_stays_within_its_bounds() -> None:
    trajectory = Projection(courant=1.0).solve(smoke(24, (0.0, 1.0, 2.0, 4.0)))
    tracer, height = trajectory.u[0, :, -1], trajectory.spec.grid.meshgrid()[1]
    assert float((tracer.sum((1, 2)) - tracer[0].sum()).abs().max() / tracer[0].sum()) <= 1e-13
    assert float(tracer.min()) >= -1e-13
    assert float(tracer.max()) <= 1 + 1e-13
    centre = (tracer * height).sum((1, 2)) / tracer.sum((1, 2))
    assert bool((centre.diff() > 0.05).all())
    mirrored = trajectory.u[0, -1].flip(1) * torch.tensor([-1.0, 1.0, 1.0], dtype=torch.float64).view(3, 1, 1)
    assert float((mirrored - trajectory.u[0, -1]).abs().max()) <= 1e-10


@pytest.mark.parametrize("kappa", [0.0, 0.05])
@pytest.mark.parametrize("box", [True, False])
def test_noise_in_a_rough_flow_stays_within_its_bounds(box: bool, kappa: float) -> None:
    grid = Grid.cells(12, 12) if box else Grid((Axis(12), Axis(12, kind="cells")))
    open_box = Boundaries({"x": Periodic(), "y": Wall(slip=False), ("y+", "tracer"): Dirichlet(1.0)})
    generator = torch.Generator().manual_seed(0)
    u0 = 3 * torch.randn(4, 3, 12, 12, dtype=torch.float64, generator=generator)
    u0[:, 2] = torch.rand(4, 12, 12, generator=generator).round()
    boundary = Boundaries({"all": Wall()}) if box else open_box
    problem = Problem(Smoke(0.0, kappa, 20.0), grid, u0, boundary, times=[0.0, 0.1, 0.2])
    tracer = Projection(courant=1.0).solve(problem).u[:, :, 2]
    assert float(tracer.min()) >= -1e-13
    assert float(tracer.max()) <= 1 + 1e-13
    assert float((tracer[:, -1] - tracer[:, 0]).abs().max()) > 0.3


def test_central_transport_leaves_the_bounds_that_the_limited_one_keeps() -> None:
    tracer = Projection(courant=1.0, tracer_transport=CentralTransport()).solve(smoke()).u[0, :, -1]
    assert float(tracer.min()) < -0.01


@pytest.mark.parametrize("slip", [True, False])
def test_the_flow_has_no_divergence_and_no_way_through_walls(slip: bool) -> None:
    problem = smoke(slip=slip, times=(0.0, 0.5, 1.0, 2.0))
    assert divergence(problem, courant=1.0) <= 1e-12
    stepper = Projection(courant=1.0).stepper(problem)
    u, v = stepper.step(stepper.start(problem.initial_state()), 1.0).memory.faces
    assert not bool(u[:, [0, -1]].any())
    assert not bool(v[:, :, [0, -1]].any())
    assert float(u.abs().max()) > 0.01


def test_a_given_velocity_is_projected_once_at_the_start() -> None:
    problem = dataclasses.replace(
        smoke(), initial={"velocity_x": lambda x, y: x, "velocity_y": lambda x, y: y**2, "tracer": lambda x, y: 0 * x}
    )
    state = Projection(courant=1.0).stepper(problem).start(problem.initial_state())
    assert float(state.memory.rates.staggered.divergence(state.memory.faces).abs().max()) <= 1e-12
    still = smoke()
    again = Projection(courant=1.0).stepper(still).start(state.u)
    assert float((again.u - state.u).abs().max()) < 0.1


def random_flow(n: int, batch: int = 1) -> torch.Tensor:
    """Random waves of low wave number, and a tracer."""
    generator = torch.Generator().manual_seed(1)
    x = 2 * PI * torch.arange(n, dtype=torch.float64) / n
    a = torch.randn(batch, 3, 3, 3, generator=generator, dtype=torch.float64)
    waves = torch.stack([torch.sin((k + 1) * x + k) for k in range(3)])
    return torch.einsum("bckl,kx,ly->bcxy", a, waves, waves)


def test_central_transport_loses_energy_by_the_steps_in_time_alone() -> None:
    pde, grid, losses, counts = NavierStokes(0.0, 0.0), Grid.periodic(16, 16, high=2 * PI), [], [20, 40, 80]
    problem = Problem(pde, grid, random_flow(16), times=[0.0, 0.1])
    for n in counts:
        stepper = Projection(dt=0.1 / n).stepper(problem)
        state = stepper.start(problem.initial_state())
        energy = sum(float((f**2).sum()) for f in state.memory.faces)
        for _ in range(n):
            state = stepper.step(state)
        losses.append(1 - sum(float((f**2).sum()) for f in state.memory.faces) / energy)
    assert all(0 < loss < 1e-3 for loss in losses)
    assert observed_order(losses, counts) == pytest.approx(3.0, abs=0.2)


def test_the_bits_of_a_sample_do_not_depend_on_its_batch() -> None:
    u0 = random_flow(12, batch=4) * torch.tensor([0.1, 1.0, 3.0, 0.0], dtype=torch.float64).view(4, 1, 1, 1)
    nus = torch.tensor([0.1, 0.02, 0.01, 0.05], dtype=torch.float64)
    grid = Grid((Axis(12, high=3.0, kind="cells"), Axis(12, high=2.0)))

    def trajectory(s: slice):
        boundary = Boundaries({"x": Wall(slip=False), "y": Periodic()})
        problem = Problem(Smoke(), grid, u0[s], boundary, {"viscosity": nus[s]}, times=[0.0, 0.05, 0.1])
        return Projection(courant=0.9).solve(problem)

    together, alone = trajectory(slice(0, 4)), [trajectory(slice(i, i + 1)) for i in range(4)]
    assert torch.equal(together.u, torch.cat([a.u for a in alone]))
    assert torch.equal(together.residual, torch.cat([a.residual for a in alone]))


@pytest.mark.parametrize("transport", [CentralTransport(), LimitedTransport()])
def test_gradients_through_steps_are_those_of_finite_differences(transport) -> None:
    problem = smoke(5, times=(0.0, 0.1))
    stepper = Projection(dt=0.05, transport=transport).stepper(problem)
    generator = torch.Generator().manual_seed(0)
    u0 = torch.rand(1, 3, 5, 5, dtype=torch.float64, generator=generator)
    buoyancy = torch.tensor([[0.02, 0.01, 0.5]], dtype=torch.float64)

    def outcome(u: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
        state = stepper.start(u, params=p)
        for _ in range(2):
            state = stepper.step(state)
        return (state.u**2).sum()

    inputs = (u0.requires_grad_(), buoyancy.requires_grad_())
    assert torch.autograd.gradcheck(outcome, inputs, atol=1e-6, rtol=1e-5, fast_mode=True)


def test_every_sample_has_its_own_parameters_and_its_own_steps() -> None:
    pulls = torch.tensor([0.1, 2.0], dtype=torch.float64)
    problem = smoke(8, times=(0.0, 1.0))
    both = Projection(courant=1.0).solve(dataclasses.replace(problem, parameters={"buoyancy": pulls}))
    for i, pull in enumerate(pulls.tolist()):
        one = Projection(courant=1.0).solve(dataclasses.replace(problem, parameters={"buoyancy": pull}))
        assert torch.equal(both.u[i], one.u[0])
    stepper = Projection(courant=1.0).stepper(problem)
    u0, params = problem.initial_state(), torch.stack([pulls * 0 + 0.01, pulls * 0, pulls], dim=1)
    state = stepper.start(u0.expand(2, *u0.shape[1:]), params=params)
    assert torch.equal(rollout(stepper, state, problem.times).u, both.u)


def test_the_limit_cuts_a_long_step_into_stable_parts() -> None:
    problem = smoke(16, times=(0.0, 1.5), viscosity=1e-3)
    found, fine = Projection(dt=1.5).solve(problem), Projection(dt=0.02).solve(problem)
    assert found.status.tolist() == [int(Status.SUCCESS)]
    assert float((found.u - fine.u).abs().max()) < 0.05


def test_the_limit_is_that_of_diffusion_at_rest_and_of_transport_in_motion() -> None:
    grid = Grid.periodic(10, 10)
    resting = Problem(NavierStokes(0.1, 0.2), grid, torch.zeros(1, 3, 10, 10), times=[0.0, 1.0])
    stepper = Projection(courant=1.0).stepper(resting)
    assert float(stepper.limit(stepper.start(resting.initial_state()))) == pytest.approx(1 / (4 * 0.2 * 100))
    moving = torch.ones(1, 3, 10, 10, dtype=torch.float64)
    drifting = dataclasses.replace(resting, pde=NavierStokes(0.0, 0.0), initial=moving)
    stepper = Projection(courant=0.5).stepper(drifting)
    assert float(stepper.limit(stepper.start(moving))) == pytest.approx(0.5 * 0.1 / 4)


def test_without_a_step_the_error_in_time_is_below_the_tolerance() -> None:
    problem = TaylorGreen(0.05, 1.0).problem(12, 12, times=(0.0, 0.1))
    reference = Projection(courant=0.02).solve(problem).u
    for tol in (1e-3, 1e-5):
        trajectory = Projection().solve(problem, tol=tol)
        assert trajectory.status.tolist() == [int(Status.SUCCESS)]
        assert float((trajectory.u - reference).norm() / reference.norm()) < tol


def test_a_blow_up_names_time_cell_and_field() -> None:
    """The forcing of the tracer has a pole at t = 0.5 in one cell."""
    pole = lambda x, y, t: ((x - 2.1).abs() < 0.2) * ((y - 0.4).abs() < 0.2) / (t - 0.5).clamp_max(0.0)  # noqa: E731
    problem = dataclasses.replace(smoke(16, times=(0.0, 1.0)), forcing={"tracer": pole})
    stepper = Projection(dt=0.1).stepper(problem)
    trajectory = rollout(stepper, stepper.start(problem.initial_state()), problem.times)
    assert trajectory.status.tolist() == [int(Status.NON_FINITE)]
    blowup = trajectory.blowups[0]
    assert 0.4 < blowup.time <= 0.7
    assert blowup.field in ("tracer", "velocity_x", "velocity_y")
    assert len(blowup.cell) == 2


def test_the_defect_falls_with_the_grid_and_tells_a_wrong_flow() -> None:
    solution = BoxedTaylorGreen()
    central = Projection(courant=0.8, tracer_transport=CentralTransport())
    coarse, fine = (float(central.solve(solution.problem(n, n, times=(0.0, 0.2))).residual) for n in (12, 24))
    assert fine < 0.6 * coarse < 0.05
    from sciml.solvers.flow_defect import FlowDefect

    right = solution.problem(12, 12, times=(0.0, 0.2))
    wrong = dataclasses.replace(right, pde=NavierStokes(1.0, 1.0))
    watched = FlowDefect(central.stepper(wrong), right)
    state = watched.start(right.initial_state())
    state.memory.rates.parameters = right.bind(state.memory.rates.derivatives)
    rollout(watched, state, right.times)
    assert float(watched.largest) > 0.3


def test_robin_conditions_hold_at_the_wall() -> None:
    r"""Heat leaves a fluid at rest, $s + s_n/4 = 0$: it decays as $e^{-\kappa k^2 t} \cos k(y - 1/2)$."""
    counts, errors, kappa = [8, 12, 16], [], 0.1
    k = 2.0
    for _ in range(60):  # k tan(k/2) = 4
        k = 2 * math.atan(4 / k)
    for n in counts:
        grid = Grid((Axis(6), Axis(n, kind="cells")))
        initial = {
            "velocity_x": lambda x, y: 0 * x, "velocity_y": lambda x, y: 0 * x,
            "tracer": lambda x, y: torch.cos(k * (y - 0.5)),
        }  # fmt: skip
        boundary = Boundaries({"x": Periodic(), "y": Wall(), ("y", "tracer"): Robin(1.0, 0.25)})
        problem = Problem(NavierStokes(0.0, kappa), grid, initial, boundary, times=[0.0, 0.5])
        _, y = grid.meshgrid()
        exact = math.exp(-0.5 * kappa * k**2) * torch.cos(k * (y - 0.5))
        errors.append(float((Projection(courant=1.0).solve(problem).u[0, -1, -1] - exact).abs().max()))
    assert observed_order(errors, counts) == pytest.approx(2.0, abs=0.1)


def test_values_on_a_face_may_be_an_array() -> None:
    problem = channel(6, [0.0, 0.2])
    y = problem.domain.axes[1].coords
    conditions = dict(problem.boundaries.conditions) | {("x-", "velocity_x"): Dirichlet(4 * y * (1 - y))}
    same = dataclasses.replace(problem, boundary=Boundaries(conditions))
    method = Projection(courant=1.0)
    assert torch.allclose(method.solve(problem).u, method.solve(same).u, rtol=0, atol=1e-14)
    conditions[("x-", "velocity_x")] = Dirichlet(y[:-1])
    with pytest.raises(ValueError, match="shape"):
        method.solve(dataclasses.replace(problem, boundary=Boundaries(conditions)))


def test_a_flow_without_a_way_out_is_refused() -> None:
    conditions = dict(channel(6, [0.0, 0.2]).boundaries.conditions) | {"x+": Wall()}
    problem = dataclasses.replace(channel(6, [0.0, 0.2]), boundary=Boundaries(conditions))
    with pytest.raises(ValueError, match="do not balance"):
        Projection(courant=1.0).solve(problem)


def bounded(boundary: Boundaries, grid: Grid | None = None, pde=None) -> Problem:
    grid = grid or Grid.cells(6, 6)
    pde = pde or NavierStokes()
    return Problem(pde, grid, torch.zeros(len(pde.names(2)), *grid.shape), boundary, times=[0.0, 1.0])


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        (bounded(Boundaries({"all": Wall()}), Grid.nodes(6, 6)), "uniform cells"),
        (bounded(Boundaries({"all": Wall()}), Grid.cells(4, 6)), "at least 5"),
        (bounded(Boundaries({"all": Wall(), ("x-", "velocity_x"): Neumann(1.0)})), "normal velocity"),
        (bounded(Boundaries({"all": Wall(), ("x-", "velocity_x"): Robin()})), "normal velocity"),
        (bounded(Boundaries({"all": Wall(), ("x-", "velocity_x"): Dirichlet(1.0)})), "do not balance"),
        (bounded(Boundaries({"all": Wall(), ("x-", "tracer"): Dirichlet(np.ones(5))})), "shape"),
        (dataclasses.replace(smoke(), forcing={"pressure": lambda x: x}), "pressure"),
        (dataclasses.replace(smoke(), parameters={"viscosity": lambda x: x}), "'viscosity' is a function"),
        (Problem(Burgers(), Grid.periodic(8), lambda x: x, times=[0.0, 1.0]), "Burgers"),
    ],
)
def test_what_it_cannot_honour_is_refused_in_one_line(problem: Problem, reason: str) -> None:
    found = Projection().refuses(problem)
    assert found is not None
    assert reason in found
    assert "\n" not in found
    with pytest.raises(ValueError, match="Projection"):
        Projection().stepper(problem)


@pytest.mark.parametrize("arguments", [{"dt": 0.0}, {"dt": -1.0}, {"courant": 0.0}, {"courant": 1.5}])
def test_bad_arguments_are_refused_by_name(arguments: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(arguments))):
        Projection(**arguments)


def test_a_method_survives_its_description() -> None:
    body = SolidBoxes((((0.0, 0.0), (1.0, 0.5)),))
    again = build(describe(Projection(courant=0.5, tracer_transport=CentralTransport(), solids=body)))
    assert (again.courant, again.tracer_transport, again.solids) == (0.5, CentralTransport(), body)


def test_a_stepper_without_a_step_asks_for_one() -> None:
    stepper = Projection(courant=1.0).stepper(smoke(6))
    with pytest.raises(ValueError, match="dt is missing"):
        stepper.step(stepper.start(smoke(6).initial_state()))


def test_solve_picks_it_where_there_are_walls() -> None:
    trajectory = solve(smoke(6, times=(0.0, 0.2)), tol=1e-3)
    assert trajectory.status.tolist() == [int(Status.SUCCESS)]


@pytest.mark.gpu
def test_a_flow_on_the_gpu_is_the_one_on_the_cpu() -> None:
    problem = smoke(16, times=(0.0, 0.5))
    stepper = Projection(courant=1.0).stepper(problem)
    here, there = (stepper.step(stepper.start(problem.initial_state().to(d)), 0.5).u for d in ("cpu", "cuda"))
    assert there.is_cuda
    assert float((here - there.cpu()).abs().max()) <= 1e-12


#: Horizontal velocity on the vertical centre line and vertical velocity on the horizontal one at Re = 100.
GHIA_U = {0.9688: 0.78871, 0.8516: 0.23151, 0.7344: 0.00332, 0.6172: -0.13641, 0.5: -0.20581, 0.2813: -0.15662,
          0.1719: -0.10150, 0.0703: -0.04775}  # fmt: skip
GHIA_V = {0.9453: -0.10313, 0.9063: -0.16914, 0.8594: -0.22445, 0.8047: -0.24533, 0.5: 0.05454, 0.2344: 0.17527,
          0.1563: 0.16077, 0.0703: 0.10091}  # fmt: skip


@pytest.mark.slow
def test_the_driven_cavity_is_that_of_ghia() -> None:
    """Ghia, Ghia & Shin (1982), J. Comput. Phys. 48:387-411, tables I and II, Re = 100 on 129 x 129 points."""
    n = 24
    boundary = Boundaries({"all": Wall(slip=False), "y+": Wall(slip=False, velocity=1.0)})
    problem = Problem(NavierStokes(0.01, 0.01), Grid.cells(n, n), torch.zeros(3, n, n), boundary, times=[0.0, 15.0])
    stepper = Projection(courant=1.0).stepper(problem)
    state = stepper.step(stepper.start(problem.initial_state()), 15.0)
    u, v = state.memory.faces
    centres = torch.as_tensor(problem.domain.axes[0].coords)
    for line, published in ((u[0, n // 2, :], GHIA_U), (v[0, :, n // 2], GHIA_V)):
        places = torch.tensor(list(published), dtype=torch.float64)
        right = torch.searchsorted(centres, places).clamp(1, n - 1)
        weight = (places - centres[right - 1]) / (centres[right] - centres[right - 1])
        found = (1 - weight) * line[right - 1] + weight * line[right]
        wanted = torch.tensor(list(published.values()), dtype=torch.float64)
        assert float((found - wanted).abs().max()) < 0.01
