"""Quadrature over regions against integrals in closed form."""

import math

import pytest
import torch
from helpers import observed_order

from sciml.fields import Ball, Box
from sciml.numerics.quadrature import GaussLegendre, QuasiMonteCarlo

BOX = Box((0.0, -1.0), (2.0, 0.5))


def test_a_gauss_rule_is_exact_for_polynomials_of_its_degree() -> None:
    points, weights = GaussLegendre(order=3, panels=2).on(BOX)
    assert points.shape == (36, 2)
    assert bool(BOX.contains(points).all())
    x, y = points.unbind(1)
    for i in range(6):
        for j in range(6):
            exact = 2 ** (i + 1) / (i + 1) * (0.5 ** (j + 1) - (-1) ** (j + 1)) / (j + 1)
            assert float(weights @ (x**i * y**j)) == pytest.approx(exact, abs=1e-13)


def test_panels_converge_at_twice_the_order() -> None:
    exact = (math.e**2 - 1) * (math.e**0.5 - math.e**-1)
    panels, errors = [1, 2, 4], []
    for n in panels:
        points, weights = GaussLegendre(order=2, panels=n).on(BOX)
        errors.append(abs(float(weights @ torch.exp(points.sum(dim=1))) - exact))
    assert observed_order(errors, panels) == pytest.approx(4.0, abs=0.2)


def test_quasi_random_points_integrate_over_any_region() -> None:
    disc = Ball((0.0, 0.0), 2.0)
    points, weights = QuasiMonteCarlo(4096).on(disc, torch.Generator().manual_seed(0))
    assert float(weights @ points.square().sum(dim=1)) == pytest.approx(8 * math.pi, rel=1e-3)
    ring = disc - Ball((0.0, 0.0), 1.0)
    points, weights = QuasiMonteCarlo(4096).on(ring, torch.Generator().manual_seed(0))
    assert float(weights @ points.square().sum(dim=1)) == pytest.approx(7.5 * math.pi, rel=5e-3)


def test_a_wrong_argument_is_named() -> None:
    with pytest.raises(ValueError, match="use QuasiMonteCarlo"):
        GaussLegendre().on(Ball((0.0,), 1.0))
    with pytest.raises(ValueError, match="order=0"):
        GaussLegendre(order=0)
    with pytest.raises(ValueError, match="n=0"):
        QuasiMonteCarlo(0)
