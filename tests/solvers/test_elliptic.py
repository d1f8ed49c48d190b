"""Finite volumes: manufactured solutions in one to three dimensions, every kind of face, and an exact jump."""

import math

import numpy as np
import pytest
import torch
from helpers import observed_order

from sciml.fields import Boundaries, Dirichlet, Grid, Neumann, Periodic
from sciml.linalg import CG, MeanFree
from sciml.pdes import Burgers, Darcy, Poisson, Problem
from sciml.solvers import BandedCholesky, FiniteVolumeElliptic, SparseDirect
from sciml.status import Status

PI = math.pi


def l2_error(u: torch.Tensor, exact: torch.Tensor) -> float:
    return float((u - exact).square().mean().sqrt())


def test_exp_xy_converges_at_second_order_from_32_to_256_cells():
    def source(x, y):
        """f = -div(exp(xy) grad(sin pi x sin pi y))."""
        u = torch.sin(PI * x) * torch.sin(PI * y)
        u_x, u_y = PI * torch.cos(PI * x) * torch.sin(PI * y), PI * torch.sin(PI * x) * torch.cos(PI * y)
        return torch.exp(x * y) * (2 * PI**2 * u - y * u_x - x * u_y)

    errors, sizes = [], [32, 64, 128, 256]
    for n in sizes:
        parameters = {"a": lambda x, y: torch.exp(x * y), "f": source}
        problem = Problem(Darcy(), Grid.cells(n, n), boundary=Boundaries.dirichlet(), parameters=parameters)
        x, y = problem.domain.meshgrid()
        solution = FiniteVolumeElliptic().solve(problem)
        errors.append(l2_error(solution.u[0, 0, 0], torch.sin(PI * x) * torch.sin(PI * y)))
    assert observed_order(errors, sizes) == pytest.approx(2.0, abs=0.05)


def one_dimensional(n: int, boundary: Boundaries) -> float:
    """u = exp(x) + x with a = 1 + x on [0, 1], so that no boundary value vanishes."""
    a, u, f = lambda x: 1 + x, lambda x: torch.exp(x) + x, lambda x: -((2 + x) * torch.exp(x) + 1)
    problem = Problem(Darcy(), Grid.cells(n), boundary=boundary, parameters={"a": a, "f": f})
    (x,) = problem.domain.meshgrid()
    return l2_error(FiniteVolumeElliptic().solve(problem).u[0, 0, 0], u(x))


@pytest.mark.parametrize(
    "boundary",
    [
        Boundaries({"x-": Dirichlet(1.0), "x+": Dirichlet(math.e + 1)}),
        Boundaries({"x-": Neumann(-2.0), "x+": Dirichlet(math.e + 1)}),
        Boundaries({"x-": Dirichlet(1.0), "x+": Neumann(math.e + 1)}),
    ],
    ids=["dirichlet", "neumann left", "neumann right"],
)
def test_values_and_slopes_on_faces_keep_second_order(boundary):
    sizes = [32, 64, 128]
    assert observed_order([one_dimensional(n, boundary) for n in sizes], sizes) == pytest.approx(2.0, abs=0.1)


def test_three_dimensions_with_callable_and_array_faces_converge_at_second_order():
    """u = xy + z^2 + sin(pi x), a = 1."""

    def exact(x, y, z):
        return x * y + z**2 + torch.sin(PI * x)

    errors, sizes = [], [8, 12, 16]
    for n in sizes:
        grid = Grid.cells(n, n + 2, n)
        x, y, z = grid.meshgrid()
        low = exact(x[:, :, 0], y[:, :, 0], torch.zeros_like(x[:, :, 0])).numpy()
        boundary = Boundaries({"x": Dirichlet(exact), "y": Dirichlet(exact), "z-": Dirichlet(low), "z+": Neumann(2.0)})
        parameters = {"f": lambda x, y, z: PI**2 * torch.sin(PI * x) - 2.0}
        problem = Problem(Darcy(), grid, boundary=boundary, parameters=parameters)
        errors.append(l2_error(FiniteVolumeElliptic().solve(problem).u[0, 0, 0], exact(x, y, z)))
    assert observed_order(errors, sizes) == pytest.approx(2.0, abs=0.1)


