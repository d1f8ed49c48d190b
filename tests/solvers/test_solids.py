"""Solid bodies in a flow: the pressure around them is exact, and a channel made of them is the channel."""

import dataclasses

import pytest
import torch

from sciml.fields import Axis, Boundaries, Dirichlet, Grid, Outflow, Wall
from sciml.pdes import NavierStokes, Problem, Smoke
from sciml.solvers import CentralTransport, Projection, SolidBoxes
from sciml.solvers.capacitance import CapacitancePoisson
from sciml.solvers.cosine_poisson import CosinePoisson
from sciml.solvers.staggered import Staggered
from sciml.status import Status

#: A wall with a gap, a body on its own, and a hollow one whose inside nothing reaches.
ROOMS = SolidBoxes(
    (
        ((1.4, 0.0), (1.6, 1.2)), ((0.3, 1.3), (0.7, 1.7)),
        ((2.0, 0.5), (2.2, 1.5)), ((2.6, 0.5), (2.8, 1.5)), ((2.0, 0.5), (2.8, 0.7)), ((2.0, 1.3), (2.8, 1.5)),
    )
)  # fmt: skip


def random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("open_end", [True, False])
@pytest.mark.parametrize("kind", ["cells", "periodic"])
def test_the_pressure_around_solids_leaves_no_divergence(open_end: bool, kind: str) -> None:
    grid = Grid((Axis(30, high=3.0, kind="cells"), Axis(20, high=2.0, kind=kind)))
    ends = ((False, open_end), (False, False))
    staggered = Staggered(grid, ends, ROOMS.cells(grid))
    solver = CapacitancePoisson(CosinePoisson(grid, ends), staggered)
    faces = staggered.free((random(3, 31, 20), random(3, 30, 21 if kind == "cells" else 20)))
    phi = solver.solve(staggered.divergence(faces))
    rest = tuple(f - g for f, g in zip(faces, staggered.gradient(phi), strict=True))
    assert float(staggered.divergence(rest).abs().max()) <= 1e-12
    assert all(not bool((r * (1 - m)).any()) for r, m in zip(rest, staggered.moving, strict=True))
    alone = torch.cat([solver.solve(staggered.divergence(tuple(f[i : i + 1] for f in faces))) for i in range(3)])
    assert torch.equal(phi, alone)


def test_faces_beside_solids_are_found_and_everything_else_moves() -> None:
    grid = Grid.cells(5, 5)
    staggered = Staggered(grid, ((False, False),) * 2, SolidBoxes((((0.4, 0.4), (0.6, 0.6)),)).cells(grid))
    x, y = staggered.interfaces()
    assert x.nonzero().tolist() == [[2, 2], [3, 2]]
    assert y.nonzero().tolist() == [[2, 2], [2, 3]]
    assert int(staggered.moving[0].sum()) == 4 * 5 - 2


def channel(grid: Grid, low: float, times) -> Problem:
    """A parabola of width one above `y = low`, between walls without slip, with smoke that sinks."""
    inside = lambda y: ((y > low) & (y < low + 1)).double()  # noqa: E731
    parabola = lambda x, y: inside(y) * 4 * (y - low) * (1 + low - y)  # noqa: E731
    conditions = {
        "y": Wall(slip=False), "x+": Outflow(),
        "x-": Dirichlet(0.0), ("x-", "velocity_x"): Dirichlet(parabola), ("x-", "tracer"): Dirichlet(1.0),
    }  # fmt: skip
    initial = {
        "velocity_x": lambda x, y: parabola(x, y) + 0 * x,
        "velocity_y": lambda x, y: 0 * x,
        "tracer": lambda x, y: torch.exp(-20 * ((x - 1) ** 2 + (y - low - 0.6) ** 2)),
    }
    return Problem(Smoke(0.02, 0.01, -5.0), grid, initial, Boundaries(conditions), times=times)


