"""The loss of operator transformers: groups of channels, each relative to its own size in the batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sciml.operators.supervised import Loss


@dataclass(frozen=True)
class GroupedLoss(Loss):
    r"""$\frac1G\sum_g \langle|\hat u_g - u_g|^p\rangle / (\langle|u_g|^p\rangle + 10^{-10})$ with means over the batch.

    Unlike in a mean of relative errors, the denominator is pooled over the batch, so that a sample that is almost
    zero does not dominate; with several processes each pools over its own share. What comes out is one number per
    sample, whose mean is the loss. Where `mask` is false the prediction is replaced by the target: the point adds
    nothing to the numerator and still counts in both means.

    Args:
        groups: numbers of channels that follow one another, `(1, 2, 1)` for density, velocity, pressure; one group of
            all channels if `None`.
        p: 1, or 2 for mean squares.
        shift: subtracted from prediction and target of each channel, as the published constants are; 0 if `None`.
        scale: divides each channel afterwards; 1 if `None`.

    Raises:
        ValueError: groups that do not make up the channels, or another `p`.

    Reference: Herde et al. (2024), arXiv:2405.19101, eq. (6) and appendix B.1.
    """

    name = "grouped"

    groups: Sequence[int] | None = None
    p: int = 1
    shift: Sequence[float] | None = None
    scale: Sequence[float] | None = None

    def __post_init__(self) -> None:
        if self.groups is not None and min(self.groups, default=0) < 1:
            raise ValueError(f"groups={list(self.groups)} must hold numbers of channels from 1 on.")
        if self.p not in (1, 2):
            raise ValueError(f"p={self.p} must be 1 or 2.")

    def __call__(
        self,
        prediction: Float[Tensor, "b c *s"],
        target: Float[Tensor, "b c *s"],
        mask: Bool[Tensor, "..."] | None = None,
    ) -> Float[Tensor, " b"]:
        groups = self._groups(target.shape[1])
        error = prediction - target
        if mask is not None:
            error = error * mask
        reference = target if self.shift is None else target - self._like(self.shift, target)
        if self.scale is not None:
            error, reference = error / self._like(self.scale, target), reference / self._like(self.scale, target)
        ends = [sum(groups[:k]) for k in range(len(groups) + 1)]
        parts = [self._relative(error[:, a:b], reference[:, a:b]) for a, b in pairwise(ends)]
        return torch.stack(parts).mean(dim=0)

    def _groups(self, channels: int) -> Sequence[int]:
        groups = (channels,) if self.groups is None else self.groups
        if channels != sum(groups):
            raise ValueError(f"groups={list(groups)} make {sum(groups)} channels; the fields have {channels}.")
        for name, given in (("shift", self.shift), ("scale", self.scale)):
            if given is not None and len(given) != channels:
                raise ValueError(f"{name} has {len(given)} numbers; the fields have {channels} channels.")
        return groups

    def _relative(self, error: Float[Tensor, "b c *s"], reference: Float[Tensor, "b c *s"]) -> Float[Tensor, " b"]:
        return self._power(error).flatten(1).mean(dim=1) / (self._power(reference).mean() + 1e-10)

    def _power(self, u: Tensor) -> Tensor:
        return u.abs() if self.p == 1 else u.square()

    @staticmethod
    def _like(values: Sequence[float], u: Tensor) -> Tensor:
        return torch.tensor(values, dtype=u.dtype, device=u.device).reshape(-1, *(1,) * (u.ndim - 2))
