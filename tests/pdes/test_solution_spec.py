"""What a specification takes from a problem, and the times at which a solution is shown."""

import math

import pytest
import torch

from sciml.fields import Boundaries, Dirichlet, Grid
from sciml.pdes import Darcy, Heat, Problem, SolutionSpec, Statement


def heat(**changes: object) -> Statement:
    given = {"times": [0.0, 2.0], "points": 4, "time_unit": "s", **changes}
    return Statement(Heat(0.1), {"x": [-1.0, 1.0]}, {"u": "sin(pi*x)"}, {"x-": 0.0, "x+": "t"}, **given)


def test_a_statement_says_all_that_was_written() -> None:
    spec = SolutionSpec.of(heat(parameters={"diffusivity": 0.2}))
    assert (spec.axes, spec.low, spec.high) == (("x", "t"), (-1.0, 0.0), (1.0, 2.0))
    assert (spec.channels, spec.space) == (("u",), ("x",))
    assert (spec.unit_of("x"), spec.unit_of("t")) == ("1", "s")
    assert spec.initial == {"u": "sin(pi*x)"}
    assert spec.coefficients == {"diffusivity": 0.2}
    assert spec.boundaries.on("x-") == Dirichlet(0.0)
    assert "Delta" in spec.equation


def test_a_fitted_coefficient_is_no_given_one() -> None:
    spec = SolutionSpec.of(heat(), {"diffusivity": 0.3})
    assert (spec.fitted, spec.coefficients) == ({"diffusivity": 0.3}, {})
    assert set(spec.units) == {"diffusivity"}


def test_functions_that_are_no_text_are_left_out() -> None:
    problem = Problem(
        Darcy(), Grid.cells(4, 4), boundary=Boundaries.dirichlet(0.0),
        parameters={"a": lambda x, y: torch.exp(x * y), "f": 1.0},
    )  # fmt: skip
    spec = SolutionSpec.of(problem)
    assert (spec.axes, spec.times, spec.frames) == (("x", "y"), (), ())
    assert spec.coefficients == {"f": 1.0}


def test_a_solution_that_is_known_in_part_ends_there() -> None:
    spec = SolutionSpec.of(heat()).until(0.5)
    assert (spec.times, spec.high) == ((0.0, 0.5), (1.0, 0.5))
    assert (spec.frames[0], spec.frames[-1], len(spec.frames)) == (0.0, 0.5, 51)
    listed = SolutionSpec.of(heat(times=[0.0, 0.25, 1.0, 2.0])).until(0.5)
    assert listed.frames == (0.0, 0.25, 0.5)
    assert SolutionSpec.of(heat()).until(math.inf) == SolutionSpec.of(heat())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"axes": ()}, "at least one"),
        ({"low": (1.0, 0.0)}, "must be below"),
        ({"high": (1.0,)}, "must be below"),
        ({"grid": Grid.nodes(4, 4)}, "grid has the axes"),
    ],
)
def test_what_does_not_belong_together_is_refused(change: dict, message: str) -> None:
    import dataclasses

    with pytest.raises(ValueError, match=message):
        dataclasses.replace(SolutionSpec.of(heat()), **change)
