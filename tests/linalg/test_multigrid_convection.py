"""Multigrid for convection: coarse levels by definition, any grid, both kinds of flow, counts at Péclet number ten."""

import numpy as np
import pytest
import torch
from linalg_systems import convection, helmholtz

from sciml.fields import Boundaries, Dirichlet, Grid, Neumann
from sciml.linalg import GMRES, BiCGStab, ConvectionMultigrid, SparseDirect, SparseMatrix, Stencil
from sciml.linalg.multigrid_convection import allocate
from sciml.numerics.random_fields import NeumannField
from sciml.pdes import ConvectionDiffusion, Problem
from sciml.solvers import CentralDifferences, ExponentialFitting, FiniteVolumeConvection, Upwind
from sciml.solvers.convection import FaceScheme
from sciml.status import Status


def system(shape, scheme: FaceScheme, boundary: Boundaries | None = None, **parameters) -> tuple[Stencil, np.ndarray]:
    problem = Problem(
        ConvectionDiffusion(), Grid.cells(*shape), boundary=boundary or Boundaries.dirichlet(), parameters=parameters
    )
    return FiniteVolumeConvection(scheme).systems(problem)[0]


def flow(shape: tuple[int, int], through: bool, peclet: float = 10.0, seed: int = 0) -> dict:
    """A random stream function, zero at the walls or with a stream across, of that largest cell Péclet number."""
    grid = Grid.cells(*shape)
    psi = NeumannField(alpha=3.0, tau=5.0, modes=32).sample([np.random.default_rng(seed)], grid)[0]
    x, y = (c.numpy() for c in grid.meshgrid())
    if not through:
        psi = psi * 16 * x * (1 - x) * y * (1 - y)
    else:
        psi = psi + 0.7 * np.abs(np.gradient(psi, 1 / shape[0], axis=0)).max() * (y - 0.5 * x)
    # With a = 1 the cell Péclet number along x is that of the difference along y, and the other way round.
    steepest = max(np.abs(np.diff(psi, axis=axis)).max() * shape[axis] / shape[1 - axis] for axis in (0, 1))
    return {"a": 1.0, "psi": torch.from_numpy(psi * peclet / steepest), "velocity_x": 0.0}


SCHEMES = pytest.mark.parametrize("scheme", [ExponentialFitting(), Upwind()], ids=lambda s: type(s).__name__)
SHAPES = [(16, 16), (17, 13), (9, 40), (33, 5), (1, 20), (20, 1), (1, 1), (3, 2)]


@SCHEMES
@pytest.mark.parametrize("through", [False, True], ids=["recirculating", "through"])
@pytest.mark.parametrize("shape", [s for s in SHAPES if min(s) > 1], ids=str)
def test_the_solution_is_that_of_a_direct_solve(shape, through, scheme):
    a, _ = system(shape, scheme, **flow(shape, through))
    b = np.random.default_rng(0).standard_normal(a.size)
    solution = BiCGStab(tol=1e-11, max_iterations=40, preconditioner=ConvectionMultigrid()).solve(a, b)
    assert solution.status is Status.SUCCESS, solution.message
    expected = SparseDirect().solve(a, b).x
    np.testing.assert_allclose(solution.x, expected, rtol=0, atol=1e-8 * np.abs(expected).max())


@pytest.mark.parametrize("shape", [s for s in SHAPES if min(s) == 1], ids=str)
def test_a_row_of_cells_is_solved_at_once(shape):
    a, b = system(shape, ExponentialFitting(), a=0.1, velocity_x=1.0, velocity_y=0.5)
    np.testing.assert_allclose(ConvectionMultigrid().prepare(a)(b), SparseDirect().solve(a, b).x, rtol=1e-10)


def level_of(levels, level: int) -> dict[str, np.ndarray]:
    """Coefficients of a level at its inner cells, per volume of a cell of the finest one."""
    nx, ny = levels.shapes[level]
    part = slice(levels.starts[level], levels.starts[level + 1])
    names = ("diagonal", "west", "east", "south", "north")
    return {n: getattr(levels, n)[part].reshape(nx + 2, ny + 2)[1:-1, 1:-1] / 4**level for n in names}


