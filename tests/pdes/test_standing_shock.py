"""The shock of Burgers' equation that stands still, through the transformation of Cole and Hopf."""

import math

import numpy as np
import pytest
import torch
from helpers import data_file

from sciml.pdes import AllenCahn, Burgers, Statement
from sciml.pdes.exact import StandingShock
from sciml.pinn.reference import Exact
from sciml.status import ConfigError


def test_it_is_the_stored_solution_to_the_last_digits() -> None:
    data = np.load(data_file("pinn", "burgers_ref.npz"))
    x, t = torch.from_numpy(data["x"]), torch.from_numpy(data["t"])
    u = StandingShock(float(data["nu"]))(x[None], t[:, None])["u"]
    assert float((u - torch.from_numpy(data["u"])).abs().max()) < 1e-13


def test_it_is_steepest_when_and_as_steep_as_published() -> None:
    """Basdevant et al. (1986): 152.00516 at pi t = 1.6037."""
    x = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    u = StandingShock()(x, torch.full((1,), 1.6037 / math.pi, dtype=torch.float64))["u"]
    assert -float(torch.autograd.grad(u.sum(), x)[0]) == pytest.approx(152.00516, abs=1e-5)


def test_it_starts_from_a_sine_at_the_first_time_too() -> None:
    x = torch.linspace(-1, 1, 65, dtype=torch.float64)
    u = StandingShock(0.02)(x, 0 * x)["u"]
    torch.testing.assert_close(u, -torch.sin(math.pi * x), rtol=0, atol=1e-15)


def test_a_network_is_measured_against_it() -> None:
    statement = Statement(StandingShock().pde, {"x": [-1.0, 1.0]}, {"u": "-sin(pi*x)"}, {"x": 0.0}, times=[0.0, 1.0])
    points, values = Exact(11, StandingShock()).samples(statement)
    assert torch.equal(values[:, 0], StandingShock()(*points.unbind(1))["u"])


def test_the_rule_has_converged_at_the_smallest_viscosity() -> None:
    """Against one with four times as many nodes over a longer interval."""
    viscosity, s = 1e-3, np.linspace(-30, 30, 3001)
    points = np.array([(x, t) for x in (-0.9, -0.3, -0.01, 0.004, 0.5) for t in (0.1, 0.5, 1.0)])
    y = math.pi * (points[:, :1] - np.sqrt(4 * viscosity * points[:, 1:]) * s)
    exponent = -np.cos(y) / (2 * math.pi * viscosity) - s**2
    weights = np.exp(exponent - exponent.max(1, keepdims=True))
    expected = -(np.sin(y) * weights).sum(1) / weights.sum(1)
    u = StandingShock(viscosity)(*torch.from_numpy(points).unbind(1))["u"]
    torch.testing.assert_close(u, torch.from_numpy(expected), rtol=0, atol=1e-12)


def test_the_solution_of_another_equation_is_refused_in_one_line() -> None:
    statement = Statement(Burgers(0.1), {"x": [-1.0, 1.0]}, {"u": "-sin(pi*x)"}, {"x": 0.0}, times=[0.0, 1.0])
    with pytest.raises(ConfigError, match=r"solves Burgers\(viscosity=0.02.*\), not Burgers\(viscosity=0.1"):
        Exact(3, StandingShock(0.02)).samples(statement)


def test_a_statement_without_a_formula_is_refused_in_one_line() -> None:
    statement = Statement(AllenCahn(), {"x": [-1.0, 1.0]}, {"u": "x"}, {"x": 0.0}, times=[0.0, 1.0])
    with pytest.raises(ConfigError, match="needs the formula of 'u'; there are none"):
        Exact().samples(statement)
