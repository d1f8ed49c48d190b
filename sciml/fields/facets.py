"""Flat facets (segments, triangles) and simplices: uniform points on them, and a distance function to all of them."""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from sciml.fields.domain import choose
from sciml.fields.set_operations import conjunction


def measures(simplices: Float[Tensor, "m k d"]) -> Float[Tensor, " m"]:
    """Length, area or volume of simplices of `k` vertices in space of `d` dimensions; 1 for a point."""
    edges = simplices[:, 1:] - simplices[:, :1]
    return torch.linalg.det(edges @ edges.mT).clamp_min(0).sqrt() / math.factorial(edges.shape[1])


def uniform(
    simplices: Float[Tensor, "m k d"], shares: Float[Tensor, " m"], unit: Float[Tensor, "n c"]
) -> tuple[Float[Tensor, "n d"], Tensor]:
    """Points of the unit cube mapped to simplices, uniform where `shares` are their measures; and the simplex of each.

    The gaps of sorted uniform numbers are uniform barycentric coordinates.
    """
    part, rest = choose(shares, unit[:, 0])
    numbers = torch.cat([rest[:, None], unit[:, 1:]], dim=1)[:, : simplices.shape[1] - 1]
    zero = unit.new_zeros(len(unit), 1)
    gaps = torch.cat([zero, numbers.sort(dim=1).values, zero + 1], dim=1).diff(dim=1)
    return (gaps[:, None, :] @ simplices[part])[:, 0], part


def distance_to_facets(points: Any, facets: Float[Tensor, "m d d"], normals: Float[Tensor, "m d"]) -> Any:
    r"""$\phi = 1 / \sum_i 1/\phi_i$ over facets in 1 to 3 dimensions, normalised on each.

    For one facet $\phi_i^2 = f^2 + \tfrac14 (\sqrt{t^2 + f^4} - t)^2$ with the signed distance $f$ to its plane and a
    function $t$ that is positive between its ends.

    Args:
        points: `(..., d)`, a tensor or a jet.
        facets: vertices of each facet.
        normals: unit normals.

    Reference: Sukumar & Srivastava (2022), CMAME 389:114333, eqs. (7)-(12).
    """
    facets, normals = facets.to(points.device, points.dtype), normals.to(points.device, points.dtype)
    f = functional.linear(points, normals, -(normals * facets[:, 0]).sum(dim=1))
    if facets.shape[1] == 1:
        phi = torch.sqrt(f * f)
    else:
        t = _between(points, facets, normals, f)
        outside = (torch.sqrt(t * t + (f * f) * (f * f)) - t) * 0.5
        phi = torch.sqrt(f * f + outside * outside)
    return 1 / torch.matmul(1 / phi, torch.ones(len(facets), dtype=points.dtype, device=points.device))


def _between(points: Any, facets: Tensor, normals: Tensor, f: Any) -> Any:
    """Positive where the foot of the perpendicular, or a point near it, lies within the facet; normalised."""
    if facets.shape[1] == 2:
        ends = facets[:, 1] - facets[:, 0]
        length = ends.norm(dim=1)
        tangent, middle = ends / length[:, None], facets.mean(dim=1)
        s = functional.linear(points, tangent, -(tangent * middle).sum(dim=1))
        return (0.25 * length**2 - s * s - f * f) * (1 / length)
    result = None
    for i in range(3):
        start, end, opposite = facets[:, i], facets[:, (i + 1) % 3], facets[:, (i + 2) % 3]
        inward = torch.linalg.cross(normals, end - start)
        inward = inward / inward.norm(dim=1, keepdim=True)
        inward = inward * torch.sign((inward * (opposite - start)).sum(dim=1, keepdim=True))
        side = functional.linear(points, inward, -(inward * start).sum(dim=1))
        result = side if result is None else conjunction(result, side)
    return result


def signed(phi: Any, inside: Tensor) -> Any:
    """Negative outside."""
    return phi * torch.where(inside, 1.0, -1.0).to(phi.dtype)
