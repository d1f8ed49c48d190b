"""Flow under a force that is a coefficient: an exact flow, and the same force as a forcing."""

import math

import pytest
import torch
from helpers import observed_order

from sciml.fields import Boundaries, Grid, Wall
from sciml.pdes import ForcedFlow, NavierStokes, Problem
from sciml.solvers import Projection


def test_a_shear_flow_under_a_sine_is_found_at_second_order():
    r"""$u = \frac{A}{\nu k^2} (1 - e^{-\nu k^2 t}) \sin ky$ under $f = (A \sin ky, 0)$, which nothing else moves."""
    nu, k, time, errors, counts = 0.05, 2 * math.pi, 0.4, [], [8, 12, 16]
    for n in counts:
        grid = Grid.periodic(5, n)
        wave = torch.sin(k * grid.meshgrid()[1]).expand(grid.shape)
        parameters = {"force_x": torch.stack([wave, 2 * wave]), "force_y": torch.zeros(2, *grid.shape)}
        problem = Problem(ForcedFlow(nu), grid, torch.zeros(2, 3, *grid.shape), None, parameters, times=[0.0, time])
        u = Projection(courant=1.0).solve(problem).u[:, -1, 0]
        exact = wave * (1 - math.exp(-nu * k**2 * time)) / (nu * k**2)
        torch.testing.assert_close(u[1], 2 * u[0], rtol=1e-3, atol=1e-9)
        errors.append(float((u[0] - exact).abs().max() / exact.abs().max()))
    assert observed_order(errors, counts) == pytest.approx(2.0, abs=0.1)


def test_a_force_as_coefficient_acts_like_the_same_forcing():
    """A linear force between walls, whose means on faces are exact."""
    grid, still = Grid.cells(8, 6), torch.zeros(3, 8, 6)
    x, y = grid.meshgrid()
    more = {"boundary": Boundaries({"all": Wall(slip=False)}), "times": [0.0, 0.2]}
    forces = {"force_x": (y + 0 * x).expand(8, 6), "force_y": (1 - 3 * x + 0 * y).expand(8, 6)}
    ours = Problem(ForcedFlow(0.01), grid, still, parameters=forces, **more)
    forcing = {"velocity_x": lambda x, y: y + 0 * x, "velocity_y": lambda x, y: 1 - 3 * x + 0 * y}
    theirs = Problem(NavierStokes(0.01, 0.0), grid, still, forcing=forcing, **more)
    found, expected = (Projection(dt=0.02).solve(p).u for p in (ours, theirs))
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)
    assert float(found[0, -1, :2].abs().max()) > 0.02


def test_a_uniform_force_between_walls_moves_nothing():
    grid = Grid.cells(6, 6)
    problem = Problem(
        ForcedFlow(force_x=2.0), grid, torch.zeros(3, 6, 6), Boundaries({"all": Wall()}), times=[0.0, 1.0]
    )
    assert float(Projection(courant=0.8).solve(problem).u.abs().max()) < 1e-12
