"""Operators agree with the dense matrix that they stand for."""

import numpy as np
import pytest
import scipy.sparse as sp
from linalg_systems import convection, diffusion, helmholtz

from sciml.linalg import GMRES, LinearOperator, Matrix, MatrixFree, SparseMatrix, Stencil

STENCILS = [
    diffusion((7,)),
    diffusion((5, 4)),
    diffusion((3, 4, 5)),
    convection((6,)),
    convection((4, 5)),
    convection((3, 2, 4)),
    helmholtz((4, 3)),
    diffusion((1, 6)),
    diffusion((6, 1)),
]


def dense(a: LinearOperator) -> np.ndarray:
    """Column by column, from applications to unit vectors."""
    return np.stack([a.apply(e) for e in np.eye(a.size, dtype=a.dtype)], axis=1)


@pytest.mark.parametrize("a", STENCILS, ids=lambda a: f"{a.shape}{a.dtype.kind}{a.symmetric}")
def test_every_form_of_a_stencil_is_the_same_matrix(a):
    full = dense(a)
    for other in (a, SparseMatrix(full)):
        assert isinstance(other, Matrix)
        np.testing.assert_array_equal(other.csc().toarray(), full)
        np.testing.assert_array_equal(other.diag(), np.diag(full))
        rows, columns = np.nonzero(full)
        assert abs(rows - columns).max(initial=0) <= other.bandwidth
        lower = sum(np.diag(other.banded()[i, : a.size - i], -i) for i in range(other.bandwidth + 1))
        np.testing.assert_array_equal(lower, np.tril(full))


def test_a_laplacian_written_out_by_hand():
    expected = np.array([[2, -1, 0], [-1, 2, -1], [0, -1, 2]]) * 9.0
    expected[0, 0] = expected[2, 2] = 27.0  # the wall lies half a cell away
    a = diffusion((3,), contrast=0.0)
    np.testing.assert_allclose(dense(a), expected, rtol=1e-14)


def test_a_nonsymmetric_stencil_takes_from_the_next_cell_what_faces_say():
    a = Stencil(np.array([1.0, 2.0]), (np.array([3.0]),), (np.array([5.0]),))
    np.testing.assert_array_equal(dense(a), [[1.0, -3.0], [-5.0, 2.0]])
    assert not a.symmetric


@pytest.mark.parametrize("a", [diffusion((65, 67)), convection((64, 65))], ids=["symmetric", "not"])
def test_compiled_products_of_a_stencil_have_the_same_bits(a):
    x = np.random.default_rng(0).standard_normal(a.size)
    compiled = a.applier()
    assert compiled is not a.apply
    np.testing.assert_array_equal(compiled(x), a.apply(x))
    np.testing.assert_array_equal(compiled(x + 1j), a.apply(x + 1j))


def test_small_or_complex_stencils_are_not_compiled():
    for a in (diffusion((9, 9)), helmholtz((70, 70)), diffusion((20, 20, 20))):
        x = np.ones(a.size)
        np.testing.assert_array_equal(a.applier()(x), a.apply(x))


def test_a_matrix_free_operator_applies_its_function_and_has_no_entries():
    m = np.random.default_rng(0).standard_normal((5, 5))
    a = MatrixFree(5, lambda v: m @ v)
    np.testing.assert_allclose(dense(a), m, rtol=1e-15)
    assert not isinstance(a, Matrix)
    assert a.dtype == np.float64


def test_newton_s_method_with_a_matrix_free_jacobian_finds_the_exact_solution():
    """u'' = exp(u), u(0) = u(1) = 0: u = 2 log(cos(c / 2) / cos(c (x - 1 / 2))) with c sqrt(2) = cos(c / 2)."""
    n = 64
    h = 1 / (n + 1)

    def second(u):
        padded = np.concatenate([[0.0], u, [0.0]])
        return (padded[2:] - 2 * u + padded[:-2]) / h**2

    u = np.zeros(n)
    for _ in range(6):
        jacobian = MatrixFree(n, lambda v, u=u: second(v) - np.exp(u) * v)
        u = u + GMRES(restart=n, tol=1e-8).solve(jacobian, np.exp(u) - second(u)).checked().x
    c = 0.5
    for _ in range(50):
        c = np.cos(c / 2) / np.sqrt(2)
    exact = 2 * np.log(np.cos(c / 2) / np.cos(c * (np.arange(1, n + 1) * h - 0.5)))
    assert np.abs(u - exact).max() < h**2 / 10


@pytest.mark.parametrize("given", [np.ones((2, 3)), np.ones(4), sp.csr_array(np.ones((3, 2)))])
def test_a_matrix_that_is_not_square_is_refused(given):
    with pytest.raises(ValueError, match="square"):
        SparseMatrix(given)


def test_arrays_that_do_not_fit_a_stencil_are_refused():
    with pytest.raises(ValueError, match="faces has shapes"):
        Stencil(np.ones((3, 3)), (np.ones((3, 3)), np.ones((3, 2))))
    with pytest.raises(ValueError, match="back has shapes"):
        Stencil(np.ones(3), (np.ones(2),), (np.ones(3),))
    with pytest.raises(ValueError, match="dimensions"):
        Stencil(np.ones((1, 1, 1, 1)), ())
    with pytest.raises(ValueError, match="size=0"):
        MatrixFree(0, lambda v: v)


def test_a_single_precision_matrix_is_kept_in_double():
    assert SparseMatrix(np.eye(3, dtype=np.float32)).dtype == np.float64
    assert SparseMatrix(np.eye(3, dtype=np.complex64)).dtype == np.complex128
