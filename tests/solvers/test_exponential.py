"""Phi functions against series in exact arithmetic, and the coefficients in their limits."""

import math
from fractions import Fraction

import pytest
import torch

from sciml.solvers.exponential import ETDRK4Coefficients, phi_functions


def exact_phi(j: int, z: float, terms: int = 200) -> float:
    """sum z^m / (m + j)! with rational numbers of sixty digits."""
    total, factor = Fraction(0), Fraction(1, math.factorial(j))
    for m in range(terms):
        total += factor
        factor = (factor * Fraction(z) / (m + j + 1)).limit_denominator(10**60)
    return float(total)


@pytest.mark.parametrize("z", [0.0, 1e-12, -1e-6, 1e-3, -0.5, 0.999, -1.0, 1.001, 2.5, -7.0, -40.0, 30.0])
def test_phi_functions_are_exact_to_rounding_near_zero_and_far_away(z):
    values = phi_functions(torch.tensor([z], dtype=torch.float64))
    for j, value in enumerate(values, start=1):
        assert float(value) == pytest.approx(exact_phi(j, z), rel=2e-14)


def test_phi_functions_of_imaginary_numbers_equal_their_trigonometric_form():
    y = torch.tensor([0.3, 0.99, 1.5, 20.0], dtype=torch.float64)
    one, _, _ = phi_functions(1j * y.to(torch.complex128))
    torch.testing.assert_close(one.real, torch.sin(y) / y, rtol=1e-13, atol=1e-15)
    torch.testing.assert_close(one.imag, (1 - torch.cos(y)) / y, rtol=1e-13, atol=1e-15)


def test_coefficients_of_a_vanishing_symbol_are_those_of_classical_runge_kutta():
    k = ETDRK4Coefficients.of(torch.zeros(1, dtype=torch.float64), dt=0.6)
    found = [float(c) for c in (k.full, k.half, k.stage, k.first, k.middle, k.last)]
    assert found == pytest.approx([1.0, 1.0, 0.3, 0.1, 0.2, 0.1], rel=1e-14)
