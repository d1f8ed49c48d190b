"""From stored coordinates to an axis that knows its kind."""

import math

import numpy as np

from sciml.fields import Axis

#: Relative deviation from uniform spacing that single precision explains.
TOLERANCE = 1e-3


def cells_axis(points: np.ndarray) -> Axis:
    """Midpoints of cells: the interval ends half a spacing outside of them."""
    low, high, h = _ends(points)
    return _axis(points, low - h / 2, high + h / 2, "cells")


def nodes_axis(points: np.ndarray) -> Axis:
    """Points that begin and end with the interval."""
    low, high, _ = _ends(points)
    return _axis(points, low, high, "nodes")


def periodic_axis(points: np.ndarray) -> Axis:
    """Points of a period whose right end is left out."""
    low, high, h = _ends(points)
    return _axis(points, low, high + h, "periodic")


def guessed_axis(points: np.ndarray) -> Axis | None:
    """Nodes or periodic, by which of both gives an interval with round ends; `None` where that does not tell.

    Round is an integer, or an integer multiple of pi: 256 points from -1 to 1 are nodes, 512 from -1 to 0.99609375
    leave out the right end of [-1, 1).
    """
    _, high, h = _ends(points)
    as_nodes, as_periodic = _is_round(high), _is_round(high + h)
    if as_nodes == as_periodic:
        return None
    return nodes_axis(points) if as_nodes else periodic_axis(points)


def _is_round(x: float) -> bool:
    return any(abs(x / unit - round(x / unit)) < 1e-9 for unit in (1.0, np.pi))


def _ends(points: np.ndarray) -> tuple[float, float, float]:
    if points.ndim != 1 or len(points) < 2 or not np.all(np.diff(points) > 0):
        raise ValueError(f"coordinates of shape {points.shape} must be one row of at least two ascending numbers.")
    low, high = float(points[0]), float(points[-1])
    return low, high, (high - low) / (len(points) - 1)


def _axis(points: np.ndarray, low: float, high: float, kind: str) -> Axis:
    # Ends that are computed from stored coordinates: 1.00000003 in single precision, 0.9999999999999999 in double.
    digits = (6 if points.dtype == np.float32 else 12) - math.floor(math.log10(high - low))
    low, high = (float(np.round(v, digits)) + 0.0 for v in (low, high))
    axis = Axis(len(points), low, high, kind)
    if np.abs(points - axis.coords).max() <= TOLERANCE * axis.h:
        return axis
    return Axis(len(points), low, high, kind, points=tuple(float(p) for p in points))
