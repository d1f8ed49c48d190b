"""Where the points of a condition lie: a box of the coordinates in which some columns may stand still."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sciml.fields.domain import SpatialRegion
from sciml.fields.space_time import SpaceTime
from sciml.pdes import Problem


@dataclass(frozen=True)
class Cuboid:
    """All points between `low` and `high`; a column whose ends agree has that one value.

    Args:
        low, high: ends by column, in the order of `Problem.axes`.

    Raises:
        ValueError: an end above the other.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.low) != len(self.high) or any(a > b for a, b in zip(self.low, self.high, strict=True)):
            raise ValueError(f"low={self.low} must be at or below high={self.high} in every column.")

    @property
    def dimensions(self) -> int:
        return len(self.low)

    @property
    def free(self) -> list[int]:
        """The columns that vary."""
        return [i for i, (a, b) in enumerate(zip(self.low, self.high, strict=True)) if a < b]

    def fixed(self, column: int, value: float) -> "Cuboid":
        """The slice in which one column has one value."""
        low, high = list(self.low), list(self.high)
        low[column] = high[column] = value
        return Cuboid(tuple(low), tuple(high))

    def sample(self, n: int, sequence: Any, generator: torch.Generator) -> Float[Tensor, "n d"]:
        """Points of a sequence, `(n, d)`; a single one where no column varies."""
        free = self.free
        if not free:
            return torch.tensor([self.low], dtype=torch.float64)
        return self.place(sequence.points(n, len(free), generator))

    def place(self, unit: Float[Tensor, "n f"]) -> Float[Tensor, "n d"]:
        """Points of the unit cube, one coordinate per free column, brought into the box."""
        low, high = torch.tensor(self.low, dtype=unit.dtype), torch.tensor(self.high, dtype=unit.dtype)
        points = low.repeat(len(unit), 1)
        for j, i in enumerate(self.free):
            points[:, i] = low[i] + (high[i] - low[i]) * unit[:, j]
        return points

    def contains(self, points: Float[Tensor, "n d"]) -> Bool[Tensor, " n"]:
        low, high = (torch.tensor(v, dtype=points.dtype, device=points.device) for v in (self.low, self.high))
        return ((points >= low) & (points <= high)).all(1)


@dataclass(frozen=True)
class Start:
    """The beginning of a region of space and time."""

    region: SpaceTime

    def sample(self, n: int, sequence: Any, generator: torch.Generator) -> Float[Tensor, "n d"]:
        return self.region.initial(n, sequence, generator)


def at_times(region: SpatialRegion, problem: Problem) -> Any:
    """A region of space, at the times of a problem where it has some.

    Raises:
        ValueError: a region of another dimension, or one that reaches beyond the problem's domain.
    """
    box = whole(problem)
    inside = all(a <= b and c >= e for a, b, c, e in zip(box.low, region.low, box.high, region.high, strict=False))
    if region.dimensions != problem.domain.dimensions or not inside:
        raise ValueError(f"the region from {region.low} to {region.high} does not lie in the domain {box}.")
    if not problem.pde.evolves:
        return region
    return SpaceTime(region, box.low[-1], box.high[-1])


def whole(problem: Problem, times: Sequence[float] | None = None) -> Any:
    """Domain and, where the equation evolves, time: from the first time to the last one unless `times` says else."""
    if isinstance(problem.domain, SpatialRegion):
        return problem.domain
    low = [axis.low for axis in problem.domain.axes]
    high = [axis.high for axis in problem.domain.axes]
    if problem.pde.evolves:
        span = problem.times if times is None else times
        assert span is not None
        low, high = [*low, float(span[0])], [*high, float(span[-1])]
    return Cuboid(tuple(low), tuple(high))
