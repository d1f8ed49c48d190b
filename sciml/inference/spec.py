"""What a surrogate takes and gives: fields, units, grid, times, and the data it was trained on."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sciml import __version__
from sciml.fields import Boundaries, FieldSpec, Grid, ParameterSpec, channel_names
from sciml.solvers import StepperSpec


@dataclass(frozen=True)
class SurrogateSpec(StepperSpec):
    r"""The physical side of a trained network.

    With a `dt` it is a stepper: `fields` at time $t$, followed by the `static` ones, give `fields` at $t + dt$. Without
    one it is a steady map from `inputs` to `fields` (Darcy's coefficient to its pressure).

    Args:
        fields: what comes out, in channel order.
        grid: the grid of the training data.
        boundaries: conditions that the training data obey.
        parameters: numbers per sample, in the order of the network's `params`.
        dt: time from input to output of one call, the longest one if `any_dt`; `None` for a steady map.
        any_dt: whether the network takes the lead time as an input.
        time_unit, length_unit: UDUNITS strings.
        inputs: what goes in, in channel order; a stepper's are its `fields`.
        static: fields without time that a stepper takes behind its inputs (coefficients, masks).
        shortest: shortest lead time that an `any_dt` network was trained on.
        times: times of the training data.
        any_resolution: whether the network may be called on other numbers of points of the same domain.
        ranges: smallest and largest value of each input channel in the training data.
        dataset: name of the training data.
        data_hash: SHA-256 of the training data.
        version: version of the package that made the surrogate.
        meta: equation, licence, citation and the like.

    Raises:
        ValueError: a map without inputs, a stepper whose inputs are not its fields, times that are not positive, a
            range of no input channel.
    """

    #: How predictor files of surrogates are marked.
    kind: ClassVar[str] = "surrogate"

    any_dt: bool = False
    inputs: tuple[FieldSpec, ...] = ()
    static: tuple[FieldSpec, ...] = ()
    shortest: float | None = None
    times: tuple[float, ...] = ()
    any_resolution: bool = False
    ranges: Mapping[str, tuple[float, float]] = dataclasses.field(default_factory=dict)
    dataset: str = ""
    data_hash: str = ""
    version: str = __version__
    meta: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.fields:
            raise ValueError("fields must name at least one field.")
        if self.dt is None:
            self._check_map()
        else:
            self._check_stepper(self.dt)
        if unknown := set(self.ranges) - {*self.input_channels, *self.static_channels}:
            raise ValueError(f"ranges names {sorted(unknown)}; the inputs are {', '.join(self.input_channels)}.")

    def _check_map(self) -> None:
        if not self.inputs:
            raise ValueError("inputs must name at least one field, unless dt says that this is a stepper.")
        if self.static or self.any_dt or self.shortest is not None:
            raise ValueError(
                "static, any_dt and shortest belong to a stepper; a steady map takes all its fields as inputs."
            )

    def _check_stepper(self, dt: float) -> None:
        if not (math.isfinite(dt) and dt > 0):
            raise ValueError(f"dt={dt} must be positive.")
        if not self.inputs:
            object.__setattr__(self, "inputs", self.fields)
        if self.input_channels != self.channels:
            raise ValueError(
                f"a stepper's inputs must be its fields; got {', '.join(self.input_channels)} "
                f"and {', '.join(self.channels)}."
            )
        if self.shortest is not None and not (self.any_dt and 0 < self.shortest <= dt):
            raise ValueError(f"shortest={self.shortest} must lie in (0, dt={dt}] of a network with any_dt.")

    @property
    def outputs(self) -> tuple[FieldSpec, ...]:
        return self.fields

    @property
    def is_stepper(self) -> bool:
        return self.dt is not None

    @property
    def input_channels(self) -> tuple[str, ...]:
        return channel_names(self.inputs, self.grid.dimensions)

    @property
    def static_channels(self) -> tuple[str, ...]:
        return channel_names(self.static, self.grid.dimensions)

    def grid_of(self, shape: tuple[int, ...]) -> Grid:
        """The grid of an array whose space axes have `shape`: the same domain, perhaps another number of points.

        Raises:
            ValueError: another number of axes; another resolution where the network was made for one alone.
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
        plain = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        for key in ("fields", "inputs", "static", "parameters"):
            plain[key] = [s.to_dict() for s in plain[key]]
        plain["grid"], plain["boundaries"] = self.grid.to_dict(), self.boundaries.to_dict()
        plain["times"], plain["meta"] = list(self.times), dict(self.meta)
        plain["ranges"] = {k: list(v) for k, v in self.ranges.items()}
        return plain

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "SurrogateSpec":
        """Reads what `to_dict` writes.

        Raises:
            ValueError: an entry that is missing, unknown or of the wrong kind.
        """
        if unknown := set(data) - {f.name for f in dataclasses.fields(cls)}:
            raise ValueError(f"the specification has unknown entries {sorted(unknown)}.")
        try:
            plain = dict(data)
            for key in ("fields", "inputs", "static"):
                plain[key] = tuple(FieldSpec.from_dict(s) for s in data.get(key, ()))
            plain["parameters"] = tuple(ParameterSpec.from_dict(s) for s in data.get("parameters", ()))
            plain["grid"] = Grid.from_dict(data["grid"])
            plain["boundaries"] = Boundaries.from_dict(data.get("boundaries", {}))
            plain["times"] = tuple(float(t) for t in data.get("times", ()))
            plain["ranges"] = {k: (float(v[0]), float(v[1])) for k, v in data.get("ranges", {}).items()}
            return cls(**plain)
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise ValueError(f"the specification cannot be read ({error}).") from None
