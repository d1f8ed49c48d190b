"""Convection and diffusion: orders on manufactured solutions, nodal exactness, conservation, bounds, bad input."""

import math

import numpy as np
import pytest
import torch
from helpers import observed_order

from sciml.fields import Boundaries, Dirichlet, Grid, Neumann, Robin
from sciml.linalg import BiCGStab, ConvectionMultigrid, Stencil
from sciml.pdes import ConvectionDiffusion, Problem
from sciml.solvers import CentralDifferences, ExponentialFitting, FiniteVolumeConvection, Upwind, solve
from sciml.status import Status

PI = math.pi
SCHEMES = pytest.mark.parametrize(
    "scheme", [ExponentialFitting(), CentralDifferences(), Upwind()], ids=lambda s: type(s).__name__
)


def stream(x, y):
    return torch.sin(PI * x) * torch.sin(2 * PI * y) + 0.3 * x**2


def exact(x, y):
    return torch.exp(x) * torch.sin(PI * y) + y**2


def diffusivity(x, y):
    return 0.2 + 0.1 * x * y


def manufactured(n: int) -> Problem:
    """Everything varies, no boundary value vanishes; the source is found by differentiating the equation at points."""

    def source(x, y):
        z = torch.stack([x.reshape(-1), y.reshape(-1)], dim=-1)
        given = {"a": diffusivity, "psi": stream, "velocity_x": 0.7, "velocity_y": -0.4, "f": 0.0}
        case = Problem(ConvectionDiffusion(), Grid.cells(4, 4), boundary=Boundaries.dirichlet(), parameters=given)

        class Solution(torch.nn.Module):
            def forward(self, z):
                return exact(z[..., 0:1], z[..., 1:2])

        return case.network_residual(Solution(), z)["u"].detach().reshape(x.shape)

    parameters = {"a": diffusivity, "psi": stream, "velocity_x": 0.7, "velocity_y": -0.4, "f": source}
    grid = Grid.cells(n, n + 4)
    return Problem(ConvectionDiffusion(), grid, boundary=Boundaries.dirichlet(exact), parameters=parameters)


@SCHEMES
def test_the_order_of_a_scheme_is_observed(scheme):
    errors, sizes = [], [24, 48, 96]
    for n in sizes:
        problem = manufactured(n)
        solution = FiniteVolumeConvection(scheme).solve(problem)
        assert solution.status.tolist() == [int(Status.SUCCESS)]
        errors.append(float((solution.u[0, 0, 0] - exact(*problem.domain.meshgrid())).square().mean().sqrt()))
    assert observed_order(errors, sizes) == pytest.approx(scheme.order, abs=0.15)


def layer_problem(n: int, velocity: float, boundary: Boundaries | None = None) -> Problem:
    """-a u'' + v u' = 0 with u(0) = 0, u(1) = 1: a layer of width a / v at the outflow."""
    boundary = boundary or Boundaries({"x-": Dirichlet(0.0), "x+": Dirichlet(1.0), "y": Neumann()})
    parameters = {"a": 0.01, "velocity_x": velocity, "f": 0.0}
    return Problem(ConvectionDiffusion(), Grid.cells(n, 2), boundary=boundary, parameters=parameters)


@pytest.mark.parametrize("velocity", [-1.0, 0.0, 0.03, 1.0, 30.0])
def test_exponential_fitting_is_exact_for_a_constant_flux(velocity):
    problem = layer_problem(20, velocity)
    x = problem.domain.axes[0].coords
    u = FiniteVolumeConvection().solve(problem).u[0, 0, 0, :, 0].numpy()
    r = velocity / 0.01
    expected = x if r == 0 else np.expm1(-abs(r) * (x if r < 0 else 1.0)) / np.expm1(-abs(r)) if r < 0 else None
    if r > 0:
        expected = (np.exp(r * (x - 1)) - math.exp(-r)) / -math.expm1(-r)
    np.testing.assert_allclose(u, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("scheme", "bounded"), [(ExponentialFitting(), True), (Upwind(), True), (CentralDifferences(), False)]
)
def test_schemes_of_positive_type_stay_between_the_boundary_values(scheme, bounded):
    u = FiniteVolumeConvection(scheme).solve(layer_problem(20, 1.0)).u
    assert (float(u.min()) >= -1e-12 and float(u.max()) <= 1 + 1e-12) == bounded


def test_an_outlet_with_a_slope_keeps_second_order():
    """-u'' + 2 u' = f with u = sin(x), u(0) = 0, u'(1) = cos(1)."""
    errors, sizes = [], [32, 64, 128]
    for n in sizes:
        boundary = Boundaries({"x-": Dirichlet(0.0), "x+": Neumann(math.cos(1.0)), "y": Neumann()})
        parameters = {"a": 1.0, "velocity_x": 2.0, "f": lambda x, y: torch.sin(x) + 2 * torch.cos(x) + 0 * y}
        problem = Problem(ConvectionDiffusion(), Grid.cells(n, 2), boundary=boundary, parameters=parameters)
        x, _ = problem.domain.meshgrid()
        errors.append(float((FiniteVolumeConvection().solve(problem).u[0, 0, 0] - torch.sin(x)).square().mean().sqrt()))
    assert observed_order(errors, sizes) == pytest.approx(2.0, abs=0.1)


