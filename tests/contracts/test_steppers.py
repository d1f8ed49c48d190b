"""Every exported solver: declared order observed, unsupported conditions refused, outcomes marked."""

import dataclasses
import inspect
import math
import re

import pytest
import torch
from helpers import observed_order

import sciml.solvers
from sciml.describe import build, describe
from sciml.fields import Boundaries, Dirichlet, Grid, Neumann
from sciml.pdes import Burgers, ConvectionDiffusion, Darcy, Helmholtz, Problem
from sciml.solvers import ProblemSolver, State, Stepper, rollout
from sciml.status import Status

TAU = 2 * math.pi
NU = 0.02


def exported_solvers() -> list[type]:
    """Classes that solve problems: found by their face, so that a newcomer is tested before it has a test."""
    found = [getattr(sciml.solvers, name) for name in sciml.solvers.__all__]
    faces = ("refuses", "solve", "order")
    return [c for c in found if inspect.isclass(c) and c is not ProblemSolver and all(hasattr(c, f) for f in faces)]


def example(cls: type, dt: float | None = None):
    """A solver with defaults; a time-stepping one with a given step."""
    return cls(dt=dt) if dt is not None else cls()


def marches(cls: type) -> bool:
    return hasattr(cls, "stepper")


def shock_free(x: torch.Tensor, t: float) -> torch.Tensor:
    """Cole-Hopf solution of the Burgers equation."""
    decay = 0.8 * math.exp(-NU * TAU**2 * t)
    return 2 * NU * TAU * decay * torch.sin(TAU * x) / (1 + decay * torch.cos(TAU * x))


def evolution(n: int = 96) -> Problem:
    return Problem(Burgers(viscosity=NU), Grid.periodic(n), initial=lambda x: shock_free(x, 0.0), times=[0.0, 0.5, 1.0])


def diffusion(n: int) -> Problem:
    """-div(exp(x) grad u) = f with u = sin(pi x), in one dimension."""
    a, pi = (lambda x: torch.exp(x)), math.pi
    f = lambda x: torch.exp(x) * (pi**2 * torch.sin(pi * x) - pi * torch.cos(pi * x))  # noqa: E731
    return Problem(Darcy(), Grid.cells(n), boundary=Boundaries.dirichlet(), parameters={"a": a, "f": f})


def convection(n: int) -> Problem:
    """-laplace u + u_x = f with u = sin(pi x), the same along y."""
    pi = math.pi
    f = lambda x, y: pi**2 * torch.sin(pi * x) + pi * torch.cos(pi * x) + 0 * y  # noqa: E731
    boundary = Boundaries({"x": Dirichlet(), "y": Neumann()})
    return Problem(ConvectionDiffusion(a=1.0), Grid.cells(n, 4), boundary=boundary, parameters={"f": f})


def waves(n: int) -> Problem:
    """-u_xx - 25 u = f with u = sin(pi x)."""
    f = lambda x: (math.pi**2 - 25.0) * torch.sin(math.pi * x)  # noqa: E731
    return Problem(Helmholtz(k=5.0), Grid.nodes(n + 1), boundary=Boundaries.dirichlet(), parameters={"f": f})


def steady(cls: type, n: int) -> Problem:
    """The problem with the solution sin(pi x) that is made for a solver."""
    return next(p for p in (diffusion(n), convection(n), waves(n)) if example(cls).refuses(p) is None)


def error(cls: type, n: int) -> float:
    """Of the solver at resolution `n`: steps where it marches, cells where it does not."""
    if marches(cls):
        u = example(cls, dt=1 / n).solve(evolution()).u[0, -1, 0]
        return float((u - shock_free(torch.arange(96, dtype=torch.float64) / 96, 1.0)).norm() / 96**0.5)
    problem = steady(cls, n)
    exact = torch.sin(math.pi * problem.domain.meshgrid()[0])
    return float((example(cls).solve(problem).u[0, 0, 0] - exact).square().mean().sqrt())


SOLVERS = pytest.mark.parametrize("cls", exported_solvers(), ids=lambda c: c.__name__)


def test_there_are_solvers_to_test():
    assert {c.__name__ for c in exported_solvers()} >= {"ETDRK4", "FiniteVolumeElliptic"}


