"""Phi functions against series in exact arithmetic, and the coefficients in their limits."""

import math
from fractions import Fraction

import pytest
import torch

from sciml.solvers.exponential import ETDRK4Coefficients, matrix_phi_functions, phi_functions


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


def exact_matrix_phi(z: list[list[float]]) -> list[list[list[float]]]:
    """Phi functions of a matrix by scaled and doubled series, in arithmetic of eighty digits."""
    import mpmath

    with mpmath.workdps(80):
        m = mpmath.matrix(z)
        n = m.rows
        # exp of [[m, 1, 0, 0], [0, 0, 1, 0], ...] has the phi functions in its first row of blocks.
        block = mpmath.zeros(4 * n)
        block[:n, :n] = m
        for j in range(3):
            for i in range(n):
                block[j * n + i, (j + 1) * n + i] = 1
        e = mpmath.expm(block)
        return [[[float(e[i, j * n + k]) for k in range(n)] for i in range(n)] for j in range(4)]


MATRICES = {
    "zero": [[0.0, 0.0], [0.0, 0.0]],
    "defective": [[0.0, 1.0], [0.0, 0.0]],
    "defective and decaying": [[-3.0, 1.0], [0.0, -3.0]],
    "rotation": [[0.0, 7.0], [-7.0, 0.0]],
    "wave": [[0.0, 0.01], [-400.0, 0.0]],
    "fast and slow": [[-60.0, 30.0], [30.0, -20.0]],
    "three": [[0.1, 2.0, 0.0], [0.0, 0.1, -3.0], [1.0, 0.0, -5.0]],
}


@pytest.mark.parametrize("name", MATRICES)
def test_phi_functions_of_matrices_are_exact_to_rounding_whatever_their_eigenvalues(name):
    z = MATRICES[name]
    found = matrix_phi_functions(torch.tensor([z, z], dtype=torch.float64))
    norm = max(sum(map(abs, row)) for row in z)
    for exact, phi in zip(exact_matrix_phi(z), found, strict=True):
        target = torch.tensor(exact, dtype=torch.float64)
        assert float((phi[0] - target).abs().max() / target.abs().max()) < 4e-15 * max(1.0, norm)
        assert torch.equal(phi[0], phi[1])


@pytest.mark.parametrize("z", [0.0, -0.3, 0.2, -40.0, 12.0])
def test_phi_functions_of_a_matrix_of_size_one_are_those_of_the_number(z):
    matrix = matrix_phi_functions(torch.full((1, 1), z, dtype=torch.float64))
    for ours, number in zip(matrix[1:], phi_functions(torch.tensor([z], dtype=torch.float64)), strict=True):
        assert float(ours) == pytest.approx(float(number), rel=1e-13)
    assert float(matrix[0]) == pytest.approx(math.exp(z), rel=1e-13)
