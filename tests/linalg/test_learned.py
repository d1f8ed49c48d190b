"""A solver chosen by a bandit: pays off, loses no system, and goes on from its saved state with the same choices."""

import json

import numpy as np
import pytest
from linalg_systems import diffusion
from scipy.stats import chisquare

from sciml.bandits import ChebCB, TsallisINF
from sciml.describe import Described, build, describe
from sciml.linalg import (
    CG,
    LU,
    SOR,
    BanditSolver,
    Jacobi,
    MeanDiagonal,
    Seconds,
    Solution,
    SparseMatrix,
    Stale,
    Stationary,
)
from sciml.status import Status

LINE = 2 * np.eye(4) - np.eye(4, k=1) - np.eye(4, k=-1)
LAPLACIAN = np.kron(LINE, np.eye(4)) + np.kron(np.eye(4), LINE)
OMEGAS = (1.0, 1.2, 1.4, 1.6, 1.8)


def relaxed(bandit=None, context=None) -> BanditSolver:
    return BanditSolver([Stationary(SOR(w)) for w in OMEGAS], bandit, context=context)


def stream(count: int, seed: int = 0) -> list:
    rng = np.random.default_rng(seed)
    return [(SparseMatrix(LAPLACIAN + c * np.eye(16)), rng.standard_normal(16)) for c in rng.uniform(-0.7, 0.3, count)]


def run(solver: BanditSolver, systems, state=None):
    """Counts of all systems, and the state after the last one."""
    counts = []
    for a, b in systems:
        solution = solver.solve(a, b, state=state)
        assert solution.status is Status.SUCCESS
        counts.append(solution.iterations)
        state = solution.state
    return counts, state


class Costly(Described):
    """Solves nothing, in a time and with a status that the test sets; leaves how often it was called."""

    def __init__(self, seconds: float, status: int = 0) -> None:
        self.seconds, self.status = seconds, Status(status)

    def solve(self, a, b, *, x0=None, state=None):
        calls = (state or 0) + 1
        return Solution(np.full_like(b, self.seconds), self.status, (1.0, 0.1), calls, 2, 1, solve_s=self.seconds)


@pytest.mark.parametrize(
    ("bandit", "context"),
    [(None, None), (ChebCB(5, 3.3, 4.3, seed=1), MeanDiagonal())],
    ids=["Tsallis", "Chebyshev"],
)
def test_it_goes_on_from_a_saved_state_with_the_same_choices_and_bits(bandit, context):
    systems = stream(40)
    whole, end = run(relaxed(bandit, context), systems)
    first, half = run(relaxed(bandit, context), systems[:15])
    saved = json.loads(json.dumps(half.state_dict()))
    fresh = build(describe(relaxed(bandit, context)))
    rest, again = run(fresh, systems[15:], fresh.restored(saved))
    assert first + rest == whole
    assert again.state_dict() == end.state_dict()
    # Nothing but chance decides between arms of unequal counts, so that equal sums of choices are no accident.
    assert len(set(whole)) > 5


def test_a_bandit_that_is_played_by_hand_makes_the_same_choices():
    systems, bandit = stream(40), TsallisINF(len(OMEGAS), least=0.0)
    expected = []
    for a, b in systems:
        arm = bandit.select()
        expected.append(Stationary(SOR(OMEGAS[arm])).solve(a, b).iterations)
        bandit.update(arm, expected[-1])
    assert run(relaxed(), systems)[0] == expected


@pytest.mark.slow
def test_a_context_brings_the_counts_below_the_best_fixed_parameter():
    systems = stream(40) * 15
    fixed = min(np.mean([Stationary(SOR(w)).solve(a, b).iterations for a, b in systems[:40]]) for w in OMEGAS)
    learned, _ = run(relaxed(ChebCB(5, 3.3, 4.3), MeanDiagonal()), systems)
    assert np.mean(learned[300:]) < fixed


def test_a_solve_leaves_the_state_that_it_is_handed_as_it_was():
    (a, b), *_ = stream(1)
    solver = relaxed()
    _, state = run(solver, stream(3))
    before = json.dumps(state.state_dict())
    first, second = (solver.solve(a, b, state=state) for _ in range(2))
    assert json.dumps(state.state_dict()) == before
    np.testing.assert_array_equal(first.x, second.x)
    assert first.state.state_dict() == second.state.state_dict() != state.state_dict()


def test_every_arm_gets_back_what_it_has_left():
    a, b = diffusion((4, 4)), np.ones(16)
    solver, state = BanditSolver([Costly(0.1), Costly(0.2)], cost=Seconds()), None
    for _ in range(30):
        state = solver.solve(a, b, state=state).state
    assert tuple(n or 0 for n in state.inner) == state.uses
    assert sum(state.uses) == 30


def test_the_cheaper_arm_is_used_more_and_more():
    a, b = diffusion((4, 4)), np.ones(16)
    solver, state = BanditSolver([Costly(0.5), Costly(0.1), Costly(0.4)], cost=Seconds()), None
    uses = []
    for _ in range(600):
        state = solver.solve(a, b, state=state).state
        uses.append(state.uses[1])
    assert uses[-1] - uses[-200] > 140
    assert chisquare(state.uses).pvalue < 1e-6


def test_an_arm_that_fails_costs_what_the_others_take_and_loses_no_system():
    a, b = diffusion((4, 4)), np.ones(16)
    solver, state, spent = BanditSolver([Costly(0.3, status=1), Costly(0.1)], cost=Seconds()), None, []
    for _ in range(200):
        solution = solver.solve(a, b, state=state)
        assert solution.status is Status.SUCCESS
        np.testing.assert_array_equal(solution.x, 0.1)
        state = solution.state
        spent.append((solution.solve_s, solution.applications, solution.preconditionings))
    assert set(spent) == {(0.1, 2, 1), (0.4, 4, 2)}
    assert state.failures == (state.uses[0], 0)
    assert state.uses[1] == 200
    assert [s for s, _, _ in spent[-100:]].count(0.1) > 80


def test_where_all_fail_the_outcome_is_that_of_the_one_chosen():
    a, b = diffusion((30, 30)), np.ones(900)
    solver = BanditSolver([CG(tol=1e-12, max_iterations=4), CG(tol=1e-12, max_iterations=4, preconditioner=Jacobi())])
    solution = solver.solve(a, b)
    assert solution.status is Status.MAX_STEPS
    assert "max_iterations=4" in solution.message
    assert solution.state.failures == solution.state.uses == (1, 1)


def test_an_interval_of_refreshing_can_be_an_arm():
    arms = [Stale(CG(preconditioner=LU()), cost_ratio=r) for r in (2.0, 1e9)]
    systems = [(diffusion((6, 6), 0.3, seed=k), np.ones(36)) for k in range(12)]
    assert sum(run(BanditSolver(arms), systems)[1].uses) == 12


def test_a_right_side_of_zero_teaches_nothing():
    _, state = run(relaxed(), stream(3))
    solution = relaxed().solve(SparseMatrix(LAPLACIAN), np.zeros(16), state=state)
    assert solution.state is state
    assert not solution.x.any()


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="solvers is empty"):
        BanditSolver([])
    with pytest.raises(ValueError, match="bandit has 3 arms; there are 1 solvers"):
        BanditSolver([CG()], TsallisINF(3))
    with pytest.raises(ValueError, match="omega=2"):
        BanditSolver([Stationary(SOR(2.0))])
    saved = BanditSolver([CG(), CG()]).start().state_dict()
    with pytest.raises(ValueError, match="one of 2 solvers; there are 5"):
        relaxed().restored(saved)
