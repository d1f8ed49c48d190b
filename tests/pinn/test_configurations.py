"""What the shipped problems are made of: exact solutions solve them, and hard conditions hold for any weights."""

import math
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sciml.batch import Batch
from sciml.describe import build
from sciml.numerics import call_with_coordinates
from sciml.pinn import Initial, PhysicsInformed, Quasirandom
from sciml.resources import resource_root
from sciml.yaml_files import read_yaml

CONFIGS = resource_root() / "configs" / "pinn"


@cache
def model(name: str) -> Any:
    """Network and objective of a configuration, in double precision."""
    given = read_yaml(CONFIGS / f"{name}.yaml").data["model"]
    network, objective = build(given["network"]).double(), build(given["objective"]).double()
    return SimpleNamespace(network=network, objective=objective)


class Formulas(nn.Module):
    """A network that is the functions of a statement, and one for what it leaves open."""

    def __init__(self, problem: Any, formulas: dict[str, Any]) -> None:
        super().__init__()
        self.axes, self.formulas = problem.axes, [formulas[name] for name in problem.unknowns]

    def forward(self, z: Any) -> Any:
        coordinates = {axis: z[..., i] for i, axis in enumerate(self.axes)}
        return torch.stack([call_with_coordinates(f, coordinates) for f in self.formulas], dim=-1)


def vortex_pressure(x: Any, y: Any, t: Any) -> Any:
    decay = torch.exp(-0.04 * t)
    return (torch.cos(2 * (x - t)) + torch.cos(2 * (y - t))) * decay * (-0.25)


FORMULAS: dict[str, dict[str, Any]] = {
    "advection": {},
    "helmholtz_2d": {},
    "navier_stokes_decay": {"pressure": vortex_pressure},
    "poisson_2d": {},
}


@pytest.mark.parametrize("name", FORMULAS)
def test_the_exact_solution_of_a_configuration_satisfies_all_its_conditions(name: str) -> None:
    objective = model(name).objective
    exact = Formulas(objective.problem, {**objective.statement.exact, **FORMULAS[name]})
    for term in objective.terms(exact, Batch()).values():
        assert float(term.values.max()) < 1e-20


@pytest.mark.parametrize("name", ["poisson_10d", "poisson_100d"])
def test_the_solution_in_many_dimensions_satisfies_its_equation_and_the_boundary_condition(name: str) -> None:
    network, problem = model(name).network, model(name).objective.problem
    points = problem.domain.sample(10)
    assert float(problem.network_residual(problem.exact, points)["u"].abs().max()) == 0.0
    surface, _ = problem.domain.boundary(10)
    assert float(problem.exact(surface).abs().max()) < 1e-12
    assert float(network(surface).detach().abs().max()) < 1e-12


#: Bounds of what a truncated series leaves out at the beginning.
STARTS = {
    "advection": 1e-14,
    "allen_cahn": 1e-4,
    "burgers": 1e-14,
    "kuramoto_sivashinsky": 1e-14,
    "lorenz": 1e-14,
    "navier_stokes_decay": 1e-14,
    "navier_stokes_turbulence_gpu": 1e-13,
}


@pytest.mark.parametrize("name", STARTS)
def test_the_initial_condition_of_a_configuration_holds_for_any_weights(name: str) -> None:
    statement, network = model(name).objective.statement, model(name).network
    terms = PhysicsInformed(statement, [Initial(Quasirandom(50))]).terms(network, Batch())
    assert max(float(t.residuals.detach().abs().max()) for t in terms.values()) < STARTS[name]


def test_the_size_for_a_gpu_goes_on_with_the_problem_of_the_other_one() -> None:
    large, small = (model(f"kuramoto_sivashinsky_chaotic{end}").objective.statement for end in ("_gpu", ""))
    assert large.pde == small.pde
    assert large.grid == small.grid
    assert torch.equal(*(s.problem.initial_state() for s in (large, small)))
    assert large.times[-1] == 2 * small.times[-1] == 1.0


def test_turbulence_begins_with_a_flow_without_sources_that_carries_its_vorticity() -> None:
    initial = model("navier_stokes_turbulence_gpu").objective.statement.problem.initial
    z = torch.rand(20, 2, dtype=torch.float64, requires_grad=True)
    x, y = z.unbind(1)
    slope = {n: torch.autograd.grad(f(x=x, y=y).sum(), z)[0] for n, f in initial.items() if n.startswith("velocity")}
    assert float((slope["velocity_x"][:, 0] + slope["velocity_y"][:, 1]).abs().max()) < 1e-13
    vorticity = slope["velocity_y"][:, 0] - slope["velocity_x"][:, 1]
    assert torch.allclose(vorticity, initial["tracer"](x=x, y=y), atol=1e-13)


def test_the_cavity_has_walls_without_slip_for_any_weights() -> None:
    network = model("lid_driven_cavity").network
    s = torch.linspace(0, 1, 11, dtype=torch.float64)
    walls = torch.cat([torch.stack(p, 1) for p in ((0 * s, s), (0 * s + 1, s), (s, 0 * s))])
    with torch.no_grad():
        assert float(network(walls)[:, :2].abs().max()) == 0.0
        lid = network(torch.stack([s, 0 * s + 1], 1))
    assert float(lid[:, 1].abs().max()) == 0.0
    assert float(lid[1:-1, 0].abs().min()) > 0


def test_the_lid_is_asked_for_its_speed() -> None:
    class Lid(nn.Module):
        def forward(self, z: Tensor) -> Tensor:
            return torch.stack([z[..., 1], z[..., 1] * 0.0, z[..., 1] * 0.0], dim=-1)

    terms = model("lid_driven_cavity").objective.terms(Lid(), Batch())
    assert {name: float(t.scalar()) for name, t in terms.items() if name.startswith("y+")} == {
        "y+:velocity_x": 0.0,
        "y+:velocity_y": 0.0,
    }
    assert math.isclose(1 / model("lid_driven_cavity").objective.problem.pde.viscosity, 100)
