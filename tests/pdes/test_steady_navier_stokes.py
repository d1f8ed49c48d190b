"""Steady flow: exact solutions leave no residual, and it is what the unsteady equation settles to."""

import math

import pytest
import torch
from torch import Tensor, nn

from sciml.fields import Boundaries, Dirichlet, Grid
from sciml.pdes import NavierStokes, Problem, SteadyNavierStokes

NU, RE = 0.025, 40.0


class Kovasznay(nn.Module):
    """Flow behind a row of bodies; Kovasznay (1948), Math. Proc. Camb. Philos. Soc. 44:58-62."""

    def forward(self, z: Tensor) -> Tensor:
        x, y = z[..., 0], z[..., 1]
        rate = RE / 2 - math.sqrt(RE**2 / 4 + 4 * math.pi**2)
        decay = torch.exp(rate * x)
        u = 1 - decay * torch.cos(2 * math.pi * y)
        v = rate / (2 * math.pi) * decay * torch.sin(2 * math.pi * y)
        return torch.stack([u, v, 0.5 * (1 - decay**2)], dim=-1)


def steady(viscosity: float) -> Problem:
    return Problem(SteadyNavierStokes(viscosity), Grid.nodes(5, 5), boundary=Boundaries({"all": Dirichlet(0.0)}))


def points() -> Tensor:
    return torch.rand(40, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_kovasznay_flow_leaves_no_residual() -> None:
    found = steady(NU).network_residual(Kovasznay(), points())
    assert set(found) == {"velocity_x", "velocity_y", "pressure"}
    assert max(float(r.abs().max()) for r in found.values()) < 1e-12


@pytest.mark.parametrize("name", ["velocity_x", "velocity_y"])
def test_another_viscosity_leaves_one(name: str) -> None:
    assert float(steady(2 * NU).network_residual(Kovasznay(), points())[name].abs().max()) > 1e-3


def test_it_is_the_unsteady_equation_of_a_flow_without_divergence_that_does_not_change() -> None:
    class Unsteady(nn.Module):
        def forward(self, z: Tensor) -> Tensor:
            x, y = z[..., 0], z[..., 1]
            return torch.stack([torch.sin(y), torch.sin(x), x * 0.0, torch.cos(x) * torch.sin(y)], dim=-1)

    class Steady(Unsteady):
        def forward(self, z: Tensor) -> Tensor:
            return super().forward(z)[..., [0, 1, 3]]

    start = dict.fromkeys(["velocity_x", "velocity_y", "tracer"], lambda x, y: x * y)
    whole = Problem(NavierStokes(NU), Grid.periodic(4, 4), start, times=[0.0, 1.0])
    flow = whole.network_residual(Unsteady(), torch.cat([points(), torch.rand(40, 1).double()], 1))
    for name, residual in steady(NU).network_residual(Steady(), points()).items():
        assert torch.allclose(residual, flow[name], rtol=1e-12, atol=1e-12)
