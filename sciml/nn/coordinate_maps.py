"""Simple maps of the coordinates: scaling to the unit box, several time scales, one map after another."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from sciml.nn.coordinate_network import CoordinateMap
from sciml.numerics import Field


class Scaled(CoordinateMap):
    r"""The affine map of a box to $[-1, 1]^d$.

    Args:
        low, high: corners of the box.

    Raises:
        ValueError: corners of unequal length, or an empty box.
    """

    centre: Tensor
    factor: Tensor

    def __init__(self, low: Sequence[float], high: Sequence[float]) -> None:
        if len(low) != len(high) or not all(a < b for a, b in zip(low, high, strict=True)):
            raise ValueError(f"low={list(low)} must be below high={list(high)} in every coordinate.")
        super().__init__(len(low), len(low))
        # In float64 whatever the parameters are: a later `.double()` finds the corners exact.
        a, b = torch.tensor(low, dtype=torch.float64), torch.tensor(high, dtype=torch.float64)
        self.register_buffer("centre", (a + b) / 2, persistent=False)
        self.register_buffer("factor", 2 / (b - a), persistent=False)

    @classmethod
    def example(cls) -> "Scaled":
        return cls([-1.0, 0.0], [3.0, 0.5])

    def forward(self, z: Field) -> Field:
        return (z - self.centre.to(z.dtype)) * self.factor.to(z.dtype)


class TimeScales(CoordinateMap):
    r"""$(x, t) \mapsto (x, (10^k t)_k)$: the last coordinate in several units.

    Args:
        in_features: number of coordinates, time last.
        exponents: the numbers $k$.

    Raises:
        ValueError: no exponent.

    Reference: Wang, Sankaran & Perdikaris (2024), CMAME 421:116813, section 4.
    """

    def __init__(self, in_features: int, exponents: Sequence[int] = (0, 1, 2)) -> None:
        if not exponents:
            raise ValueError(f"exponents={list(exponents)} must hold at least one number.")
        super().__init__(in_features, in_features - 1 + len(exponents))
        self.exponents = tuple(exponents)

    @classmethod
    def example(cls) -> "TimeScales":
        return cls(2, (-1, 0))

    def forward(self, z: Field) -> Field:
        t = z[..., self.in_features - 1 :]
        return torch.cat([z[..., : self.in_features - 1], *(t * 10.0**k for k in self.exponents)], dim=-1)


class Chain(CoordinateMap):
    """One map after another.

    Args:
        maps: in the order of their use.

    Raises:
        ValueError: no map, or one that takes another number of features than the one before it gives.
    """

    def __init__(self, maps: Sequence[CoordinateMap]) -> None:
        if not maps:
            raise ValueError("maps is empty; a chain has at least one.")
        for first, second in pairwise(maps):
            if first.out_features != second.in_features:
                raise ValueError(
                    f"{type(second).__name__} takes in_features={second.in_features}; "
                    f"{type(first).__name__} before it gives {first.out_features}."
                )
        super().__init__(maps[0].in_features, maps[-1].out_features)
        self.maps = nn.ModuleList(maps)

    @classmethod
    def example(cls) -> "Chain":
        from sciml.nn.fourier_features import FourierFeatures

        return cls([Scaled([0.0, 0.0], [1.0, 2.0]), FourierFeatures(2, 6)])

    def forward(self, z: Field) -> Field:
        for stage in self.maps:
            z = stage(z)
        return z
