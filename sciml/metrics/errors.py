r"""Errors of a prediction against a reference, one number per sample.

All functions take `(b, c, *s)` and return `(b,)`: none averages over samples. Where the norm of the reference is zero
the relative ones are `inf`, or `nan` if the error is zero as well.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def relative_l2(
    prediction: Float[Tensor, "b c *s"], reference: Float[Tensor, "b c *s"], mask: Bool[Tensor, "..."] | None = None
) -> Float[Tensor, " b"]:
    r"""$\lVert \hat u - u\rVert_2 / \lVert u\rVert_2$ over space and all channels.

    Args:
        prediction: $\hat u$.
        reference: $u$.
        mask: where points count, broadcastable to the fields; everywhere if `None`.
    """
    error = prediction - reference
    if mask is not None:
        error, reference = error * mask, reference * mask
    return _norm(error) / _norm(reference)


def relative_h1(
    prediction: Float[Tensor, "b c *s"],
    reference: Float[Tensor, "b c *s"],
    periodic: bool = False,
    spacing: Sequence[float] | None = None,
) -> Float[Tensor, " b"]:
    r"""$\lVert \hat u - u\rVert_{H^1} / \lVert u\rVert_{H^1}$ over space and all channels.

    $\lVert u\rVert_{H^1}^2 = \lVert u\rVert_2^2 + \lVert\nabla u\rVert_2^2$. Derivatives are central
    differences of second order, one-sided of the same order at the ends of an axis that is not periodic. The norm
    depends on the unit of length: the default measures it in sides of the domain.

    Args:
        prediction: $\hat u$.
        reference: $u$.
        periodic: whether the fields continue across the ends of every axis.
        spacing: distance of grid points on each axis; `1 / n` on an axis of `n` points if `None`.

    Raises:
        ValueError: `spacing` of another length than there are axes, or an axis of fewer than three points.
    """
    sizes = reference.shape[2:]
    steps = [1 / n for n in sizes] if spacing is None else list(spacing)
    if len(steps) != len(sizes):
        raise ValueError(f"spacing={steps} must hold one number for each of the {len(sizes)} axes.")
    if min(sizes) < 3:
        raise ValueError(f"the grid {tuple(sizes)} needs at least three points on every axis for a derivative.")
    error = prediction - reference
    return _h1_norm(error, periodic, steps) / _h1_norm(reference, periodic, steps)


def nrmse(prediction: Float[Tensor, "b c *s"], reference: Float[Tensor, "b c *s"]) -> Float[Tensor, " b"]:
    r"""Root mean square error over that of the reference, for each channel, then the mean over channels.

    Reference: Takamoto et al. (2022), PDEBench, arXiv:2210.07182, section 3.1.
    """
    return (_rms(prediction - reference) / _rms(reference)).mean(dim=1)


def vrmse(prediction: Float[Tensor, "b c *s"], reference: Float[Tensor, "b c *s"]) -> Float[Tensor, " b"]:
    r"""Root mean square error over the standard deviation in space, for each channel, then the mean over channels.

    The spatial mean as prediction scores 1, hence `nrmse <= vrmse`.

    Reference: Ohana et al. (2024), The Well, arXiv:2412.00568, section 5.
    """
    centred = reference - reference.mean(dim=_space(reference), keepdim=True)
    return (_rms(prediction - reference) / _rms(centred)).mean(dim=1)


def max_error(prediction: Float[Tensor, "b c *s"], reference: Float[Tensor, "b c *s"]) -> Float[Tensor, " b"]:
    r"""$\max |\hat u - u|$ over space and channels, in the unit of the field."""
    return (prediction - reference).abs().flatten(1).amax(dim=1)


def _norm(u: Float[Tensor, "b c *s"]) -> Float[Tensor, " b"]:
    return u.flatten(1).norm(dim=1)


def _space(u: Tensor) -> tuple[int, ...]:
    return tuple(range(2, u.ndim))


def _rms(u: Float[Tensor, "b c *s"]) -> Float[Tensor, "b c"]:
    return u.square().mean(dim=_space(u)).sqrt()


def _h1_norm(u: Float[Tensor, "b c *s"], periodic: bool, steps: Sequence[float]) -> Float[Tensor, " b"]:
    slopes = [_derivative(u, axis, step, periodic) for axis, step in enumerate(steps, start=2)]
    # One norm instead of the root of a sum: its gradient at zero is zero, not NaN.
    return torch.linalg.vector_norm(torch.cat([part.flatten(1) for part in (u, *slopes)], dim=1), dim=1)


def _derivative(u: Tensor, axis: int, step: float, periodic: bool) -> Tensor:
    if periodic:
        return (u.roll(-1, axis) - u.roll(1, axis)) / (2 * step)
    return torch.gradient(u, spacing=step, dim=axis, edge_order=2)[0]
