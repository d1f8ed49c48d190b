"""Random right-hand sides of space and time, drawn per sample and evaluated for a whole batch."""

import copy
import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch

from sciml.datagen.samplers import Range, interval
from sciml.describe import Described
from sciml.fields import Grid

#: Numbers of one function by name, each of a shape that is the same for every draw.
Numbers = dict[str, np.ndarray]


class ForcingSampler(Described, ABC):
    """A random function $g(x, t)$ per sample, added to the right side of an equation.

    A draw is a set of numbers; a batch of functions is evaluated from the numbers of all of them at once.
    """

    #: Whether the functions do not depend on time: solvers may then keep what they make of them.
    steady: ClassVar[bool] = False

    @abstractmethod
    def draw(self, generator: np.random.Generator, grid: Grid, times: Sequence[float]) -> Numbers:
        """The numbers of one function, for the box of a grid and the interval of times."""

    def breakpoints(self, numbers: Mapping[str, Any]) -> tuple[float, ...]:
        """Times at which the function jumps, the same for every draw with the same times."""
        return ()

    @abstractmethod
    def evaluate(self, numbers: Mapping[str, Any], x: Sequence[Any], t: Any) -> Any:
        """$g$ at coordinates that broadcast; behind its own axes, each number is shaped to broadcast with them.

        Operations are elementwise, so that a sample's values do not depend on its batch.
        """


class Forcing:
    """One function per sample as a callable of the coordinates `x`, `y`, `z` and `t`, which `Problem` takes.

    With one sample its values have the shape of the coordinates, broadcast. With more there is a batch axis in front,
    and `t` is what solvers and residuals pass: the clock of a batch, `(b, 1, ...)` with equal entries, or an axis of
    times, `(t, 1, ...)`, which then stands behind the batch axis.

    Args:
        sampler: knows the function.
        numbers: of each sample, as drawn.
        axes: names of the coordinates of space.
    """

    def __init__(self, sampler: ForcingSampler, numbers: Sequence[Numbers], axes: Sequence[str]) -> None:
        self.sampler, self.axes, self.samples, self.clocked = sampler, tuple(axes), len(numbers), False
        self.numbers = {k: torch.from_numpy(np.stack([n[k] for n in numbers], axis=-1)) for k in numbers[0]}
        self.piece = (-math.inf, math.inf)
        # What is called with the coordinates that a signature names finds these.
        kind = inspect.Parameter.KEYWORD_ONLY
        names = self.axes if sampler.steady else (*self.axes, "t")
        self.__signature__ = inspect.Signature([inspect.Parameter(n, kind) for n in names])

    def of_samples(self, rows: Any) -> "Forcing":
        """The functions of some samples, `(r,)`, for which the first axis of `t` is always the clocks of those."""
        if self.samples == 1:
            return self
        part = copy.copy(self)
        part.numbers = {k: v[..., rows] for k, v in self.numbers.items()}
        part.samples, part.clocked = len(rows), True
        return part

    @property
    def breakpoints(self) -> tuple[float, ...]:
        """Times at which the functions jump (see `pieces_of`)."""
        return self.sampler.breakpoints({k: v[..., 0] for k, v in self.numbers.items()})

    def of_piece(self, low: float, high: float) -> "Forcing":
        """The functions between two neighbouring jumps, at which they go on from there."""
        part = copy.copy(self)
        # A jump belongs to what comes after it, and so does what differs from it by rounding.
        part.piece = (low, high - 1e-6 * (high - low) if math.isfinite(high - low) else high)
        return part

    def __call__(self, **coordinates: Any) -> Any:
        x, t = [coordinates[n] for n in self.axes], coordinates.get("t")
        if isinstance(t, torch.Tensor) and self.piece != (-math.inf, math.inf):
            t = t.clamp(*self.piece)
        if self.samples == 1 or not hasattr(x[0], "ndim"):
            # Coordinates without a shape are probes of how a residual differentiates; one sample tells them as much.
            return self.sampler.evaluate({k: v[..., 0] for k, v in self.numbers.items()}, x, t)
        axes = x[0].ndim
        if isinstance(t, torch.Tensor) and t.ndim > axes:
            # Both shapes may have as many entries: a clock stands still over its batch, times increase.
            clock = self.clocked or (len(t) == self.samples and bool((t == t.flatten()[0]).all()))
            axes += not clock
        numbers = {k: v.reshape(*v.shape[:-1], -1, *[1] * axes).to(x[0].device) for k, v in self.numbers.items()}
        return self.sampler.evaluate(numbers, x, t)


