"""GCRO-DR: equal to GMRES without a space, cheaper with one, and careful with what it is handed."""

import logging

import numpy as np
import pytest
import scipy.linalg
from linalg_systems import convection, diffusion, helmholtz

from sciml.datagen.skr_literal import literal_darcy, literal_field
from sciml.linalg import GCRODR, GMRES, ILU0, RecycleSpace, SparseMatrix
from sciml.linalg.recycling import deflation, harmonic_vectors
from sciml.status import Status


@pytest.mark.parametrize(
    "a", [convection((12, 13)), helmholtz((11, 12)), diffusion((12, 12))], ids=["real", "complex", "spd"]
)
def test_without_recycling_it_is_gmres_bit_by_bit(a):
    b = np.ones(a.size)
    ours, plain = GCRODR(restart=15, recycle=0).solve(a, b), GMRES(restart=15).solve(a, b)
    np.testing.assert_array_equal(ours.x, plain.x)
    assert ours.residuals == plain.residuals
    assert (ours.applications, ours.state) == (plain.applications, None)


@pytest.mark.parametrize(
    "a", [convection((20, 21)), helmholtz((13, 12)), diffusion((20, 20))], ids=["real", "complex", "spd"]
)
def test_the_second_solve_of_a_system_takes_fewer_iterations(a):
    solver, b = GCRODR(restart=20, recycle=8), np.ones(a.size)
    first = solver.solve(a, b)
    second = solver.solve(a, b, state=first.state)
    assert second.iterations < 0.9 * first.iterations
    assert np.linalg.norm(b - a.apply(second.x)) <= 1e-8 * np.linalg.norm(b)


def test_a_neighbour_s_space_helps_as_well():
    solver, counts, state = GCRODR(restart=20, recycle=8), [], None
    for k in range(4):
        a = diffusion((24, 24), contrast=0.5 + 0.01 * k)
        solution = solver.solve(a, np.ones(a.size), state=state)
        state = solution.state
        counts.append(solution.iterations)
    assert max(counts[1:]) < 0.75 * counts[0]


@pytest.mark.slow
@pytest.mark.parametrize(("tol", "most"), [(1e-5, 0.3), (1e-8, 0.45)])
def test_the_same_literal_system_twice_takes_a_fraction_of_the_iterations(tol, most):
    matrix, b = literal_darcy(literal_field(0, 102))
    solver = GCRODR(40, 20, tol=tol)
    first = solver.solve(SparseMatrix(matrix), b)
    second = solver.solve(SparseMatrix(matrix), b, state=first.state)
    assert second.iterations <= most * first.iterations


@pytest.mark.slow
@pytest.mark.parametrize(("tol", "most"), [(1e-5, 682), (1e-8, 881)])
def test_literal_systems_take_no_more_iterations_than_published(tol, most):
    """Means of Wang et al. (2024), Darcy, n = 10,000, no preconditioner; plain GMRES reaches its limit there."""
    counts, state = [], None
    for seed in range(6):
        matrix, b = literal_darcy(literal_field(seed, 102))
        solution = GCRODR(40, 20, tol=tol).solve(SparseMatrix(matrix), b, state=state).checked()
        state = solution.state
        counts.append(solution.iterations)
    assert np.mean(counts) <= most


def test_the_space_spans_the_eigenvectors_that_slow_gmres_down():
    """After the first solve of a matrix with three tiny eigenvalues, these are what is handed on."""
    values = np.concatenate([[1e-3, 2e-3, 3e-3], np.linspace(1, 2, 57)])
    rotation = np.linalg.qr(np.random.default_rng(0).standard_normal((60, 60)))[0]
    a = SparseMatrix(rotation @ np.diag(values) @ rotation.T)
    state = GCRODR(restart=14, recycle=3).solve(a, np.ones(60)).state
    angles = scipy.linalg.subspace_angles(state.y, rotation[:, :3])
    assert angles.max() < 1e-4


def test_values_on_the_far_side_are_kept_before_nearer_ones():
    """Without the vector of -0.3 the polynomial for [0.1, 2] would grow there."""
    values = np.concatenate([[-0.3], np.linspace(0.1, 2, 59)])
    for sign in (1.0, -1.0):
        state = GCRODR(restart=12, recycle=2).solve(SparseMatrix(np.diag(sign * values)), np.ones(60)).state
        assert scipy.linalg.subspace_angles(state.y, np.eye(60)[:, :1]).max() < 0.05


def test_harmonic_vectors_solve_the_generalised_problem():
    rng = np.random.default_rng(0)
    for imaginary in (0.0, 1j):
        g = rng.standard_normal((9, 8)) + imaginary * rng.standard_normal((9, 8))
        overlap = np.eye(9, 8) + 0.1 * rng.standard_normal((9, 8))
        theta, z = scipy.linalg.eig(g.conj().T @ g, g.conj().T @ overlap)
        p = harmonic_vectors(g, overlap, 5)
        np.testing.assert_allclose(p.conj().T @ p, np.eye(p.shape[1]), atol=1e-12)
        side = np.where((theta * np.conj(theta.sum())).real < 0, 4.0, 1.0)
        nearest = z[:, np.argsort(np.abs(theta) / side)[: p.shape[1]]]
        assert scipy.linalg.subspace_angles(p, nearest).max() < 1e-6


