"""Exact periodicity: harmonics of the periodic coordinates take their place."""

import math
import operator
from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor

from sciml.nn.coordinate_network import CoordinateMap, at_least_one
from sciml.numerics import Field


class PeriodicEmbedding(CoordinateMap):
    r"""$x \mapsto (1, \cos k\omega x, \sin k\omega x)_{k=1..m}$, $\omega = 2\pi/P$, for every periodic axis.

    With several periodic axes the result is the tensor product of their bases, so it holds all products such as
    $\cos(k\omega_x x) \sin(l\omega_y y)$. Every smooth function of the embedding is periodic with all its derivatives.
    The other coordinates follow behind, as they are or mapped to $[-1, 1]$.

    Args:
        periods: $P$ for each coordinate, None for one that is not periodic.
        modes: $m$.
        intervals: for each coordinate the two ends that are mapped to $\pm 1$, or None to pass it on; without effect
            on the periodic ones.

    Raises:
        ValueError: a period that is not positive, none at all, an empty interval, or a number of intervals that is not
            that of the periods.

    Reference: Dong & Ni (2021), J. Comput. Phys. 435:110242; Wang, Sankaran & Perdikaris (2024), CMAME 421:116813.
    """

    harmonics: Tensor

    def __init__(
        self,
        periods: Sequence[float | None],
        modes: int = 1,
        intervals: Sequence[Sequence[float] | None] | None = None,
    ) -> None:
        at_least_one(modes=modes)
        self._check(periods, intervals)
        count = sum(p is not None for p in periods)
        size = 2 * modes + 1
        super().__init__(len(periods), size**count + len(periods) - count)
        self.modes = modes
        self.frequencies = {i: 2 * math.pi / p for i, p in enumerate(periods) if p is not None}
        self.others = {
            i: (0.0, 1.0) if intervals is None or intervals[i] is None else _to_unit(*intervals[i])  # type: ignore[misc]
            for i, p in enumerate(periods)
            if p is None
        }
        # Small integers are exact in every dtype, which products with omega would not be after a cast.
        self.register_buffer("harmonics", torch.arange(modes + 1.0), persistent=False)
        digits = torch.cartesian_prod(*[torch.arange(size)] * count).reshape(-1, count)
        for i, column in enumerate(digits.unbind(1)):
            self.register_buffer(f"column{i}", column.contiguous(), persistent=False)

    @staticmethod
    def _check(periods: Sequence[float | None], intervals: Sequence[Sequence[float] | None] | None) -> None:
        given = [p for p in periods if p is not None]
        if not given or not all(p > 0 for p in given):
            raise ValueError(f"periods={list(periods)} must hold at least one period, all positive.")
        if intervals is not None and len(intervals) != len(periods):
            raise ValueError(f"intervals has {len(intervals)} entries for {len(periods)} coordinates.")
        for interval in intervals or ():
            if interval is not None and not (len(interval) == 2 and interval[0] < interval[1]):
                raise ValueError(f"intervals holds {list(interval)}, which must be two ascending numbers.")

    @classmethod
    def example(cls) -> "PeriodicEmbedding":
        return cls([2.0, None], modes=2)

    def forward(self, z: Field) -> Field:
        bases = [self._basis(z[..., axis : axis + 1] * omega) for axis, omega in self.frequencies.items()]
        product = bases[0]
        if len(bases) > 1:
            product = reduce(operator.mul, (basis[..., getattr(self, f"column{i}")] for i, basis in enumerate(bases)))
        rest = [(z[..., i : i + 1] - centre) * scale for i, (centre, scale) in self.others.items()]
        return torch.cat([product, *rest], dim=-1) if rest else product

    def _basis(self, phase: Field) -> Field:
        """$1, \\cos kx, \\sin kx$, `(..., 2m + 1)`."""
        phases = phase * self.harmonics
        return torch.cat([torch.cos(phases), torch.sin(phases[..., 1:])], dim=-1)


def _to_unit(low: float, high: float) -> tuple[float, float]:
    """Centre and scale of the map of an interval to [-1, 1]."""
    return 0.5 * (low + high), 2.0 / (high - low)
