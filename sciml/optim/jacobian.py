"""Jacobians of residuals with respect to parameters, point by point."""

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor

PointFunction = Callable[[dict[str, Tensor], Tensor], Tensor]


def jacobian(
    function: PointFunction,
    parameters: Mapping[str, Tensor],
    points: Float[Tensor, "n d"],
    chunk: int | None = None,
) -> tuple[Float[Tensor, " n"], Float[Tensor, "n p"]]:
    r"""Values $r_i = f(\theta, z_i)$ and rows $J_i = \nabla_\theta f(\theta, z_i)$.

    Args:
        function: `f(parameters, point) -> ()`, for one point `(d,)`; written with what `torch.func` can differentiate.
        parameters: $\theta$ by name; the columns follow each other in this order.
        points: $z_i$.
        chunk: points at a time, to bound the memory; all of them when left out.

    Raises:
        ValueError: no points.
    """
    if not len(points):
        raise ValueError("points is empty; a Jacobian needs at least one.")
    values = {name: p.detach() for name, p in parameters.items()}
    each = torch.func.vmap(torch.func.grad_and_value(function), in_dims=(None, 0), chunk_size=chunk)
    gradients, residuals = each(values, points)
    return residuals, torch.cat([gradients[name].flatten(1) for name in values], dim=1)
