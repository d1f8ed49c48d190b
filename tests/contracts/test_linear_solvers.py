"""Every exported linear solver: reference systems, true residuals, counts, statuses, and bad input."""

import inspect
import math

import numpy as np
import pytest
from linalg_systems import convection, diffusion, helmholtz

import sciml.linalg
from sciml.describe import build, describe
from sciml.linalg import CG, Jacobi, LinearOperator, LinearSolver, Solution, SparseMatrix, relative_residual
from sciml.status import SolveFailure, Status

#: What a solver is for, where that is less than every regular matrix.
HERMITIAN_ONLY = {"BanditSolver", "BandedCholesky", "CG", "Stale", "Stationary"}
SYMMETRIC_ONLY = {"SQMR"}


def exported_solvers() -> list[type]:
    """Classes with a method `solve`: found by their face, so that a newcomer is tested before it has a test."""
    found = [getattr(sciml.linalg, name) for name in sciml.linalg.__all__]
    # MeanFree solves a projected system, Auto is whatever suits the matrix: both have tests of their own.
    others = (LinearSolver, sciml.linalg.MeanFree, sciml.linalg.Auto)
    concrete = [c for c in found if inspect.isclass(c) and hasattr(c, "solve") and c not in others]
    return [c for c in concrete if not inspect.isabstract(c)]


def is_direct(cls: type) -> bool:
    return issubclass(cls, sciml.linalg.direct.DirectSolver)


def example(cls: type, **settings):
    """With a small cycle where there are cycles, so that the reference systems need several."""
    if cls is sciml.linalg.Stale:
        return cls(CG(preconditioner=Jacobi(), **settings))
    if cls is sciml.linalg.BanditSolver:
        return cls([CG(**settings), CG(preconditioner=Jacobi(), **settings)])
    taken = inspect.signature(cls).parameters
    small = {"restart": 12, "recycle": 4}
    return cls(**{k: v for k, v in {**small, **settings}.items() if k in taken})


class Counted:
    """An operator that counts its applications and passes everything else on."""

    def __init__(self, a: LinearOperator) -> None:
        self.a, self.applied = a, 0

    def __getattr__(self, name):
        return getattr(self.a, name)

    def apply(self, x):
        self.applied += 1
        return self.a.apply(x)


def systems(cls: type) -> dict[str, LinearOperator]:
    """Reference matrices that the class claims to solve."""
    hermitian = np.array([[4.0, 1j, 0], [-1j, 3.0, 1], [0, 1, 2.0]])
    found: dict[str, LinearOperator] = {
        "diffusion 1-D": diffusion((20,)),
        "diffusion 2-D": diffusion((9, 11)),
        "diffusion 3-D": diffusion((4, 5, 6)),
        "dense": SparseMatrix(np.eye(12) + np.full((12, 12), 0.5)),
        "one unknown": SparseMatrix(np.array([[2.0]])),
        "complex Hermitian": SparseMatrix(hermitian),
    }
    if cls.__name__ not in HERMITIAN_ONLY:
        found["convection"] = convection((9, 10))
        found["complex symmetric"] = helmholtz((8, 9))
    if cls.__name__ in SYMMETRIC_ONLY:
        found = {name: a for name, a in found.items() if name not in ("convection", "complex Hermitian")}
    if cls.__name__ == "GCRODR":
        found = {name: a for name, a in found.items() if a.size >= 12}
    return found


SOLVERS = pytest.mark.parametrize("cls", exported_solvers(), ids=lambda c: c.__name__)
CASES = pytest.mark.parametrize(
    ("cls", "name"),
    [(c, name) for c in exported_solvers() for name in systems(c)],
    ids=lambda v: getattr(v, "__name__", v),
)


