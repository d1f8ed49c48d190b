"""The shipped problems in a few seconds each; what minutes reach is measured by `scripts/benchmarks/pinn_*.py`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor, nn

from sciml.batch import Batch
from sciml.describe import build
from sciml.objective import FixedWeights
from sciml.optim import NaturalGradient, Phase, Phases, SSBroyden
from sciml.pdes.exact import StandingShock
from sciml.pinn import PhysicsInformed, Solved
from sciml.pinn.reference import Exact, Reference
from sciml.yaml_files import with_changes

CONFIGS = Path(__file__).parents[2] / "configs" / "pinn"
pytestmark = pytest.mark.slow


def shipped(name: str, points: int | None = None, **changes: Any) -> tuple[nn.Module, Any]:
    """Network and objective of a configuration, with fewer points in its interior and other values at dotted keys."""
    model = with_changes(yaml.safe_load((CONFIGS / name).read_text())["model"], changes)
    torch.manual_seed(0)
    network, objective = build(model["network"]).double(), build(model["objective"]).double()
    if points is not None:
        inner: PhysicsInformed = getattr(objective, "objective", objective)
        inner.conditions[0].sampler.size = points
    return network, objective


def train(network: nn.Module, objective: Any, optimizer: Any, steps: int) -> None:
    if hasattr(optimizer, "bind"):
        optimizer.bind(lambda: objective.linearize(network, FixedWeights()))

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = torch.stack([t.scalar() for t in objective.terms(network, Batch()).values()]).sum()
        loss.backward()
        return loss

    for step in range(steps):
        objective.advance(step, 0, network)
        optimizer.step(closure)


def error(
    network: Callable[[Tensor], Tensor], objective: Any, reference: Reference, until: float | None = None
) -> float:
    points, values = reference.samples(objective.statement)
    if until is not None:
        kept = points[:, -1] <= until
        points, values = points[kept], values[kept]
        assert len(points[:, -1].unique()) > 1, "at the beginning alone any network would do"
    with torch.no_grad():
        found = network(points)[:, : values.shape[1]]  # a pressure has no reference
    return float(((found - values).norm(dim=0) / values.norm(dim=0)).max())


def test_poisson_by_natural_gradient() -> None:
    network, objective = shipped("poisson_2d.yaml")
    train(network, objective, NaturalGradient(network.parameters(), damping=1e-6), 60)
    assert error(network, objective, Exact()) < 1e-3


def test_allen_cahn() -> None:
    network, objective = shipped("allen_cahn.yaml", 500)
    train(network, objective, SSBroyden(network.parameters(), iterations=100), 4)
    assert error(network, objective, Solved(points=128, frames=5, tol=1e-5)) < 0.4


def test_burgers() -> None:
    network, objective = shipped("burgers.yaml", 800)
    train(network, objective, SSBroyden(network.parameters(), iterations=60), 6)
    assert error(network, objective, Exact(5, StandingShock(objective.problem.pde.viscosity))) < 0.1


def test_the_viscosity_of_burgers_equation() -> None:
    network, objective = shipped("burgers_inverse.yaml", 500)
    train(network, objective, SSBroyden([*network.parameters(), *objective.parameters()], iterations=60), 6)
    # Most of the way from where it starts.
    assert abs(objective.coefficients()["viscosity"] - 0.01 / torch.pi) < 0.2 * (0.02 - 0.01 / torch.pi)


def windowed(network: nn.Module, iterations: int, steps: int) -> Phases:
    phase = Phase(lambda p: SSBroyden(p, iterations=iterations), steps=steps)
    return Phases(network.parameters(), [phase], repeat=True)


#: Keys of the network within windows, and of the equation that they march through.
WIDTH = "network.init_args.network.init_args.width"
EQUATION = "objective.init_args.objective.init_args.problem.init_args.pde.init_args"


@pytest.mark.parametrize("sigma", [10.0, 3.0])
def test_the_first_windows_of_the_lorenz_system(sigma: float) -> None:
    network, objective = shipped("lorenz.yaml", **{f"{EQUATION}.sigma": sigma})
    train(network, objective, windowed(network, 60, 4), 8)
    assert error(network, objective, Solved(frames=201, tol=1e-8), until=0.5) < 1e-3


@pytest.mark.parametrize(
    ("name", "changes", "steps", "until", "bound"),
    [
        ("kuramoto_sivashinsky.yaml", {}, 5, 0.1, 0.1),
        ("kuramoto_sivashinsky_chaotic.yaml", {}, 4, 0.025, 2e-3),
        ("kuramoto_sivashinsky_chaotic_gpu.yaml", {WIDTH: 20}, 4, 0.025, 2e-3),
        ("korteweg_de_vries.yaml", {}, 4, 0.1, 2e-3),
    ],
)
def test_the_first_window_of_a_dispersive_or_chaotic_wave(
    name: str, changes: dict[str, Any], steps: int, until: float, bound: float
) -> None:
    network, objective = shipped(name, 300, **changes)
    train(network, objective, windowed(network, 60, 24), steps)
    assert error(network, objective, Solved(points=64, frames=41, tol=1e-5), until=until) < bound


def test_the_first_window_of_decaying_turbulence() -> None:
    network, objective = shipped("navier_stokes_turbulence_gpu.yaml", 400, **{WIDTH: 16})
    reference = Solved(points=32, frames=21, tol=1e-5)
    standing = error(lambda z: network(torch.cat([z[:, :-1], 0 * z[:, -1:]], dim=1)), objective, reference, until=0.1)
    train(network, objective, windowed(network, 60, 40), 6)
    assert error(network, objective, reference, until=0.1) < standing / 2.5
