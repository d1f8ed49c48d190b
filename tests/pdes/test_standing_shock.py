"""The shock of Burgers' equation that stands still, through the transformation of Cole and Hopf."""

import math

import numpy as np
import pytest
import torch
from helpers import data_file

from sciml.pdes import AllenCahn, Statement
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


def test_a_statement_without_a_formula_is_refused_in_one_line() -> None:
    statement = Statement(AllenCahn(), {"x": [-1.0, 1.0]}, {"u": "x"}, {"x": 0.0}, times=[0.0, 1.0])
    with pytest.raises(ConfigError, match="needs the formula of 'u'; there are none"):
        Exact().samples(statement)
