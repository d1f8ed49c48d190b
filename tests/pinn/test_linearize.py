"""Residuals and their Jacobian, point by point: the sum of squares is the loss, and $2 J^T r$ its gradient."""

from collections.abc import Callable

import pytest
import torch

from sciml.batch import Batch
from sciml.fields import Ball, Box, Neumann
from sciml.nn import MLP
from sciml.objective import FixedWeights
from sciml.pdes import Heat, Poisson, Statement
from sciml.pinn import (
    Face,
    Importance,
    Initial,
    Integral,
    Interior,
    Observations,
    PhysicsInformed,
    Quasirandom,
    Surface,
    TensorProduct,
    Twin,
)
from sciml.pinn.conditions import Condition
from sciml.pinn.reference import Exact


def heat() -> Statement:
    return Statement(
        Heat(0.1), {"x": [0.0, 2.0]}, {"u": "sin(x)"}, {"x-": 0.0, "x+": {"kind": "NEUMANN", "value": 1.0}},
        times=[0.0, 1.0], exact={"u": "sin(x)*exp(-0.1*t)"}, points=16,
    )  # fmt: skip


def ring() -> Statement:
    return Statement(heat().pde, {"x": [0.0, 2.0]}, {"u": "sin(pi*x)"}, periodic=["x"], times=[0.0, 1.0], points=16)


def plate() -> Statement:
    return Statement(Poisson(), {"x": [0.0, 1.0], "y": [0.0, 1.0]}, boundary={"all": 0.0}, parameters={"f": 1.0})


hole = Box((0.0, 0.0), (1.0, 1.0)) - Ball((0.5, 0.5), 0.2)

CONDITIONS: dict[str, tuple[Callable[[], Statement], Callable[[], Condition]]] = {
    "Interior": (heat, lambda: Interior(Quasirandom(7))),
    "Interior on a tensor grid": (heat, lambda: Interior(TensorProduct([3, 2]))),
    "Interior, weighted points": (heat, lambda: Interior(Importance(7))),
    "Interior of a region": (plate, lambda: Interior(Quasirandom(7), within=hole)),
    "Initial": (heat, lambda: Initial(Quasirandom(5))),
    "Face, Dirichlet": (heat, lambda: Face("x-", Quasirandom(5))),
    "Face, Neumann": (heat, lambda: Face("x+", Quasirandom(5))),
    "Face, periodic": (ring, lambda: Face("x-", Quasirandom(5))),
    "Surface": (plate, lambda: Surface(hole, Neumann(0.5), sampler=Quasirandom(5))),
    "Integral": (heat, lambda: Integral(0.3, nodes=4, sampler=Quasirandom(5))),
    "Observations": (heat, lambda: Observations([[0.1, 0.2], [0.7, 0.9], [1.5, 0.0]], [0.3, -2.0, 5.0])),
    "Twin": (heat, lambda: Twin(6, 0.1, Exact(frames=3))),
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_the_linearisation_of_every_condition_is_that_of_its_loss(name: str) -> None:
    statement, make = CONDITIONS[name]
    torch.manual_seed(0)
    network = MLP(2, 1, width=5, depth=2).double()
    objective, weighting = PhysicsInformed(statement(), [make()]), FixedWeights()
    residuals, rows = objective.linearize(network, weighting)
    loss = weighting(objective.terms(network, Batch()), network)
    gradient = torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(network.parameters()))])
    assert float(gradient.norm()) > 0
    torch.testing.assert_close(residuals.square().sum(), loss.detach(), rtol=1e-10, atol=0)
    torch.testing.assert_close(2 * rows.T @ residuals, gradient, rtol=1e-9, atol=1e-12)
