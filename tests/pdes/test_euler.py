"""Euler equations: primitive and conserved variables, the chain rule, and the waves against the flux's Jacobian."""

import pytest
import torch

from sciml.fields import Grid
from sciml.numerics import SpectralDerivatives
from sciml.pdes import Euler, EulerTracer, Problem, grid_fields
from sciml.pdes.gas_dynamics import GasDynamics
from sciml.solvers import FiniteVolume

GAMMA = 1.3


def states(dimensions: int, tracers: int = 0, count: int = 7) -> torch.Tensor:
    """Random admissible conserved states, `(count, c, 1)`."""
    g = torch.Generator().manual_seed(1)
    rho, p = 0.5 + torch.rand(2, count, generator=g, dtype=torch.float64)
    v = torch.randn(dimensions, count, generator=g, dtype=torch.float64)
    carried = torch.rand(tracers, count, generator=g, dtype=torch.float64)
    energy = p / (GAMMA - 1) + 0.5 * rho * (v * v).sum(0)
    return torch.stack([rho, *(rho * v), energy, *(rho * carried)], dim=1)[..., None]


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_primitive_and_conserved_variables_are_inverse(dimensions):
    law, grid = Euler(gamma=GAMMA), Grid.periodic(*[1] * dimensions)
    names = law.equation_names(dimensions)
    q = dict(zip(names, states(dimensions)[..., 0].unbind(1), strict=True))
    u = dict.fromkeys(law.names(dimensions), lambda **_: 1.0)
    p = Problem(law, grid, initial=u, times=[0.0, 1.0]).bind(SpectralDerivatives(grid))
    again = law.conserved(law.primitive(q, p), p)
    assert list(again) == list(names)
    for name in names:
        torch.testing.assert_close(again[name], q[name], rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize(("dimensions", "tracers"), [(1, 0), (2, 0), (3, 0), (2, 1)])
def test_the_basis_diagonalises_the_jacobian_of_the_flux(dimensions, tracers):
    waves = GasDynamics(GAMMA, dimensions, tracers)

    def flux(q: torch.Tensor) -> torch.Tensor:
        q = q[None, :, None]
        return waves.flux(q, waves.flow(q))[0, :, 0]

    for q in states(dimensions, tracers):
        jacobian = torch.func.jacrev(flux)(q[:, 0])
        basis, size = waves.basis(q[None]), len(q)
        unit = torch.eye(size, dtype=torch.float64)[:, :, None]
        right = torch.cat([basis.expand(e[None]) for e in unit])[..., 0].T
        left = torch.cat([basis.project(e[None]) for e in unit])[..., 0].T
        flow = waves.flow(q[None])
        u, c = float(flow.velocity), float(flow.sound)
        speeds = torch.tensor([u - c, u + c, *[u] * (size - 2)], dtype=torch.float64)
        torch.testing.assert_close(left @ right, torch.eye(size, dtype=torch.float64), rtol=0, atol=1e-13)
        torch.testing.assert_close(left @ jacobian @ right, torch.diag(speeds), rtol=0, atol=1e-12)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_the_flux_of_the_waves_is_the_flux_of_the_equation(dimensions):
    law, waves, q = Euler(gamma=GAMMA), GasDynamics(GAMMA, dimensions), states(dimensions)
    names, grid = law.equation_names(dimensions), Grid.periodic(*[1] * dimensions)
    initial = dict.fromkeys(law.names(dimensions), lambda **_: 1.0)
    p = Problem(law, grid, initial=initial, times=[0.0, 1.0]).bind(SpectralDerivatives(grid))
    flux = law.flux(law.primitive(dict(zip(names, q[..., 0].unbind(1), strict=True)), p), p)
    ours = waves.flux(q, waves.flow(q))[..., 0]
    for i, name in enumerate(names):
        torch.testing.assert_close(ours[:, i], flux[name][0], rtol=1e-13, atol=1e-13)


def test_the_right_side_is_that_of_the_primitive_form():
    r"""$\rho_t + v\cdot\nabla\rho = -\rho\nabla\cdot v$, $v_t + v\cdot\nabla v = -\nabla p/\rho$,
    $p_t + v\cdot\nabla p = -\gamma p \nabla\cdot v$."""
    law, grid = Euler(gamma=GAMMA), Grid.periodic(32, 32, high=2 * torch.pi)
    initial = {
        "density": lambda x, y: 1.5 + 0.3 * torch.sin(x + y),
        "velocity_x": lambda x, y: torch.cos(x) + 0 * y,
        "velocity_y": lambda x, y: 0.5 * torch.sin(2 * y - x),
        "pressure": lambda x, y: 2 + torch.sin(y) * torch.cos(x),
    }
    problem, d = Problem(law, grid, initial=initial, times=[0.0, 1.0]), SpectralDerivatives(grid)
    u = grid_fields(problem.initial_state(), problem.names, d)
    found = law.rhs(u, d, problem.bind(d))
    rho, p, v = u["density"], u["pressure"], (u["velocity_x"], u["velocity_y"])
    slopes = d.grad(p)
    expected = {
        "density": -d.advect(v, rho) - rho * d.div(v),
        "velocity_x": -d.advect(v, v[0]) - slopes[0] / rho,
        "velocity_y": -d.advect(v, v[1]) - slopes[1] / rho,
        "pressure": -d.advect(v, p) - GAMMA * p * d.div(v),
    }
    assert set(found) == set(expected)
    for name in expected:
        torch.testing.assert_close(found[name], expected[name], rtol=0, atol=1e-9)


def test_roes_average_of_equal_states_is_the_state():
    waves, q = GasDynamics(GAMMA, 2), states(2)
    flow = waves.flow(q)
    velocity, sound = waves.roe(flow, flow, q, q)
    torch.testing.assert_close(velocity, flow.velocity, rtol=1e-14, atol=1e-14)
    torch.testing.assert_close(sound, flow.sound, rtol=1e-13, atol=1e-13)


def test_a_state_is_admissible_where_density_and_pressure_are_positive_and_all_is_finite():
    waves, q = GasDynamics(GAMMA, 1), states(1, count=4)
    q[1, 0], q[2, 2], q[3, 1] = -1.0, 0.0, torch.inf
    assert waves.admissible(q).tolist() == [True, False, False, False]


def test_a_uniform_tracer_stays_uniform_and_acts_on_nothing():
    g = torch.Generator().manual_seed(0)
    u = 0.3 + torch.rand(1, 4, 10, 10, generator=g, dtype=torch.float64)
    times, grid = [0.0, 0.1], Grid.periodic(10, 10)
    alone = FiniteVolume().solve(Problem(Euler(), grid, u, times=times)).u
    carried = torch.cat([u, torch.full_like(u[:, :1], 0.7)], dim=1)
    both = FiniteVolume().solve(Problem(EulerTracer(), grid, carried, times=times)).u
    torch.testing.assert_close(both[:, :, :4], alone, rtol=0, atol=1e-12)
    torch.testing.assert_close(both[:, :, 4], torch.full_like(both[:, :, 4], 0.7), rtol=0, atol=1e-12)


def test_a_tracer_moves_with_the_fluid_and_stays_within_its_bounds():
    """One turn around a ring; a jump of the tracer in a gas that only drifts."""
    (x,) = Grid.periodic(100).meshgrid()
    step = ((x > 0.3) & (x < 0.6)).double()
    u = torch.stack([1 + 0 * x, 1 + 0 * x, 1 + 0 * x, step])[None]
    trajectory = FiniteVolume().solve(Problem(EulerTracer(), Grid.periodic(100), u, times=[0.0, 1.0]))
    found = trajectory.u[0, -1, 3]
    assert float((found - step).abs().mean()) < 0.03
    assert -0.01 < float(found.min()) < float(found.max()) < 1.01
    assert float(found.sum()) == pytest.approx(float(step.sum()), rel=1e-12)
