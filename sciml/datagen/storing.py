"""From the solution grid to the stored grid: the same points where they coincide, block means on cells."""

import numpy as np

from sciml.fields import Axis, Grid


def ratio(solution: Axis, stored: Axis, name: str) -> int:
    """How many intervals of the solution axis make one of the stored axis.

    Raises:
        ValueError: other ends, another kind, or no whole ratio.
    """
    if (solution.low, solution.high, solution.kind) != (stored.low, stored.high, stored.kind):
        raise ValueError(
            f"solution_grid.{name} must cover [{stored.low}, {stored.high}] by {stored.kind!r} as the stored axis does."
        )
    shift = 1 if stored.kind == "nodes" else 0
    quotient, rest = divmod(solution.n - shift, stored.n - shift)
    if rest or quotient < 1 or solution.points or stored.points:
        fits = f"{stored.n - shift} times a whole number" + (" plus 1" if shift else "")
        raise ValueError(f"solution_grid.{name}.n={solution.n} must be {fits}; the stored axis has {stored.n} points.")
    return quotient


def check_storage(solution: Grid, stored: Grid) -> None:
    """Raises `ValueError` when values on one grid cannot be stored on the other."""
    if solution.names != stored.names:
        raise ValueError(f"solution_grid has the axes {', '.join(solution.names)}; grid has {', '.join(stored.names)}.")
    for name, fine, coarse in zip(stored.names, solution.axes, stored.axes, strict=True):
        ratio(fine, coarse, name)


def store_on(values: np.ndarray, solution: Grid, stored: Grid) -> np.ndarray:
    """Values `(..., *s)` of the solution grid on the stored grid: subsampled, on cells averaged (second order)."""
    for i, (name, fine, coarse) in enumerate(zip(stored.names, solution.axes, stored.axes, strict=True)):
        step, axis = ratio(fine, coarse, name), values.ndim - stored.dimensions + i
        if step == 1:
            continue
        if coarse.kind == "cells":
            split = (*values.shape[:axis], coarse.n, step, *values.shape[axis + 1 :])
            values = values.reshape(split).mean(axis=axis + 1)
        else:
            values = np.take(values, np.arange(coarse.n) * step, axis=axis)
    return values
