"""How long the next step is: from the errors of the last two, among the parts into which an interval is cut."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Controller:
    r"""The next step from the errors of the last two: $h \leftarrow 0.9\,h\, e_n^{-0.7/q} e_{n-1}^{0.4/q}$.

    Args:
        exponent: $q$, the order in `h` of the error of a step.
        low, high: least and largest factor.

    Reference: Hairer & Wanner (1996), Solving Ordinary Differential Equations II, section IV.2, eq. (2.43c).
    """

    exponent: float
    low: float = 0.1
    high: float = 5.0

    def after_success(self, error: np.ndarray, before: np.ndarray) -> np.ndarray:
        """Factors for errors relative to the tolerance, below one, and those of the steps before."""
        error, before = np.maximum(error, 1e-10), np.maximum(before, 1e-10)
        return np.clip(0.9 * error ** (-0.7 / self.exponent) * before ** (0.4 / self.exponent), self.low, self.high)

    def after_failure(self, error: np.ndarray) -> np.ndarray:
        """Factors for errors above one, or not finite."""
        error = np.where(np.isfinite(error), np.maximum(error, 1e-10), np.inf)
        return np.clip(0.9 * error ** (-1.0 / self.exponent), self.low, 0.9)


def divisions(ratio: np.ndarray, most: int) -> np.ndarray:
    r"""Least number of parts, 1, ..., 8 or one of those from 4 on times $2^j$, that makes steps no longer than asked.

    Args:
        ratio: length of the interval in steps.
        most: largest number that is looked at.
    """
    ratio = np.clip(ratio, 1.0, most)
    unit = np.exp2(np.maximum(np.ceil(np.log2(ratio)) - 3.0, 0.0))
    return (np.ceil(ratio / unit) * unit).astype(np.int64)