@pytest.mark.parametrize("boundary", [None, Boundaries({"x-": Dirichlet(), "x+": Neumann(), "y": Neumann()})])
def test_coarse_levels_of_diffusion_are_those_of_the_coarse_grid(boundary):
    from sciml.linalg import flow_setup_kernels as kernels

    given = {"a": 0.05, "velocity_x": 0.0}
    levels = allocate(kernels, system((16, 16), ExponentialFitting(), boundary, **given)[0])
    kernels.set_up(levels)
    for level in range(1, 4):
        expected, _ = system((16 // 2**level, 16 // 2**level), ExponentialFitting(), boundary, **given)
        found = level_of(levels, level)
        within = np.ones(expected.shape, bool)
        if boundary is not None:
            # The entries do not tell the two walls of a corner apart, one of which is closed here.
            within[0, :: expected.shape[1] - 1] = False
        np.testing.assert_allclose(found["diagonal"][within], expected.diagonal[within], rtol=1e-9)
        np.testing.assert_allclose(found["east"][:-1], expected.faces[0], rtol=1e-9)
        np.testing.assert_allclose(found["south"][:, 1:], expected.back[1], rtol=1e-9)


def test_coarse_levels_of_a_flow_are_central_differences_while_those_are_stable():
    from sciml.linalg import flow_setup_kernels as kernels

    given = {"a": 0.5, "velocity_x": 1.0, "velocity_y": -0.7}
    levels = allocate(kernels, system((16, 24), CentralDifferences(), **given)[0])
    kernels.set_up(levels)
    for level in (1, 2):
        expected, _ = system((16 // 2**level, 24 // 2**level), CentralDifferences(), **given)
        found, inner = level_of(levels, level), (slice(1, -1), slice(1, -1))
        np.testing.assert_allclose(found["diagonal"][inner], expected.diagonal[inner], rtol=1e-9)
        np.testing.assert_allclose(found["east"][:-1], expected.faces[0], rtol=1e-9)
        np.testing.assert_allclose(found["north"][:, :-1], expected.faces[1], rtol=1e-9)
        np.testing.assert_allclose(found["west"][1:], expected.back[0], rtol=1e-9)
        np.testing.assert_allclose(found["south"][:, 1:], expected.back[1], rtol=1e-9)


def test_the_flux_through_a_coarse_face_is_the_sum_of_the_fine_ones():
    """Also where convection dominates: what a coarse face gives and takes differs by what flows through it."""
    from sciml.linalg import flow_setup_kernels as kernels

    a, _ = system((8, 10), Upwind(), **flow((8, 10), False, peclet=50.0))
    levels = allocate(kernels, a)
    kernels.set_up(levels)
    fine, coarse = a.back[0] - a.faces[0], level_of(levels, 1)
    flux = 4 * (coarse["west"][1:] - coarse["east"][:-1])
    np.testing.assert_allclose(flux, fine[1::2, 0::2] + fine[1::2, 1::2], rtol=1e-9, atol=1e-9)


@SCHEMES
@pytest.mark.parametrize(("through", "most"), [(False, 14), (True, 6)], ids=["recirculating", "through"])
def test_few_iterations_suffice_at_peclet_number_ten(through, most, scheme):
    for n in (50, 100, 200):
        a, b = system((n, n), scheme, **flow((n, n), through))
        solution = BiCGStab(tol=1e-8, preconditioner=ConvectionMultigrid()).solve(a, b)
        assert solution.status is Status.SUCCESS
        assert solution.iterations <= most


def test_it_takes_central_differences_below_peclet_number_two_and_refuses_them_above():
    a, b = system((60, 60), CentralDifferences(), **flow((60, 60), False, peclet=1.9))
    solution = GMRES(tol=1e-8, preconditioner=ConvectionMultigrid()).solve(a, b)
    assert solution.status is Status.SUCCESS
    assert solution.iterations <= 20
    a, b = system((60, 60), CentralDifferences(), **flow((60, 60), False, peclet=10.0))
    with pytest.raises(ValueError, match=r"negative.*upwind.*exponential fitting"):
        BiCGStab(preconditioner=ConvectionMultigrid()).solve(a, b)


def test_a_coefficient_that_jumps_and_a_strong_flow_are_solved():
    rng = np.random.default_rng(0)
    given = flow((40, 52), False, peclet=500.0) | {"a": torch.from_numpy(100.0 ** rng.uniform(size=(40, 52)))}
    a, b = system((40, 52), ExponentialFitting(), **given)
    solution = BiCGStab(tol=1e-10, max_iterations=60, preconditioner=ConvectionMultigrid()).solve(a, b)
    assert solution.status is Status.SUCCESS, solution.message
    expected = SparseDirect().solve(a, b).x
    np.testing.assert_allclose(solution.x, expected, rtol=0, atol=1e-6 * np.abs(expected).max())


def test_a_symmetric_matrix_is_taken_too():
    a, b = system((30, 30), ExponentialFitting(), a=1.0, velocity_x=0.0)
    symmetric = Stencil(a.diagonal, a.faces)
    counts = [BiCGStab(preconditioner=ConvectionMultigrid()).solve(m, b).iterations for m in (a, symmetric)]
    assert counts[0] == counts[1] <= 6


@pytest.mark.parametrize(
    ("a", "word"),
    [
        (convection((4, 4, 4)), "3 axes"),
        (helmholtz((8, 8)), "complex128"),
        (SparseMatrix(np.eye(4)), "SparseMatrix"),
    ],
)
def test_what_it_is_not_made_for_is_refused_in_one_line(a, word):
    with pytest.raises(ValueError, match=word):
        BiCGStab(preconditioner=ConvectionMultigrid()).solve(a, np.ones(a.size))
