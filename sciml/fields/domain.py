"""Regions of space in which conditions hold: points inside, points and normals on the boundary, distance functions."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sciml.fields.sequences import Sequence, Sobol

if TYPE_CHECKING:
    from sciml.fields.set_operations import Difference, Intersection, Union

#: Points of the bounding box that are tried before a region counts as empty.
TRIALS = 2**20


class Region(ABC):
    """A set of points that can be sampled uniformly."""

    if TYPE_CHECKING:  # a property here would be the default of the field `low` of a dataclass below

        @property
        def low(self) -> tuple[float, ...]:
            """Lower corner of the bounding box."""

        @property
        def high(self) -> tuple[float, ...]:
            """Upper corner of the bounding box."""

    @property
    def dimensions(self) -> int:
        """Number of coordinates."""
        return len(self.low)

    @abstractmethod
    def contains(self, points: Float[Tensor, "n d"]) -> Bool[Tensor, " n"]:
        """Whether points lie in the closed region; on its boundary up to rounding."""

    def candidates(self, unit: Float[Tensor, "n d"]) -> tuple[Tensor, Tensor]:
        """Points of the unit cube mapped so that those which are kept are uniform in the region; and which are."""
        low = torch.tensor(self.low, dtype=unit.dtype)
        points = low + unit * (torch.tensor(self.high, dtype=unit.dtype) - low)
        return points, self.contains(points)

    def sample(
        self, n: int, sequence: Sequence | None = None, generator: torch.Generator | None = None
    ) -> Float[Tensor, "n d"]:
        """`n` points, uniform in the region.

        Args:
            n: number of points, at least 1.
            sequence: the points of the unit cube that are mapped into the region; `Sobol()` without.
            generator: of everything random.

        Raises:
            ValueError: `n` below 1, or a region without volume.
        """
        return gather(self, self.candidates, n, self.dimensions, sequence, generator)[0]


class SpatialRegion(Region):
    """A region with a boundary. `|`, `&` and `-` make unions, intersections and differences."""

    @cached_property
    def measure(self) -> float:
        """Length, area or volume; unless a region knows its own, by the share of quasi-random points, good to 1e-3."""
        low, high = torch.tensor(self.low, dtype=torch.float64), torch.tensor(self.high, dtype=torch.float64)
        unit = Sobol(scramble=False).points(2**16, self.dimensions)
        share = self.contains(low + unit * (high - low)).double().mean()
        return float(share * (high - low).prod())

    @property
    @abstractmethod
    def surface(self) -> float:
        """Length or area of what `skin` parametrises: the boundary, or more for a combination of regions."""

    @property
    def skin_columns(self) -> int:
        """Number of uniform numbers that `skin` makes a point of."""
        return max(self.dimensions - 1, 1)

    @abstractmethod
    def skin(self, unit: Float[Tensor, "n k"]) -> tuple[Tensor, Tensor, Tensor]:
        """Boundary points and outward normals from points of the unit cube, and which of them are kept."""

    @abstractmethod
    def distance(self, points: Any) -> Any:
        r"""Approximate distance function $\phi$: positive inside, zero on the boundary, with slope one across it.

        Args:
            points: `(..., d)`, a tensor or a jet.

        Returns:
            `(...)`; smooth but for corners, where the boundary has no normal.

        Reference: Sukumar & Srivastava (2022), CMAME 389:114333, section 3.
        """

    def bubble(self, points: Any) -> Any:
        """A function that is positive inside and zero on the boundary, smooth also in corners where that is possible.

        Args:
            points: `(..., d)`, a tensor or a jet.
        """
        return self.distance(points)

    @property
    def parts(self) -> "tuple[SpatialRegion, ...]":
        """The elementary regions of which it is made."""
        return (self,)

    def boundary(
        self, n: int, sequence: Sequence | None = None, generator: torch.Generator | None = None
    ) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n d"]]:
        """`n` points, uniform on the boundary, and the outward normals there.

        Args:
            n: number of points, at least 1.
            sequence: the points of the unit cube that are mapped to the boundary; `Sobol()` without.
            generator: of everything random.

        Raises:
            ValueError: `n` below 1, or a region without a boundary.
        """
        points, normals = gather(self, self.skin, n, self.skin_columns, sequence, generator)
        return points, normals

    def __or__(self, other: "SpatialRegion") -> "Union":
        from sciml.fields.set_operations import Union

        return Union(self, other)

    def __and__(self, other: "SpatialRegion") -> "Intersection":
        from sciml.fields.set_operations import Intersection

        return Intersection(self, other)

    def __sub__(self, other: "SpatialRegion") -> "Difference":
        from sciml.fields.set_operations import Difference

        return Difference(self, other)


def gather(
    region: Region,
    place: Callable[[Tensor], tuple[Tensor, ...]],
    n: int,
    columns: int,
    sequence: Sequence | None,
    generator: torch.Generator | None,
) -> tuple[Tensor, ...]:
    """`n` accepted results of `place`, whose last one says which are; points are added until there are enough.

    Raises:
        ValueError: `n` below 1, or so few accepted that the region has no volume (or no boundary).
    """
    sequence = Sobol() if sequence is None else sequence
    trials = n
    while True:
        *values, kept = place(sequence.points(trials, columns, generator))
        chosen = kept.nonzero()[:, 0]
        if len(chosen) >= n:
            break
        if trials >= max(TRIALS, 64 * n):
            raise ValueError(
                f"{type(region).__name__} within {region.low} and {region.high} is empty or too thin: "
                f"{len(chosen)} of {trials} points belong to it."
            )
        # A tenth more than the accepted share asks for; eightfold where nothing was accepted.
        trials = math.ceil(min(8.0 * trials, 1.1 * n * trials / max(len(chosen), 1) + 16))
    if not sequence.extensible:
        # A leading part of such points may lie on one side of the cube.
        chosen = chosen[torch.arange(n) * len(chosen) // n]
    return tuple(v[chosen[:n]] for v in values)


def choose(shares: Tensor, unit: Float[Tensor, " n"]) -> tuple[Tensor, Tensor]:
    """One of several parts with probabilities proportional to `shares`, and what is left of the uniform number."""
    edges = torch.cumsum(shares.to(unit.dtype), 0) / shares.sum()
    part = torch.searchsorted(edges, unit.contiguous(), right=True).clamp_max(len(shares) - 1)
    width = shares.to(unit.dtype) / shares.sum()
    rest = (unit - (edges - width)[part]) / width[part]
    return part, rest.clamp(0.0, 1.0)
