"""A problem in plain data: what a configuration says, and what checkpoints and predictors can hold."""

from collections.abc import Mapping, Sequence
from typing import Any

from sciml.describe import Described
from sciml.fields import Axis, Boundaries, Condition, Dirichlet, Grid, Periodic
from sciml.fields.boundary import CONDITIONS
from sciml.pdes.base import PDE
from sciml.pdes.function import as_function
from sciml.pdes.problem import Problem
from sciml.shapes import SPACE


class Statement(Described):
    r"""A `Problem` from numbers and texts.

    `Statement(AllenCahn(1e-4, 5.0), {"x": [-1, 1]}, periodic=["x"], initial={"u": "x**2*cos(pi*x)"}, times=[0, 1])`

    Args:
        pde: the equation.
        domain: low and high end of each axis of space.
        initial: text of each component at the first time, where the equation evolves.
        boundary: by face (`"x-"`, `"x"`, `"all"`) or `"face:component"`: a number or text is the value of a `Dirichlet`
            condition; a mapping has a `kind` (`NEUMANN`, `ROBIN`, `WALL`, ...) and its arguments.
        periodic: axes that are periodic.
        times: start and end, or all times at which the solution is wanted; for an equation that evolves.
        parameters: numbers, or texts for coefficients that vary, by name; the equation's own defaults otherwise.
        forcing: text of what is added to the right-hand side, by equation.
        exact: text of the solution by component, where it is known.
        points: number of points per axis of the grid on which the solution is shown.
        length_unit, time_unit: UDUNITS strings of the coordinates.

    Raises:
        ValueError: one line: an axis that is not x, y, z in order, ends in the wrong order, an unknown kind of
            condition, a text that is no function, or what `Problem` refuses.
    """

    def __init__(
        self,
        pde: PDE,
        domain: dict[str, list[float]] | None = None,
        initial: dict[str, str] | None = None,
        boundary: dict[str, Any] | None = None,
        periodic: list[str] | None = None,
        times: list[float] | None = None,
        parameters: dict[str, Any] | None = None,
        forcing: dict[str, str] | None = None,
        exact: dict[str, str] | None = None,
        points: int = 256,
        length_unit: str = "1",
        time_unit: str = "1",
    ) -> None:
        self.length_unit, self.time_unit = length_unit, time_unit
        self.pde, self.times = pde, None if times is None else [float(t) for t in times]
        if pde.evolves and len(self.times or ()) < 2:
            raise ValueError(f"times={times} must name at least a start and an end.")
        self.grid = _grid(domain or {}, tuple(periodic or ()), points)
        self.exact = {name: as_function(text) for name, text in (exact or {}).items()}
        self.problem = Problem(
            pde,
            self.grid,
            initial={name: as_function(text) for name, text in initial.items()} if initial else None,
            boundary=_boundaries(boundary or {}, tuple(periodic or ())) if self.grid.dimensions else None,
            parameters={name: as_function(value) for name, value in (parameters or {}).items()},
            forcing={name: as_function(text) for name, text in forcing.items()} if forcing else None,
            times=self.times,
        )

    @classmethod
    def example(cls) -> "Statement":
        """The Allen-Cahn problem of the literature on networks."""
        from sciml.pdes.allen_cahn import AllenCahn

        initial = {"u": "x**2*cos(pi*x)"}
        return cls(AllenCahn(1e-4, 5.0), {"x": [-1.0, 1.0]}, initial, periodic=["x"], times=[0.0, 1.0])


def problem_of(given: Problem | Statement) -> Problem:
    """The problem, however it was stated."""
    return given.problem if isinstance(given, Statement) else given


def _grid(domain: Mapping[str, Sequence[float]], periodic: tuple[str, ...], points: int) -> Grid:
    names = SPACE[: len(domain)]
    if set(domain) != set(names):
        raise ValueError(f"domain names {', '.join(domain)}; its axes are x, then y, then z.")
    if unknown := [axis for axis in periodic if axis not in names]:
        raise ValueError(f"periodic names {unknown[0]!r}; the axes are {', '.join(names) or 'none'}.")
    axes = []
    for name in names:
        ends = domain[name]
        if len(ends) != 2:
            raise ValueError(f"domain: {name}={list(ends)} must be [low, high].")
        axes.append(Axis(points, float(ends[0]), float(ends[1]), "periodic" if name in periodic else "nodes"))
    return Grid(tuple(axes))


def _boundaries(given: Mapping[str, Any], periodic: tuple[str, ...]) -> Boundaries:
    conditions: dict[str | tuple[str, str], Condition] = {axis: Periodic() for axis in periodic}
    for key, value in given.items():
        face, _, component = key.partition(":")
        conditions[(face, component) if component else face] = _condition(key, value)
    return Boundaries(conditions)


def _condition(key: str, value: Any) -> Condition:
    if not isinstance(value, Mapping):
        return Dirichlet(as_function(value))
    kind = str(value.get("kind"))
    if kind not in CONDITIONS:
        raise ValueError(f"boundary: kind={kind!r} of {key!r} must be one of {', '.join(CONDITIONS)}.")
    arguments = {name: as_function(v) for name, v in value.items() if name != "kind"}
    try:
        return CONDITIONS[kind](**arguments)
    except TypeError as error:
        raise ValueError(f"boundary: {key!r}: {error}.") from None
