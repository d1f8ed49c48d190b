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


@pytest.mark.parametrize("boundary", [None, Boundaries({"x-": Dirichlet(), "x+": Neumann(), "y": Neumann()})])
@pytest.mark.parametrize("shape", [(16, 24), (8, 8)], ids=str)
def test_coarse_levels_are_those_of_the_coarse_grid(shape, boundary):
    """With constant coefficients a level equals the discretisation on its own grid, times fine cells per coarse one.

    Cells in the corners are left out: the entries do not tell their two walls apart.
    """
    from sciml.linalg import multigrid_convection_kernels as kernels

    given = {"a": 0.05, "velocity_x": 1.0, "velocity_y": 0.0 if boundary else -0.7}
    a, _ = system(shape, ExponentialFitting(), boundary, **given)
    levels = allocate(kernels, a)
    kernels.set_up(levels)
    for level in range(1, 3):
        coarse = (shape[0] // 2**level, shape[1] // 2**level)
        expected, _ = system(coarse, ExponentialFitting(), boundary, **given)
        part = slice(levels.starts[level], levels.starts[level + 1])
        found = {n: getattr(levels, n)[part].reshape(coarse[0] + 2, coarse[1] + 2) for n in levels._fields[7:12]}
        inner = {n: v[1:-1, 1:-1] / 4**level for n, v in found.items()}
        beside = np.ones(coarse, bool)
        beside[:: coarse[0] - 1, :: coarse[1] - 1] = False
        np.testing.assert_allclose(inner["diagonal"][beside], expected.diagonal[beside], rtol=1e-9)
        np.testing.assert_allclose(inner["east"][:-1], expected.faces[0], rtol=1e-9)
        np.testing.assert_allclose(inner["north"][:, :-1], expected.faces[1], rtol=1e-9)
        np.testing.assert_allclose(inner["west"][1:], expected.back[0], rtol=1e-9)
        np.testing.assert_allclose(inner["south"][:, 1:], expected.back[1], rtol=1e-9)


@SCHEMES
@pytest.mark.parametrize(("through", "most"), [(False, 15), (True, 6)], ids=["recirculating", "through"])
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
