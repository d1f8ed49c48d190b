"""A region times an interval of time."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sciml.fields.domain import Region, SpatialRegion, gather
from sciml.fields.primitives import Box
from sciml.fields.sequences import Sequence


@dataclass(frozen=True)
class SpaceTime(Region):
    r"""$\Omega \times [t_0, t_1]$; the last coordinate of a point is its time.

    Args:
        region: $\Omega$.
        start, stop: $t_0$ and $t_1$.

    Raises:
        ValueError: an interval without length.
    """

    region: SpatialRegion
    start: float
    stop: float

    def __post_init__(self) -> None:
        if not self.start < self.stop:
            raise ValueError(f"start={self.start} must be below stop={self.stop}.")

    @property
    def low(self) -> tuple[float, ...]:
        return (*self.region.low, self.start)

    @property
    def high(self) -> tuple[float, ...]:
        return (*self.region.high, self.stop)

    def contains(self, points: Float[Tensor, "n d"]) -> Bool[Tensor, " n"]:
        t = points[:, -1]
        return self.region.contains(points[:, :-1]) & (t >= self.start) & (t <= self.stop)

    def place(self, unit: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """The affine map of the unit cube.

        Raises:
            ValueError: a region that is no box.
        """
        if not isinstance(self.region, Box):
            raise ValueError(f"region is a {type(self.region).__name__}; only a box is an affine image of the cube.")
        return Box(self.low, self.high).place(unit)

    def candidates(self, unit: Float[Tensor, "n d"]) -> tuple[Tensor, Tensor]:
        points, kept = self.region.candidates(unit[:, :-1])
        return self._at(points, unit[:, -1]), kept

    def initial(
        self, n: int, sequence: Sequence | None = None, generator: torch.Generator | None = None
    ) -> Float[Tensor, "n d"]:
        """`n` points at the start, uniform in the region; arguments and errors as of `sample`."""
        points = self.region.sample(n, sequence, generator)
        return self._at(points, points.new_zeros(n))

    def lateral(
        self, n: int, sequence: Sequence | None = None, generator: torch.Generator | None = None
    ) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n d"]]:
        """`n` points on the boundary of the region at times between, and the outward normals, whose last entry is zero.

        Arguments and errors as of `boundary`.
        """

        def place(unit: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            points, normals, kept = self.region.skin(unit[:, :-1])
            return self._at(points, unit[:, -1]), torch.cat([normals, torch.zeros_like(unit[:, -1:])], dim=1), kept

        points, normals = gather(self.region, place, n, self.region.skin_columns + 1, sequence, generator)
        return points, normals

    def _at(self, points: Tensor, share: Float[Tensor, " n"]) -> Tensor:
        times = self.start + share * (self.stop - self.start)
        return torch.cat([points, times[:, None].to(points.dtype)], dim=1)
