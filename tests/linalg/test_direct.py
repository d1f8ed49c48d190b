"""Direct methods: a factor that serves many right sides, and pivots where the diagonal will not do."""

import numpy as np
import pytest
from linalg_systems import diffusion, helmholtz

from sciml.linalg import BandedCholesky, MatrixFree, SparseDirect, SparseMatrix, Stencil, direct_solver
from sciml.status import Status

DIRECT = pytest.mark.parametrize("solver", [BandedCholesky(), SparseDirect()], ids=lambda s: type(s).__name__)


@DIRECT
def test_the_factor_of_one_system_serves_the_next_with_the_same_entries(solver, monkeypatch):
    first = solver.solve(diffusion((9, 8)), np.ones(72))
    monkeypatch.setattr(type(solver), "_factor", lambda *_: pytest.fail("the matrix was factorised again"))
    b = np.arange(1.0, 73.0)
    again = solver.solve(diffusion((9, 8)), b, state=first.state)
    np.testing.assert_array_equal(diffusion((9, 8)).csc() @ again.x == 0, False)
    np.testing.assert_allclose(diffusion((9, 8)).csc() @ again.x, b, atol=1e-10)
    assert again.state is first.state


@DIRECT
@pytest.mark.parametrize("entry", ["diagonal", "face"])
def test_a_factor_is_not_used_for_a_matrix_that_differs_in_one_entry(solver, entry):
    a = diffusion((9, 8))
    state = solver.solve(a, np.ones(72)).state
    diagonal, faces = a.diagonal.copy(), tuple(t.copy() for t in a.faces)
    (diagonal if entry == "diagonal" else faces[1])[3, 3] *= 0.9 if entry == "face" else 1.1
    changed = Stencil(diagonal, faces)
    solution = solver.solve(changed, np.ones(72), state=state)
    np.testing.assert_allclose(changed.csc() @ solution.x, 1.0, atol=1e-11)
    assert solution.state is not state


@DIRECT
def test_many_right_sides_are_solved_by_one_factor(solver):
    a = diffusion((9, 8))
    b = np.random.default_rng(0).standard_normal((72, 5))
    solution = solver.solve(a, b)
    assert solution.x.shape == b.shape
    np.testing.assert_allclose(a.csc() @ solution.x, b, atol=1e-10)
    worst = max(np.linalg.norm(b[:, i] - a.apply(solution.x[:, i])) / np.linalg.norm(b[:, i]) for i in range(5))
    assert solution.residual == pytest.approx(worst)
    assert solution.applications == 5


@DIRECT
def test_a_column_that_is_not_finite_is_named(solver):
    b = np.ones((72, 3))
    b[4, 2] = np.inf
    solution = solver.solve(diffusion((9, 8)), b)
    assert solution.status is Status.NON_FINITE
    assert "b[4, 2]" in solution.message
    with pytest.raises(ValueError, match="b has shape"):
        solver.solve(diffusion((9, 8)), np.ones((71, 2)))


def test_a_diagonal_of_zeros_is_solved_by_pivoting():
    full = np.array([[0.0, 2.0, 0.0], [1.0, 0.0, 3.0], [0.0, 4.0, 5.0]])
    solution = SparseDirect().solve(SparseMatrix(full), np.array([1.0, 2.0, 3.0]))
    assert solution.status is Status.SUCCESS
    np.testing.assert_allclose(solution.x, np.linalg.solve(full, [1.0, 2.0, 3.0]), rtol=1e-12)


def test_a_tiny_pivot_on_the_diagonal_is_repaired_by_pivoting():
    full = np.array([[1e-17, 1.0], [1.0, 1.0]])
    solution = SparseDirect().solve(SparseMatrix(full), np.array([1.0, 3.0]))
    np.testing.assert_allclose(solution.x, [2.0, 1.0], rtol=1e-12)


def test_an_indefinite_matrix_is_none_for_cholesky():
    solution = BandedCholesky().solve(SparseMatrix(np.diag([1.0, -1.0, 2.0])), np.ones(3))
    assert solution.status is Status.BREAKDOWN
    assert "positive definite" in solution.message


def test_a_complex_right_side_of_a_real_matrix_is_not_cut():
    a = diffusion((5, 4))
    b = np.ones(20) + 1j * np.arange(20)
    np.testing.assert_allclose(a.csc() @ SparseDirect().solve(a, b).x, b, atol=1e-11)
    wave = helmholtz((5, 4))
    np.testing.assert_allclose(wave.csc() @ SparseDirect().solve(wave, np.ones(20)).x, 1.0, atol=1e-11)


def test_a_matrix_free_operator_has_nothing_to_factorise():
    with pytest.raises(ValueError, match="entries"):
        SparseDirect().solve(MatrixFree(3, lambda v: v), np.ones(3))


def test_the_faster_method_depends_on_the_band():
    assert isinstance(direct_solver(diffusion((40, 40))), BandedCholesky)
    assert isinstance(direct_solver(diffusion((6, 13, 13))), SparseDirect)
