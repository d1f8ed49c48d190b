"""Integrals over regions: points and weights."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sciml.fields import Box, Sequence, Sobol, SpatialRegion


class Rule(ABC):
    r"""$\int_\Omega f\,dx \approx \sum_i w_i f(x_i)$."""

    @abstractmethod
    def on(
        self, region: SpatialRegion, generator: torch.Generator | None = None
    ) -> tuple[Float[Tensor, "n d"], Float[Tensor, " n"]]:
        """Points $x_i$ and weights $w_i$, in float64; as many for every generator."""


@dataclass(frozen=True)
class GaussLegendre(Rule):
    """Tensor product of Gauss rules on equal panels of each side of a box.

    Exact for polynomials of degree `2 order - 1` in each coordinate on each panel; the error for a smooth function
    falls like `panels` to the power `-2 order`.

    Args:
        order: points of a panel.
        panels: of each side.

    Raises:
        ValueError: a number below 1.
    """

    order: int = 8
    panels: int = 4

    def __post_init__(self) -> None:
        if self.order < 1 or self.panels < 1:
            raise ValueError(f"order={self.order} and panels={self.panels} must be at least 1.")

    def on(
        self, region: SpatialRegion, generator: torch.Generator | None = None
    ) -> tuple[Float[Tensor, "n d"], Float[Tensor, " n"]]:
        """The rule on a box; nothing is random.

        Raises:
            ValueError: a region that is no box.
        """
        if not isinstance(region, Box):
            raise ValueError(
                f"a product of Gauss rules needs a Box; for a {type(region).__name__} use QuasiMonteCarlo."
            )
        nodes, weights = (torch.from_numpy(v) for v in np.polynomial.legendre.leggauss(self.order))
        starts = torch.arange(self.panels, dtype=torch.float64)[:, None]
        side = ((starts + (nodes + 1) / 2) / self.panels).flatten()
        share = (weights / 2 / self.panels).repeat(self.panels)
        d = region.dimensions
        unit = torch.cartesian_prod(*[side] * d).reshape(-1, d)
        return region.place(unit), region.measure * torch.cartesian_prod(*[share] * d).reshape(-1, d).prod(dim=1)


@dataclass(frozen=True)
class QuasiMonteCarlo(Rule):
    """Equal weights at quasi-random points of any region.

    Args:
        n: number of points.
        sequence: of points in the unit cube.

    Raises:
        ValueError: a number below 1.
    """

    n: int = 4096
    sequence: Sequence = field(default_factory=Sobol)

    def __post_init__(self) -> None:
        if self.n < 1:
            raise ValueError(f"n={self.n} must be at least 1.")

    def on(
        self, region: SpatialRegion, generator: torch.Generator | None = None
    ) -> tuple[Float[Tensor, "n d"], Float[Tensor, " n"]]:
        """Points of the generator's randomisation, and the region's measure in equal parts."""
        points = region.sample(self.n, self.sequence, generator)
        return points, torch.full((self.n,), region.measure / self.n, dtype=torch.float64)
