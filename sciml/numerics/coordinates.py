"""Functions of the coordinates, called with those they name."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any


def call_with_coordinates(function: Callable[..., Any], coordinates: Mapping[str, Any]) -> Any:
    """Calls a function with the coordinates it names: `lambda x, t: ...`.

    A function without a readable signature (`torch.sin`) takes the first coordinate.

    Raises:
        ValueError: an argument that is no coordinate.
    """
    try:
        wanted = [n for n, p in inspect.signature(function).parameters.items() if p.default is p.empty]
    except (TypeError, ValueError):
        return function(next(iter(coordinates.values())))
    if missing := [n for n in wanted if n not in coordinates]:
        raise ValueError(f"argument {missing[0]!r} of a function is no coordinate; there are {', '.join(coordinates)}.")
    return function(**{n: coordinates[n] for n in wanted})
