"""The recipe as a file: where it lies, which keys it has, and what each must hold."""

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sciml import datagen, linalg, pdes, resources, solvers
from sciml.datagen.forcing import ForcingSampler
from sciml.datagen.ordering import Ordering
from sciml.datagen.reading import Entries, nearest
from sciml.datagen.recipe import DTYPES, SPLITS, Initial, Parameter
from sciml.datagen.samplers import Distribution, FieldSampler, StateSampler
from sciml.fields import Axis, Boundaries, Grid
from sciml.fields.grid import KINDS
from sciml.linalg import LinearSolver
from sciml.pdes import PDE
from sciml.solvers import ProblemSolver
from sciml.status import ConfigError

_KEYS = (
    "name",
    "equation",
    "grid",
    "solution_grid",
    "boundaries",
    "parameters",
    "initial",
    "times",
    "solver",
    "dtype",
    "splits",
    "shard_size",
    "seed",
    "time_unit",
    "length_unit",
    "meta",
    "forcing",
    "store_forcing",
    "ordering",
)


def shipped_recipes() -> list[str]:
    """Names of the recipes that come with the package."""
    return sorted(p.parent.name for p in (resources.resource_root() / "datasets").glob("*/recipe.yaml"))


def find_recipe(path_or_name: "str | Path") -> Path:
    """The file of a recipe given by path, by its folder, or by the name of a shipped one.

    Raises:
        ConfigError: there is none, with the nearest name.
    """
    path = Path(path_or_name)
    for candidate in (path, path / "recipe.yaml"):
        if candidate.is_file():
            return candidate
    shipped = resources.find_resource("datasets", f"{path_or_name}/recipe.yaml")
    if shipped is not None:
        return shipped
    names = shipped_recipes()
    raise ConfigError(
        f"recipe={str(path_or_name)!r}: no such file or data set; accepted are a recipe file or one of"
        f" {', '.join(names)}{nearest(str(path_or_name), names)}"
    )


def linear_solver(description: Any, source: str) -> LinearSolver:
    """The linear solver that a class name or a description means.

    Raises:
        ConfigError: one line with source, key, value and what is accepted.
    """
    entries = Entries({"linear_solver": description}, source)
    return entries.instance("linear_solver", LinearSolver, (linalg,), "linear solver")  # type: ignore[type-abstract]


def recipe_arguments(top: Entries) -> dict[str, Any]:
    """The arguments of `Recipe`, each checked.

    Raises:
        ConfigError: one line with source, key, value and what is accepted.
    """
    top.only(_KEYS)
    equation = top.instance("equation", PDE, (pdes,), "PDE")
    grid = _grid(top.inner("grid"))
    same = top.data.get("solution_grid") is None
    steady = not equation.evolves
    if steady and "times" in top.data and list(top.data["times"]) != [0.0]:
        top.fail("times", f"{type(equation).__name__} is steady; leave it out.")
    return {
        "name": _identifier(top),
        "equation": equation,
        "grid": grid,
        "solution_grid": grid if same else _grid(top.inner("solution_grid"), grid),
        "boundaries": _boundaries(top),
        "parameters": _parameters(top, equation),
        "initial": _initial(top, equation, grid.dimensions),
        "times": (0.0,) if steady else _times(top),
        "solver": top.instance("solver", ProblemSolver, (solvers, datagen, linalg), "solver"),  # type: ignore[type-abstract]
        "dtype": top.text("dtype", choices=DTYPES),
        "splits": _splits(top),
        "shard_size": top.integer("shard_size", 100, low=1),
        "seed": top.integer("seed", 0),
        "time_unit": top.text("time_unit", "1"),
        "length_unit": top.text("length_unit", "1"),
        "meta": dict(top.inner("meta").data) if "meta" in top.data else {},
        "forcing": _forcing(top, equation, grid.dimensions),
        "store_forcing": top.truth("store_forcing", False),
        "ordering": top.instance("ordering", Ordering, (datagen,), "Ordering") if top.data.get("ordering") else None,  # type: ignore[type-abstract]
    }


def _identifier(top: Entries) -> str:
    name = top.text("name")
    if not name.isidentifier():
        top.fail("name", "must be an identifier.")
    return name


