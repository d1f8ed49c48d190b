"""Gradients through solutions against differences: initial state, parameters, and a step that the error chooses."""

import math

import pytest
import torch

from sciml.fields import Grid
from sciml.pdes import Burgers, Problem, Schroedinger, Vorticity
from sciml.solvers import ETDRK4, IMEX, RungeKutta, rollout

TAU = 2 * math.pi


def objective(method, u0: torch.Tensor, nu: torch.Tensor) -> torch.Tensor:
    """A functional of the final state that is not symmetric in space."""
    problem = Problem(Burgers(), Grid.periodic(24), u0, parameters={"viscosity": nu}, times=[0.0, 0.1, 0.2])
    stepper = method.stepper(problem)
    u = rollout(stepper, stepper.start(u0), problem.times).u[:, -1]
    return (u**2 * torch.linspace(0.0, 1.0, 24, dtype=torch.float64)).sum()


@pytest.mark.parametrize(
    "method",
    [ETDRK4(dt=0.02), IMEX(dt=0.02), RungeKutta(dt=0.01), ETDRK4()],
    ids=lambda m: f"{type(m).__name__}-{m.dt}",
)
def test_gradients_with_respect_to_state_and_parameter_are_those_of_differences(method):
    x = torch.arange(24, dtype=torch.float64) / 24
    u0 = (torch.sin(TAU * x) + 0.3 * torch.cos(2 * TAU * x))[None, None].requires_grad_()
    nu = torch.tensor(0.05, dtype=torch.float64, requires_grad=True)
    by_state, by_nu = torch.autograd.grad(objective(method, u0, nu), (u0, nu))
    direction = torch.randn(u0.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    h = 1e-5
    with torch.no_grad():
        along = (objective(method, u0 + h * direction, nu) - objective(method, u0 - h * direction, nu)) / (2 * h)
        over = (objective(method, u0, nu + h) - objective(method, u0, nu - h)) / (2 * h)
    assert float((by_state * direction).sum()) == pytest.approx(float(along), rel=1e-7)
    assert float(by_nu) == pytest.approx(float(over), rel=1e-7)


@pytest.mark.parametrize("method", [ETDRK4(dt=0.01), IMEX(dt=0.01)], ids=lambda m: type(m).__name__)
@pytest.mark.parametrize(
    ("pde", "name", "value", "shape"),
    [(Schroedinger(), "dispersion", 0.1, (12,)), (Vorticity(), "viscosity", 0.01, (8, 8))],
    ids=["coupled", "flow"],
)
def test_gradients_of_systems_are_those_of_differences(method, pde, name, value, shape):
    u0 = torch.randn(1, 2, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    def functional(parameter: torch.Tensor) -> torch.Tensor:
        problem = Problem(pde, Grid.periodic(*shape), u0, parameters={name: parameter}, times=[0.0, 0.05])
        stepper = method.stepper(problem)
        return rollout(stepper, stepper.start(u0), problem.times).u[:, -1].flatten()[:5].pow(2).sum()

    parameter = torch.tensor(value, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(functional(parameter), parameter)
    h = 1e-6
    with torch.no_grad():
        difference = (functional(parameter + h) - functional(parameter - h)) / (2 * h)
    assert float(gradient) == pytest.approx(float(difference), rel=1e-5)
