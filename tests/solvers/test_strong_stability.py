"""Strong-stability-preserving Runge–Kutta methods: order, coefficient, weights."""

import math

import pytest
import torch
from helpers import observed_order

from sciml.solvers import SSPRK3, SSPRK54

METHODS = pytest.mark.parametrize("method", [SSPRK3(), SSPRK54()], ids=lambda m: type(m).__name__)


def error(method, steps: int) -> float:
    """On the logistic equation, y' = y (1 - y)."""
    y, dt = torch.tensor([0.2], dtype=torch.float64), torch.tensor([4.0 / steps], dtype=torch.float64)
    for _ in range(steps):
        y = method.step(y, dt, lambda y, _: y * (1 - y))
    return abs(float(y) - 1 / (1 + 4 * math.exp(-4.0)))


@METHODS
def test_the_declared_order_is_observed(method):
    steps = [40, 80, 160]
    assert observed_order([error(method, n) for n in steps], steps) == pytest.approx(method.order, abs=0.1)


@METHODS
def test_stages_are_convex_combinations_of_euler_steps(method):
    for alpha, beta in zip(method.alpha, method.beta, strict=True):
        assert sum(alpha) == 1.0
        assert min(alpha) >= 0
        assert all(a >= b * method.coefficient * (1 - 1e-12) for a, b in zip(alpha, beta, strict=True))


def test_the_coefficients_are_the_published_ones():
    assert SSPRK3().coefficient == 1.0
    assert SSPRK54().coefficient == pytest.approx(1.50818004975927, abs=1e-9)  # Spiteri & Ruuth (2002), table 3


@METHODS
def test_the_weights_say_how_much_each_stage_moves_the_state(method):
    rates = [1.0, -2.0, 3.0, 0.5, 7.0][: len(method.alpha)]
    calls = iter(rates)
    after = method.step(
        torch.zeros(1, dtype=torch.float64), torch.tensor([0.1], dtype=torch.float64), lambda y, _: y * 0 + next(calls)
    )
    assert float(after) == pytest.approx(
        0.1 * sum(w * r for w, r in zip(method.weights, rates, strict=True)), abs=1e-13
    )
    assert sum(method.weights) == pytest.approx(1.0, abs=1e-13)
