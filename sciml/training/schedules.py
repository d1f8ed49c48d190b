"""Learning rates over a whole run."""

import math

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler


class WarmupCosine(LRScheduler):
    r"""Linear warm-up, then half a cosine down to `final` times the rate.

    With $K$ steps in all and $W = \lceil w K \rceil$ of warm-up, step $k$ has the factor $(k + 1) / (W + 1)$ for
    $k < W$ and $f + (1 - f)\,\tfrac12(1 + \cos(\pi (k - W) / (K - W)))$ afterwards.

    Args:
        optimizer: whose rates are scheduled.
        warmup: $w$, the share of the run spent on warm-up, in [0, 1).
        final: $f$, the last rate over the first, in [0, 1].
        total_steps: $K$; the trainer sets it from its own length when this is left open.

    Raises:
        ValueError: a share out of range.

    Reference: Loshchilov & Hutter (2017), arXiv:1608.03983, eq. (5), without restarts.
    """

    #: The trainer advances the rate after every step, not after every epoch.
    interval = "step"

    def __init__(
        self, optimizer: Optimizer, warmup: float = 0.0, final: float = 0.0, total_steps: int | None = None
    ) -> None:
        if not 0 <= warmup < 1 or not 0 <= final <= 1:
            raise ValueError(f"warmup={warmup} must lie in [0, 1) and final={final} in [0, 1].")
        if total_steps is not None and total_steps < 1:
            raise ValueError(f"total_steps={total_steps} must be at least 1.")
        self.warmup, self.final, self.total_steps = warmup, final, total_steps
        super().__init__(optimizer)

    def set_total(self, steps: int) -> None:
        """Gives the schedule its length, unless the constructor did."""
        if self.total_steps is None:
            self.total_steps = steps
            self._last_lr = self.get_lr()
            for group, rate in zip(self.optimizer.param_groups, self._last_lr, strict=True):
                group["lr"] = rate

    def get_lr(self) -> list[float | Tensor]:
        return [rate * self.factor(self.last_epoch) for rate in self.base_lrs]

    def factor(self, step: int) -> float:
        """Rate of a step over the rate of the optimiser."""
        if self.total_steps is None:
            return 1.0
        warmup = math.ceil(self.warmup * self.total_steps)
        if step < warmup:
            return (step + 1) / (warmup + 1)
        progress = min(1.0, (step - warmup) / max(1, self.total_steps - warmup))
        return self.final + (1 - self.final) * 0.5 * (1 + math.cos(math.pi * progress))
