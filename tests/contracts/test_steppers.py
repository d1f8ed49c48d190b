"""Every exported solver: declared order observed, unsupported conditions refused, outcomes marked."""

import inspect
import re

import pytest
import torch
from helpers import observed_order
from solver_cases import CASES, Case, rows

import sciml.solvers
from sciml.describe import build, describe
from sciml.fields import Boundaries, Grid, Neumann
from sciml.pdes import Burgers, Darcy, Problem
from sciml.solvers import ProblemSolver, State, Stepper, rollout
from sciml.status import Status


def exported_solvers() -> list[type]:
    """Classes that solve problems: found by their face, so that a newcomer is tested before it has a test."""
    found = [getattr(sciml.solvers, name) for name in sciml.solvers.__all__]
    faces = ("refuses", "solve", "order")
    return [c for c in found if inspect.isclass(c) and c is not ProblemSolver and all(hasattr(c, f) for f in faces)]


SOLVERS = pytest.mark.parametrize("cls", exported_solvers(), ids=lambda c: c.__name__)
MARCHING = [c for c in exported_solvers() if hasattr(c, "stepper")]


def case_of(cls: type) -> Case:
    return CASES[cls.__name__]()


def test_every_exported_solver_has_a_case_and_no_case_is_left_over():
    assert set(CASES) == {c.__name__ for c in exported_solvers()}


@SOLVERS
def test_the_declared_order_is_observed(cls):
    case = case_of(cls)
    observed = observed_order([case.error(n) for n in case.counts], case.counts)
    assert observed == pytest.approx(case.solver().order, abs=0.1)


@SOLVERS
def test_a_solver_has_the_face_and_survives_its_description(cls):
    solver = case_of(cls).solver()
    assert isinstance(solver, ProblemSolver)
    assert describe(build(describe(solver))) == describe(solver)


@SOLVERS
def test_a_solver_honours_its_problem_and_refuses_others_in_one_line(cls):
    case = case_of(cls)
    solver = case.solver()
    own = case.problem(case.counts[0])
    assert solver.refuses(own) is None
    assert solver.solve(own).status.tolist() == [int(Status.SUCCESS)]
    others = [
        Problem(Darcy(), Grid.periodic(8, 8)),
        Problem(Darcy(), Grid.cells(8), boundary=Boundaries({"all": Neumann()})),
        Problem(Burgers(), Grid.nodes(8), boundary=Boundaries.dirichlet(), initial=lambda x: x, times=[0.0, 1.0]),
    ]
    reasons = [solver.refuses(p) for p in others]
    assert any(reasons)
    for problem, reason in zip(others, reasons, strict=True):
        if reason is not None:
            assert "\n" not in reason
            with pytest.raises(ValueError, match=re.escape(reason)):
                solver.solve(problem)


@SOLVERS
def test_every_solution_carries_status_and_residual(cls):
    case = case_of(cls)
    trajectory = case.solver().solve(case.problem(case.counts[0]))
    assert trajectory.u.dtype == torch.float64
    assert trajectory.status.shape == (1,)
    assert trajectory.residual is not None
    assert float(trajectory.residual[0]) < case.residual


@pytest.mark.parametrize("cls", MARCHING, ids=lambda c: c.__name__)
def test_a_stepper_is_rolled_out_and_reproduces_the_solve(cls):
    case = case_of(cls)
    problem = case.problem(case.counts[0])
    solver = case.solver()
    stepper = solver.stepper(problem)
    assert isinstance(stepper, Stepper)
    state = stepper.start(problem.initial_state(), t=float(problem.times[0]))
    assert isinstance(state, State)
    advanced = stepper.step(state, case.step)
    assert float(advanced.t[0]) == pytest.approx(case.step)
    trajectory = rollout(stepper, state, problem.times)
    torch.testing.assert_close(trajectory.u, solver.solve(problem).u, rtol=0, atol=1e-12)


@SOLVERS
def test_the_bits_of_a_sample_do_not_depend_on_its_batch(cls):
    case = case_of(cls)
    problem, solver = case.samples(), case.solver()
    together = solver.solve(problem)
    alone = [solver.solve(rows(problem, slice(i, i + 1))) for i in range(5)]
    assert len(together.u) == 5
    assert torch.equal(together.u, torch.cat([s.u for s in alone]))
    assert torch.equal(together.residual, torch.cat([s.residual for s in alone]))
