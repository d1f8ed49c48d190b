"""The checks of shapes and types are at work in every test, for as many calls as they are meant to be."""

import pytest
import shape_checks
import torch
from jaxtyping import TypeCheckError

from sciml.metrics import relative_l2


def wrong() -> None:
    relative_l2(torch.zeros(2, 1, 4), torch.zeros(2, 1, 5))


@pytest.mark.parametrize("turn", [1, 2])
def test_a_wrong_shape_is_seen_until_the_function_has_been_called_often(turn: int) -> None:
    right = torch.ones(2, 1, 4)
    with pytest.raises(TypeCheckError, match="relative_l2"):
        wrong()
    for _ in range(shape_checks.CALLS + 1):
        relative_l2(right, right)
    # Unchecked, the shapes meet in the arithmetic.
    with pytest.raises(RuntimeError, match="must match the size"):
        wrong()


def test_methods_and_properties_rest_too() -> None:
    from sciml.fields import Grid

    grid = Grid.periodic(4)
    for _ in range(2 * shape_checks.CALLS):
        grid.axes[0].h  # noqa: B018
        grid.resized(8)
    names = {f.__qualname__ for f in shape_checks._resting}
    assert {"Axis.h", "Grid.resized"} <= names


def test_functions_made_inside_others_are_passed_over() -> None:
    from sciml.numerics import call_with_coordinates
    from sciml.pinn.reference import integrate

    names = {c.co_name for c in integrate.__wrapped__.__code__.co_consts if hasattr(c, "co_name")}
    assert "rate" in names
    assert "jaxtyping" not in integrate.__wrapped__.__code__.co_names
    assert hasattr(call_with_coordinates, "__wrapped__")
