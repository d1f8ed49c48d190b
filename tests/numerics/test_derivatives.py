"""Grid, wave-number and stencil differentiation against functions whose derivatives are known."""

import math

import numpy as np
import pytest
import torch
from helpers import observed_order

from sciml.fields import Axis, Grid
from sciml.numerics import FiniteDifferences, SpectralDerivatives, WaveNumbers
from sciml.numerics.stencils import stencil
from sciml.shapes import multi_index


@pytest.mark.parametrize("n", [15, 16, 31, 32])
@pytest.mark.parametrize("wrt", ["x", "xx", "xxx", "xxxx"])
def test_spectral_derivative_of_a_resolved_wave_is_exact(n: int, wrt: str) -> None:
    grid = Grid.periodic(n, low=-1.0, high=1.0)
    (x,) = grid.meshgrid()
    k = 3 * math.pi
    exact = [torch.cos, lambda z: -torch.sin(z), lambda z: -torch.cos(z), torch.sin][len(wrt) - 1](k * x) * k ** len(
        wrt
    )
    computed = SpectralDerivatives(grid)(torch.sin(k * x)[None], wrt)[0]
    assert torch.allclose(computed, exact, rtol=0, atol=1e-11 * k ** len(wrt) * n)


def test_mixed_spectral_derivative_in_two_dimensions_is_exact() -> None:
    grid = Grid.periodic(16, 15, high=(1.0, 2.0))
    x, y = grid.meshgrid()
    u = torch.sin(2 * math.pi * x) * torch.cos(math.pi * y)
    exact = -2 * math.pi**2 * torch.cos(2 * math.pi * x) * torch.sin(math.pi * y)
    assert torch.allclose(SpectralDerivatives(grid)(u, "xy"), exact, rtol=0, atol=1e-10)


@pytest.mark.parametrize("kind", ["periodic", "nodes", "cells"])
@pytest.mark.parametrize(("wrt", "order"), [("x", 2), ("x", 4), ("xx", 2), ("xx", 4), ("xxx", 2)])
def test_finite_differences_converge_at_the_stated_order(kind: str, wrt: str, order: int) -> None:
    errors, steps = [], [40, 80, 160]
    for n in steps:
        grid = Grid.uniform(n, low=0.0, high=2 * math.pi, kind=kind)
        (x,) = grid.meshgrid()
        exact = [torch.cos(x), -torch.sin(x), -torch.cos(x)][len(wrt) - 1]
        errors.append(float((FiniteDifferences(grid, order)(torch.sin(x), wrt) - exact).abs().max()))
    assert observed_order(errors, steps) > order - 0.15


def test_stencil_on_given_points_is_exact_for_polynomials() -> None:
    axis = Axis(9, 0.0, 1.0, "nodes", tuple(np.linspace(0, 1, 9) ** 1.5))
    neighbours, weights = stencil(axis, 2, 2)
    x = axis.coords
    assert np.allclose((weights * x[neighbours] ** 3).sum(1), 6 * x, atol=1e-9)


def test_an_axis_with_just_enough_points_is_served() -> None:
    axis = Axis(4, kind="nodes")
    neighbours, weights = stencil(axis, 1, 3)
    x = axis.coords
    assert np.allclose((weights * x[neighbours] ** 3).sum(1), 3 * x**2, atol=1e-12)


def test_too_short_an_axis_is_refused_with_the_number_it_needs() -> None:
    with pytest.raises(ValueError, match="needs 5"):
        stencil(Axis(4, kind="nodes"), 1, 4)


def test_trajectory_derivative_in_time_converges_at_fourth_order() -> None:
    grid, errors, steps = Grid.periodic(8), [], [20, 40, 80]
    for n in steps:
        d = SpectralDerivatives(grid, times=torch.linspace(0, 1, n))
        t = d.coordinates()["t"]
        u = torch.sin(3 * t) * torch.ones(1, n, 8)
        errors.append(float((d(u, "t") - 3 * torch.cos(3 * t)).abs().max()))
    assert observed_order(errors, steps) == pytest.approx(4.0, abs=0.4)


@pytest.mark.parametrize("shape", [(16,), (15, 12), (8, 9, 10)])
def test_symbol_of_an_operator_equals_the_grid_operator(shape: tuple[int, ...]) -> None:
    grid = Grid.periodic(*shape, high=2.0)
    u = torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    waves, spectral = WaveNumbers(grid), SpectralDerivatives(grid)
    dims = tuple(range(-len(shape), 0))
    symbol = 0.3 * waves.laplacian(waves.one()) - 2.0 * waves(waves.one(), "x")
    through_symbol = torch.fft.irfftn(symbol * torch.fft.rfftn(u, dim=dims), s=shape, dim=dims)
    direct = 0.3 * spectral.laplacian(u) - 2.0 * spectral(u, "x")
    assert float((through_symbol - direct).abs().max() / direct.abs().max()) < 1e-12


def test_divergence_of_a_gradient_is_the_laplacian() -> None:
    grid = Grid.periodic(15, 15)
    d = SpectralDerivatives(grid)
    u = torch.randn(2, 15, 15, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(d.div(d.grad(u)), d.laplacian(u), atol=1e-9)


def test_spectral_derivatives_refuse_a_grid_with_ends() -> None:
    with pytest.raises(ValueError, match="periodic"):
        SpectralDerivatives(Grid.nodes(8))


def test_multi_index_names_an_axis_that_is_not_there() -> None:
    assert multi_index("xxt", ("x", "t")) == (2, 1)
    assert multi_index((1, 1), ("x", "y")) == (0, 2)
    with pytest.raises(ValueError, match="'z'"):
        multi_index("xz", ("x", "y"))
