"""Learning rates over one phase of a training, as factors of the optimiser's own rate."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass


class Rate(ABC):
    """Factor of the learning rate, by the step of the phase."""

    @abstractmethod
    def factor(self, step: int, steps: int | None) -> float:
        """Factor of step `step`, counted from 0, of a phase of `steps` steps (`None`: without end)."""


@dataclass(frozen=True)
class ExponentialDecay(Rate):
    r"""Linear warm-up, then $\gamma^{(k - W) / n}$.

    Args:
        factor_per_period: $\gamma$, in (0, 1].
        period: $n$, steps.
        warmup: $W$, steps; step $k < W$ has the factor $(k + 1) / (W + 1)$.

    Raises:
        ValueError: a value out of range.
    """

    factor_per_period: float = 0.9
    period: int = 2000
    warmup: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.factor_per_period <= 1 or self.period < 1:
            raise ValueError(
                f"factor_per_period={self.factor_per_period} must lie in (0, 1] and period={self.period} be at least 1."
            )
        _check_warmup(self.warmup)

    def factor(self, step: int, steps: int | None) -> float:
        return _warm(step, self.warmup) or self.factor_per_period ** ((step - self.warmup) / self.period)


@dataclass(frozen=True)
class CosineDecay(Rate):
    r"""Linear warm-up, then half a cosine over the rest of the phase, $f + (1 - f)\,\tfrac12(1 + \cos \pi t)$.

    Args:
        final: $f$, the last rate over the first, in [0, 1].
        warmup: $W$, steps; step $k < W$ has the factor $(k + 1) / (W + 1)$.

    Raises:
        ValueError: a value out of range, or a phase without a number of steps.

    Reference: Loshchilov & Hutter (2017), arXiv:1608.03983, eq. (5), without restarts.
    """

    final: float = 0.0
    warmup: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.final <= 1:
            raise ValueError(f"final={self.final} must lie in [0, 1].")
        _check_warmup(self.warmup)

    def factor(self, step: int, steps: int | None) -> float:
        if steps is None:
            raise ValueError("CosineDecay needs a phase with a number of steps.")
        progress = min(1.0, (step - self.warmup) / max(1, steps - self.warmup))
        return _warm(step, self.warmup) or self.final + (1 - self.final) * 0.5 * (1 + math.cos(math.pi * progress))


def _check_warmup(warmup: int) -> None:
    if warmup < 0:
        raise ValueError(f"warmup={warmup} must not be negative.")


def _warm(step: int, warmup: int) -> float | None:
    return (step + 1) / (warmup + 1) if step < warmup else None
