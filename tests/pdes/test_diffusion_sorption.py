"""The condition at the outlet of the sorption column: as it is printed, and with the sign that is shipped."""

import numpy as np
import pytest
import torch

from sciml.datagen import Recipe
from sciml.fields import Boundaries, Dirichlet, Grid, Robin
from sciml.pdes import DiffusionSorption, Problem
from sciml.solvers.semidiscrete import SemiDiscrete

#: Without sorption the equation is linear.
D = 0.05
LINEAR = DiffusionSorption(diffusivity=D, capacity=0.0)


def column(n: int, outlet: Robin) -> SemiDiscrete:
    boundary = Boundaries({"x-": Dirichlet(1.0), "x+": outlet})
    return SemiDiscrete(Problem(LINEAR, Grid.cells(n), torch.ones(1, n), boundary, times=[0.0, 1.0]))


def rate(system: SemiDiscrete, u: torch.Tensor) -> torch.Tensor:
    rows = torch.arange(len(u))
    return system.rate(u[:, None], torch.zeros(len(u), dtype=torch.float64), rows)[:, 0]


def growth(n: int, outlet: Robin) -> float:
    """The largest eigenvalue of the column; the state must not vanish, where the retardation has no value."""
    system, base = column(n, outlet), torch.full((1, n), 2.0, dtype=torch.float64)
    columns = rate(system, base + torch.eye(n, dtype=torch.float64)) - rate(system, base)
    return float(np.linalg.eigvals(columns.T.numpy()).real.max())


def test_the_outlet_as_it_is_printed_feeds_itself_and_ours_does_not():
    r"""$u = D u_x$ at the right end has the mode $\sinh(x / D)$, which grows like $e^{t / D}$ for small $D$."""
    assert growth(80, Robin(1.0, -D)) == pytest.approx(1 / D, rel=0.05)
    assert growth(80, Robin(1.0, D)) < 0


def test_what_diffuses_to_the_outlet_leaves_there():
    """At rest the flux is the same everywhere, and at the outlet it is the concentration there."""
    system = column(40, Robin(1.0, D))
    x = system.grid.axes[0].coords
    u = torch.from_numpy(1.0 - np.asarray(x) / (1.0 + D))[None]
    assert float(rate(system, u).abs().max()) < 1e-10


def test_the_recipe_has_the_sign_with_which_the_solute_leaves():
    recipe = Recipe.load("pdebench_diffusion_sorption_1d")
    outlet = recipe.problem(0).boundaries.conditions["x+"]
    assert isinstance(outlet, Robin)
    assert (outlet.a, outlet.b, outlet.value) == (1.0, recipe.equation.diffusivity, 0.0)
