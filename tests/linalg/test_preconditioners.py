"""Preconditioners against their dense definition, and what they must do for a method."""

import inspect

import numpy as np
import pytest
from linalg_systems import convection, diffusion, helmholtz

import sciml.linalg
from sciml.describe import build, describe
from sciml.linalg import (
    AMG,
    CG,
    GMRES,
    IC0,
    ILU0,
    ILUT,
    SOR,
    SSOR,
    AdditiveSchwarz,
    BlockJacobi,
    ConvectionMultigrid,
    GivenPreconditioner,
    Jacobi,
    MatrixFree,
    Preconditioner,
    SparseMatrix,
    Stationary,
)
from sciml.status import Status


def exported() -> list[type]:
    """Every exported preconditioner that is made of a matrix, found by its base."""
    found = [getattr(sciml.linalg, name) for name in sciml.linalg.__all__]
    return [
        c
        for c in found
        if inspect.isclass(c) and issubclass(c, Preconditioner) and c not in (Preconditioner, GivenPreconditioner)
    ]


SYMMETRIC = [c for c in exported() if c not in (SOR, ILUT, ConvectionMultigrid)]
ALL = pytest.mark.parametrize("cls", exported(), ids=lambda c: c.__name__)


def matrix_of(apply, n: int, dtype=float) -> np.ndarray:
    return np.stack([apply(e) for e in np.eye(n, dtype=dtype)], axis=1)


def parts(full: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.tril(full, -1), np.diag(np.diag(full)), np.triu(full, 1)


@ALL
def test_it_saves_iterations_over_none(cls):
    a = diffusion((24, 20))
    b = np.random.default_rng(0).standard_normal(a.size)
    plain, helped = GMRES(restart=60).solve(a, b), GMRES(restart=60, preconditioner=cls()).solve(a, b)
    assert helped.status is Status.SUCCESS
    assert helped.iterations < 0.85 * plain.iterations
    assert helped.preconditionings > 0


@ALL
def test_it_is_linear_and_changes_nothing_that_it_is_given(cls):
    a = diffusion((9, 8))
    kept = a.diagonal.copy()
    apply = cls().prepare(a)
    x, y = np.random.default_rng(0).standard_normal((2, a.size))
    given = x.copy()
    np.testing.assert_allclose(apply(x + 2 * y), apply(x) + 2 * apply(y), rtol=1e-9, atol=1e-14)
    np.testing.assert_array_equal(x, given)
    np.testing.assert_array_equal(a.diagonal, kept)


@pytest.mark.parametrize("cls", SYMMETRIC, ids=lambda c: c.__name__)
def test_it_is_symmetric_and_positive_definite_where_cg_needs_it(cls):
    a = diffusion((9, 8))
    inverse = matrix_of(cls().prepare(a), a.size)
    np.testing.assert_allclose(inverse, inverse.T, rtol=0, atol=1e-10 * np.abs(inverse).max())
    assert np.linalg.eigvalsh(0.5 * (inverse + inverse.T)).min() > 0
    assert CG(preconditioner=cls()).solve(a, np.ones(a.size)).status is Status.SUCCESS


@ALL
def test_it_survives_its_description_and_refuses_an_operator_without_entries(cls):
    assert describe(build(describe(cls()))) == describe(cls())
    with pytest.raises(ValueError, match="MatrixFree"):
        CG(preconditioner=cls()).solve(MatrixFree(4, lambda v: v), np.ones(4))


@pytest.mark.parametrize(
    "a", [diffusion((6, 5)), convection((5, 6)), helmholtz((5, 5))], ids=["spd", "real", "complex"]
)
@pytest.mark.parametrize("omega", [0.6, 1.0, 1.7])
def test_relaxation_is_its_formula(a, omega):
    full = a.csc().toarray()
    low, diagonal, up = parts(full)
    np.testing.assert_allclose(
        matrix_of(SOR(omega).prepare(a), a.size, a.dtype), np.linalg.inv(diagonal / omega + low), atol=1e-12
    )
    formula = (diagonal + omega * low) @ np.linalg.inv(diagonal) @ (diagonal + omega * up) / (omega * (2 - omega))
    np.testing.assert_allclose(matrix_of(SSOR(omega).prepare(a), a.size, a.dtype), np.linalg.inv(formula), atol=1e-12)


@pytest.mark.parametrize(
    "a", [diffusion((6, 5)), convection((5, 6)), helmholtz((5, 5))], ids=["spd", "real", "complex"]
)
def test_incomplete_lu_reproduces_the_matrix_on_its_pattern(a):
    """The defining property of ILU(0): (LU)_ij = a_ij wherever a_ij is not zero."""
    full = a.csc().toarray()
    product = np.linalg.inv(matrix_of(ILU0().prepare(a), a.size, a.dtype))
    pattern = full != 0
    np.testing.assert_allclose(product[pattern], full[pattern], atol=1e-10 * np.abs(full).max())
    assert np.abs(product - full)[~pattern].max() > 1e-3 * np.abs(full).max() * 0.01


def test_incomplete_factors_of_a_tridiagonal_matrix_are_complete():
    for cls, a in ((ILU0, convection((30,))), (IC0, diffusion((30,)))):
        assert GMRES(preconditioner=cls()).solve(a, np.ones(30)).iterations == 1


def test_incomplete_cholesky_raises_the_diagonal_where_a_pivot_is_negative():
    """The example of Kershaw (1978): positive definite, and its incomplete factor is not."""
    full = np.array([[3.0, -2, 0, 2], [-2, 3, -2, 0], [0, -2, 3, -2], [2, 0, -2, 3]])
    assert np.linalg.eigvalsh(full).min() > 0
    apply = IC0().prepare(SparseMatrix(full))
    assert np.linalg.eigvalsh(matrix_of(apply, 4)).min() > 0
    assert CG(preconditioner=IC0()).solve(SparseMatrix(full), np.ones(4)).status is Status.SUCCESS


def test_a_threshold_of_zero_makes_a_complete_factorisation():
    a = convection((8, 9))
    assert GMRES(preconditioner=ILUT(drop_tol=0.0, fill=100)).solve(a, np.ones(72)).iterations == 1
    counts = [GMRES(preconditioner=ILUT(drop_tol=t)).solve(a, np.ones(72)).iterations for t in (0.3, 1e-2, 1e-4)]
    assert counts == sorted(counts, reverse=True)


def test_blocks_are_inverted_exactly_and_added():
    a = diffusion((6, 5))
    full = a.csc().toarray()
    expected = np.zeros((30, 30))
    for part in np.array_split(np.arange(30), 4):
        expected[np.ix_(part, part)] += np.linalg.inv(full[np.ix_(part, part)])
    np.testing.assert_allclose(matrix_of(BlockJacobi(4).prepare(a), 30), expected, atol=1e-12)


def test_overlapping_blocks_reach_their_neighbours_and_add_up():
    a = diffusion((12,))
    full = a.csc().toarray()
    expected = np.zeros((12, 12))
    for low, high in ((0, 6), (2, 10), (6, 12)):
        part = np.arange(low, high)
        expected[np.ix_(part, part)] += np.linalg.inv(full[np.ix_(part, part)])
    np.testing.assert_allclose(matrix_of(AdditiveSchwarz(3, overlap=2).prepare(a), 12), expected, atol=1e-12)


def test_overlap_saves_iterations():
    a, b = diffusion((30, 30)), np.ones(900)
    counts = [CG(preconditioner=AdditiveSchwarz(6, overlap)).solve(a, b).iterations for overlap in (0, 1, 3)]
    assert counts[0] > counts[1] > counts[2]


def test_schwarz_keeps_the_imaginary_part():
    a = helmholtz((6, 6))
    assert GMRES(preconditioner=AdditiveSchwarz(1, 0)).solve(a, np.ones(36)).iterations == 1


def test_multigrid_of_pyamg_does_not_slow_down_with_the_grid():
    counts = [CG(preconditioner=AMG()).solve(diffusion((n, n), 0.5), np.ones(n * n)).iterations for n in (16, 32, 64)]
    assert counts[-1] <= counts[0] + 4 <= 12
    with pytest.raises(ValueError, match="complex"):
        AMG().prepare(helmholtz((4, 4)))


def test_gauss_seidel_converges_at_the_rate_of_theory():
    """For the Laplacian the spectral radius is cos^2(pi h): Young (1971)."""
    n = 15
    a = SparseMatrix(2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1))
    history = Stationary(tol=1e-10).solve(a, np.ones(n)).residuals
    assert history[-1] / history[-2] == pytest.approx(np.cos(np.pi / (n + 1)) ** 2, rel=1e-3)


