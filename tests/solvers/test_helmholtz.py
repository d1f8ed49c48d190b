"""Helmholtz on nodes: orders in one to three dimensions, waves that run off, indefinite matrices, bad input."""

import math

import numpy as np
import pytest
import torch
from helpers import observed_order

from sciml.fields import Boundaries, Dirichlet, Grid, Neumann, Robin
from sciml.pdes import DampedHelmholtz, Helmholtz, Problem
from sciml.solvers import FiniteDifferenceHelmholtz, solve
from sciml.solvers.helmholtz import points_per_wavelength
from sciml.status import Status

PI = math.pi


def l2(u: torch.Tensor) -> float:
    return float(u.square().mean().sqrt())


def test_a_wave_number_that_varies_converges_at_second_order():
    """u = cos(3x) exp(y), k^2 = 25 (1 + xy/2)^2, no boundary value vanishes."""

    def exact(x, y):
        return torch.cos(3 * x) * torch.exp(y)

    def k(x, y):
        return 5 * (1 + x * y / 2)

    errors, sizes = [], [32, 64, 128]
    for n in sizes:
        parameters = {"k": k, "f": lambda x, y: (8.0 - k(x, y) ** 2) * exact(x, y)}
        grid = Grid.nodes(n + 1, n + 5)
        problem = Problem(Helmholtz(), grid, boundary=Boundaries.dirichlet(exact), parameters=parameters)
        solution = FiniteDifferenceHelmholtz().solve(problem)
        assert solution.status.tolist() == [int(Status.SUCCESS)]
        errors.append(l2(solution.u[0, 0, 0] - exact(*grid.meshgrid())))
    assert observed_order(errors, sizes) == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("face", ["x-", "x+"])
def test_a_slope_on_a_face_keeps_second_order(face):
    """u = sin(7x + 1) with k = 7 and f = 0."""
    slope = {"x-": -7 * math.cos(1.0), "x+": 7 * math.cos(8.0)}[face]
    other = {"x-": ("x+", math.sin(8.0)), "x+": ("x-", math.sin(1.0))}[face]
    boundary = Boundaries({face: Neumann(slope), other[0]: Dirichlet(other[1])})
    errors, sizes = [], [40, 80, 160]
    for n in sizes:
        problem = Problem(Helmholtz(k=7.0, f=0.0), Grid.nodes(n + 1), boundary=boundary)
        (x,) = problem.domain.meshgrid()
        errors.append(l2(FiniteDifferenceHelmholtz().solve(problem).u[0, 0, 0] - torch.sin(7 * x + 1)))
    assert observed_order(errors, sizes) == pytest.approx(2.0, abs=0.1)


def test_three_dimensions_with_slopes_on_two_axes_converge_at_second_order():
    """u = cos(pi x) sin(pi y) cos(2 pi z): no slope at the faces of x and z, no value at those of y."""

    def exact(x, y, z):
        return torch.cos(PI * x) * torch.sin(PI * y) * torch.cos(2 * PI * z)

    errors, sizes = [], [8, 12, 16]
    for n in sizes:
        boundary = Boundaries({"x": Neumann(), "y": Dirichlet(), "z": Neumann()})
        parameters = {"k": 3.0, "f": lambda x, y, z: (6 * PI**2 - 9.0) * exact(x, y, z)}
        problem = Problem(Helmholtz(), Grid.nodes(n + 1, n + 1, n + 2), boundary=boundary, parameters=parameters)
        errors.append(l2(FiniteDifferenceHelmholtz().solve(problem).u[0, 0, 0] - exact(*problem.domain.meshgrid())))
    assert observed_order(errors, sizes) == pytest.approx(2.0, abs=0.1)


def damped_wave(n: int) -> tuple[Problem, torch.Tensor]:
    """h = exp(i kappa x) with kappa^2 = k^2 (1 + i delta): a plane wave that dies away, both parts on the faces."""
    k, delta = 12.0, 0.2
    kappa = np.sqrt(k**2 * (1 + 1j * delta))

    def real(x):
        return torch.exp(-kappa.imag * x) * torch.cos(kappa.real * x)

    def imaginary(x):
        return torch.exp(-kappa.imag * x) * torch.sin(kappa.real * x)

    boundary = Boundaries({("all", "u"): Dirichlet(real), ("all", "v"): Dirichlet(imaginary)})
    problem = Problem(DampedHelmholtz(k=k, damping=delta, f=0.0), Grid.nodes(n + 1), boundary=boundary)
    (x,) = problem.domain.meshgrid()
    return problem, torch.stack([real(x), imaginary(x)])


def test_a_damped_wave_converges_at_second_order_in_both_parts():
    errors, sizes = [], [64, 128, 256]
    for n in sizes:
        problem, exact = damped_wave(n)
        solution = FiniteDifferenceHelmholtz().solve(problem)
        assert solution.u.dtype == torch.float64
        errors.append(l2(solution.u[0, 0] - exact))
    assert observed_order(errors, sizes) == pytest.approx(2.0, abs=0.1)


