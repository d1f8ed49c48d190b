"""Boundary conditions of finite volumes: against the whole domain that a wall halves, and an inflow that stays."""

import pytest
import torch

from sciml.fields import Boundaries, Dirichlet, Grid, Neumann, Outflow, Wall
from sciml.pdes import Euler, Problem
from sciml.solvers import FiniteVolume
from sciml.status import Status


def tube(u: torch.Tensor, boundary: Boundaries, low: float = 0.0, time: float = 0.3) -> Problem:
    return Problem(Euler(), Grid.cells(u.shape[-1], low=low), u, boundary=boundary, times=[0.0, time])


def test_a_wall_is_the_middle_of_the_mirrored_flow():
    """A pulse that meets the wall: the same as half of what two mirrored pulses do on twice the domain."""
    whole = Grid.cells(64, low=-1.0, high=1.0)
    (x,) = whole.meshgrid()
    pulse = 1 + torch.exp(-60 * (x.abs() - 0.4) ** 2)
    u = torch.stack([pulse, -0.3 * torch.sign(x) * pulse, pulse])[None]
    ends = {"x+": Outflow()}
    both = FiniteVolume().solve(
        Problem(Euler(), whole, u, boundary=Boundaries({**ends, "x-": Outflow()}), times=[0.0, 0.5])
    )
    half = FiniteVolume().solve(tube(u[..., 32:], Boundaries({**ends, "x-": Wall()}), time=0.5))
    torch.testing.assert_close(half.u, both.u[..., 32:], rtol=0, atol=1e-12)
    assert float((half.u[0, -1] - half.u[0, 0]).abs().max()) > 0.1


@pytest.mark.parametrize("boundary", [Wall(), Wall(slip=False)])
def test_nothing_leaves_through_walls(boundary):
    g = torch.Generator().manual_seed(0)
    u = 1 + 0.3 * torch.rand(1, 4, 8, 8, generator=g, dtype=torch.float64)
    problem = Problem(Euler(), Grid.cells(8, 8), u, boundary=Boundaries({"all": boundary}), times=[0.0, 0.1, 0.2])
    trajectory = FiniteVolume().solve(problem)
    mass = trajectory.u[0, :, 0].flatten(1).sum(1)
    energy = (
        (trajectory.u[0, :, 3] / 0.4 + 0.5 * trajectory.u[0, :, 0] * (trajectory.u[0, :, 1:3] ** 2).sum(1))
        .flatten(1)
        .sum(1)
    )
    for total in (mass, energy):
        assert float(((total - total[0]) / total[0]).abs().max()) < 1e-13


def test_a_supersonic_inflow_pushes_its_state_through_the_domain():
    state = {"density": 1.0, "velocity_x": 3.0, "pressure": 1.0}
    u = torch.tensor([0.5, 3.0, 1.0], dtype=torch.float64).view(1, 3, 1).expand(1, 3, 32).clone()
    conditions = {("x-", name): Dirichlet(v) for name, v in state.items()}
    trajectory = FiniteVolume().solve(tube(u, Boundaries({**conditions, "x+": Outflow()}), time=1.0))
    expected = torch.tensor(list(state.values()), dtype=torch.float64).view(3, 1).expand(3, 32)
    torch.testing.assert_close(trajectory.u[0, -1], expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("condition", [Outflow(), Neumann()])
def test_a_uniform_flow_leaves_without_a_trace(condition):
    u = torch.tensor([1.0, 0.4, 1.0], dtype=torch.float64).view(1, 3, 1).expand(1, 3, 16)
    trajectory = FiniteVolume().solve(tube(u, Boundaries({"all": condition}), time=0.5))
    torch.testing.assert_close(trajectory.u[0, -1], u[0], rtol=1e-14, atol=1e-14)


def test_an_acoustic_pulse_leaves_through_an_outflow():
    (x,) = Grid.cells(64).meshgrid()
    pulse = 0.01 * torch.exp(-200 * (x - 0.5) ** 2)
    c = 1.4**0.5
    u = torch.stack([1 + pulse / c**2, pulse / c, 1 + pulse])[None]
    trajectory = FiniteVolume().solve(tube(u, Boundaries({"all": Outflow()}), time=1.0))
    assert float((trajectory.u[0, -1, 2] - 1).abs().max()) < 0.02 * 0.01
    assert trajectory.status.tolist() == [int(Status.SUCCESS)]


@pytest.mark.parametrize(
    "boundary",
    [
        {"all": Neumann(1.0)},
        {"all": Outflow(), ("x-", "pressure"): Dirichlet(1.0)},
        {"all": Dirichlet(lambda x: x)},
    ],
)
def test_other_conditions_are_refused_by_name(boundary):
    u = torch.ones(1, 3, 8, dtype=torch.float64)
    reason = FiniteVolume().refuses(tube(u, Boundaries(boundary)))
    assert reason is not None
    assert "on face 'x-'" in reason