def right_side(a: LinearOperator, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    b = rng.standard_normal(a.size)
    return b if a.dtype.kind == "f" else b + 1j * rng.standard_normal(a.size)


def test_there_are_solvers_to_test():
    assert {c.__name__ for c in exported_solvers()} >= {"CG", "GMRES", "BiCGStab", "SparseDirect", "BandedCholesky"}


@CASES
def test_the_solution_is_that_of_a_dense_solve(cls, name):
    a = systems(cls)[name]
    b = right_side(a)
    solution = example(cls, tol=1e-11).solve(a, b)
    assert solution.status is Status.SUCCESS, solution.message
    expected = np.linalg.solve(SparseMatrix(a.csc()).matrix.toarray(), b)
    np.testing.assert_allclose(solution.x, expected, rtol=0, atol=1e-8 * np.abs(expected).max())


@CASES
def test_the_residual_reported_is_the_one_recomputed_and_below_the_tolerance(cls, name):
    a = systems(cls)[name]
    b = right_side(a, seed=1)
    solution = example(cls, tol=1e-6).solve(a, b)
    true = float(np.linalg.norm(b - a.apply(solution.x)) / np.linalg.norm(b))
    assert solution.residual == pytest.approx(true, rel=1e-6, abs=1e-15)
    assert solution.residual == relative_residual(a, solution.x, b)
    assert solution.residual <= 1e-6
    assert all(math.isfinite(r) for r in solution.residuals)
    assert solution.residuals[0] == (1.0 if solution.iterations else solution.residual)
    assert solution.message == ""


@SOLVERS
def test_the_counts_are_those_of_the_operator(cls):
    a = Counted(diffusion((9, 11)))
    solution = example(cls).solve(a, right_side(a))
    assert solution.applications == a.applied >= 1
    assert solution.preconditionings >= 0
    assert is_direct(cls) == (solution.iterations == 0)
    assert min(solution.setup_s, solution.solve_s) >= 0.0
    again = example(cls).solve(a, right_side(a), state=solution.state)
    assert solution.applications + again.applications == a.applied


@SOLVERS
def test_neither_the_right_side_nor_the_guess_is_changed(cls):
    a = diffusion((9, 11))
    b, guess = right_side(a), right_side(a, seed=2)
    kept = b.copy(), guess.copy()
    example(cls).solve(a, b, x0=guess)
    np.testing.assert_array_equal(b, kept[0])
    np.testing.assert_array_equal(guess, kept[1])


@SOLVERS
def test_the_exact_guess_takes_no_iteration(cls):
    a = diffusion((9, 11))
    x = right_side(a)
    solution = example(cls).solve(a, a.apply(x), x0=x)
    assert solution.iterations == 0
    assert solution.status is Status.SUCCESS


@SOLVERS
def test_the_same_call_gives_the_same_bits(cls):
    a = diffusion((9, 11))
    first, second = (example(cls).solve(a, right_side(a)) for _ in range(2))
    np.testing.assert_array_equal(first.x, second.x)
    assert first.residuals == second.residuals


@SOLVERS
def test_state_is_handed_through_a_sequence_of_systems(cls):
    solver, state = example(cls), None
    for seed in range(4):
        a = diffusion((9, 11), contrast=0.3, seed=seed)
        solution = solver.solve(a, right_side(a, seed), state=state)
        assert solution.status is Status.SUCCESS
        assert relative_residual(a, solution.x, right_side(a, seed)) <= 1e-8
        state = solution.state


@SOLVERS
def test_the_state_of_another_size_or_kind_is_no_obstacle(cls):
    solver = example(cls)
    state = solver.solve(diffusion((9, 11)), np.ones(99)).state
    for a in (diffusion((6, 7)), diffusion((9, 11))):
        solution = solver.solve(a, np.ones(a.size), state=state)
        assert solution.status is Status.SUCCESS
    assert solver.solve(diffusion((6, 7)), np.ones(42), state="of another solver").status is Status.SUCCESS


@SOLVERS
def test_zero_is_solved_by_zero_without_an_iteration(cls):
    a = Counted(diffusion((9, 11)))
    solution = example(cls).solve(a, np.zeros(a.size), x0=np.ones(a.size))
    np.testing.assert_array_equal(solution.x, 0.0)
    assert (solution.status, solution.iterations, solution.residual, a.applied) == (Status.SUCCESS, 0, 0.0, 0)


@SOLVERS
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_right_side_that_is_not_finite_is_an_outcome_that_names_the_entry(cls, bad):
    a = Counted(diffusion((9, 11)))
    b = np.ones(a.size)
    b[17] = bad
    solution = example(cls).solve(a, b)
    assert solution.status is Status.NON_FINITE
    assert "b[17]" in solution.message
    assert np.isnan(solution.x).all()
    assert a.applied == 0
    with pytest.raises(SolveFailure, match=r"b\[17\]"):
        solution.checked()


@SOLVERS
def test_a_matrix_that_is_not_finite_is_never_a_success(cls):
    full = np.eye(20) * 4.0
    full[3, 4] = full[4, 3] = np.nan
    solution = example(cls).solve(SparseMatrix(full), np.ones(20))
    assert solution.status in (Status.NON_FINITE, Status.BREAKDOWN)
    assert "\n" not in solution.message
    assert solution.message


@pytest.mark.parametrize("cls", [c for c in exported_solvers() if not is_direct(c)], ids=lambda c: c.__name__)
def test_the_limit_ends_a_solve_that_has_not_converged(cls):
    a = diffusion((30, 30))
    solution = example(cls, max_iterations=7, tol=1e-12).solve(a, np.ones(a.size))
    assert solution.status is Status.MAX_STEPS
    assert solution.iterations == 7
    assert solution.residual == relative_residual(a, solution.x, np.ones(a.size)) > 1e-12
    assert "max_iterations=7" in solution.message
    with pytest.raises(SolveFailure, match="max_iterations=7"):
        solution.checked()


@pytest.mark.parametrize("cls", [c for c in exported_solvers() if not is_direct(c)], ids=lambda c: c.__name__)
def test_the_history_has_one_residual_per_iteration_and_falls_in_the_end(cls):
    a = diffusion((9, 11))
    solution = example(cls, tol=1e-9).solve(a, right_side(a))
    assert solution.iterations == len(solution.residuals) - 1 >= 2
    assert solution.residuals[-1] < 1e-3 * solution.residuals[0]


@SOLVERS
def test_a_singular_matrix_with_an_incompatible_right_side_names_the_null_space(cls):
    n = 16
    neumann = np.diag(np.r_[1.0, np.full(n - 2, 2.0), 1.0]) - np.eye(n, k=1) - np.eye(n, k=-1)
    solution = example(cls, max_iterations=200).solve(SparseMatrix(neumann), np.ones(n))
    assert solution.status in (Status.BREAKDOWN, Status.MAX_STEPS)
    assert "null space" in solution.message
    assert "constants" in solution.message


@SOLVERS
@pytest.mark.parametrize("tol", [0.0, -1.0, math.nan])
def test_a_tolerance_that_is_none_is_refused(cls, tol):
    with pytest.raises(ValueError, match="tol"):
        example(cls, tol=tol)


@pytest.mark.parametrize("cls", [c for c in exported_solvers() if not is_direct(c)], ids=lambda c: c.__name__)
def test_a_tolerance_that_float64_cannot_reach_is_refused(cls):
    with pytest.raises(ValueError, match="tol=1e-15"):
        example(cls, tol=1e-15)
    with pytest.raises(ValueError, match="max_iterations=0"):
        example(cls, max_iterations=0)


@SOLVERS
def test_a_right_side_of_another_size_is_refused(cls):
    with pytest.raises(ValueError, match="b has shape"):
        example(cls).solve(diffusion((9, 11)), np.ones(98))


@SOLVERS
def test_a_solver_survives_its_description(cls):
    solver = example(cls)
    assert isinstance(solver, LinearSolver)
    assert describe(build(describe(solver))) == describe(solver)


def test_a_solution_without_a_message_still_fails_with_its_status():
    with pytest.raises(SolveFailure, match="BREAKDOWN") as caught:
        Solution(np.zeros(1), Status.BREAKDOWN).checked()
    assert caught.value.status is Status.BREAKDOWN
