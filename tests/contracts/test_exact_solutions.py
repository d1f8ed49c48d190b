"""Every exported solution in closed form solves the problem that it states."""

import inspect

import pytest
import torch

import sciml
import sciml.pdes.exact
from sciml.numerics import ReverseMode
from sciml.pdes import ConservationLaw
from sciml.pdes.exact import EnvelopeSoliton, ExactSolution, StratifiedShear

SOLUTIONS = [
    cls
    for name in sciml.pdes.exact.__all__
    if issubclass(cls := getattr(sciml.pdes.exact, name), ExactSolution) and not inspect.isabstract(cls)
]
CASES = [(cls, n) for cls in SOLUTIONS for n in cls.dimensions]


def points(solution: ExactSolution, dimensions: int) -> torch.Tensor:
    """Random points of the domain's middle half, in the first half unit of time."""
    generator = torch.Generator().manual_seed(0)
    unit = torch.rand(40, dimensions + 1, dtype=torch.float64, generator=generator)
    grid = solution.grid(*[8] * dimensions)
    space = [a.low + a.length * (0.25 + 0.5 * unit[:, i]) for i, a in enumerate(grid.axes)]
    return torch.stack([*space, 0.1 + 0.4 * unit[:, -1]], dim=-1)


@pytest.mark.parametrize(("cls", "dimensions"), CASES)
def test_the_residual_of_a_solution_in_closed_form_vanishes(cls: type[ExactSolution], dimensions: int) -> None:
    solution = cls()
    problem = solution.problem(*[8] * dimensions)
    engine = ReverseMode(points(solution, dimensions), problem.axes)
    unknowns = engine.evaluate(solution.as_network(dimensions), problem.unknowns)
    residual = problem.residual(unknowns, engine)
    assert len(residual) == len(problem.unknowns)
    # Equation by equation: those of a conservation law bear the names of what is conserved.
    for (name, value), unknown in zip(residual.items(), unknowns.values(), strict=True):
        scale = 1.0 + float(unknown.detach().abs().max())
        for axis in problem.axes:
            scale += float(engine(unknown, axis).detach().abs().max())
        assert float(value.detach().abs().max()) <= 1e-11 * scale, name


@pytest.mark.parametrize(("cls", "dimensions"), CASES)
def test_it_varies_and_its_problem_starts_from_it(cls: type[ExactSolution], dimensions: int) -> None:
    solution = cls()
    problem = solution.problem(*[8] * dimensions, times=[0.25, 0.5])
    initial = problem.initial_state()[0]
    assert torch.equal(initial, solution.on(problem.domain, 0.25))
    assert float((solution.on(problem.domain, 0.5) - initial).abs().max()) > 1e-3


@pytest.mark.parametrize(("cls", "dimensions"), CASES)
def test_a_wrong_solution_is_told_from_a_right_one(cls: type[ExactSolution], dimensions: int) -> None:
    solution = cls()
    problem = solution.problem(*[8] * dimensions)
    engine = ReverseMode(points(solution, dimensions), problem.axes)
    unknowns = engine.evaluate(solution.as_network(dimensions), problem.unknowns)
    late = {n: u * (1.1 + engine.coordinates()["t"]) for n, u in unknowns.items()}
    assert max(float(r.detach().abs().max()) for r in problem.residual(late, engine).values()) > 1e-3


#: Points per axis that resolve the waves on a torus; the envelope of a soliton needs more.
RESOLUTION = {1: 256, 2: 48, 3: 16}
SPECTRAL = [
    (cls, n)
    for cls, n in CASES
    if cls().grid(*[8] * n).is_periodic and not isinstance(cls().pde, ConservationLaw) and cls is not StratifiedShear
]


@pytest.mark.parametrize(("cls", "dimensions"), SPECTRAL)
def test_the_solver_that_solve_picks_finds_it_to_the_tolerance(cls: type[ExactSolution], dimensions: int) -> None:
    solution, times = cls(), [0.0, 0.1, 0.2]
    points = 512 if cls is EnvelopeSoliton else RESOLUTION[dimensions]
    problem = solution.problem(*[points] * dimensions, times=times)
    u = sciml.solve(problem, tol=1e-7).u[0]
    exact = torch.stack([solution.on(problem.domain, t) for t in times])
    assert float((u - exact).norm() / exact.norm()) <= 1e-6
