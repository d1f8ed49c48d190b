"""Krylov methods: finite termination, what they minimise, the limit set by rounding, matrices that are not theirs."""

import numpy as np
import pytest
import scipy.sparse.linalg as sla
from linalg_systems import convection, diffusion, helmholtz

from sciml.linalg import CG, GMRES, SQMR, BiCGStab, GivenPreconditioner, MatrixFree, SparseMatrix
from sciml.status import Status


def test_cg_ends_after_as_many_steps_as_there_are_eigenvalues():
    rotation = np.linalg.qr(np.random.default_rng(0).standard_normal((40, 40)))[0]
    a = SparseMatrix(rotation @ np.diag(np.repeat([1.0, 2.0, 5.0, 9.0], 10)) @ rotation.T)
    assert CG(tol=1e-10).solve(a, np.ones(40)).iterations == 4


def test_cg_keeps_below_the_bound_of_chebyshev():
    a = diffusion((30,), contrast=0.0)
    values = np.linalg.eigvalsh(a.csc().toarray())
    rate = (np.sqrt(values[-1] / values[0]) - 1) / (np.sqrt(values[-1] / values[0]) + 1)
    exact = np.linalg.solve(a.csc().toarray(), np.ones(30))
    energy = lambda e: np.sqrt(e @ a.apply(e))  # noqa: E731
    for steps in (2, 5, 10):
        x = CG(tol=1e-12, max_iterations=steps).solve(a, np.ones(30)).x
        assert energy(x - exact) <= 2 * rate**steps * energy(exact)


@pytest.mark.parametrize(
    "a", [convection((9, 8)), helmholtz((7, 8)), diffusion((8, 8))], ids=["real", "complex", "spd"]
)
def test_gmres_has_the_smallest_residual_of_the_krylov_space(a):
    b = np.random.default_rng(1).standard_normal(a.size).astype(a.dtype)
    steps, space = 9, [b]
    for _ in range(8):
        space.append(a.apply(space[-1] / np.linalg.norm(space[-1])))
    image = np.stack([a.apply(v) for v in np.linalg.qr(np.stack(space, axis=1))[0].T], axis=1)
    least = np.linalg.norm(b - image @ np.linalg.lstsq(image, b, rcond=None)[0]) / np.linalg.norm(b)
    solution = GMRES(restart=20, tol=1e-12, max_iterations=steps).solve(a, b)
    assert solution.residual == pytest.approx(least, rel=1e-8)
    assert np.all(np.diff(solution.residuals) <= 1e-14)


def test_gmres_ends_with_the_grade_of_the_right_side():
    a = SparseMatrix(np.diag(np.repeat([1.0, 3.0, 4.0], 5)))
    solution = GMRES(restart=15, tol=1e-12).solve(a, np.ones(15))
    assert solution.status is Status.SUCCESS
    assert solution.iterations == 3


def test_gmres_counts_as_scipy_does():
    a, b, steps = convection((20, 20)), np.ones(400), []
    sla.gmres(a.csc(), b, rtol=1e-8, restart=25, callback=lambda _: steps.append(1), callback_type="pr_norm")
    assert abs(GMRES(restart=25, tol=1e-8).solve(a, b).iterations - len(steps)) <= 1


def test_bicgstab_counts_as_scipy_does():
    a, b, steps = convection((20, 20)), np.ones(400), []
    sla.bicgstab(a.csc(), b, rtol=1e-8, callback=lambda _: steps.append(1))
    assert abs(BiCGStab(tol=1e-8).solve(a, b).iterations - len(steps)) <= 2


def test_a_cycle_that_makes_no_progress_ends_at_the_limit():
    """A cyclic shift: restarted GMRES stands still, the full method needs all n steps."""
    shift = SparseMatrix(np.roll(np.eye(12), 1, axis=0))
    b = np.eye(12)[0]
    assert GMRES(restart=5, max_iterations=50).solve(shift, b).status is Status.MAX_STEPS
    assert GMRES(restart=12).solve(shift, b).iterations == 12


def test_bicgstab_starts_again_where_its_recurrence_breaks_down():
    """For this skew part the first shadow product vanishes."""
    a = SparseMatrix(np.array([[0.0, 1.0], [-1.0, 0.0]]))
    assert BiCGStab().solve(a, np.array([1.0, 0.0])).status is Status.BREAKDOWN
    shifted = SparseMatrix(np.array([[0.1, 1.0], [-1.0, 0.1]]))
    assert BiCGStab().solve(shifted, np.array([1.0, 0.0])).status is Status.SUCCESS


def test_an_indefinite_matrix_is_reported_by_cg():
    solution = CG().solve(SparseMatrix(np.diag([1.0, -1.0, 2.0])), np.ones(3))
    assert solution.status is Status.BREAKDOWN
    assert "matrix is not positive definite" in solution.message