def test_a_jump_on_a_face_is_solved_exactly():
    """f = 0 in one dimension: the flux is constant, u is piecewise linear, and harmonic faces reproduce both."""
    n, grid = 16, Grid.cells(16)
    x = torch.from_numpy(grid.axes[0].coords)
    a = torch.where(x < 0.5, 3.0, 12.0).double()
    boundary = Boundaries({"x-": Dirichlet(0.0), "x+": Dirichlet(1.0)})
    solution = FiniteVolumeElliptic().solve(Problem(Darcy(), grid, boundary=boundary, parameters={"a": a, "f": 0.0}))
    flux = 1.0 / (0.5 / 3.0 + 0.5 / 12.0)
    exact = torch.where(x < 0.5, flux * x / 3.0, flux * 0.5 / 3.0 + flux * (x - 0.5) / 12.0)
    torch.testing.assert_close(solution.u[0, 0, 0], exact, rtol=0, atol=1e-13)
    assert n == len(x)


def test_the_source_leaves_through_the_boundary():
    """Discrete conservation: the sum of f equals the flux through the Dirichlet faces, whatever the coefficient."""
    rng = np.random.default_rng(0)
    n, a = 12, torch.from_numpy(np.exp(rng.standard_normal((12, 12))))
    problem = Problem(Darcy(), Grid.cells(n, n), boundary=Boundaries.dirichlet(), parameters={"a": a})
    u = FiniteVolumeElliptic().solve(problem).u[0, 0, 0]
    flux = sum(float((2 * a * u)[face].sum()) for face in ((0,), (-1,), (slice(None), 0), (slice(None), -1)))
    assert flux == pytest.approx(1.0, rel=1e-10)


