"""Compressible Navier-Stokes equations: the text against expanded forms, the solver against a decaying shear wave."""

import math

import pytest
import torch
from helpers import observed_order

from sciml.fields import Boundaries, Grid, Wall
from sciml.numerics import SpectralDerivatives
from sciml.pdes import CompressibleNavierStokes, Euler, Problem, grid_fields
from sciml.solvers import FiniteVolume
from sciml.solvers.face_derivatives import FaceDerivatives
from sciml.status import Status

TAU = 2 * math.pi


def test_the_right_side_is_that_of_the_expanded_form():
    r"""$\rho (v_t + v\cdot\nabla v) = -\nabla p + \eta \Delta v + (\zeta + \eta/3) \nabla\nabla\cdot v$ and
    $p_t + v\cdot\nabla p + \gamma p \nabla\cdot v = (\gamma - 1)\,\sigma : \nabla v$."""
    eta, zeta, gamma = 0.03, 0.05, 1.3
    law, grid = CompressibleNavierStokes(gamma, eta, zeta), Grid.periodic(32, 32, high=TAU)
    initial = {
        "density": lambda x, y: 1.5 + 0.3 * torch.sin(x + y),
        "velocity_x": lambda x, y: torch.cos(x) + torch.sin(y),
        "velocity_y": lambda x, y: 0.5 * torch.sin(2 * y - x),
        "pressure": lambda x, y: 2 + torch.sin(y) * torch.cos(x),
    }
    problem, d = Problem(law, grid, initial=initial, times=[0.0, 1.0]), SpectralDerivatives(grid)
    u = grid_fields(problem.initial_state(), problem.names, d)
    found = law.rhs(u, d, problem.bind(d))
    rho, p, v = u["density"], u["pressure"], (u["velocity_x"], u["velocity_y"])
    spread, slopes = d.div(v), d.grad(p)
    for i, name in enumerate(("velocity_x", "velocity_y")):
        force = eta * d.laplacian(v[i]) + (zeta + eta / 3) * d.grad(spread)[i] - slopes[i]
        torch.testing.assert_close(found[name], force / rho - d.advect(v, v[i]), rtol=0, atol=1e-8)
    xx, xy, yx, yy = *d.grad(v[0]), *d.grad(v[1])
    heat = eta * (2 * xx**2 + 2 * yy**2 + (xy + yx) ** 2 - 2 / 3 * spread**2) + zeta * spread**2
    expected = (gamma - 1) * heat - d.advect(v, p) - gamma * p * spread
    torch.testing.assert_close(found["pressure"], expected, rtol=0, atol=1e-8)


def decay_error(n: int) -> float:
    """Of a weak shear wave along the diagonal, exp(-2 nu k^2 t); its own heat acts on it in the square of its size."""
    eta, size, time = 0.2, 1e-6, 0.03
    grid = Grid.periodic(n, n)
    x, y = grid.meshgrid()
    wave = size * torch.sin(TAU * (x + y))
    u = torch.stack([1 + 0 * x, wave, -wave, 1 + 0 * x])[None]
    problem = Problem(CompressibleNavierStokes(eta=eta), grid, u, times=[0.0, time])
    found = FiniteVolume().solve(problem).u[0, -1, 1]
    return float((found / size - math.exp(-eta * 2 * TAU**2 * time) * wave / size).abs().max())


def test_a_shear_wave_decays_at_second_order():
    counts = [8, 12, 16]
    assert observed_order([decay_error(n) for n in counts], counts) == pytest.approx(2, abs=0.1)


def test_viscosity_takes_kinetic_energy_and_keeps_the_total():
    g = torch.Generator().manual_seed(0)
    u = 0.5 + torch.rand(1, 4, 10, 10, generator=g, dtype=torch.float64)
    grid, times = Grid.periodic(10, 10), [0.0, 0.05]
    viscous, ideal = (
        FiniteVolume().solve(Problem(law, grid, u, times=times)) for law in (CompressibleNavierStokes(eta=0.1), Euler())
    )

    def kinetic(u: torch.Tensor) -> float:
        return float((u[0] * (u[1:3] ** 2).sum(0)).sum())

    assert kinetic(viscous.u[0, -1]) < kinetic(ideal.u[0, -1])
    assert float(viscous.residual) < 1e-12


def test_flow_between_walls_comes_to_rest_only_where_they_do_not_slip():
    u = torch.tensor([1.0, 0.3, 0.0, 1.0], dtype=torch.float64).view(1, 4, 1, 1).expand(1, 4, 4, 8).clone()
    axes = (Grid.periodic(4).axes[0], Grid.cells(8).axes[0])
    law = CompressibleNavierStokes(eta=0.5)
    ends = []
    for slip in (True, False):
        boundary = Boundaries({"x": Boundaries.periodic().on("x-"), "y": Wall(slip=slip)})
        trajectory = FiniteVolume().solve(Problem(law, Grid(axes), u, boundary, times=[0.0, 0.1]))
        assert trajectory.status.tolist() == [int(Status.SUCCESS)]
        ends.append(float(trajectory.u[0, -1, 1].abs().max()))
    assert ends[0] == pytest.approx(0.3, rel=1e-9)
    # The slowest mode between walls one apart decays as exp(-eta pi^2 t).
    assert ends[1] < 0.3 * math.exp(-0.5 * math.pi**2 * 0.1) * 1.5


@pytest.mark.parametrize("axis", [0, 1])
def test_face_derivatives_are_exact_for_bilinear_fields_and_take_nothing_else(axis):
    x, y = torch.meshgrid(torch.arange(-1.0, 6.0).double(), torch.arange(-1.0, 5.0).double(), indexing="ij")
    d = FaceDerivatives({"u": (3 * x * 0.5 - 2 * y * 0.25 + 1)[None]}, axis, ("x", "y"), (0.5, 0.25))
    u = d.fields["u"]
    assert u.shape == ((1, 6, 4) if axis == 0 else (1, 5, 5))
    for slope, found in zip((3.0, -2.0), d.grad(u), strict=True):
        torch.testing.assert_close(found, torch.full_like(u, slope))
    with pytest.raises(ValueError, match="first derivatives of its own fields"):
        d(u * u, "x")
    with pytest.raises(ValueError, match="first derivatives of its own fields"):
        d(u, "xx")