def test_without_damping_the_imaginary_part_is_zero_and_the_real_one_that_of_the_real_equation():
    grid, boundary = Grid.nodes(17, 19), Boundaries.dirichlet()
    damped = FiniteDifferenceHelmholtz().solve(Problem(DampedHelmholtz(k=9.0, damping=0.0), grid, boundary=boundary))
    plain = FiniteDifferenceHelmholtz().solve(Problem(Helmholtz(k=9.0), grid, boundary=boundary))
    torch.testing.assert_close(damped.u[0, 0, 0], plain.u[0, 0, 0], rtol=0, atol=1e-13)
    assert float(damped.u[0, 0, 1].abs().max()) < 1e-13


def test_the_matrix_is_symmetric_and_has_the_negative_eigenvalues_of_its_wave_number():
    """-laplace - k^2 on the unit square: as many negative ones as there are pairs with pi^2 (m^2 + n^2) < k^2."""
    boundary = Boundaries({"x": Dirichlet(), "y": Neumann()})
    ((a, _),) = FiniteDifferenceHelmholtz().systems(Problem(Helmholtz(k=15.0), Grid.nodes(41, 41), boundary=boundary))
    dense = a.csc().toarray()
    np.testing.assert_array_equal(dense, dense.T)
    expected = sum(PI**2 * (m**2 + n**2) < 225 for m in range(1, 20) for n in range(20))
    assert int((np.linalg.eigvalsh(dense) < 0).sum()) == expected == 17


def test_the_residual_on_the_grid_is_the_one_of_the_equation():
    """Central differences of the solution satisfy the equation at every inner node."""
    k = 10 + torch.rand(12, 14, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    problem = Problem(Helmholtz(f=2.0), Grid.nodes(12, 14), boundary=Boundaries.dirichlet(0.5), parameters={"k": k})
    u = FiniteDifferenceHelmholtz().solve(problem).u[0, 0, 0]
    hx, hy = (axis.h for axis in problem.domain.axes)
    c = u[1:-1, 1:-1]
    laplacian = (u[2:, 1:-1] - 2 * c + u[:-2, 1:-1]) / hx**2 + (u[1:-1, 2:] - 2 * c + u[1:-1, :-2]) / hy**2
    assert float((-laplacian - k[1:-1, 1:-1] ** 2 * c - 2.0).abs().max()) < 1e-9
    assert torch.equal(u[0], torch.full((14,), 0.5, dtype=torch.float64))


def test_points_per_wavelength_are_counted_where_the_wave_is_shortest():
    problem = Problem(
        Helmholtz(), Grid.nodes(101, 51), boundary=Boundaries.dirichlet(), parameters={"k": lambda x, y: 10 + 10 * x}
    )
    assert points_per_wavelength(problem) == pytest.approx(2 * PI / (20 * 0.02))


def test_solve_finds_the_solver():
    problem, _ = damped_wave(16)
    assert torch.equal(solve(problem).u, FiniteDifferenceHelmholtz().solve(problem).u)


@pytest.mark.parametrize(
    ("grid", "boundary", "word"),
    [
        (Grid.cells(8, 8), Boundaries.dirichlet(), "nodes"),
        (Grid.nodes(8, 8), Boundaries({"all": Robin()}), "Robin"),
        (Grid.nodes(2, 8), Boundaries.dirichlet(), "three"),
    ],
)
def test_what_it_cannot_honour_is_refused(grid, boundary, word):
    problem = Problem(Helmholtz(), grid, boundary=boundary)
    with pytest.raises(ValueError, match=word):
        FiniteDifferenceHelmholtz().solve(problem)


def test_two_parts_of_a_wave_with_different_kinds_of_conditions_are_refused():
    boundary = Boundaries({("all", "u"): Dirichlet(), ("all", "v"): Neumann()})
    problem = Problem(DampedHelmholtz(), Grid.nodes(9), boundary=boundary)
    assert "two kinds" in (FiniteDifferenceHelmholtz().refuses(problem) or "")


@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf])
def test_a_bad_wave_number_names_sample_and_cell(bad):
    class Unchecked(Helmholtz):
        parameters = tuple(type(s)(s.name, field=s.field) for s in Helmholtz.parameters)

    k = torch.ones(2, 8, 6, dtype=torch.float64)
    k[1, 4, 5] = bad
    problem = Problem(Unchecked(), Grid.nodes(8, 6), boundary=Boundaries.dirichlet(), parameters={"k": k})
    with pytest.raises(ValueError, match=r"sample 1: the wave number at cell \(4, 5\) is"):
        FiniteDifferenceHelmholtz().solve(problem)