def test_a_channel_between_solids_is_the_channel_between_walls() -> None:
    narrow = channel(Grid.cells(16, 8, high=[2.0, 1.0]), 0.0, [0.0, 0.2])
    wide = channel(Grid.cells(16, 12, high=[2.0, 1.5]), 0.25, [0.0, 0.2])
    slabs = SolidBoxes((((-1.0, -1.0), (3.0, 0.25)), ((-1.0, 1.25), (3.0, 2.0))))
    central = {"dt": 0.01, "tracer_transport": CentralTransport()}
    expected = Projection(**central).solve(narrow).u[0, -1]
    found = Projection(**central, solids=slabs).solve(wide).u[0, -1, :, :, 2:-2]
    assert float((found - expected)[[0, 2]].abs().max()) <= 1e-11
    # Centre values of the vertical velocity beside a solid are interpolated with faces inside it.
    assert float((found - expected)[1, :, 1:-1].abs().max()) <= 1e-11
    assert float(expected[1].abs().max()) > 1e-3


def rooms(times=(0.0, 1.0)) -> Problem:
    """Smoke in the left room of a closed box, over a part of the body there."""
    block = lambda x, y: ((x - 0.9).abs() < 0.4).double() * ((y - 1.3).abs() < 0.4).double()  # noqa: E731
    initial = {"velocity_x": lambda x, y: 0 * x, "velocity_y": lambda x, y: 0 * x, "tracer": block}
    grid = Grid.cells(30, 20, high=[3.0, 2.0])
    return Problem(Smoke(0.005, 0.002, 4.0), grid, initial, Boundaries({"all": Wall(slip=False)}), times=list(times))


def test_smoke_goes_around_solids_and_never_into_them() -> None:
    problem = rooms((0.0, 1.0, 2.5))
    trajectory = Projection(courant=1.0, solids=ROOMS).solve(problem)
    assert trajectory.status.tolist() == [int(Status.SUCCESS)]
    assert trajectory.residual is None
    solid, tracer = ROOMS.cells(problem.domain), trajectory.u[0, :, -1]
    assert not bool(trajectory.u[0, 1:, :2, solid].any())
    assert torch.equal(tracer[:, solid], tracer[:1, solid].expand(3, -1))
    assert float((tracer.sum((1, 2)) / tracer[0].sum() - 1).abs().max()) <= 1e-12
    assert float(tracer.min()) >= -1e-13
    assert float(tracer.max()) <= 1 + 1e-13
    assert float(tracer[-1, 16:].sum()) > 0.1 > float(tracer[0, 16:].sum())
    # The inside of the hollow body stays as it was.
    assert not bool(tracer[:, 22:26, 7:13].any())


def test_gradients_pass_around_solids() -> None:
    grid = Grid.cells(6, 5)
    boundary = Boundaries({"all": Wall()})
    problem = Problem(Smoke(0.02), grid, torch.zeros(3, 6, 5), boundary, times=[0.0, 0.1])
    stepper = Projection(dt=0.05, solids=SolidBoxes((((0.3, 0.3), (0.7, 0.7)),))).stepper(problem)
    u0 = random(1, 3, 6, 5).requires_grad_()
    outcome = lambda u: (stepper.step(stepper.start(u)).u ** 2).sum()  # noqa: E731
    assert torch.autograd.gradcheck(outcome, (u0,), atol=1e-6, rtol=1e-5, fast_mode=True)


def test_an_empty_list_of_solids_changes_nothing() -> None:
    problem = dataclasses.replace(rooms((0.0, 0.2)), pde=NavierStokes(0.01))
    with_none, empty = Projection(dt=0.05).solve(problem), Projection(dt=0.05, solids=SolidBoxes(())).solve(problem)
    assert torch.equal(with_none.u, empty.u)


def test_bad_boxes_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="boxes"):
        SolidBoxes((((1.0, 0.0), (0.5, 1.0)),))
    reason = Projection(solids=SolidBoxes((((0.0,), (1.0,)),))).refuses(rooms())
    assert reason is not None
    assert "boxes" in reason