def test_an_indefinite_preconditioner_is_reported_by_cg():
    solution = CG(preconditioner=GivenPreconditioner(lambda r: -r)).solve(diffusion((9,)), np.ones(9))
    assert solution.status is Status.BREAKDOWN
    assert "preconditioner is not positive definite" in solution.message


def test_rounding_that_keeps_the_tolerance_out_of_reach_is_an_outcome():
    a = SparseMatrix(np.diag(np.logspace(0, 16, 40)) + 1e-3 * np.ones((40, 40)))
    noisy = MatrixFree(40, lambda v: (a.apply(v)).astype(np.float32).astype(np.float64))
    solution = GMRES(restart=40, tol=1e-12, max_iterations=500).solve(noisy, np.ones(40))
    assert solution.status in (Status.BREAKDOWN, Status.MAX_STEPS)
    assert solution.residual > 1e-12


def test_single_precision_in_the_operator_never_passes_for_a_double_tolerance():
    """The recurrence of CG goes on falling; the residual recomputed from x does not."""
    a = diffusion((30, 30))
    single = MatrixFree(900, lambda v: a.apply(v.astype(np.float32)).astype(np.float32).astype(np.float64))
    solution = CG(tol=1e-10, max_iterations=2000).solve(single, np.ones(900))
    assert solution.status is not Status.SUCCESS
    assert "rounding" in solution.message or "max_iterations" in solution.message


def test_a_complex_guess_of_a_real_system_is_kept():
    a = diffusion((9, 8))
    solution = GMRES(tol=1e-10).solve(a, np.ones(72), x0=1j * np.ones(72))
    np.testing.assert_allclose(a.csc() @ solution.x, 1.0, atol=1e-8)


def test_a_guess_saves_iterations_and_does_not_loosen_the_tolerance():
    a, b = diffusion((20, 20)), np.ones(400)
    exact = np.linalg.solve(a.csc().toarray(), b)
    from_zero = CG().solve(a, b)
    near = CG().solve(a, b, x0=exact * (1 + 1e-5))
    assert near.iterations < 0.7 * from_zero.iterations
    assert near.residual <= 1e-8


@pytest.mark.parametrize("method", [CG, GMRES, BiCGStab], ids=lambda m: m.__name__)
def test_preconditioner_applications_are_counted(method):
    made = []
    given = GivenPreconditioner(lambda r: made.append(1) or r / 2)
    solution = method(preconditioner=given).solve(diffusion((9, 8)), np.ones(72))
    assert solution.preconditionings == len(made) > 0


def test_the_settings_of_gmres_are_checked():
    with pytest.raises(ValueError, match="restart=0"):
        GMRES(restart=0)


def test_sqmr_ends_after_as_many_steps_as_an_indefinite_matrix_has_eigenvalues():
    rotation = np.linalg.qr(np.random.default_rng(0).standard_normal((40, 40)))[0]
    a = SparseMatrix(rotation @ np.diag(np.repeat([-3.0, 1.0, 2.0, -0.5], 10)) @ rotation.T)
    assert SQMR(tol=1e-10).solve(a, np.ones(40)).iterations == 4


def test_sqmr_is_minres_without_a_preconditioner():
    """The Lanczos vectors of a real matrix are orthogonal: the quasi-minimal residual is the minimal one."""
    rng = np.random.default_rng(2)
    a = SparseMatrix(np.diag(np.concatenate([rng.uniform(-2, -0.2, 20), rng.uniform(0.2, 3, 40)])))
    b = rng.standard_normal(60)
    for steps in (3, 7, 12):
        ours = SQMR(tol=1e-12, max_iterations=steps).solve(a, b)
        least = GMRES(restart=60, tol=1e-12, max_iterations=steps).solve(a, b)
        assert ours.residual == pytest.approx(least.residual, rel=1e-6)


@pytest.mark.parametrize("a", [helmholtz((12, 13)), helmholtz((12, 13), 0.7)], ids=["complex", "real"])
def test_sqmr_takes_an_indefinite_preconditioner(a):
    """That of a neighbour: the minimal residual over the same space is not far below."""
    near = np.linalg.inv(helmholtz((12, 13), 0.68).csc().toarray())
    inverse = GivenPreconditioner(lambda r: near @ r)
    b = np.random.default_rng(0).standard_normal(a.size).astype(a.dtype)
    ours, least = (m.solve(a, b) for m in (SQMR(preconditioner=inverse), GMRES(60, preconditioner=inverse)))
    assert ours.status is Status.SUCCESS
    assert least.iterations <= ours.iterations <= 1.3 * least.iterations + 2
    assert ours.iterations < 0.7 * SQMR().solve(a, b).iterations


def test_sqmr_reports_a_direction_of_length_zero():
    solution = SQMR().solve(SparseMatrix(np.array([[0.0, 1.0], [1.0, 0.0]])), np.array([1.0, 0.0]))
    assert solution.status is Status.BREAKDOWN
    assert "length zero" in solution.message
