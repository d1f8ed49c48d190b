"""The choice of a method: by structure, by the times that solutions report, and frozen as plain data."""

import dataclasses
import json

import numpy as np
import pytest
from linalg_systems import convection, diffusion, helmholtz, medium

from sciml.describe import Described, build, describe
from sciml.linalg import (
    AMG,
    CG,
    LU,
    Auto,
    BanditSolver,
    BlackBoxMultigrid,
    MatrixFree,
    Solution,
    SparseDirect,
    SparseMatrix,
    Stale,
    Stencil,
    candidates,
    choose,
    learning,
)
from sciml.linalg.auto import WORTH_STARTING
from sciml.linalg.structure import Structure, label
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
        (diffusion((6, 5), 3.0), Structure(True, True, True, True, True)),
        (shifted(diffusion((6, 5)), 400.0), Structure(True, True, True, False)),
        (convection((6, 5)), Structure(True, True, False, False)),
        (helmholtz((6, 5)), Structure(True, True, False, False)),
        (SparseMatrix(np.array([[2.0, 1j], [-1j, 2.0]])), Structure(True, False, True, True)),
        (MatrixFree(5, lambda v: v), Structure(False, False, False, False)),
    ],
    ids=[
        "spd grid",
        "spd",
        "high contrast",
        "indefinite",
        "convection",
        "complex symmetric",
        "complex Hermitian",
        "matrix-free",
    ],
)
def test_the_structure_is_read_off_the_entries(a, expected):
    assert Structure.of(a) == expected


@pytest.mark.parametrize(
    ("a", "first"),
    [
        (diffusion((9, 8)), "CG+PoissonPreconditioner"),
        (SparseMatrix(diffusion((9, 8)).csc()), "BandedCholesky"),
        (diffusion((9, 8), 3.0), "CG+BlackBoxMultigrid"),
        (SparseMatrix(np.eye(72) * 3 + np.eye(72, k=1) + np.eye(72, k=-71)), "Stale(GMRES+LU)"),
        (convection((9, 8)), "BiCGStab+ConvectionMultigrid"),
        (helmholtz((9, 8)), "SQMR+PoissonPreconditioner"),
        (shifted(diffusion((9, 8), 0.05), 100.0), "GMRES+PoissonPreconditioner"),
        (MatrixFree(72, lambda v: 2 * v), "GMRES"),
    ],
)
def test_the_likeliest_method_comes_first_and_all_of_the_list_solve(a, first):
    methods = candidates(a)
    assert label(methods[0]) == first
    for solver in methods:
        assert solver.solve(a, np.ones(72)).status is Status.SUCCESS, label(solver)


def test_a_wide_band_without_a_grid_gets_a_factor_that_is_kept():
    """Bandwidth 71 of 5041 unknowns is narrow; numbered at random, it is as wide as the matrix."""
    a, mixed = diffusion((71, 71)), np.random.default_rng(0).permutation(71**2)
    found = list(map(label, candidates(SparseMatrix(a.csc()[mixed][:, mixed]))))
    assert found == ["Stale(CG+LU)", "CG+AMG", "SparseDirect"]
    assert list(map(label, candidates(a, fixed=True)))[:2] == ["BandedCholesky", "SparseDirect"]


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


def test_what_the_first_system_pays_for_is_spread_over_its_chain():
    """A factor at 100 ms and 1 ms per system after it: too dear for two systems, the best for a thousand."""

    class Keeping(Timed):
        def solve(self, a, b, *, x0=None, state=None):
            return Solution(np.zeros_like(b), Status.SUCCESS, (0.0,), True, setup_s=0.0 if state else 0.1, solve_s=1e-3)

    systems, methods = [(diffusion((4, 4)), np.ones(16))] * 3, [Timed(0.02), Keeping(0.101)]
    found = [choose(systems, methods=methods, chain=chain).seconds for chain in (2, 1000)]
    assert found[0] == {"Timed": pytest.approx(0.02), "Keeping": pytest.approx(0.051)}
    assert found[1] == {"Timed": pytest.approx(0.02), "Keeping": pytest.approx(0.0011)}
    assert choose(systems, methods=methods, chain=1000).reason.startswith("Keeping solves a fixed matrix, a positive")


class Compiled(Timed):
    """Carries a preconditioner of the kind that compiles."""

    preconditioner = BlackBoxMultigrid()


def test_what_starts_slowly_is_tried_only_where_the_sequence_takes_long():
    systems, methods = [(diffusion((4, 4)), np.ones(16))] * 2, [Compiled(0.001), Timed(0.01)]
    short = choose(systems, methods=methods, total=int(WORTH_STARTING / 0.01) - 1)
    assert list(short.seconds) == ["Timed"]
    assert "Compiled+BlackBoxMultigrid not worth a trial" in short.reason
    assert "Compiled" in choose(systems, methods=methods, total=int(WORTH_STARTING / 0.01) + 1).reason[:9]
    failing = [Compiled(0.001), Timed(0.01, status=1)]
    assert list(choose(systems, methods=failing, total=2).seconds) == ["Compiled+BlackBoxMultigrid"]


