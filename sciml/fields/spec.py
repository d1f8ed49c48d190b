"""What a channel or a parameter means: name, rank, unit, location, range."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sciml.shapes import SPACE

LOCATIONS = ("cell", "node", "face")


@dataclass(frozen=True)
class FieldSpec:
    """A physical field.

    Args:
        name: an identifier, used in files, tables and xarray.
        unit: UDUNITS string; `"1"` for a non-dimensional field.
        rank: 0 scalar, 1 vector, 2 tensor; components become channels in index order.
        location: where on the grid it lives, one of `cell`, `node`, `face`.
        positive: whether a physical value is positive, as a density is.
        long_name: for plots and CF attributes.
    """

    name: str
    unit: str = "1"
    rank: int = 0
    location: str = "node"
    positive: bool = False
    long_name: str = ""

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise ValueError(f"name={self.name!r} must be an identifier.")
        if self.rank not in (0, 1, 2):
            raise ValueError(f"rank={self.rank} of {self.name!r} must be 0, 1 or 2.")
        if self.location not in LOCATIONS:
            raise ValueError(f"location={self.location!r} of {self.name!r} must be one of {', '.join(LOCATIONS)}.")

    def components(self, dimensions: int) -> tuple[str, ...]:
        """Channel names on a grid of `dimensions` axes: `("u",)`, `("u_x", "u_y")`, `("s_xx", "s_xy", ...)`."""
        axes = SPACE[:dimensions]
        if self.rank == 0:
            return (self.name,)
        if self.rank == 1:
            return tuple(f"{self.name}_{i}" for i in axes)
        return tuple(f"{self.name}_{i}{j}" for i in axes for j in axes)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "FieldSpec":
        return cls(**data)


@dataclass(frozen=True)
class ParameterSpec:
    """A parameter of an equation.

    Args:
        name: an identifier; the equation reads it as `p.<name>`.
        unit: UDUNITS string.
        low, high: valid range, open ends as `None`; a bound is part of the range.
        field: whether it may vary in space (a coefficient) instead of being a number per sample.
    """

    name: str
    unit: str = "1"
    low: float | None = None
    high: float | None = None
    field: bool = False

    def check(self, value: float) -> None:
        """Raises `ValueError` for a value out of range."""
        if (self.low is not None and value < self.low) or (self.high is not None and value > self.high):
            raise ValueError(f"{self.name}={value} lies outside [{self.low}, {self.high}].")

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "ParameterSpec":
        return cls(**data)


def channel_names(specs: Sequence[FieldSpec], dimensions: int) -> tuple[str, ...]:
    """Names of all channels, field after field."""
    return tuple(c for spec in specs for c in spec.components(dimensions))
