"""Functions from text."""

import math

import pytest
import torch

from sciml.describe import build, describe
from sciml.numerics import TaylorMode, call_with_coordinates, value
from sciml.pdes import Function


def test_a_function_takes_the_coordinates_that_it_names() -> None:
    f = Function("x**2*cos(pi*x) + t")
    x, t = torch.linspace(-1, 1, 5).double(), torch.tensor(2.0).double()
    assert f.coordinates == ("t", "x")
    expected = x**2 * torch.cos(math.pi * x) + 2
    assert torch.allclose(call_with_coordinates(f, {"x": x, "y": None, "t": t}), expected)


def test_a_number_is_a_function_without_coordinates() -> None:
    assert float(call_with_coordinates(Function("2*pi"), {"x": torch.zeros(3)})) == pytest.approx(2 * math.pi)


def test_derivatives_go_through_it() -> None:
    points = torch.rand(6, 1, dtype=torch.float64)
    d = TaylorMode(points, ("x",), [(3,)])
    jet = Function("sin(2*x)")(**d.coordinates())
    assert torch.allclose(value(d(jet, "xxx")), -8 * torch.cos(2 * points[:, 0]), atol=1e-12)


@pytest.mark.parametrize("text", ["__import__('os')", "u + 1", "x if x else 1", "open('f')"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Function(text)


def test_it_is_made_again_from_its_description() -> None:
    assert build(describe(Function.example())) == Function.example()
