"""The choice of a method: by structure, by the times that solutions report, and frozen as plain data."""

import dataclasses
import json

import numpy as np
import pytest
from linalg_systems import convection, diffusion, helmholtz, medium

from sciml.describe import Described
from sciml.linalg import CG, MatrixFree, Solution, SparseMatrix, Stencil, candidates, choose
from sciml.linalg.auto import Structure, label
from sciml.status import SolveFailure, Status


class Timed(Described):
    """Reports a CPU time that the test sets; solves exactly, or fails."""

    def __init__(self, seconds: float, status: int = 0) -> None:
        self.seconds, self.status = seconds, Status(status)

    def solve(self, a, b, *, x0=None, state=None):
        return Solution(np.zeros_like(b), self.status, (0.0,), setup_s=0.25 * self.seconds, solve_s=0.75 * self.seconds)


class Slow(Timed):
    """Another name."""


class Compiling(Timed):
    """Takes a minute at its first solve."""

    def solve(self, a, b, *, x0=None, state=None):
        solution = super().solve(a, b)
        first, self.warm = not hasattr(self, "warm"), True
        return dataclasses.replace(solution, solve_s=60.0) if first else solution


def shifted(a: Stencil, by: float) -> Stencil:
    return Stencil(a.diagonal - by, a.faces, a.back)


@pytest.mark.parametrize(
    ("a", "expected"),
    [
        (diffusion((6, 5)), Structure(True, True, True, True)),
        (SparseMatrix(diffusion((6, 5)).csc()), Structure(True, False, True, True)),
        (shifted(diffusion((6, 5)), 400.0), Structure(True, True, True, False)),
        (convection((6, 5)), Structure(True, True, False, False)),
        (helmholtz((6, 5)), Structure(True, True, False, False)),
        (SparseMatrix(np.array([[2.0, 1j], [-1j, 2.0]])), Structure(True, False, True, True)),
        (MatrixFree(5, lambda v: v), Structure(False, False, False, False)),
    ],
    ids=["spd grid", "spd", "indefinite", "convection", "complex symmetric", "complex Hermitian", "matrix-free"],
)
def test_the_structure_is_read_off_the_entries(a, expected):
    assert Structure.of(a) == expected


@pytest.mark.parametrize(
    ("a", "first"),
    [
        (diffusion((9, 8)), "CG+PoissonPreconditioner"),
        (SparseMatrix(diffusion((9, 8)).csc()), "BandedCholesky"),
        (shifted(diffusion((9, 8), 0.05), 100.0), "GMRES+PoissonPreconditioner"),
        (MatrixFree(72, lambda v: 2 * v), "GMRES"),
    ],
)
def test_the_likeliest_method_comes_first_and_all_of_the_list_solve(a, first):
    methods = candidates(a)
    assert label(methods[0]) == first
    for solver in methods:
        assert solver.solve(a, np.ones(72)).status is Status.SUCCESS, label(solver)


def test_conjugate_gradients_are_not_on_the_list_of_an_indefinite_or_nonsymmetric_matrix():
    for a in (shifted(diffusion((9, 8)), 400.0), convection((9, 8)), helmholtz((9, 8))):
        assert not [n for n in map(label, candidates(a)) if "CG+" in n or "(CG" in n or "Cholesky" in n]


def test_the_least_time_wins_and_the_reason_names_the_others():
    systems = [(diffusion((4, 4)), np.ones(16))] * 3
    choice = choose(systems, methods=[Slow(0.02), Timed(0.01)])
    assert choice.solver["init_args"] == {"seconds": 0.01}
    assert choice.seconds == {"Slow": pytest.approx(0.02), "Timed": pytest.approx(0.01)}
    assert "in 10 ms per system (Slow 20 ms)." in choice.reason


def test_what_happens_once_in_a_process_does_not_count():
    systems = [(diffusion((4, 4)), np.ones(16))] * 2
    assert choose(systems, methods=[Timed(0.02), Compiling(0.01)]).seconds["Compiling"] == pytest.approx(0.01)


def test_a_method_that_fails_is_never_chosen_however_fast():
    systems = [(diffusion((4, 4)), np.ones(16))]
    choice = choose(systems, methods=[Timed(1e-6, status=1), CG()])
    assert choice.solver["class_path"] == "sciml.linalg.CG"
    assert "Timed failed" in choice.reason
    with pytest.raises(SolveFailure, match="none of Timed"):
        choose(systems, methods=[Timed(1e-6, status=1)])


def test_a_method_that_refuses_a_matrix_is_passed_over():
    systems = [(SparseMatrix(diffusion((5, 4)).csc()), np.ones(20))]
    from sciml.linalg import PoissonPreconditioner

    choice = choose(systems, methods=[CG(preconditioner=PoissonPreconditioner()), CG()])
    assert choice.solver["init_args"] == {}
    with pytest.raises(ValueError, match="systems is empty"):
        choose([])


def test_the_choice_is_plain_data_and_makes_a_solver_that_keeps_the_tolerance():
    media = [medium(np.exp(0.1 * np.random.default_rng(k).standard_normal((12, 12)))) for k in range(3)]
    choice = choose([(a, np.ones(144)) for a in media], tol=1e-9)
    frozen = json.loads(json.dumps({"solver": choice.solver, "reason": choice.reason, "seconds": choice.seconds}))
    assert frozen["solver"] == choice.solver
    assert "\n" not in frozen["reason"]
    assert "positive definite matrix on a grid" in frozen["reason"]
    solution = choice.make().solve(media[0], np.ones(144))
    assert solution.status is Status.SUCCESS
    assert solution.residual <= 1e-9