@SCHEMES
def test_what_flows_into_a_cell_flows_out_of_it(scheme):
    """Rows and columns of inner cells sum to zero: constants are transported unchanged, nothing is lost."""
    ((a, _),) = FiniteVolumeConvection(scheme).systems(manufactured(12))
    matrix = a.csc().toarray().reshape(12, 16, 12, 16)
    inner = (slice(1, -1), slice(1, -1))
    scale = np.abs(matrix).max()
    assert np.abs(matrix.sum(axis=(2, 3))[inner]).max() < 1e-13 * scale
    assert np.abs(matrix.sum(axis=(0, 1))[inner]).max() < 1e-13 * scale


def test_a_wall_of_the_flow_lets_nothing_through():
    """A stream function that vanishes at the walls: the fluxes there are those of its extrapolation, second order."""
    errors = []
    for n in (32, 64):
        parameters = {"psi": lambda x, y: torch.sin(PI * x) * torch.sin(PI * y), "velocity_x": 0.0}
        problem = Problem(
            ConvectionDiffusion(), Grid.cells(n, n), boundary=Boundaries.dirichlet(), parameters=parameters
        )
        psi = parameters["psi"](*problem.domain.meshgrid()).numpy()
        across, _ = FiniteVolumeConvection().fluxes(problem, psi, (0.0, 0.0))
        errors.append(np.abs(across[0]).max())
    assert errors[1] < 0.3 * errors[0]


@pytest.mark.parametrize("scheme", [ExponentialFitting(), Upwind()], ids=lambda s: type(s).__name__)
def test_multigrid_gives_the_solution_of_a_direct_solve(scheme):
    problem = manufactured(40)
    direct = FiniteVolumeConvection(scheme).solve(problem)
    multigrid = BiCGStab(tol=1e-12, max_iterations=30, preconditioner=ConvectionMultigrid())
    iterated = FiniteVolumeConvection(scheme, multigrid).solve(problem)
    assert iterated.status.tolist() == [int(Status.SUCCESS)]
    torch.testing.assert_close(iterated.u, direct.u, rtol=0, atol=1e-9)


def test_the_exponential_weight_has_no_gaps():
    p = np.array([0.0, 9.9e-5, 1.01e-4, 1.0, 30.0, 699.0, 701.0, 1e9])
    b = ExponentialFitting().weight(p)
    np.testing.assert_allclose(b[:3], 1 - p[:3] / 2 + p[:3] ** 2 / 12, rtol=1e-12)
    assert b[3] == pytest.approx(1 / (math.e - 1), rel=1e-14)
    assert (np.diff(b) <= 0).all()
    assert (b >= 0).all()


@SCHEMES
def test_what_one_cell_gives_exceeds_what_the_other_gives_by_the_flux(scheme):
    flux = np.array([-1e6, -3.0, -1e-9, 0.0, 1e-9, 3.0, 1e6])
    for coefficients in (scheme.coefficients, scheme.wall_coefficients):
        given, taken = coefficients(np.full(7, 2.0), flux)
        np.testing.assert_allclose(given - taken, flux, rtol=1e-9, atol=1e-15)


def test_solve_finds_the_solver():
    assert torch.equal(solve(manufactured(8)).u, FiniteVolumeConvection().solve(manufactured(8)).u)


def test_numbers_per_sample_reach_their_sample():
    v = torch.tensor([0.5, 2.0], dtype=torch.float64)
    problem = layer_problem(10, 1.0)
    both = FiniteVolumeConvection().solve(
        Problem(
            problem.pde, problem.domain, boundary=problem.boundaries, parameters={**problem.parameters, "velocity_x": v}
        )
    )
    for i, velocity in enumerate(v.tolist()):
        assert torch.equal(both.u[i], FiniteVolumeConvection().solve(layer_problem(10, velocity)).u[0])


@pytest.mark.parametrize(
    ("grid", "boundary", "word"),
    [
        (Grid.nodes(8, 8), Boundaries.dirichlet(), "cells"),
        (Grid.cells(8, 8), Boundaries({"all": Neumann()}), "Dirichlet"),
        (Grid.cells(8, 8), Boundaries({"x": Dirichlet(), "y": Robin()}), "Robin"),
    ],
)
def test_what_it_cannot_honour_is_refused(grid, boundary, word):
    problem = Problem(ConvectionDiffusion(), grid, boundary=boundary)
    with pytest.raises(ValueError, match=word):
        FiniteVolumeConvection().solve(problem)


def test_flow_that_enters_where_a_slope_is_given_is_refused():
    boundary = Boundaries({"x-": Neumann(), "x+": Dirichlet(), "y": Neumann()})
    with pytest.raises(ValueError, match=r"sample 0: flow enters through face 'x-'.*give the value"):
        FiniteVolumeConvection().solve(layer_problem(8, 1.0, boundary))


@pytest.mark.parametrize(("name", "bad"), [("a", 0.0), ("a", math.nan), ("psi", math.inf), ("f", math.nan)])
def test_a_bad_number_names_sample_and_cell(name, bad):
    values = torch.ones(2, 6, 7, dtype=torch.float64)
    values[1, 3, 4] = bad
    problem = Problem(
        ConvectionDiffusion(), Grid.cells(6, 7), boundary=Boundaries.dirichlet(), parameters={name: values}
    )
    with pytest.raises(ValueError, match=r"sample 1: the .* at cell \(3, 4\) is"):
        FiniteVolumeConvection().solve(problem)


def test_the_matrix_is_a_stencil_that_keeps_its_grid():
    ((a, b),) = FiniteVolumeConvection().systems(manufactured(6))
    assert isinstance(a, Stencil)
    assert a.shape == (6, 10)
    assert b.shape == (60,)
