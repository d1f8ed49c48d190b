"""Recipes: a data set as a text file from which every sample can be made again."""

import contextlib
import dataclasses
import hashlib
import inspect
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sciml.datagen.forcing import Forcing, ForcingSampler, Numbers
from sciml.datagen.ordering import Ordering
from sciml.datagen.samplers import Distribution, FieldSampler, StateSampler
from sciml.datagen.storing import check_storage
from sciml.describe import Described, Description, describe, resolve
from sciml.fields import Boundaries, Grid
from sciml.pdes import PDE, Problem
from sciml.rng import sample_rng
from sciml.solvers import ProblemSolver
from sciml.status import ConfigError
from sciml.yaml_files import read_yaml, with_changes

#: First index of each split: far apart, so that more training samples never change the test set.
SPLITS = {"train": 0, "valid": 1 << 32, "test": 2 << 32}
DTYPES = ("float32", "float64")

#: A constant, a random number, or a random function.
Parameter = float | Distribution | FieldSampler
#: A random function per component, or all components drawn together.
Initial = Mapping[str, FieldSampler] | StateSampler


@dataclass(frozen=True)
class Recipe:
    """Everything that determines a data set. Sample `i` is a pure function of `(seed, i)`.

    Args:
        name: name of the data set.
        equation: the PDE.
        grid: points that are stored.
        solution_grid: points that are solved on: a refinement of `grid` (see `storing`), or the same.
        boundaries: conditions on all faces; `None` on a periodic grid.
        parameters: by name: a constant, a distribution (a number per sample), a field sampler (a coefficient).
        initial: a field sampler per component, or one state sampler for all of them; empty for a steady equation.
        times: stored times; `(0.0,)` for a steady equation.
        solver: what solves.
        dtype: of the stored fields.
        splits: number of samples of train, valid and test.
        shard_size: samples per file.
        seed: root of all random numbers.
        time_unit, length_unit: UDUNITS strings.
        meta: further plain entries for the files (licence, citation).
        forcing: by component: a random function of space and time on the right side of its equation.
        store_forcing: whether the forcing is stored, as the fields `forcing_<component>` at the stored times.
        ordering: in which order the samples of a shard are solved; as they are numbered if `None`.

    Raises:
        ValueError: entries that do not fit together.
    """

    name: str
    equation: PDE
    grid: Grid
    solution_grid: Grid
    boundaries: Boundaries | None
    parameters: Mapping[str, Parameter]
    initial: Initial
    times: tuple[float, ...]
    solver: ProblemSolver
    dtype: str
    splits: Mapping[str, int]
    shard_size: int = 100
    seed: int = 0
    time_unit: str = "1"
    length_unit: str = "1"
    meta: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    forcing: Mapping[str, ForcingSampler] = dataclasses.field(default_factory=dict)
    store_forcing: bool = False
    ordering: Ordering | None = None

    def __post_init__(self) -> None:
        check_storage(self.solution_grid, self.grid)
        if self.store_forcing and not self.forcing:
            raise ValueError("store_forcing is set, but there is no forcing.")
        if self.ordering is not None and len(self.constants) == len(self.parameters):
            raise ValueError("ordering compares the parameters that are drawn; there is none.")
        # The first sample shows whether equation, grid, boundary conditions, parameters and solver fit together.
        problem = self.problem(0)
        if reason := self.solver.refuses(problem):
            raise ValueError(reason)

    @classmethod
    def load(cls, path_or_name: "str | Path", changes: Mapping[str, Any] | None = None) -> "Recipe":
        """Reads a recipe file, the recipe in a folder, or a shipped recipe by name.

        Args:
            path_or_name: file, folder or name.
            changes: other values at dotted keys, `{"parameters.viscosity": 0.001}`.

        Raises:
            ConfigError: no such recipe, or a mistake in it: one line with file, key, value and what is accepted.
        """
        from sciml.datagen.recipe_file import find_recipe

        path = find_recipe(path_or_name)
        return cls.from_dict(with_changes(read_yaml(path).data, changes or {}), str(path))

    @classmethod
    def from_dict(cls, data: Any, source: str = "recipe") -> "Recipe":
        """Reads plain data: what a file holds, or what `to_dict` gives.

        Args:
            data: the entries.
            source: where they come from, for the message.

        Raises:
            ConfigError: a mistake: one line with source, key, value and what is accepted.
        """
        from sciml.datagen.reading import Entries
        from sciml.datagen.recipe_file import recipe_arguments

        arguments = recipe_arguments(Entries(data, source))
        try:
            return cls(**arguments)
        except ValueError as error:
            raise ConfigError(f"{source}: {error}") from None

    def generator(self, index: int, name: str) -> np.random.Generator:
        """Random numbers of one entry of one sample: adding a parameter leaves the draws of the others alone."""
        return sample_rng(self.seed, index, zlib.crc32(name.encode()))

    @cached_property
    def constants(self) -> dict[str, float]:
        return {n: float(p) for n, p in self.parameters.items() if isinstance(p, int | float)}

    @cached_property
    def coefficients(self) -> tuple[str, ...]:
        """Names of the parameters that are functions of space."""
        return tuple(n for n, p in self.parameters.items() if isinstance(p, FieldSampler))

    def numbers(self, index: int) -> dict[str, float]:
        """The random numbers among the parameters of a sample."""
        return {n: p.draw(self.generator(index, n)) for n, p in self.parameters.items() if isinstance(p, Distribution)}

    def coefficient_fields(self, index: int, grid: Grid) -> dict[str, np.ndarray]:
        """The coefficients of a sample at the points of a grid, `(*s)`."""
        return {n: values[0] for n, values in self.coefficient_batch([index], grid).items()}

    def coefficient_batch(self, indices: Sequence[int], grid: Grid) -> dict[str, np.ndarray]:
        """The coefficients of samples at the points of a grid, `(b, *s)`, each with the bits that it has alone."""
        samplers = {n: s for n, s in self.parameters.items() if isinstance(s, FieldSampler)}
        return {n: s.draw_batch([self.generator(i, n) for i in indices], grid) for n, s in samplers.items()}

    def initial_states(self, indices: Sequence[int], grid: Grid) -> np.ndarray:
        """The initial states of samples at the points of a grid, `(b, c, *s)`."""
        names = self.equation.names(grid.dimensions)
        if isinstance(self.initial, StateSampler):
            return np.stack([self.initial.draw(self.generator(i, "initial"), grid, names) for i in indices])
        fields = [self.initial[n].draw_batch([self.generator(i, f"initial.{n}") for i in indices], grid) for n in names]
        return np.stack(fields, axis=1)

    def drawn_parameters(self, indices: Sequence[int]) -> list[np.ndarray]:
        """The parameters that are drawn, a coefficient at the stored points or a number, `(b, p)` each."""
        fields = self.coefficient_batch(indices, self.grid).values()
        numbers = [self.numbers(i) for i in indices]
        columns = [np.array([[one[n]] for one in numbers]) for n in numbers[0]]
        return [*(values.reshape(len(indices), -1) for values in fields), *columns]

    def problem(self, index: int) -> Problem:
        """Sample `index` as a problem on the solution grid; it depends on `(seed, index)` alone."""
        grid = self.solution_grid
        fields = {n: torch.from_numpy(a) for n, a in self.coefficient_fields(index, grid).items()}
        initial = torch.from_numpy(self.initial_states([index], grid)[0]) if self.equation.evolves else None
        return self._problem({**self.numbers(index), **fields}, initial, [index])

    def problems(self, indices: Sequence[int]) -> Problem:
        """Several samples as one problem with a batch axis, for solvers that save time by it."""
        grid = self.solution_grid
        numbers = [self.numbers(i) for i in indices]
        parameters = {n: torch.from_numpy(a) for n, a in self.coefficient_batch(indices, grid).items()}
        # A coefficient that is a number per sample is a field of one cell: `(b,)` alone could be taken for its values.
        shapes = {s.name: (-1, *[1] * grid.dimensions) if s.field else (-1,) for s in self.equation.parameters}
        drawn = {n: torch.tensor([f[n] for f in numbers], dtype=torch.float64) for n in numbers[0]}
        parameters |= {n: values.view(shapes[n]) for n, values in drawn.items()}
        initial = torch.from_numpy(self.initial_states(indices, grid)) if self.equation.evolves else None
        return self._problem(parameters, initial, indices)

    def forcing_numbers(self, index: int) -> dict[str, Numbers]:
        """What was drawn of the forcing of a sample, by component."""
        grid = self.solution_grid
        return {n: f.draw(self.generator(index, f"forcing.{n}"), grid, self.times) for n, f in self.forcing.items()}

    def forcing_fields(self, index: int, grid: Grid) -> dict[str, np.ndarray]:
        """The forcing of a sample at the stored times and the points of a grid, `(t, *s)`, by component."""
        times = torch.tensor(self.times, dtype=torch.float64).view(-1, *[1] * grid.dimensions)
        coordinates = {**dict(zip(grid.names, grid.meshgrid(), strict=True)), "t": times}
        drawn = self.forcing_numbers(index)
        functions = {n: Forcing(f, [drawn[n]], grid.names) for n, f in self.forcing.items()}
        whole = (len(times), *grid.shape)
        return {n: f(**coordinates).expand(whole).numpy() for n, f in functions.items()}

    def _problem(self, drawn: Mapping[str, Any], initial: torch.Tensor | None, indices: Sequence[int]) -> Problem:
        numbers = [self.forcing_numbers(i) for i in indices]
        axes = self.solution_grid.names
        forcing = {n: Forcing(f, [one[n] for one in numbers], axes) for n, f in self.forcing.items()}
        return Problem(
            self.equation,
            self.solution_grid,
            initial=initial,
            boundary=self.boundaries,
            parameters={**self.constants, **drawn},
            forcing=forcing or None,
            times=self.times if self.equation.evolves else None,
        )

    def choices(self) -> dict[str, Any]:
        """What was left to the library and is now fixed: the solver, and what it says that it chose for the grid."""
        chosen = getattr(self.solver, "choices", None)
        more: dict[str, Any] = {}
        # A first sample that cannot be solved says nothing about the others.
        with contextlib.suppress(ValueError):
            more = chosen(self.problem(SPLITS["train"])) if callable(chosen) else {}
        return {"solver": describe(self.solver)["class_path"], **more}

    def resized(
        self,
        samples: int | None = None,
        *,
        train: int | None = None,
        valid: int | None = None,
        test: int | None = None,
        seed: int | None = None,
    ) -> "Recipe":
        """The same recipe with other numbers of samples or another seed.

        Args:
            samples: total, divided in the recipe's proportions.
            train, valid, test: numbers of single splits; they override.
            seed: another root.
        """
        splits = dict(self.splits) if samples is None else divide(samples, self.splits)
        given = {"train": train, "valid": valid, "test": test}
        splits.update({name: count for name, count in given.items() if count is not None})
        for name, count in splits.items():
            if count < 0:
                raise ValueError(f"{name}={count} must not be negative.")
        if sum(splits.values()) < 1:
            raise ValueError(f"samples={samples} must be at least 1.")
        return dataclasses.replace(self, splits=splits, seed=self.seed if seed is None else seed)

    def to_dict(self) -> dict[str, Any]:
        """The recipe as plain data with every default written out."""
        return {
            "name": self.name,
            "equation": _complete(self.equation),
            "grid": self.grid.to_dict(),
            "solution_grid": self.solution_grid.to_dict(),
            "boundaries": None if self.boundaries is None else self.boundaries.to_dict(),
            "parameters": {
                n: float(p) if isinstance(p, int | float) else _complete(p) for n, p in self.parameters.items()
            },
            "initial": _complete(self.initial)
            if isinstance(self.initial, StateSampler)
            else {n: _complete(s) for n, s in self.initial.items()},
            "times": list(self.times),
            "solver": _complete(self.solver),
            "dtype": self.dtype,
            "splits": dict(self.splits),
            "shard_size": self.shard_size,
            "seed": self.seed,
            "time_unit": self.time_unit,
            "length_unit": self.length_unit,
            "meta": dict(self.meta),
        } | self._later_entries()

    def _later_entries(self) -> dict[str, Any]:
        """Nothing without forcing and ordering: recipes from before there were any keep their hash."""
        found: dict[str, Any] = {}
        if self.forcing:
            found |= {"forcing": {n: _complete(f) for n, f in self.forcing.items()}}
            found |= {"store_forcing": self.store_forcing}
        if self.ordering is not None:
            found["ordering"] = _complete(self.ordering)
        return found

    @property
    def hash(self) -> str:
        """sha256 over everything that determines a sample: all but the numbers of samples and the shard size."""
        data = {k: v for k, v in self.to_dict().items() if k not in ("splits", "shard_size")}
        return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def _complete(obj: Any) -> Description:
    """`describe` with the defaults written out, so that a changed default shows in the hash."""

    def fill(value: Any) -> Any:
        if isinstance(value, Described):  # a default that is an object
            value = describe(value)
        if isinstance(value, list | tuple):
            return [fill(v) for v in value]
        if not isinstance(value, dict):
            return value
        if "class_path" not in value:
            return {k: fill(v) for k, v in value.items()}
        signature = inspect.signature(resolve(value["class_path"])).parameters
        defaults = {k: fill(p.default) for k, p in signature.items() if p.default is not p.empty}
        return {"class_path": value["class_path"], "init_args": {**defaults, **fill(value["init_args"])}}

    return fill(describe(obj))


def divide(samples: int, splits: Mapping[str, int]) -> dict[str, int]:
    """Divides a total in the proportions of `splits`; every split that had samples keeps one while there are enough."""
    used = {name: count for name, count in splits.items() if count}
    total = sum(used.values())
    shares = {name: samples * count / total for name, count in used.items()}
    result = {name: max(math.floor(share), 1) for name, share in shares.items()}
    # The largest split pays for the ones rounded up, and takes what rounding left over.
    largest = max(used, key=lambda name: used[name])
    result[largest] += samples - sum(result.values())
    if result[largest] < 1:
        result = {name: int(name == largest) * samples for name in used}
    return {name: result.get(name, 0) for name in splits}
