"""How the error of a rollout grows with time, and how long a rollout is good for."""

import torch
from jaxtyping import Float
from torch import Tensor


def rollout_nrmse(prediction: Float[Tensor, "b t c *s"], target: Float[Tensor, "b t c *s"]) -> Float[Tensor, "b t"]:
    r"""Root-mean-square error over space divided by that of the target, per channel, then averaged over channels.

    $\frac{1}{C}\sum_c \left(\langle (p_c - u_c)^2\rangle / \langle u_c^2 \rangle\right)^{1/2}$ at every time. An exact
    prediction of a vanishing target counts as zero; a value that is not finite counts as infinity.
    """
    error = (prediction - target).double().square().flatten(3).mean(dim=3)
    scale = target.double().square().flatten(3).mean(dim=3)
    ratio = torch.where(error == 0, torch.zeros_like(error), (error / scale).sqrt()).mean(dim=2)
    return torch.where(ratio.isfinite(), ratio, torch.inf)


def correlation(prediction: Float[Tensor, "b t c *s"], target: Float[Tensor, "b t c *s"]) -> Float[Tensor, "b t"]:
    r"""Pearson's correlation over space of prediction and target, averaged over channels, at every time.

    Where a field is constant the coefficient is undefined: it counts as one if both fields agree, else as zero, and so
    does a value that is not finite.
    """
    p, u = prediction.double().flatten(3), target.double().flatten(3)
    p_fluctuation, u_fluctuation = p - p.mean(dim=3, keepdim=True), u - u.mean(dim=3, keepdim=True)
    product = (p_fluctuation * u_fluctuation).sum(dim=3)
    norm = p_fluctuation.norm(dim=3) * u_fluctuation.norm(dim=3)
    same = (p == u).all(dim=3).double()
    coefficient = torch.where(norm > 0, product / norm.clamp_min(torch.finfo(norm.dtype).tiny), same)
    return torch.nan_to_num(coefficient, nan=0.0).mean(dim=2)


def correlation_time(
    prediction: Float[Tensor, "b t c *s"],
    target: Float[Tensor, "b t c *s"],
    times: Float[Tensor, " t"],
    threshold: float = 0.8,
) -> Float[Tensor, " b"]:
    """The last time up to which the correlation has stayed at or above a threshold.

    Args:
        times: ascending times of the frames, the initial one not among them.
        threshold: smallest correlation that counts as good.

    Returns:
        A time of `times` per sample; zero where the first frame already falls below.
    """
    if not -1 <= threshold <= 1:
        raise ValueError(f"threshold={threshold} must lie in [-1, 1].")
    good = (correlation(prediction, target) >= threshold).long().cumprod(dim=1).sum(dim=1)
    return torch.cat([torch.zeros_like(times[:1]), times])[good]