def test_the_optimal_relaxation_beats_its_neighbours():
    n = 31
    a = SparseMatrix(2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1))
    best = 2 / (1 + np.sin(np.pi / (n + 1)))
    counts = [Stationary(SOR(w)).solve(a, np.ones(n)).iterations for w in (1.0, 1.5, best, 1.98)]
    assert counts.index(min(counts)) == 2


def test_a_splitting_that_diverges_ends_as_a_failure():
    a = SparseMatrix(np.array([[1.0, 3.0], [3.0, 1.0]]))
    solution = Stationary(SOR(1.0), max_iterations=2000).solve(a, np.array([1.0, 2.0]))
    assert solution.status in (Status.NON_FINITE, Status.MAX_STEPS)


@pytest.mark.parametrize("cls", [Jacobi, SOR, SSOR, IC0], ids=lambda c: c.__name__)
def test_a_zero_on_the_diagonal_is_an_outcome_that_names_the_row(cls):
    solution = GMRES(preconditioner=cls()).solve(SparseMatrix(np.array([[1.0, 1.0], [1.0, 0.0]])), np.ones(2))
    assert solution.status is Status.BREAKDOWN
    assert "row 1" in solution.message


def test_a_zero_pivot_is_an_outcome_that_names_the_row():
    full = np.array([[1.0, 1.0, 0], [1.0, 1.0, 1.0], [0, 1.0, 1.0]])
    solution = GMRES(preconditioner=ILU0()).solve(SparseMatrix(full), np.ones(3))
    assert solution.status is Status.BREAKDOWN
    assert "row 1" in solution.message


@pytest.mark.parametrize("omega", [0.0, 2.0, -0.5, np.nan])
def test_relaxation_outside_of_its_interval_is_refused(omega):
    for cls in (SOR, SSOR):
        with pytest.raises(ValueError, match="omega"):
            cls(omega)


def test_settings_that_make_no_sense_are_refused():
    for make in (
        lambda: ILUT(drop_tol=1.0),
        lambda: ILUT(fill=0.5),
        lambda: BlockJacobi(0),
        lambda: AdditiveSchwarz(2, -1),
    ):
        with pytest.raises(ValueError, match="must"):
            make()
    with pytest.raises(ValueError, match="blocks=8"):
        BlockJacobi(8).prepare(diffusion((4,)))


def test_a_missing_package_is_named_in_one_line(monkeypatch):
    import importlib

    from sciml.status import ConfigError

    def absent(name, *_):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(ConfigError, match=r"AMG needs the package pyamg: pip install 'sciml\[solvers\]'"):
        AMG().prepare(diffusion((4,)))
