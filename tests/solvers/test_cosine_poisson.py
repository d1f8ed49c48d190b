"""The Poisson equation on cells: the discrete Laplacian of the solution is the right side, for every kind of ends."""

import itertools

import pytest
import torch

from sciml.fields import Axis, Grid
from sciml.linalg import FastPoisson
from sciml.solvers.cosine_poisson import CosinePoisson
from sciml.solvers.staggered import Staggered

KINDS = ["periodic", (False, False), (False, True), (True, False), (True, True)]


def case(kinds: tuple, sizes: tuple[int, ...]) -> tuple[CosinePoisson, Staggered, Grid]:
    axes = [
        Axis(n, -1.0, 0.7 + i, "periodic" if kind == "periodic" else "cells")
        for i, (n, kind) in enumerate(zip(sizes, kinds, strict=True))
    ]
    grid, ends = Grid(tuple(axes)), tuple((False, False) if k == "periodic" else k for k in kinds)
    return CosinePoisson(grid, ends), Staggered(grid, ends), grid


def right_side(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("kinds", list(itertools.product(KINDS, KINDS)))
@pytest.mark.parametrize("sizes", [(8, 6), (7, 5)])
def test_the_laplacian_of_the_solution_is_the_right_side(kinds: tuple, sizes: tuple[int, int]) -> None:
    poisson, staggered, grid = case(kinds, sizes)
    f = right_side(3, *grid.shape)
    singular = not any(kind != "periodic" and any(kind) for kind in kinds)
    if singular:
        f = f - f.mean(dim=(1, 2), keepdim=True)
    phi = poisson.solve(f)
    residual = staggered.divergence(staggered.gradient(phi)) - f
    assert float(residual.abs().max()) <= 1e-13 * float(f.abs().max()) * max(sizes) ** 2
    if singular:
        assert float(phi.mean(dim=(1, 2)).abs().max()) <= 1e-14


@pytest.mark.parametrize("kinds", [("periodic", (False, False), (True, False)), ("periodic",) * 3])
def test_it_solves_in_three_dimensions(kinds: tuple) -> None:
    poisson, staggered, grid = case(kinds, (6, 5, 7))
    f = right_side(2, *grid.shape)
    if kinds == ("periodic",) * 3:
        f = f - f.mean(dim=(1, 2, 3), keepdim=True)
    residual = staggered.divergence(staggered.gradient(poisson.solve(f))) - f
    assert float(residual.abs().max()) <= 1e-11


@pytest.mark.parametrize("kinds", list(itertools.product(KINDS[:3], KINDS[:3])))
def test_bits_do_not_depend_on_the_batch(kinds: tuple) -> None:
    poisson, _, grid = case(kinds, (9, 8))
    f = right_side(5, *grid.shape)
    assert torch.equal(poisson.solve(f), torch.cat([poisson.solve(f[i : i + 1]) for i in range(5)]))


def test_the_solution_is_differentiable() -> None:
    poisson, _, grid = case(("periodic", (False, True)), (5, 4))
    assert torch.autograd.gradcheck(lambda f: poisson.solve(f).tanh(), (right_side(*grid.shape).requires_grad_(),))


@pytest.mark.parametrize("kinds", list(itertools.product(KINDS[1:], KINDS[1:])))
def test_it_agrees_with_the_fast_solver_of_numpy_vectors(kinds: tuple) -> None:
    ours, _, grid = case(kinds, (8, 6))
    f = right_side(8, 6)
    f = f - f.mean()
    other = FastPoisson((8, 6), tuple(1 / axis.h**2 for axis in grid.axes), kinds)
    torch.testing.assert_close(ours.solve(f), torch.from_numpy(-other.apply_inverse(f.numpy())), rtol=0, atol=1e-10)
