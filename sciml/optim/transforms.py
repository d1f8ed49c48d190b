"""Monotone transforms of a loss, which change how a quasi-Newton method sees its valley, not where it ends."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass


class LossTransform(ABC):
    """A monotone function of a positive loss."""

    @abstractmethod
    def __call__(self, loss: float) -> tuple[float, float]:
        """Value and derivative; both are not a number where the loss is not positive."""


@dataclass(frozen=True)
class LogLoss(LossTransform):
    r"""$\log L$.

    Reference: Urbán, Stefanou & Pons (2025), J. Comput. Phys. 523:113656.
    """

    def __call__(self, loss: float) -> tuple[float, float]:
        return (math.log(loss), 1 / loss) if loss > 0 else (math.nan, math.nan)


@dataclass(frozen=True)
class RootLoss(LossTransform):
    r"""$\sqrt L$.

    Reference: Urbán, Stefanou & Pons (2025), J. Comput. Phys. 523:113656.
    """

    def __call__(self, loss: float) -> tuple[float, float]:
        return (math.sqrt(loss), 0.5 / math.sqrt(loss)) if loss > 0 else (math.nan, math.nan)
