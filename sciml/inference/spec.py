"""What a surrogate takes and gives: fields, units, grid, times, and the data it was trained on. Needs no torch."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from sciml import __version__
from sciml.fields import Boundaries, FieldSpec, Grid, ParameterSpec, channel_names


@dataclass(frozen=True)
class SurrogateSpec:
    r"""The physical side of a trained network.

    A steady map takes `inputs` to `outputs` (Darcy's coefficient to its pressure). A stepper takes the fields
    `outputs == inputs` at time $t$ to those at $t + dt$.

    Args:
        inputs: fields that go in, in channel order.
        outputs: fields that come out, in channel order.
        grid: the grid of the training data.
        boundaries: conditions that the training data obey.
        static: fields without time that a stepper takes behind its inputs (coefficients, masks).
        parameters: numbers per sample, in the order of the network's `params`.
        dt: time from input to output of one call; `None` for a steady map.
        leads: shortest and longest lead time of a network that takes one; `None` where `dt` is fixed.
        times: times of the training data.
        time_unit, length_unit: UDUNITS strings.
        any_resolution: whether the network may be called on other numbers of points of the same domain.
        ranges: smallest and largest value of each input channel in the training data.
        dataset: name of the training data.
        data_hash: SHA-256 of the training data.
        version: version of the package that wrote the surrogate.
        meta: equation, licence, citation and the like.

    Raises:
        ValueError: a stepper whose outputs differ from its inputs, times that are not positive, a range of no channel.
    """

    inputs: tuple[FieldSpec, ...]
    outputs: tuple[FieldSpec, ...]
    grid: Grid
    boundaries: Boundaries = field(default_factory=lambda: Boundaries({}))
    static: tuple[FieldSpec, ...] = ()
    parameters: tuple[ParameterSpec, ...] = ()
    dt: float | None = None
    leads: tuple[float, float] | None = None
    times: tuple[float, ...] = ()
    time_unit: str = "1"
    length_unit: str = "1"
    any_resolution: bool = False
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    dataset: str = ""
    data_hash: str = ""
    version: str = __version__
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.inputs or not self.outputs:
            raise ValueError("inputs and outputs must name at least one field each.")
        if self.dt is None and (self.leads or self.static):
            raise ValueError("leads and static belong to a stepper: give dt, or pass static fields as inputs.")
        if self.dt is not None:
            if not (math.isfinite(self.dt) and self.dt > 0):
                raise ValueError(f"dt={self.dt} must be positive.")
            if self.input_channels != self.output_channels:
                raise ValueError(
                    f"a stepper's outputs must be its inputs; got {', '.join(self.output_channels)} "
                    f"and {', '.join(self.input_channels)}."
                )
        if self.leads is not None and not 0 < self.leads[0] <= self.leads[1]:
            raise ValueError(f"leads={self.leads} must be two ascending positive times.")
        if unknown := set(self.ranges) - {*self.input_channels, *self.static_channels}:
            raise ValueError(f"ranges names {sorted(unknown)}, which are no input channels.")

    @property
    def is_stepper(self) -> bool:
        return self.dt is not None

    @property
    def input_channels(self) -> tuple[str, ...]:
        return channel_names(self.inputs, self.grid.dimensions)

    @property
    def static_channels(self) -> tuple[str, ...]:
        return channel_names(self.static, self.grid.dimensions)

    @property
    def output_channels(self) -> tuple[str, ...]:
        return channel_names(self.outputs, self.grid.dimensions)

    def grid_of(self, shape: tuple[int, ...]) -> Grid:
        """The grid with as many points as an array of space shape `shape` has.

        Raises:
            ValueError: another number of axes, or of points where the network was trained on one grid alone.
        """
        shape = tuple(int(n) for n in shape)
        if len(shape) != self.grid.dimensions:
            raise ValueError(f"the input has {len(shape)} space axes {shape}; the surrogate's are {self.grid.names}.")
        if shape == self.grid.shape:
            return self.grid
        if not self.any_resolution:
            raise ValueError(f"the input has the grid {shape}; this surrogate takes {self.grid.shape} alone.")
        return self.grid.resized(*shape)

    def to_dict(self) -> dict[str, Any]:
        """Plain data that JSON can hold."""
        return {
            "inputs": [s.to_dict() for s in self.inputs],
            "outputs": [s.to_dict() for s in self.outputs],
            "static": [s.to_dict() for s in self.static],
            "parameters": [s.to_dict() for s in self.parameters],
            "grid": self.grid.to_dict(),
            "boundaries": self.boundaries.to_dict(),
            "dt": self.dt,
            "leads": None if self.leads is None else list(self.leads),
            "times": list(self.times),
            "time_unit": self.time_unit,
            "length_unit": self.length_unit,
            "any_resolution": self.any_resolution,
            "ranges": {k: list(v) for k, v in self.ranges.items()},
            "dataset": self.dataset,
            "data_hash": self.data_hash,
            "version": self.version,
            "meta": dict(self.meta),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads what `to_dict` writes.

        Raises:
            ValueError: an entry that is missing, unknown or of the wrong kind.
        """
        if unknown := set(data) - {f.name for f in fields(cls)}:
            raise ValueError(f"the specification has unknown entries {sorted(unknown)}.")
        try:
            plain = dict(data)
            for key in ("inputs", "outputs", "static"):
                plain[key] = tuple(FieldSpec.from_dict(s) for s in data.get(key, ()))
            plain["parameters"] = tuple(ParameterSpec.from_dict(s) for s in data.get("parameters", ()))
            plain["grid"] = Grid.from_dict(data["grid"])
            plain["boundaries"] = Boundaries.from_dict(data.get("boundaries", {}))
            plain["times"] = tuple(float(t) for t in data.get("times", ()))
            leads = data.get("leads")
            plain["leads"] = None if leads is None else (float(leads[0]), float(leads[1]))
            plain["ranges"] = {k: (float(v[0]), float(v[1])) for k, v in data.get("ranges", {}).items()}
            return cls(**plain)
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise ValueError(f"the specification cannot be read ({error}).") from None
