"""Every kind of condition vanishes on a field that satisfies it: in the ghost layers of a grid, and at points."""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from helpers import observed_order
from torch import Tensor, nn

from sciml.fields import (
    Axis,
    Boundaries,
    Condition,
    Dirichlet,
    FieldSpec,
    Grid,
    Neumann,
    Outflow,
    Periodic,
    Robin,
    Wall,
)
from sciml.fields.boundary import CONDITIONS
from sciml.numerics import Derivatives, GhostLayers
from sciml.pdes import Parameters, Problem
from sciml.pdes.base import PDE, Fields

VELOCITY, PRESSURE = FieldSpec("v", rank=1), FieldSpec("p")
PI = math.pi


@dataclass(frozen=True)
class Laplacians(PDE):
    """Second order in every component: what the conditions belong to."""

    fields = (VELOCITY, PRESSURE)

    def residual(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        return {name: d.laplacian(u[name]) for name in u}


def wave(x: Tensor, y: Tensor) -> Tensor:
    return torch.exp(0.7 * x) * torch.sin(2 * x + 1.5 * y + 0.3)


def slope(x: Tensor, y: Tensor) -> Tensor:
    """Derivative of `wave` in x."""
    return torch.exp(0.7 * x) * (0.7 * torch.sin(2 * x + 1.5 * y + 0.3) + 2 * torch.cos(2 * x + 1.5 * y + 0.3))


@dataclass(frozen=True)
class Case:
    """Conditions on both faces of x, and the field that satisfies them, component by component."""

    low: Condition
    high: Condition
    v_x: Callable[[Tensor, Tensor], Tensor] = wave
    v_y: Callable[[Tensor, Tensor], Tensor] = wave
    p: Callable[[Tensor, Tensor], Tensor] = wave

    def __call__(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        return {"v_x": self.v_x(x, y), "v_y": self.v_y(x, y), "p": self.p(x, y)}


def odd(x: Tensor, y: Tensor) -> Tensor:
    return torch.sin(PI * x) * torch.exp(0.4 * x) * torch.cos(y)


def even(x: Tensor, y: Tensor) -> Tensor:
    return torch.cos(PI * x) * torch.cos(y) + 0.5 * torch.cos(2 * PI * x)


def driven(x: Tensor, y: Tensor) -> Tensor:
    """0.5 at x = 0 and x = 1."""
    return 0.5 + odd(x, y)


def periodic(x: Tensor, y: Tensor) -> Tensor:
    return torch.exp(torch.sin(2 * PI * x)) * torch.cos(y)


CASES = {
    "PERIODIC": Case(Periodic(), Periodic(), periodic, periodic, periodic),
    "DIRICHLET": Case(Dirichlet(wave), Dirichlet(wave)),
    "NEUMANN": Case(Neumann(lambda x, y: -slope(x, y)), Neumann(slope)),
    "ROBIN": Case(
        Robin(1.5, lambda y: 1 + y**2, lambda x, y: 1.5 * wave(x, y) - (1 + y**2) * slope(x, y)),
        Robin(0.5, 2.0, lambda x, y: 0.5 * wave(x, y) + 2.0 * slope(x, y)),
    ),
    "OUTFLOW": Case(Outflow(), Outflow(), even, even, even),
    "WALL": Case(Wall(), Wall(slip=False, velocity=0.5), odd, lambda x, y: torch.sin(0.5 * PI * x) ** 2 / 2, even),
}


def test_every_kind_of_condition_has_a_case() -> None:
    assert set(CASES) == set(CONDITIONS)


def boundaries(case: Case) -> Boundaries:
    return Boundaries({"x-": case.low, "x+": case.high, "y": Dirichlet(0.0)})


def ghost_error(case: Case, kind: str, n: int, order: int) -> float:
    """Largest error of the layers next to both faces of x."""
    grid = Grid((Axis(n, kind="periodic" if isinstance(case.low, Periodic) else kind), Axis(5, kind="cells")))
    layers = GhostLayers(grid, boundaries(case), (VELOCITY, PRESSURE), order=order)
    exact = case(*layers.coordinates().values())
    found = layers.extend(case(*grid.meshgrid()))
    inner = slice(1, -1)  # corners belong to y, whose condition is another
    return max(float((found[m] - exact[m])[[0, -1], inner].abs().max()) for m in exact)


@pytest.mark.parametrize("kind", ["cells", "nodes"])
@pytest.mark.parametrize("name", CASES)
def test_ghost_values_are_of_second_order_at_least(name: str, kind: str) -> None:
    errors = [ghost_error(CASES[name], kind, n, 2) for n in (32, 64, 128)]
    assert max(errors) < 1e-12 or observed_order(errors, [32, 64, 128]) > 1.9


@pytest.mark.parametrize("kind", ["cells", "nodes"])
@pytest.mark.parametrize("name", [n for n in CASES if n != "OUTFLOW"])
def test_ghost_values_of_higher_order_are_of_that_order(name: str, kind: str) -> None:
    errors = [ghost_error(CASES[name], kind, n, 4) for n in (32, 64, 128)]
    assert max(errors) < 1e-12 or observed_order(errors, [32, 64, 128]) > 3.9


class Exact(nn.Module):
    def __init__(self, case: Case, factor: float = 1.0) -> None:
        super().__init__()
        self.case, self.factor = case, factor

    def forward(self, z: Tensor) -> Tensor:
        x, y = z[..., 0], z[..., 1]
        return torch.stack([c * self.factor for c in self.case(x, y).values()], dim=-1)


def on_face(face: str) -> Tensor:
    points = torch.rand(9, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    points[:, 0] = 0.0 if face == "x-" else 1.0
    return points


def problem(case: Case) -> Problem:
    kind = "periodic" if isinstance(case.low, Periodic) else "cells"
    return Problem(Laplacians(), Grid((Axis(8, kind=kind), Axis(8, kind="cells"))), boundary=boundaries(case))


@pytest.mark.parametrize("face", ["x-", "x+"])
@pytest.mark.parametrize("name", [n for n in CASES if n != "OUTFLOW"])
def test_the_residual_at_points_vanishes_for_the_exact_field_alone(name: str, face: str) -> None:
    case = CASES[name]
    found = problem(case).boundary_residual(Exact(case), on_face(face), face)
    jumps = {f"{c}:x" for c in ("v_x", "v_y", "p")} if name == "PERIODIC" else set()
    assert set(found) == {"v_x", "v_y", "p"} | jumps
    assert max(float(r.abs().max()) for r in found.values()) < 1e-12
    # A field that grows along x satisfies none of the conditions.
    wrong = dataclasses.replace(case, **{c: lambda x, y: torch.exp(x + y) for c in ("v_x", "v_y", "p")})
    off = problem(case).boundary_residual(Exact(wrong), on_face(face), face)
    assert min(float(r.abs().max()) for r in off.values()) > 1e-2


def test_the_residual_at_points_is_differentiable_in_the_weights() -> None:
    net = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 3)).double()
    found = problem(CASES["ROBIN"]).boundary_residual(net, on_face("x+"), "x+")
    sum(r.square().sum() for r in found.values()).backward()
    assert all(p.grad is not None and float(p.grad.abs().max()) > 0 for p in net.parameters())


def test_what_has_no_residual_says_so_in_one_line() -> None:
    net = Exact(CASES["OUTFLOW"])
    with pytest.raises(ValueError, match=r"'v_x' on x- is Outflow, which is no equation"):
        problem(CASES["OUTFLOW"]).boundary_residual(net, on_face("x-"), "x-")
    with pytest.raises(ValueError, match=r"points must lie on the face x\+, where x=1"):
        problem(CASES["WALL"]).boundary_residual(net, on_face("x-"), "x+")
    with pytest.raises(ValueError, match="face='z-' must be one of x-, x"):
        problem(CASES["WALL"]).boundary_residual(net, on_face("x-"), "z-")
    array = Case(Dirichlet(torch.zeros(8).numpy()), Neumann())
    with pytest.raises(ValueError, match="holds an array"):
        problem(array).boundary_residual(net, on_face("x-"), "x-")
