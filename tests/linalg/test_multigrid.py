"""Black-box multigrid: coarse matrices by definition, a symmetric cycle, any grid, counts that do not grow."""

import sys

import numpy as np
import pytest
from linalg_systems import convection, diffusion, helmholtz

from sciml.fields import Axis, Boundaries, Dirichlet, Grid, Neumann
from sciml.linalg import CG, BlackBoxMultigrid, SparseDirect, SparseMatrix, Stencil
from sciml.linalg.multigrid import allocate
from sciml.numerics.random_fields import NeumannField, PeriodicField
from sciml.solvers.diffusion import Diffusion
from sciml.status import ConfigError, Status


def matrix(a: np.ndarray, grid: Grid | None = None, boundaries: Boundaries | None = None, c: float = 0.0) -> Stencil:
    scheme = Diffusion(grid or Grid.cells(*a.shape), boundaries or Boundaries.dirichlet())
    return scheme.assemble(a, np.ones(a.shape), c)[0]


def white(shape: tuple[int, int], contrast: float, seed: int = 0) -> np.ndarray:
    """Independent values in every cell, log-uniform between 1 and `contrast`."""
    return contrast ** np.random.default_rng(seed).uniform(size=shape)


def two_phase(n: int, seed: int = 0) -> np.ndarray:
    field = NeumannField(alpha=2.0, tau=3.0).sample([np.random.default_rng(seed)], Grid.cells(n, n))[0]
    return np.where(field >= 0, 12.0, 3.0)


def log_normal(n: int, seed: int = 0) -> np.ndarray:
    """Standard deviation of the logarithm 1.5, contrast about 1e3."""
    field = PeriodicField(alpha=2.5, tau=7.0).sample([np.random.default_rng(seed)], Grid.cells(n, n))[0]
    return np.exp(1.5 * field / field.std())


def layers(shape: tuple[int, int], axis: int) -> np.ndarray:
    values = 1e3 ** np.random.default_rng(1).uniform(size=shape[axis])
    return np.ones(shape) * (values[:, None] if axis == 0 else values[None, :])


def stretched(ratio: float, shape: tuple[int, int] = (40, 40)) -> Grid:
    """Cells `ratio` times as long along x as along y."""
    return Grid((Axis(shape[0], 0.0, ratio, "cells"), Axis(shape[1], 0.0, 1.0, "cells")))


MATRICES = {
    "even": lambda: matrix(white((16, 16), 10.0)),
    "odd": lambda: matrix(white((17, 13), 10.0)),
    "not square": lambda: matrix(white((30, 7), 10.0)),
    "transposed": lambda: matrix(white((6, 41), 10.0)),
    "one row": lambda: matrix(white((1, 30), 10.0)),
    "one cell": lambda: matrix(white((1, 1), 10.0)),
    "contrast 1e6": lambda: matrix(white((24, 24), 1e6)),
    "long cells": lambda: matrix(white((20, 20), 2.0), stretched(1e3, (20, 20))),
    "layers along x": lambda: matrix(layers((20, 24), 0)),
    "layers along y": lambda: matrix(layers((21, 20), 1)),
    "slopes on faces": lambda: matrix(
        white((18, 21), 10.0), None, Boundaries({"x-": Dirichlet(), "x+": Neumann(), "y": Neumann()})
    ),
    "reaction": lambda: matrix(white((16, 19), 10.0), c=1e4),
}
EVERY = pytest.mark.parametrize("name", MATRICES)


@EVERY
def test_the_solution_is_that_of_a_direct_solve(name):
    a = MATRICES[name]()
    b = np.random.default_rng(3).standard_normal(a.size)
    solution = CG(tol=1e-12, max_iterations=60, preconditioner=BlackBoxMultigrid()).solve(a, b)
    assert solution.status is Status.SUCCESS, solution.message
    expected = SparseDirect().solve(a, b).x
    np.testing.assert_allclose(solution.x, expected, rtol=0, atol=1e-8 * np.abs(expected).max())


@EVERY
def test_the_cycle_is_symmetric_and_positive_definite(name):
    a = MATRICES[name]()
    cycle = BlackBoxMultigrid().prepare(a)
    inverse = np.stack([cycle(e) for e in np.eye(a.size)])
    np.testing.assert_allclose(inverse, inverse.T, rtol=0, atol=1e-10 * np.abs(inverse).max())
    factor = np.linalg.cholesky(a.csc().toarray())
    values = np.linalg.eigvalsh(factor.T @ inverse @ factor)
    # In the norm of A the error of a cycle is multiplied by 1 minus these: the cycle alone converges.
    assert 0.05 < values.min() <= values.max() < 1 + 1e-9


@pytest.mark.parametrize("shape", [(4, 4), (3, 50), (1, 1)])
def test_a_grid_of_the_coarsest_size_is_solved_at_once(shape):
    a = matrix(white(shape, 100.0))
    b = np.random.default_rng(0).standard_normal(a.size)
    np.testing.assert_allclose(BlackBoxMultigrid().prepare(a)(b), SparseDirect().solve(a, b).x, rtol=1e-9)


def dense(levels, level: int) -> np.ndarray:
    """The matrix of a level, written out point by point."""
    nx, ny = levels.shapes[level]
    number = np.full((nx + 2, ny + 2), -1)
    number[1:-1, 1:-1] = np.arange(nx * ny).reshape(nx, ny)
    part = slice(levels.starts[level], levels.starts[level + 1])
    found = np.zeros((nx * ny, nx * ny))
    for i in range(1, nx + 1):
        for j in range(1, ny + 1):
            p = i * (ny + 2) + j
            found[number[i, j], number[i, j]] = levels.diagonal[part][p]
            for name, q in {"east": (1, 0), "north": (0, 1), "northeast": (1, 1), "southeast": (1, -1)}.items():
                other, t = number[i + q[0], j + q[1]], getattr(levels, name)[part][p]
                if other >= 0:
                    found[number[i, j], other] = found[other, number[i, j]] = -t
                else:
                    assert t == 0.0
    return found