def test_the_trial_of_a_method_that_is_far_behind_ends_early():
    calls = []

    class Counting(Timed):
        def solve(self, a, b, *, x0=None, state=None):
            calls.append(1)
            return super().solve(a, b)

    systems = [(diffusion((4, 4)), np.ones(16))] * 6
    assert choose(systems, methods=[Timed(0.01), Counting(0.2)]).seconds["Counting"] == pytest.approx(0.2)
    assert len(calls) == 3


def test_a_stale_factor_is_frozen_with_its_measured_ratio_and_then_gives_the_same_bits():
    media = [medium(np.exp(0.1 * np.random.default_rng(k).standard_normal((12, 12)))) for k in range(8)]
    choice = choose([(a, np.ones(144)) for a in media[:4]], methods=[Stale(CG(preconditioner=LU()))])
    assert choice.solver["init_args"]["cost_ratio"] > 0
    runs = []
    for _ in range(2):
        solver, state, runs = choice.make(), None, [*runs, []]
        for a in media:
            solution = solver.solve(a, np.ones(144), state=state)
            state, _ = solution.state, runs[-1].append(solution.x.tobytes())
    assert runs[0] == runs[1]
    kept = choose([(media[0], np.ones(144))], methods=[Stale(CG(preconditioner=LU()), cost_ratio=7.0)])
    assert kept.solver["init_args"]["cost_ratio"] == 7.0


@pytest.mark.parametrize(
    "a",
    [
        diffusion((9, 8)),
        diffusion((9, 8), 3.0),
        SparseMatrix(diffusion((9, 8)).csc()),
        shifted(diffusion((9, 8), 0.05), 100.0),
        convection((9, 8)),
        helmholtz((9, 8)),
        MatrixFree(72, diffusion((9, 8)).apply),
    ],
)
def test_left_to_the_structure_it_solves_and_hands_on_the_method_it_found(a):
    auto, b, state = Auto(tol=1e-10), np.linspace(1, 2, 72), None
    for _ in range(3):
        solution = auto.solve(a, b, state=state)
        assert solution.status is Status.SUCCESS
        assert np.linalg.norm(b - a.apply(solution.x)) <= 1e-10 * np.linalg.norm(b)
        state = solution.state
        assert not isinstance(getattr(state.solver, "preconditioner", None), AMG | BlackBoxMultigrid)
    np.testing.assert_array_equal(auto.solve(a, b).x, build(describe(auto)).solve(a, b).x)
    assert auto.solve(diffusion((4, 4)), np.ones(16), state=state).status is Status.SUCCESS


def test_where_the_first_method_fails_the_next_one_is_taken_and_kept(monkeypatch):
    """A medium so rough that the fast Poisson solver needs more than the steps it is given."""
    monkeypatch.setattr("sciml.linalg.structure.MOST_STEPS", 20)
    a = diffusion((40, 40), 1.0)
    first = Auto().solve(a, np.ones(1600))
    assert first.status is Status.SUCCESS
    assert label(first.state.solver) == "BandedCholesky"
    again = Auto().solve(a, np.ones(1600), state=first.state)
    assert again.applications == 1 < first.applications


def test_auto_returns_zero_for_zero_and_names_an_entry_that_is_not_finite():
    a, bad = diffusion((4, 4)), np.ones(16)
    bad[3] = np.nan
    assert not Auto().solve(a, np.zeros(16)).x.any()
    assert "b[3]" in Auto().solve(a, bad).message
    with pytest.raises(ValueError, match="b has shape"):
        Auto().solve(a, np.ones(15))
    with pytest.raises(ValueError, match="tol=1e-15"):
        Auto(tol=1e-15)


def test_auto_calibrated_is_the_choice_at_its_tolerance():
    systems = [(diffusion((9, 8), 0.2, seed=k), np.ones(72)) for k in range(3)]
    choice = Auto(tol=1e-9).calibrated(systems, chain=10, total=100)
    assert choice.make().solve(*systems[0]).residual <= 1e-9
    assert "BlackBoxMultigrid not worth a trial" in choice.reason


def test_learning_goes_on_with_all_methods_that_solve():
    systems = [(diffusion((9, 8), 0.2, seed=k), np.ones(72)) for k in range(3)]
    choice = learning(systems, tol=1e-9, total=100)
    solver = build(json.loads(json.dumps(choice.solver)))
    assert isinstance(solver, BanditSolver)
    assert [label(one) for one in solver.solvers] == list(choice.seconds)
    assert {type(one) for one in solver.solvers} >= {CG, SparseDirect}
    assert solver.solve(*systems[0]).residual <= 1e-9
    singular = [(SparseMatrix(np.zeros((3, 3))), np.ones(3))]
    with pytest.raises(SolveFailure, match="none of"):
        learning(singular)
