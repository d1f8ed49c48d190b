"""A kept preconditioner: when it is made again, and that it never costs a solution."""

import numpy as np
import pytest
from linalg_systems import convection, diffusion, medium

from sciml.linalg import CG, GCRODR, GMRES, LU, Jacobi, Preconditioner, SparseDirect, Stale
from sciml.status import Status


class Counting(Preconditioner):
    """LU that remembers for which matrices it was made."""

    def __init__(self) -> None:
        self.made: list[int] = []

    def prepare(self, a):
        self.made.append(a.size)
        return LU().prepare(a)


def drifting(steps: int, drift: float = 0.03):
    """Media that move away from the first one at a steady pace."""
    start, end = np.random.default_rng(0).standard_normal((2, 12, 12))
    return [medium(np.exp(start + drift * k * end)) for k in range(steps)]


def run(solver, matrices):
    state, counts = None, []
    for a in matrices:
        solution = solver.solve(a, np.ones(a.size), state=state)
        assert solution.status is Status.SUCCESS
        state = solution.state
        counts.append(solution.iterations)
    return counts, state


def test_the_same_matrix_is_factorised_once():
    counting = Counting()
    counts, state = run(Stale(CG(preconditioner=counting), cost_ratio=50.0), [diffusion((12, 12))] * 6)
    assert counts == [1] * 6
    assert len(counting.made) == 1
    assert state.uses == 6


@pytest.mark.parametrize("ratio", [5.0, 30.0, 1e6])
def test_the_rule_is_the_one_that_is_stated(ratio):
    """Replayed from the counts of every system."""
    counting = Counting()
    solver = Stale(CG(preconditioner=counting), cost_ratio=ratio)
    state, excesses, due = None, [], True
    for number, a in enumerate(drifting(24)):
        before = len(counting.made)
        solution = solver.solve(a, np.ones(144), state=state)
        assert (len(counting.made) > before) == due, number
        excesses = [solution.iterations - 1] if due else [*excesses, solution.iterations - 1]
        due = excesses[-1] - np.mean(excesses) > ratio / len(excesses)
        state = solution.state
    made = len(counting.made)
    assert made == 1 if ratio == 1e6 else 1 < made < 24


def test_iterations_grow_as_the_factor_ages_and_fall_when_it_is_made_again():
    counts, _ = run(Stale(CG(preconditioner=LU()), cost_ratio=40.0), drifting(20))
    refreshed = [i for i in range(1, 20) if counts[i] == 1]
    assert refreshed
    assert all(counts[i - 1] > 5 for i in refreshed)
    assert counts[1] > 1


def test_a_cheaper_factor_is_made_more_often():
    made = []
    for ratio in (2.0, 20.0, 200.0):
        counting = Counting()
        run(Stale(CG(preconditioner=counting), cost_ratio=ratio), drifting(24))
        made.append(len(counting.made))
    assert made[0] > made[1] > made[2]


@pytest.mark.slow
def test_the_cost_of_a_sequence_is_near_the_best_fixed_interval():
    """In units of a step: the rule is not told how fast the matrices drift."""
    for drift in (0.01, 0.03, 0.1):
        ratio, matrices = 60.0, drifting(40, drift)
        counting = Counting()
        counts, _ = run(Stale(CG(preconditioner=counting), cost_ratio=ratio), matrices)
        ours = sum(counts) + ratio * len(counting.made)
        fixed = []
        for interval in (1, 3, 6, 10, 14, 20, 40):
            total = 0.0
            for start in range(0, 40, interval):
                forever = Stale(CG(preconditioner=LU()), cost_ratio=1e9)
                total += ratio + sum(run(forever, matrices[start : start + interval])[0])
            fixed.append(total)
        assert ours <= 1.15 * min(fixed)


def test_a_matrix_that_the_old_factor_does_not_fit_is_solved_with_its_own():
    near, far = diffusion((12, 12), contrast=0.1), diffusion((12, 12), contrast=3.0, seed=5)
    solver = Stale(CG(max_iterations=15, preconditioner=LU()), cost_ratio=1e9)
    state = solver.solve(near, np.ones(144)).state
    direct = CG(max_iterations=15, preconditioner=LU()).solve_with(LU().prepare(near), far, np.ones(144))
    assert direct.status is Status.MAX_STEPS
    solution = solver.solve(far, np.ones(144), state=state)
    assert solution.status is Status.SUCCESS
    assert solution.iterations == 1
    assert solution.applications > 15


def test_a_nonsymmetric_sequence_and_a_recycled_space():
    for inner in (GMRES(preconditioner=LU()), GCRODR(12, 4, preconditioner=LU())):
        state, counts = None, []
        for k in range(5):
            a = convection((12, 11), peclet=1.0 + 0.1 * k)
            solution = Stale(inner, cost_ratio=1e6).solve(a, np.ones(132), state=state)
            assert solution.status is Status.SUCCESS
            state = solution.state
            counts.append(solution.iterations)
        assert counts[0] == 1
        assert 1 < counts[1] < 20


def test_times_are_learned_where_no_ratio_is_given():
    state = Stale(CG(preconditioner=LU())).solve(diffusion((12, 12)), np.ones(144)).state
    assert state.setup_s > 0
    assert state.uses == 1


def test_a_solver_without_anything_to_keep_is_refused():
    for solver in (CG(), SparseDirect()):
        with pytest.raises(ValueError, match="no preconditioner"):
            Stale(solver)
    for bad in (0.0, -1.0):
        with pytest.raises(ValueError, match="cost_ratio"):
            Stale(CG(preconditioner=Jacobi()), cost_ratio=bad)