def prolongation(levels, level: int) -> np.ndarray:
    """From `level + 1` to `level`, written out from the weights."""
    (nx, ny), (mx, my) = levels.shapes[level], levels.shapes[level + 1]
    first = levels.starts[1]
    part = levels.weights[levels.starts[level + 1] - first : levels.starts[level + 2] - first]
    weights, found = part.reshape(mx + 2, my + 2, 3, 3), np.zeros((nx + 2, ny + 2, mx, my))
    for a in range(1, mx + 1):
        for b in range(1, my + 1):
            found[2 * a - 1 : 2 * a + 2, 2 * b - 1 : 2 * b + 2, a - 1, b - 1] = weights[a, b][
                : nx + 3 - 2 * a, : ny + 3 - 2 * b
            ]
    assert not found[0].any()
    assert not found[:, -1].any()
    return found[1:-1, 1:-1].reshape(nx * ny, mx * my)


@pytest.mark.parametrize("shape", [(12, 12), (11, 14), (23, 9)])
def test_coarse_matrices_are_galerkin_products(shape):
    from sciml.linalg import multigrid_setup_kernels as kernels

    a = matrix(white(shape, 1e3))
    levels = allocate(kernels, a, coarsest=2)
    kernels.set_up(levels)
    np.testing.assert_allclose(dense(levels, 0), a.csc().toarray())
    for level in range(len(levels.shapes) - 1):
        p, fine = prolongation(levels, level), dense(levels, level)
        np.testing.assert_allclose(dense(levels, level + 1), p.T @ fine @ p, rtol=0, atol=1e-12 * fine.max())


def test_the_prolongation_keeps_the_flux_at_a_jump():
    """Between two coarse points of one dimension the solution is linear in the resistance, not in the distance."""
    from sciml.linalg import multigrid_setup_kernels as kernels

    a = np.ones((31, 31))
    a[16:] = 1e3
    levels = allocate(kernels, matrix(a), coarsest=4)
    kernels.set_up(levels)
    p = prolongation(levels, 0).reshape(31, 31, 15, 15)
    weights = p[16, 15, 7:9, 7]
    low, high = 2 * 1e3 / (1 + 1e3), 1e3
    np.testing.assert_allclose(weights, [low / (low + high), high / (low + high)], rtol=1e-12)


@pytest.mark.parametrize("name", ["log-normal", "two-phase"])
def test_ten_iterations_suffice_for_eight_digits_whatever_the_grid(name):
    counts = []
    for n in (25, 50, 100, 200):
        a = matrix(two_phase(n) if name == "two-phase" else log_normal(n))
        solution = CG(tol=1e-8, preconditioner=BlackBoxMultigrid()).solve(a, np.ones(a.size))
        assert solution.status is Status.SUCCESS
        counts.append(solution.iterations)
    assert max(counts) <= 10


@pytest.mark.parametrize("ratio", [1e-3, 0.1, 10.0, 1e3])
def test_long_cells_take_no_more_iterations_than_square_ones(ratio):
    a = matrix(white((64, 64), 2.0), stretched(ratio, (64, 64)))
    solution = CG(tol=1e-8, preconditioner=BlackBoxMultigrid()).solve(a, np.ones(a.size))
    assert solution.status is Status.SUCCESS
    assert solution.iterations <= 10


@pytest.mark.parametrize("shape", [(24, 24), (17, 40)])
def test_slopes_on_all_faces_are_solved_for_a_right_side_without_mean(shape):
    rng = np.random.default_rng(0)
    faces = tuple(rng.uniform(1, 10, [n - (i == axis) for i, n in enumerate(shape)]) for axis in (0, 1))
    diagonal = np.zeros(shape)
    for axis, t in enumerate(faces):
        for side in (slice(None, -1), slice(1, None)):
            diagonal[(slice(None),) * axis + (side,)] += t
    a = Stencil(diagonal, faces)
    b = rng.standard_normal(a.size)
    b -= b.mean()
    solution = CG(tol=1e-10, max_iterations=40, preconditioner=BlackBoxMultigrid()).solve(a, b)
    assert solution.status is Status.SUCCESS, solution.message
    expected = np.linalg.lstsq(a.csc().toarray(), b, rcond=None)[0]
    np.testing.assert_allclose(solution.x - solution.x.mean(), expected, rtol=0, atol=1e-8 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("a", "word"),
    [
        (convection((8, 8)), "not symmetric"),
        (helmholtz((8, 8)), "complex128"),
        (diffusion((4, 4, 4)), "3 axes"),
        (SparseMatrix(np.eye(4)), "SparseMatrix"),
        (Stencil(np.zeros((5, 5)), (np.zeros((4, 5)), np.zeros((5, 4)))), "positive"),
    ],
)
def test_what_it_is_not_made_for_is_refused_in_one_line(a, word):
    with pytest.raises(ValueError, match=word):
        CG(preconditioner=BlackBoxMultigrid()).solve(a, np.ones(a.size))


def test_without_numba_the_error_says_what_to_install(monkeypatch):
    for name in ("multigrid_setup_kernels", "multigrid_levels", "compiling"):
        monkeypatch.delitem(sys.modules, f"sciml.linalg.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(ConfigError, match=r"BlackBoxMultigrid needs the package numba: pip install 'sciml\[solvers\]'"):
        BlackBoxMultigrid().prepare(diffusion((8, 8)))
