"""Shallow water: waves against the flux's Jacobian, the dam break, still water, a radial dam."""

import math

import pytest
import torch

from sciml.fields import Boundaries, Grid, Outflow
from sciml.pdes import Problem, ShallowWater
from sciml.pdes.shallow_water import ShallowWaves
from sciml.solvers import FiniteVolume
from sciml.status import Status

OUT = Boundaries({"all": Outflow()})


@pytest.mark.parametrize("dimensions", [1, 2])
def test_the_basis_diagonalises_the_jacobian_of_the_flux(dimensions):
    waves = ShallowWaves(9.81, dimensions)
    q = torch.tensor([1.3, 0.7, -0.4], dtype=torch.float64)[: dimensions + 1]
    flux = lambda q: waves.flux(q[None, :, None], waves.flow(q[None, :, None]))[0, :, 0]  # noqa: E731
    basis, unit = waves.basis(q[None, :, None]), torch.eye(len(q), dtype=torch.float64)[:, :, None]
    right = torch.cat([basis.expand(e[None]) for e in unit])[..., 0].T
    left = torch.cat([basis.project(e[None]) for e in unit])[..., 0].T
    u, c = 0.7 / 1.3, math.sqrt(9.81 * 1.3)
    speeds = torch.tensor([u - c, u + c, u], dtype=torch.float64)[: dimensions + 1]
    torch.testing.assert_close(left @ right, torch.eye(len(q), dtype=torch.float64), rtol=0, atol=1e-13)
    torch.testing.assert_close(left @ torch.func.jacrev(flux)(q) @ right, torch.diag(speeds), rtol=0, atol=1e-12)


def stoker(x: torch.Tensor, t: float, high: float, low: float, g: float) -> torch.Tensor:
    """Depth after a dam at zero broke: a fan, a level between, a bore. Stoker (1957), Water Waves, section 10.8."""

    def mismatch(h: float) -> float:
        bore = (h - low) * math.sqrt(0.5 * g * (h + low) / (h * low))
        return bore - 2 * (math.sqrt(g * high) - math.sqrt(g * h))

    a, b = low, high
    for _ in range(200):
        middle = 0.5 * (a + b)
        a, b = (middle, b) if mismatch(middle) < 0 else (a, middle)
    velocity = 2 * (math.sqrt(g * high) - math.sqrt(g * b))
    bore = b * velocity / (b - low)
    fan = (2 * math.sqrt(g * high) - x / t) ** 2 / (9 * g)
    level = torch.where(x / t < velocity - math.sqrt(g * b), fan, b)
    return torch.where(x / t < -math.sqrt(g * high), high, torch.where(x / t < bore, level, low))


@pytest.mark.parametrize("low", [0.5, 0.05])
def test_a_broken_dam_is_close_to_stokers_solution(low):
    grid = Grid.cells(100, low=-1.0, high=1.0)
    initial = {"depth": lambda x: torch.where(x < 0, 1.0, low).to(x.dtype), "velocity_x": lambda x: 0 * x}
    trajectory = FiniteVolume().solve(Problem(ShallowWater(1.0), grid, initial, OUT, times=[0.0, 0.5]))
    (x,) = grid.meshgrid()
    assert float((trajectory.u[0, -1, 0] - stoker(x, 0.5, 1.0, low, 1.0)).abs().mean()) < 4e-3
    assert float(trajectory.residual) < 1e-12


def test_still_water_stays_still_to_the_last_bit():
    u = torch.tensor([1.7, 0.0, 0.0], dtype=torch.float64).view(1, 3, 1, 1).expand(1, 3, 8, 8)
    trajectory = FiniteVolume().solve(Problem(ShallowWater(), Grid.periodic(8, 8), u, times=[0.0, 0.1]))
    assert torch.equal(trajectory.u[:, -1], trajectory.u[:, 0])


def test_a_radial_dam_breaks_the_same_way_along_both_axes_and_keeps_its_water():
    """The setting of PDEBench: depth 2 within a radius, 1 outside, gravity 1, on the square of side 5."""
    grid = Grid.cells(32, 32, low=-2.5, high=2.5)
    initial = {
        "depth": lambda x, y: torch.where(x * x + y * y < 0.25, 2.0, 1.0).to(x.dtype),
        "velocity_x": lambda x, y: 0 * x,
        "velocity_y": lambda x, y: 0 * y,
    }
    trajectory = FiniteVolume().solve(Problem(ShallowWater(1.0), grid, initial, OUT, times=[0.0, 0.5, 1.0]))
    assert trajectory.status.tolist() == [int(Status.SUCCESS)]
    depth, vx, vy = trajectory.u[0, -1]
    torch.testing.assert_close(depth, depth.T, rtol=0, atol=1e-12)
    torch.testing.assert_close(depth, depth.flip(0), rtol=0, atol=1e-12)
    torch.testing.assert_close(vx, vy.T, rtol=0, atol=1e-12)
    assert float(trajectory.residual) < 1e-12
    assert 1.0 < float(depth.max()) < 1.5