def test_a_conjugate_pair_is_kept_whole_or_left_out():
    """A matrix of 2 x 2 rotations has nothing but pairs."""
    blocks = scipy.linalg.block_diag(*[s * np.array([[1.0, 0.5], [-0.5, 1.0]]) for s in (0.1, 0.3, 1.0, 2.0)])
    g = np.vstack([blocks, np.zeros(8)])
    for k, kept in ((1, 1), (2, 2), (3, 2), (4, 4), (5, 4)):
        p = harmonic_vectors(g, np.eye(9, 8), k)
        assert p.shape[1] == kept
        if kept > 1:
            assert scipy.linalg.subspace_angles(p, np.eye(8)[:, :kept]).max() < 1e-10


def test_a_deflation_has_its_defining_properties_and_drops_dependent_columns(caplog):
    rng = np.random.default_rng(0)
    a, y = rng.standard_normal((30, 30)), rng.standard_normal((30, 5))
    for dependent in (0, 2):
        basis = np.concatenate([y, y[:, :dependent] * 2.0, np.zeros((30, dependent))], axis=1)
        with caplog.at_level(logging.INFO, logger="sciml.linalg.recycling"):
            made = deflation(basis, a @ basis)
        assert made.c.shape == (30, 5)
        np.testing.assert_allclose(made.c.T @ made.c, np.eye(5), atol=1e-13)
        np.testing.assert_allclose(a @ made.u, made.c, atol=1e-11)
        assert ("dependent" in caplog.text) == bool(dependent)
    assert deflation(np.zeros((30, 2)), np.zeros((30, 2))) is None


def test_an_ill_conditioned_image_is_orthogonal_all_the_same():
    rng = np.random.default_rng(0)
    y = rng.standard_normal((50, 4))
    y[:, 1] = y[:, 0] + 1e-9 * y[:, 1]
    made = deflation(y, y.copy())
    np.testing.assert_allclose(made.c.T @ made.c, np.eye(made.c.shape[1]), atol=1e-12)
    assert made.c.shape[1] == 4


@pytest.mark.parametrize(
    "columns", [np.zeros((156, 4)), np.full((156, 3), np.nan), np.ones((156, 5))], ids=["zero", "nan", "equal"]
)
def test_a_useless_space_is_survived(columns):
    a = convection((12, 13))
    solution = GCRODR(restart=15, recycle=5).solve(a, np.ones(156), state=RecycleSpace(columns))
    assert solution.status is Status.SUCCESS


def test_a_space_of_another_size_is_dropped_and_logged(caplog):
    solver = GCRODR(restart=12, recycle=4)
    state = solver.solve(convection((9, 9)), np.ones(81)).state
    with caplog.at_level(logging.INFO, logger="sciml.linalg.gcrodr"):
        solution = solver.solve(convection((8, 8)), np.ones(64), state=state)
    assert solution.status is Status.SUCCESS
    assert "size 81" in caplog.text
    assert solution.state.y.shape[0] == 64


def test_a_complex_matrix_promotes_a_real_space():
    real = diffusion((8, 9), contrast=0.0)
    wave = helmholtz((8, 9))
    solver = GCRODR(restart=16, recycle=6)
    state = solver.solve(real, np.ones(72)).state
    assert state.y.dtype == np.float64
    solution = solver.solve(wave, np.ones(72), state=state)
    assert solution.status is Status.SUCCESS
    assert np.abs(solution.x.imag).max() > 1e-3
    assert solution.state.y.dtype == np.complex128


def test_a_real_system_drops_a_complex_space_and_says_so(caplog):
    solver = GCRODR(restart=16, recycle=6)
    state = solver.solve(helmholtz((8, 9)), np.ones(72)).state
    with caplog.at_level(logging.INFO, logger="sciml.linalg.gcrodr"):
        solution = solver.solve(diffusion((8, 9)), np.ones(72), state=state)
    assert solution.status is Status.SUCCESS
    assert solution.x.dtype == np.float64
    assert "complex" in caplog.text


def test_adopting_a_space_is_counted():
    a, b, solver = convection((12, 13)), np.ones(156), GCRODR(restart=15, recycle=5, preconditioner=ILU0())
    first = solver.solve(a, b)
    second = solver.solve(a, b, state=first.state)
    extra = second.applications - second.iterations
    assert extra >= first.state.y.shape[1] + 1
    assert second.preconditionings >= second.iterations + first.state.y.shape[1]


def test_the_space_of_a_preconditioned_system_lives_in_its_coordinates():
    a, b = diffusion((24, 24)), np.ones(576)
    solver = GCRODR(restart=12, recycle=5, preconditioner=ILU0())
    first = solver.solve(a, b)
    second = solver.solve(a, b, state=first.state)
    assert second.iterations < first.iterations
    assert second.residual <= 1e-8


@pytest.mark.parametrize(("restart", "recycle"), [(10, 10), (10, 11), (0, 0), (5, -1)])
def test_sizes_that_do_not_fit_each_other_are_refused(restart, recycle):
    with pytest.raises(ValueError, match=r"re(start|cycle)="):
        GCRODR(restart=restart, recycle=recycle)


def test_a_cycle_longer_than_the_system_is_refused():
    with pytest.raises(ValueError, match="restart=40 exceeds the 9 unknowns"):
        GCRODR().solve(diffusion((9,)), np.ones(9))
