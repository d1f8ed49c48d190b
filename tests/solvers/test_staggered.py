"""Staggered differences and means: adjoint to one another, and of the order they state."""

import math

import pytest
import torch
from helpers import observed_order

from sciml.fields import Axis, Grid
from sciml.solvers.staggered import Staggered, midpoints


def staggered(open_ends=((False, True), (False, False))) -> Staggered:
    return Staggered(Grid((Axis(6, kind="cells"), Axis(5, high=0.7))), open_ends)


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_the_gradient_is_minus_the_adjoint_of_the_divergence() -> None:
    """Over faces in the middle of a volume; the face on an open end stands for half of one."""
    grid = staggered()
    faces = grid.free((random(2, 7, 5), random(2, 6, 5, seed=1)))
    phi = random(2, 6, 5, seed=2)
    slopes = list(grid.gradient(phi))
    slopes[0] = torch.cat([slopes[0][:, :-1], 0.5 * slopes[0][:, -1:]], dim=1)
    work = sum(float((f * g).sum()) for f, g in zip(faces, slopes, strict=True))
    assert work == pytest.approx(-float((phi * grid.divergence(faces)).sum()), rel=1e-12)


@pytest.mark.parametrize("periodic", [True, False])
def test_midpoints_are_of_fourth_order(periodic: bool) -> None:
    counts, errors = [64, 128, 256], []
    for n in counts:
        h = 2 * math.pi / n
        x = h * torch.arange(n, dtype=torch.float64)
        wanted = (x if periodic else x[1:]) - 0.5 * h
        errors.append(float((midpoints(torch.sin(x + 0.3), 0, periodic) - torch.sin(wanted + 0.3)).abs().max()))
    assert observed_order(errors, counts) == pytest.approx(4.0, abs=0.1)


def test_midpoints_of_a_cubic_are_exact_up_to_the_ends() -> None:
    x = torch.arange(5, dtype=torch.float64)
    assert torch.allclose(midpoints(x**3 - 2 * x, 0, False), (x[1:] - 0.5) ** 3 - 2 * (x[1:] - 0.5), atol=1e-13)
    assert torch.equal(midpoints(x[:3], 0, False), x[1:3] - 0.5)


def test_a_velocity_goes_to_the_faces_and_back_at_fourth_order() -> None:
    counts, errors = [16, 32, 64], []
    for n in counts:
        grid = Grid((Axis(n, kind="cells"), Axis(n)))
        x, y = grid.meshgrid()
        velocity = torch.stack([torch.sin(2 * x + y.sin()), torch.cos(2 * math.pi * y) * x])[None]
        box = Staggered(grid, ((True, True), (False, False)))
        errors.append(float((box.to_cells(box.to_faces(velocity)) - velocity)[:, :, 2:-2].abs().max()))
    assert observed_order(errors, counts) == pytest.approx(4.0, abs=0.2)


def test_closed_ends_are_set_free_of_rates_and_open_ones_are_not() -> None:
    u, v = staggered().free((torch.ones(1, 7, 5), torch.ones(1, 6, 5)))
    assert u[0, :, 0].tolist() == [0.0] + 6 * [1.0]
    assert bool((v == 1).all())