class SeparableGaussians(ForcingSampler):
    r"""$g(x, t) = A_t \sum_{i=1}^n s_i a_i \exp\left(-\frac{(\tau - \tau_i)^2}{2 v_i^2}\right)
    \prod_a \exp\left(-\frac{(\xi_a - c_{ia})^2}{2 w_{ia}^2}\right)$.

    Published (WDNO, forced Burgers equation), all uniform: $n = 8$, $a_i \in [-1.5, 1.5]$, centres in $[0, 1]$, widths
    in $[0.1, 0.4]$, both in space and in time; the first is always there ($s_i = 1$), each of the others with
    probability 1/2; the time factor is doubled ($A_t = 2$); the force is constant in each of 80 equal intervals of
    time. Our reading: $\xi_a$ and $\tau$ are fractions of the box and of the interval of times, and within an interval
    the force has the value of its beginning.

    Args:
        count: $n$.
        certain: how many of them are always there.
        probability: of each of the others.
        amplitude: ends of $a_i$.
        centre: ends of $c_{ia}$ and of $\tau_i$, fractions.
        width: ends of $w_{ia}$ and of $v_i$, positive fractions.
        factor: $A_t$.
        intervals: number of intervals of time in which the force is constant; `None` for one that is smooth in time.

    Reference: Hu et al. (2025), Wavelet Diffusion Neural Operator, ICLR, appendix on Burgers' equation.
    """

    def __init__(
        self,
        count: int = 8,
        certain: int = 1,
        probability: float = 0.5,
        amplitude: Range = (-1.5, 1.5),
        centre: Range = (0.0, 1.0),
        width: Range = (0.1, 0.4),
        factor: float = 2.0,
        intervals: int | None = None,
    ) -> None:
        if not (count >= 1 and 0 <= certain <= count and 0 <= probability <= 1):
            raise ValueError(
                f"count={count} must be >= 1, certain={certain} in [0, count], probability={probability} in [0, 1]."
            )
        if intervals is not None and intervals < 1:
            raise ValueError(f"intervals={intervals} must be at least 1.")
        self.count, self.certain, self.probability, self.factor = count, certain, probability, factor
        self.amplitude, self.centre = interval("amplitude", amplitude), interval("centre", centre)
        self.width, self.intervals = interval("width", width), intervals
        if self.width[0] <= 0:
            raise ValueError(f"width={width!r} must be positive.")

    def draw(self, generator: np.random.Generator, grid: Grid, times: Sequence[float]) -> Numbers:
        n, d = self.count, grid.dimensions
        amplitude = generator.uniform(*self.amplitude, size=n)
        there = (np.arange(n) < self.certain) | (generator.random(n) < self.probability)
        centre = generator.uniform(*self.centre, size=(d + 1, n))
        width = generator.uniform(*self.width, size=(d + 1, n))
        # Fractions of the box and of the interval of times become coordinates; time is the last row.
        low = np.array([*(a.low for a in grid.axes), times[0]])
        length = np.array([*(a.length for a in grid.axes), times[-1] - times[0]])
        return {
            "amplitude": self.factor * np.where(there, amplitude, 0.0),
            "centre": low[:, None] + length[:, None] * centre,
            "width": length[:, None] * width,
            "start": np.array(times[0]),
            "end": np.array(times[-1]),
        }

    def breakpoints(self, numbers: Mapping[str, Any]) -> tuple[float, ...]:
        if self.intervals is None:
            return ()
        start, end = float(numbers["start"]), float(numbers["end"])
        return tuple(start + (end - start) / self.intervals * i for i in range(self.intervals + 1))

    def evaluate(self, numbers: Mapping[str, Any], x: Sequence[Any], t: Any) -> Any:
        centre, width = numbers["centre"], numbers["width"]
        if self.intervals is not None:
            step = (numbers["end"] - numbers["start"]) / self.intervals
            # An interval begins at its first time, whatever rounding made of it.
            t = numbers["start"] + step * torch.floor((t - numbers["start"]) / step + 1e-9)
        total: Any = 0.0
        for i in range(self.count):
            exponent = ((t - centre[-1, i]) / width[-1, i]) ** 2
            for a, points in enumerate(x):
                exponent = exponent + ((points - centre[a, i]) / width[a, i]) ** 2
            total = total + numbers["amplitude"][i] * torch.exp(-0.5 * exponent)
        return total
