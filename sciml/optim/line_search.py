"""Step lengths along a descent direction that satisfy the strong Wolfe conditions."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

G = TypeVar("G")

#: Bounds on the next trial beyond a step that was too short, in lengths of the last stretch.
STRETCH = (1.1, 4.0)
#: A trial inside a bracket keeps this share of the bracket from both its ends.
MARGIN = 0.1


@dataclass(frozen=True)
class Trial(Generic[G]):
    r"""What a point along the direction has shown.

    Args:
        step: $\alpha$.
        value: $\phi(\alpha) = f(x + \alpha d)$.
        slope: $\phi'(\alpha)$.
        gradient: $\nabla f(x + \alpha d)$, handed through.
    """

    step: float
    value: float
    slope: float
    gradient: G

    @property
    def finite(self) -> bool:
        return math.isfinite(self.value) and math.isfinite(self.slope)


@dataclass(frozen=True)
class Found(Generic[G]):
    """What a search returns.

    Args:
        trial: the accepted point, never above the start; the start itself where none was found.
        evaluations: how often the function was called.
        wolfe: whether the point satisfies both conditions.
    """

    trial: Trial[G]
    evaluations: int
    wolfe: bool


@dataclass(frozen=True)
class StrongWolfe:
    r"""Bracketing and zoom with safeguarded cubic interpolation.

    Finds $\alpha$ with $\phi(\alpha) \le \phi(0) + c_1 \alpha \phi'(0)$ and $|\phi'(\alpha)| \le c_2 |\phi'(0)|$. A
    point where the function is not finite counts as one beyond the minimum, so that it shrinks the step.

    Args:
        c1: sufficient decrease.
        c2: curvature.
        evaluations: the most trials of one search.

    Raises:
        ValueError: constants that do not satisfy 0 < c1 < c2 < 1, or no trial at all.

    Reference: Nocedal & Wright (2006), Numerical Optimization, algorithms 3.5 and 3.6, eq. (3.59).
    """

    c1: float = 1e-4
    c2: float = 0.9
    evaluations: int = 25

    def __post_init__(self) -> None:
        if not 0 < self.c1 < self.c2 < 1:
            raise ValueError(f"c1={self.c1} and c2={self.c2} must satisfy 0 < c1 < c2 < 1.")
        if self.evaluations < 1:
            raise ValueError(f"evaluations={self.evaluations} must be at least 1.")

    def __call__(self, along: Callable[[float], Trial[G]], start: Trial[G], step: float) -> Found[G]:
        """Searches from `start` (step 0, negative slope), with `step` as the first trial."""
        last = start
        for count in range(1, self.evaluations + 1):
            trial = along(step)
            if not trial.finite or not self._lower(trial, start) or (count > 1 and trial.value >= last.value):
                return self._zoom(along, start, last, trial, count)
            if abs(trial.slope) <= -self.c2 * start.slope:
                return Found(trial, count, wolfe=True)
            if trial.slope >= 0:
                return self._zoom(along, start, trial, last, count)
            step = _beyond(last, trial)
            last = trial
        return Found(last, self.evaluations, wolfe=False)

    def _zoom(
        self, along: Callable[[float], Trial[G]], start: Trial[G], low: Trial[G], high: Trial[G], count: int
    ) -> Found[G]:
        """Shrinks a bracket whose end `low` is the lowest point so far with sufficient decrease."""
        while count < self.evaluations and low.step != high.step and not _at_wall(low, high):
            trial, count = along(_between(low, high)), count + 1
            if not trial.finite or not self._lower(trial, start) or trial.value >= low.value:
                high = trial
                continue
            if abs(trial.slope) <= -self.c2 * start.slope:
                return Found(trial, count, wolfe=True)
            if trial.slope * (high.step - low.step) >= 0:
                high = low
            low = trial
        return Found(low, count, wolfe=False)

    def _lower(self, trial: Trial[G], start: Trial[G]) -> bool:
        return trial.value <= start.value + self.c1 * trial.step * start.slope


def _at_wall(low: Trial, high: Trial) -> bool:
    """Whether the function falls up to where it is not finite: there is no minimum to find, and `low` is next to it."""
    return not high.finite and low.step > 0 and abs(high.step - low.step) <= MARGIN * high.step


def _beyond(last: Trial, trial: Trial) -> float:
    """The next trial where the function still falls."""
    least, most = (trial.step + factor * (trial.step - last.step) for factor in STRETCH)
    minimum = _cubic_minimum(last, trial)
    # The cubic may rise only behind the points: then it says nothing about how far to go.
    return most if minimum is None or minimum <= trial.step else min(max(minimum, least), most)


def _between(low: Trial, high: Trial) -> float:
    """The next trial inside a bracket; its middle where the cubic has no minimum or an end is not finite."""
    width = high.step - low.step
    minimum = _cubic_minimum(low, high) if high.finite else None
    share = 0.5 if minimum is None else (minimum - low.step) / width
    return low.step + min(max(share, MARGIN), 1 - MARGIN) * width


def _cubic_minimum(one: Trial, other: Trial) -> float | None:
    """Minimum of the cubic with the values and slopes of two trials, if it has one."""
    width = other.step - one.step
    first = one.slope + other.slope - 3 * (one.value - other.value) / (one.step - other.step)
    square = first * first - one.slope * other.slope
    if not square >= 0:
        return None
    second = math.copysign(math.sqrt(square), width)
    below = other.slope - one.slope + 2 * second
    if below == 0:
        return None
    return other.step - width * (other.slope + second - first) / below
