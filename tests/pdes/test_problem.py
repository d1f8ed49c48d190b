"""A problem that is not well posed is refused in one line that names the fault."""

import pytest
import torch

from sciml.fields import Boundaries, Dirichlet, Grid, Neumann, Periodic
from sciml.numerics import SpectralDerivatives
from sciml.pdes import Burgers, Darcy, Problem, Wave

TIMES = (0.0, 0.5, 1.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pde": Burgers(), "domain": Grid.periodic(8), "times": TIMES}, "needs initial and times"),
        ({"pde": Burgers(), "domain": Grid.periodic(8), "initial": torch.sin}, "needs initial and times"),
        ({"pde": Burgers(), "domain": Grid.periodic(8, 8), "initial": torch.sin, "times": TIMES}, "the domain has 2"),
        ({"pde": Burgers(), "domain": Grid.nodes(8), "initial": torch.sin, "times": TIMES}, "boundary is missing"),
        ({"pde": Darcy(), "domain": Grid.cells(8, 8), "boundary": Boundaries({"x": Dirichlet()})}, "face 'y-'"),
        ({"pde": Darcy(), "domain": Grid.cells(8, 8), "boundary": Boundaries.periodic()}, "of kind 'cells'"),
        ({"pde": Burgers(), "domain": Grid.periodic(8), "initial": torch.sin, "times": (0.0, 0.0)}, "increasing"),
        ({"pde": Burgers(-1.0), "domain": Grid.periodic(8), "initial": torch.sin, "times": TIMES}, "viscosity=-1.0"),
    ],
)
def test_an_ill_posed_problem_is_refused(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Problem(**arguments)


def test_the_derivatives_that_are_needed_do_not_depend_on_whether_a_coefficient_is_an_array() -> None:
    grid = Grid.cells(4, 4)
    walls = Boundaries({"all": Neumann()})
    plain, varying = (
        Problem(Wave(), grid, torch.zeros(1, 2, 4, 4), boundary=walls, parameters={"speed": speed}, times=TIMES)
        for speed in (2.0, torch.full((3, 4, 4), 2.0))
    )
    assert varying.required_derivatives == plain.required_derivatives >= {(2, 0, 0), (0, 2, 0), (0, 0, 1)}


def test_a_misspelt_parameter_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(ValueError, match="did you mean 'viscosity'"):
        Problem(Burgers(), Grid.periodic(8), torch.sin, parameters={"viscosty": 0.1}, times=TIMES)


def test_an_unknown_name_on_parameters_lists_those_there_are() -> None:
    problem = Problem(Burgers(), Grid.periodic(8), torch.sin, times=TIMES)
    with pytest.raises(AttributeError, match="viscosity, x"):
        _ = problem.bind(SpectralDerivatives(problem.domain)).nu


def test_one_axis_periodic_on_one_face_is_refused() -> None:
    with pytest.raises(ValueError, match="one face only"):
        Boundaries({"x-": Periodic(), "x+": Dirichlet()})


def test_initial_state_has_batch_and_channel_axes() -> None:
    grid = Grid.periodic(8)
    problem = Problem(Burgers(), grid, lambda x: torch.sin(x), times=TIMES)
    assert problem.initial_state().shape == (1, 1, 8)
    assert problem.initial_state(Grid.periodic(16)).shape == (1, 1, 16)
    batched = Problem(Burgers(), grid, torch.zeros(3, 1, 8), times=TIMES)
    assert batched.initial_state().shape == (3, 1, 8)
    with pytest.raises(ValueError, match="bound to their grid"):
        batched.on(Grid.periodic(16))


def test_forcing_makes_a_manufactured_solution_exact() -> None:
    r"""$u = \sin(x - t)$ with the forcing that it needs leaves no residual beyond that of the time stencil."""
    grid, times = Grid.periodic(16, high=2 * torch.pi), torch.linspace(0, 0.1, 41, dtype=torch.float64)
    force = {"u": lambda x, t: -torch.cos(x - t) + torch.sin(x - t) * torch.cos(x - t) + 0.2 * torch.sin(x - t)}
    problem = Problem(Burgers(0.2), grid, torch.sin, forcing=force, times=times)
    d = SpectralDerivatives(grid, times=times)
    c = d.coordinates()
    assert float(problem.residual({"u": torch.sin(c["x"] - c["t"])[None]}, d)["u"].abs().max()) < 1e-9