def test_samples_of_a_batch_equal_single_solves_bit_by_bit():
    a = torch.rand(3, 10, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + 0.5
    grid, boundary, method = Grid.cells(10, 10), Boundaries.dirichlet(), FiniteVolumeElliptic()
    together = method.solve(Problem(Darcy(), grid, boundary=boundary, parameters={"a": a}))
    alone = [method.solve(Problem(Darcy(), grid, boundary=boundary, parameters={"a": one})).u for one in a]
    assert torch.equal(together.u, torch.cat(alone))
    assert together.status.tolist() == [int(Status.SUCCESS)] * 3
    assert float(together.residual.max()) < 1e-12


def test_a_reaction_term_enters_the_diagonal():
    class Screened(Darcy):
        def reaction(self, p):
            return 5.0

    boundary = Boundaries({"x-": Neumann(0.0), "x+": Dirichlet(1.0)})
    problem = Problem(Screened(), Grid.cells(400), boundary=boundary, parameters={"f": 0.0})
    (x,) = problem.domain.meshgrid()
    u = FiniteVolumeElliptic().solve(problem).u[0, 0, 0]
    torch.testing.assert_close(u, torch.cosh(math.sqrt(5) * x) / math.cosh(math.sqrt(5)), rtol=0, atol=1e-5)


@pytest.mark.parametrize("linear_solver", [BandedCholesky(), SparseDirect()], ids=lambda s: type(s).__name__)
def test_the_stored_solution_has_the_residual_that_is_reported(linear_solver):
    """Recomputed with an assembly written out cell by cell."""
    rng = np.random.default_rng(1)
    nx, ny = 7, 5
    a = np.exp(rng.standard_normal((nx, ny)))
    problem = Problem(
        Darcy(), Grid.cells(nx, ny), boundary=Boundaries.dirichlet(), parameters={"a": torch.from_numpy(a)}
    )
    solution = FiniteVolumeElliptic(linear_solver).solve(problem)
    u, worst = solution.u[0, 0, 0].numpy(), 0.0
    for i in range(nx):
        for j in range(ny):
            total = 0.0
            for di, dj, h in ((1, 0, 1 / nx), (-1, 0, 1 / nx), (0, 1, 1 / ny), (0, -1, 1 / ny)):
                p, q = i + di, j + dj
                inside = 0 <= p < nx and 0 <= q < ny
                conductance = 2 / (1 / a[i, j] + 1 / a[p, q]) if inside else 2 * a[i, j]
                total += conductance / h**2 * (u[i, j] - (u[p, q] if inside else 0.0))
            worst = max(worst, abs(total - 1.0))
    assert worst < 1e-11
    assert float(solution.residual) < 1e-12


def test_a_solve_that_fails_is_a_status():
    method = FiniteVolumeElliptic(CG(max_iterations=1))
    solution = method.solve(Problem(Darcy(), Grid.cells(8), boundary=Boundaries.dirichlet()))
    assert solution.status.tolist() == [int(Status.MAX_STEPS)]


def test_slopes_all_around_are_solved_up_to_a_constant_when_asked():
    """u = cos(pi x) cos(2 pi y) has no slope at the walls and no mean; f gets a mean that the projection takes off."""

    def exact(x, y):
        return torch.cos(PI * x) * torch.cos(2 * PI * y)

    errors, sizes = [], [16, 32, 64]
    method = FiniteVolumeElliptic(MeanFree(CG(tol=1e-11)))
    for n in sizes:
        parameters = {"f": lambda x, y: 5 * PI**2 * exact(x, y) + 3.0}
        problem = Problem(Poisson(), Grid.cells(n, n), boundary=Boundaries({"all": Neumann()}), parameters=parameters)
        assert "null space" in (FiniteVolumeElliptic().refuses(problem) or "")
        solution = method.solve(problem)
        assert solution.status.tolist() == [int(Status.SUCCESS)]
        errors.append(l2_error(solution.u[0, 0, 0], exact(*problem.domain.meshgrid())))
    assert observed_order(errors, sizes) == pytest.approx(2.0, abs=0.05)


@pytest.mark.parametrize(
    ("grid", "boundary", "word"),
    [
        (Grid.periodic(8, 8), Boundaries.periodic(), "cells"),
        (Grid.nodes(8, 8), Boundaries.dirichlet(), "cells"),
        (Grid.cells(8, 8), Boundaries({"all": Neumann(0.0)}), "Dirichlet"),
    ],
)
def test_what_it_cannot_honour_is_refused(grid, boundary, word):
    problem = Problem(Darcy(), grid, boundary=boundary)
    assert word in (FiniteVolumeElliptic().refuses(problem) or "")
    with pytest.raises(ValueError, match=word):
        FiniteVolumeElliptic().solve(problem)


def test_a_periodic_face_of_a_cell_grid_is_refused():
    from sciml.solvers.diffusion import Diffusion

    with pytest.raises(ValueError, match="Periodic"):
        Diffusion(Grid.cells(8, 8), Boundaries({"x": Periodic(), "y": Dirichlet()}))


def test_an_evolving_equation_and_a_negative_coefficient_are_refused():
    evolving = Problem(Burgers(), Grid.periodic(8), initial=lambda x: x, times=[0.0, 1.0])
    assert "Burgers" in (FiniteVolumeElliptic().refuses(evolving) or "")
    parameters = {"a": lambda x, y: x - 0.5}
    problem = Problem(Darcy(), Grid.cells(8, 8), boundary=Boundaries.dirichlet(), parameters=parameters)
    with pytest.raises(ValueError, match="positive"):
        FiniteVolumeElliptic().solve(problem)


def test_face_values_of_a_wrong_shape_are_refused():
    boundary = Boundaries({"all": Dirichlet(np.zeros(5))})
    with pytest.raises(ValueError, match="shape"):
        FiniteVolumeElliptic().solve(Problem(Darcy(), Grid.cells(8, 8), boundary=boundary))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_source_that_is_no_number_names_sample_and_cell(bad):
    f = torch.ones(2, 8, 6, dtype=torch.float64)
    f[1, 2, 3] = bad
    problem = Problem(Darcy(), Grid.cells(8, 6), boundary=Boundaries.dirichlet(), parameters={"f": f})
    with pytest.raises(ValueError, match=r"sample 1: the source at cell \(2, 3\) is .*finite"):
        FiniteVolumeElliptic().solve(problem)


@pytest.mark.parametrize("bad", [0.0, math.nan, math.inf])
def test_a_coefficient_that_is_none_names_sample_and_cell(bad):
    a = torch.ones(3, 8, 6, dtype=torch.float64)
    a[1, 4, 5] = bad
    problem = Problem(Darcy(), Grid.cells(8, 6), boundary=Boundaries.dirichlet(), parameters={"a": a})
    with pytest.raises(ValueError, match=r"sample 1: the diffusion coefficient at cell \(4, 5\) is .*positive"):
        FiniteVolumeElliptic().solve(problem)
