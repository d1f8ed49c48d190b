"""The errors of a block of predictions, one row per sample."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from sciml.evaluation.cases import Task
from sciml.metrics.rollout import correlation_time, rollout_nrmse
from sciml.metrics.spectra import BAND_NAMES, band_errors, relative_band_errors


def measure(
    prediction: Float[Tensor, "b t c *s"],
    target: Float[Tensor, "b t c *s"],
    task: Task,
    times: Float[Tensor, " n"],
) -> dict[str, Float[Tensor, " b"]]:
    r"""All errors of some samples by name; what is not finite counts as infinite.

    - `relative_l2`: $\lVert p - u \rVert_2 / \lVert u \rVert_2$ over time, channels and space together.
    - `nrmse`: root-mean-square error over that of the target, per channel and time, then averaged.
    - `max_error/<channel>`, `rmse/<channel>`: over time and space, in the channel's unit.
    - `band/<low, mid, high>`: parts of the relative error; their squares sum to that of `relative_l2`.
    - `relative_band/<...>`: error within each band relative to the target's content of that band.
    - for a stepper `step/<k>` (the nrmse of step k) and `correlation_time`.

    Args:
        prediction, target: in physical units.
        task: channels, kinds of axes.
        times: initial time and those of the targets; that of the target alone for a steady map.
    """
    prediction, target = prediction.double(), target.double()
    channels = [c for f in task.fields for c in f.components(task.grid.dimensions)]
    error = prediction - target
    steps = rollout_nrmse(prediction, target)
    values = {"relative_l2": _relative(error.flatten(1), target.flatten(1)), "nrmse": steps.mean(dim=1)}
    by_channel = error.transpose(1, 2).flatten(2)
    for i, channel in enumerate(channels):
        values[f"rmse/{channel}"] = by_channel[:, i].square().mean(dim=1).sqrt()
        values[f"max_error/{channel}"] = by_channel[:, i].abs().amax(dim=1)
    values |= _bands(prediction, target, [axis.kind for axis in task.grid.axes])
    if task.dt is not None:
        values |= {f"step/{k + 1}": steps[:, k] for k in range(steps.shape[1])}
        values["correlation_time"] = correlation_time(prediction, target, times[1:] - times[0])
    return {k: torch.where(v.isfinite(), v, torch.inf) for k, v in values.items()}


def _relative(error: Tensor, target: Tensor) -> Tensor:
    ratio = error.norm(dim=1) / target.norm(dim=1)
    return torch.where(error.eq(0).all(dim=1), torch.zeros_like(ratio), ratio)


def _bands(prediction: Tensor, target: Tensor, kinds: Sequence[str]) -> dict[str, Tensor]:
    # Frames count as channels: the bands of a trajectory hold the content of all its times.
    p, u = prediction.flatten(1, 2), target.flatten(1, 2)
    parts, relative = band_errors(p, u, kinds), relative_band_errors(p, u, kinds)
    return {f"band/{n}": parts[:, i] for i, n in enumerate(BAND_NAMES)} | {
        f"relative_band/{n}": relative[:, i] for i, n in enumerate(BAND_NAMES)
    }
