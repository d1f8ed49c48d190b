"""What is known of a solution beside its values: coordinates, components, domain, conditions, equation."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sciml.fields import Boundaries, FieldSpec, Grid, channel_names
from sciml.pdes.function import Function
from sciml.pdes.problem import Problem
from sciml.pdes.statement import Statement, problem_of

#: Times at which a solution is shown whose problem names its start and end alone.
FRAMES = 51


@dataclass(frozen=True)
class SolutionSpec:
    """The physical side of a network that is the solution of a problem.

    Args:
        fields: what the network gives, in channel order: the state, then what the state determines (a pressure).
        axes: names of the coordinates, time last.
        low, high: ends of the domain, and of the times, by axis.
        grid: on which the solution is shown; none beyond three dimensions, or where the domain is no box.
        times: at which it is shown; none for an equation that does not evolve.
        boundaries: conditions on the faces of the grid.
        initial: text of the initial state by component, where it was given as text.
        equation: its text.
        coefficients: values or texts of the coefficients that were given, by name.
        fitted: coefficients that were found together with the solution.
        units: of the coefficients, by name.
        length_unit, time_unit: UDUNITS strings.
        version: of the package that made the solution.

    Raises:
        ValueError: no field or axis, ends that do not belong to the axes, or a grid with other axes.
    """

    #: How predictor files of such solutions are marked.
    kind: ClassVar[str] = "solution"

    fields: tuple[FieldSpec, ...]
    axes: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    grid: Grid | None = None
    times: tuple[float, ...] = ()
    boundaries: Boundaries = dataclasses.field(default_factory=lambda: Boundaries({}))
    initial: Mapping[str, str] = dataclasses.field(default_factory=dict)
    equation: str = ""
    coefficients: Mapping[str, float | str] = dataclasses.field(default_factory=dict)
    fitted: Mapping[str, float] = dataclasses.field(default_factory=dict)
    units: Mapping[str, str] = dataclasses.field(default_factory=dict)
    length_unit: str = "1"
    time_unit: str = "1"
    version: str = ""

    def __post_init__(self) -> None:
        if not self.fields or not self.axes:
            raise ValueError("fields and axes must each name at least one.")
        ends = [*zip(self.low, self.high, strict=False)]
        if not len(self.low) == len(self.high) == len(self.axes) or not all(a < b for a, b in ends):
            raise ValueError(f"low={self.low} must be below high={self.high} on each of the axes {self.axes}.")
        if self.grid is not None and self.space != self.grid.names:
            raise ValueError(f"grid has the axes {self.grid.names}; those of space are {self.space}.")

    @property
    def space(self) -> tuple[str, ...]:
        """Names of the coordinates of space."""
        return self.axes[:-1] if self.times else self.axes

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the components, in channel order."""
        return channel_names(self.fields, len(self.space))

    @property
    def frames(self) -> tuple[float, ...]:
        """The times, with evenly spaced ones between a start and an end that stand alone."""
        if len(self.times) != 2:
            return self.times
        start, stop = self.times
        return tuple(start + (stop - start) * k / (FRAMES - 1) for k in range(FRAMES))

    def unit_of(self, axis: str) -> str:
        """That of a coordinate."""
        return self.time_unit if axis not in self.space else self.length_unit

    def until(self, stop: float) -> "SolutionSpec":
        """The same, for a solution that is known up to a time alone."""
        if stop >= self.high[-1]:
            return self
        times = (*(t for t in self.times if t < stop), stop)
        return dataclasses.replace(self, times=times, high=(*self.high[:-1], stop))

    @classmethod
    def of(cls, given: Problem | Statement, fitted: Mapping[str, float] | None = None) -> "SolutionSpec":
        """What a problem says about its solution.

        Args:
            given: the problem.
            fitted: coefficients that were found together with the solution.
        """
        problem = problem_of(given)
        times = tuple(float(t) for t in problem.times) if problem.pde.evolves and problem.times is not None else ()
        grid, found = problem.domain, dict(fitted or {})
        low, high = ([getattr(axis, end) for axis in grid.axes] for end in ("low", "high"))
        initial = problem.initial if isinstance(problem.initial, Mapping) else {}
        return cls(
            fields=(*problem.pde.fields, *problem.pde.diagnostics),
            axes=problem.axes,
            low=(*low, *times[:1]),
            high=(*high, *times[-1:]),
            grid=grid,
            times=times,
            boundaries=problem.boundaries,
            initial={name: f.text for name, f in initial.items() if isinstance(f, Function)},
            equation=problem.pde.text,
            coefficients={k: v for k, v in _coefficients(problem).items() if k not in found},
            fitted=found,
            units={p.name: p.unit for p in problem.pde.parameters},
            length_unit=getattr(given, "length_unit", "1"),
            time_unit=getattr(given, "time_unit", "1"),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data that JSON can hold."""
        plain = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        plain |= {key: list(plain[key]) for key in ("axes", "low", "high", "times")}
        plain |= {key: dict(plain[key]) for key in ("initial", "coefficients", "fitted", "units")}
        grid = None if self.grid is None else self.grid.to_dict()
        return {
            **plain, "fields": [f.to_dict() for f in self.fields], "grid": grid, "boundaries": self.boundaries.to_dict()
        }  # fmt: skip

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "SolutionSpec":
        """Reads what `to_dict` writes.

        Raises:
            ValueError: an entry that is missing, unknown or of the wrong kind.
        """
        if unknown := set(data) - {f.name for f in dataclasses.fields(cls)}:
            raise ValueError(f"the specification has unknown entries {sorted(unknown)}.")
        try:
            plain = dict(data)
            plain["fields"] = tuple(FieldSpec.from_dict(s) for s in data["fields"])
            plain["axes"] = tuple(str(name) for name in data["axes"])
            plain |= {key: tuple(float(v) for v in data.get(key, ())) for key in ("low", "high", "times")}
            plain["grid"] = None if data.get("grid") is None else Grid.from_dict(data["grid"])
            plain["boundaries"] = Boundaries.from_dict(data.get("boundaries", {}))
            plain["fitted"] = {str(k): float(v) for k, v in data.get("fitted", {}).items()}
            return cls(**plain)
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise ValueError(f"the specification cannot be read ({error}).") from None


def _coefficients(problem: Problem) -> dict[str, float | str]:
    """Those that a file can hold: numbers and texts."""
    found: dict[str, float | str] = {}
    for spec in problem.pde.parameters:
        value = problem.parameters.get(spec.name, getattr(problem.pde, spec.name, None))
        if isinstance(value, Function):
            found[spec.name] = value.text
        elif isinstance(value, int | float) and math.isfinite(value):
            found[spec.name] = float(value)
    return found
