"""Finite-difference weights on arbitrary coordinates, and their application along one axis of a tensor."""

import math
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sciml.fields import Axis


def stencil(axis: Axis, derivative: int, order: int) -> tuple[np.ndarray, np.ndarray]:
    r"""Weights $w$ with $\sum_j w_{ij} u(x_{n_{ij}}) = u^{(m)}(x_i) + O(h^p)$.

    Each point takes the $m + p$ nearest neighbours (made odd, so that interior stencils are centred); near the ends of
    a non-periodic axis they are one-sided and keep the order. The weights solve the moment equations
    $\sum_j w_j \xi_j^k = k!\, \delta_{km}$.

    Args:
        axis: the coordinates.
        derivative: $m \ge 1$.
        order: $p \ge 1$.

    Returns:
        Neighbours `(n, w)`, integers, and weights `(n, w)`, float64.

    Raises:
        ValueError: the axis has too few points.
    """
    return _stencil(axis, derivative, order)


@lru_cache(maxsize=64)
def _stencil(axis: Axis, derivative: int, order: int) -> tuple[np.ndarray, np.ndarray]:
    needed = derivative + order
    width = needed | 1 if axis.n > needed else needed
    if axis.n < width:
        raise ValueError(
            f"an axis of n={axis.n} points is too short: derivative {derivative} at order {order} needs {width}."
        )
    x = axis.coords
    first = np.arange(axis.n)[:, None] - width // 2
    if axis.kind == "periodic":
        neighbours = first + np.arange(width)
        offsets = x[neighbours % axis.n] + axis.length * (neighbours // axis.n) - x[:, None]
    else:
        neighbours = np.clip(first, 0, axis.n - width) + np.arange(width)
        offsets = x[neighbours] - x[:, None]
    scale = np.abs(offsets).max(axis=1, keepdims=True)
    moments = (offsets / scale)[:, None, :] ** np.arange(width)[:, None]
    right = np.zeros((axis.n, width, 1))
    right[:, derivative] = math.factorial(derivative)
    weights = np.linalg.solve(moments, right)[..., 0] / scale**derivative
    return neighbours % axis.n, weights


def differentiate(u: Float[Tensor, "..."], axis: Axis, dim: int, derivative: int, order: int) -> Float[Tensor, "..."]:
    """Derivative of a tensor along its axis `dim`, whose points are those of `axis`; differentiable in `u`."""
    neighbours, weights = stencil(axis, derivative, order)
    moved = u.movedim(dim, -1)
    values = moved[..., torch.as_tensor(neighbours, device=u.device)]
    return (values * torch.as_tensor(weights, dtype=u.dtype, device=u.device)).sum(-1).movedim(-1, dim)