@SOLVERS
def test_the_declared_order_is_observed(cls):
    counts, order = [40, 80, 160], example(cls, dt=0.1 if marches(cls) else None).order
    assert observed_order([error(cls, n) for n in counts], counts) == pytest.approx(order, abs=0.1)


@SOLVERS
def test_a_solver_has_the_face_and_survives_its_description(cls):
    solver = example(cls, dt=0.1 if marches(cls) else None)
    assert isinstance(solver, ProblemSolver)
    assert describe(build(describe(solver))) == describe(solver)


@SOLVERS
def test_a_solver_honours_one_of_the_problems_and_refuses_the_rest_in_one_line(cls):
    problems = [
        evolution(),
        diffusion(8),
        convection(8),
        waves(8),
        Problem(Darcy(), Grid.periodic(8, 8)),
        Problem(Darcy(), Grid.cells(8), boundary=Boundaries({"all": Neumann()})),
        Problem(Burgers(), Grid.nodes(8), boundary=Boundaries.dirichlet(), initial=lambda x: x, times=[0.0, 1.0]),
    ]
    solver = example(cls, dt=0.1 if marches(cls) else None)
    reasons = [solver.refuses(p) for p in problems]
    assert None in reasons
    assert any(reasons)
    for problem, reason in zip(problems, reasons, strict=True):
        if reason is None:
            assert solver.solve(problem).status.tolist() == [int(Status.SUCCESS)]
        else:
            assert "\n" not in reason
            with pytest.raises(ValueError, match=re.escape(reason)):
                solver.solve(problem)


@SOLVERS
def test_every_solution_carries_status_and_residual(cls):
    trajectory = example(cls, dt=0.02 if marches(cls) else None).solve(evolution() if marches(cls) else steady(cls, 32))
    assert trajectory.u.dtype == torch.float64
    assert trajectory.status.shape == (1,)
    assert trajectory.residual is not None
    assert float(trajectory.residual[0]) < 1e-3


@pytest.mark.parametrize("cls", [c for c in exported_solvers() if marches(c)], ids=lambda c: c.__name__)
def test_a_stepper_is_rolled_out_and_reproduces_the_solve(cls):
    problem = evolution()
    stepper = example(cls, dt=0.05).stepper(problem)
    assert isinstance(stepper, Stepper)
    state = stepper.start(problem.initial_state(), t=0.0)
    assert isinstance(state, State)
    advanced = stepper.step(state)
    assert float(advanced.t[0]) == pytest.approx(stepper.spec.dt)
    trajectory = rollout(stepper, state, problem.times)
    torch.testing.assert_close(trajectory.u, example(cls, dt=0.05).solve(problem).u, rtol=0, atol=1e-12)


@SOLVERS
def test_the_bits_of_a_sample_do_not_depend_on_its_batch(cls):
    generator = torch.Generator().manual_seed(0)
    if marches(cls):
        modes = torch.rand(5, 1, 1, generator=generator, dtype=torch.float64)
        initial = modes * torch.sin(TAU * torch.arange(48, dtype=torch.float64) / 48) + modes**2
        given = [
            Problem(
                Burgers(),
                Grid.periodic(48),
                initial=initial[s],
                parameters={"viscosity": 0.05 + 0.05 * modes[s, 0, 0]},
                times=[0.0, 0.1, 0.2],
            )
            for s in (slice(0, 5), *(slice(i, i + 1) for i in range(5)))
        ]
    else:
        case = steady(cls, 9)
        name = next(spec.name for spec in case.pde.parameters if spec.field and spec.name != "f")
        values = 0.5 + torch.rand(5, *case.domain.shape, generator=generator, dtype=torch.float64)
        given = [
            dataclasses.replace(case, parameters={name: values[s]})
            for s in (slice(0, 5), *(slice(i, i + 1) for i in range(5)))
        ]
    solver = example(cls, dt=0.02 if marches(cls) else None)
    together, *alone = [solver.solve(p) for p in given]
    assert torch.equal(together.u, torch.cat([s.u for s in alone]))
    assert torch.equal(together.residual, torch.cat([s.residual for s in alone]))