def _grid(entries: Entries, like: Grid | None = None) -> Grid:
    """Axes x, y, z; a solution grid takes ends and kind from the stored one where they are left out."""
    names = ("x", "y", "z")[: len(entries.data)] if like is None else like.names
    entries.only(names)
    axes = []
    for i, name in enumerate(names):
        axis = entries.inner(name)
        axis.only(("n", "low", "high", "kind"))
        base = Axis(2) if like is None else like.axes[i]
        kind = axis.text("kind", None if like is None else base.kind, KINDS)
        low, high = axis.number("low", base.low), axis.number("high", base.high)
        try:
            axes.append(Axis(axis.integer("n", low=1), low, high, kind))
        except ValueError as error:
            entries.fail(name, str(error))
    if not axes:
        raise ConfigError(f"{entries.source}: {entries.place} is empty; it needs the axis x at least.")
    return Grid(tuple(axes))


def _boundaries(top: Entries) -> Boundaries | None:
    if top.data.get("boundaries") is None:
        return None
    entries = top.inner("boundaries")
    for face in entries.data:
        entries.inner(face).only(("kind", "value", "a", "b", "slip", "velocity"))
    try:
        return Boundaries.from_dict(
            {face: {**c, "kind": str(c.get("kind")).upper()} for face, c in entries.data.items()}
        )
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{entries.source}: {entries.place}: {error}") from None


def _parameters(top: Entries, equation: PDE) -> dict[str, Parameter]:
    """A value for every parameter of the equation; its default where the recipe says nothing."""
    entries = top.inner("parameters") if "parameters" in top.data else Entries({}, top.source, "parameters")
    specs = {s.name: s for s in equation.parameters}
    entries.only(specs)
    found: dict[str, Parameter] = {}
    for name, spec in specs.items():
        if isinstance(entries.data.get(name), str | Mapping):
            kinds = (FieldSampler, Distribution) if spec.field else (Distribution,)
            found[name] = entries.instance(name, kinds, (datagen,), " or ".join(k.__name__ for k in kinds))
            continue
        found[name] = number = entries.number(name, getattr(equation, name, None))
        try:
            spec.check(number)
        except ValueError as error:
            entries.fail(name, str(error))
    return found


def _initial(top: Entries, equation: PDE, dimensions: int) -> Initial:
    """A sampler per component, or the description of one for the whole state."""
    if not equation.evolves:
        if top.data.get("initial"):
            top.fail("initial", f"{type(equation).__name__} is steady; leave it out.")
        return {}
    given = top.require("initial")
    if isinstance(given, str) or (isinstance(given, Mapping) and "class_path" in given):
        return top.instance("initial", StateSampler, (datagen,), "StateSampler")  # type: ignore[type-abstract]
    entries, names = top.inner("initial"), equation.names(dimensions)
    entries.only(names)
    return {n: entries.instance(n, FieldSampler, (datagen,), "FieldSampler") for n in names}  # type: ignore[type-abstract]


def _forcing(top: Entries, equation: PDE, dimensions: int) -> dict[str, ForcingSampler]:
    """A random right-hand side for some of the components."""
    if not top.data.get("forcing"):
        return {}
    if not equation.evolves:
        top.fail("forcing", f"{type(equation).__name__} is steady; leave it out.")
    entries = top.inner("forcing")
    entries.only(equation.names(dimensions))
    return {n: entries.instance(n, ForcingSampler, (datagen,), "ForcingSampler") for n in entries.data}  # type: ignore[type-abstract]


def _times(top: Entries) -> tuple[float, ...]:
    """A list, or `{start, stop, count}` for equal intervals."""
    given = top.require("times")
    if isinstance(given, Mapping):
        entries = top.inner("times")
        entries.only(("start", "stop", "count"))
        start, stop, count = entries.number("start", 0.0), entries.number("stop"), entries.integer("count", low=2)
        given = np.linspace(start, stop, count).tolist()
    good = isinstance(given, list) and len(given) > 1
    good = good and all(isinstance(t, int | float) and not isinstance(t, bool) and np.isfinite(t) for t in given)
    if not good or any(b <= a for a, b in itertools.pairwise(given)):
        top.fail("times", "must be strictly increasing numbers, or start, stop and count.")
    return tuple(float(t) for t in given)


def _splits(top: Entries) -> dict[str, int]:
    entries = top.inner("splits")
    entries.only(SPLITS)
    splits = {name: entries.integer(name, 0) for name in SPLITS}
    if not any(splits.values()):
        top.fail("splits", "at least one split must have samples.")
    return splits
