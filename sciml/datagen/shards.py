"""One shard: a fixed range of sample indices, solved in batches, written whole or not at all."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sciml.data import DatasetSpec, write_shard
from sciml.datagen.learning import Learning
from sciml.datagen.ordering import weighed
from sciml.datagen.recipe import SPLITS, Recipe
from sciml.datagen.samplers import StateSampler
from sciml.datagen.storing import store_on
from sciml.describe import describe
from sciml.fields import Boundaries, FieldSpec, ParameterSpec
from sciml.files import file_hash
from sciml.pdes import Problem
from sciml.solvers import ProblemSolver, SequenceSolver, Trajectory
from sciml.status import SampleError, SciMLError, Status

#: Samples that are solved together: enough for a solver to save time, few enough for the progress bar and the memory.
BATCH = 16


@dataclass(frozen=True)
class Shard:
    """A range of samples of one split, and the file that holds them.

    Args:
        split: train, valid or test.
        number: position within the split.
        start, stop: range of sample positions within the split.
    """

    split: str
    number: int
    start: int
    stop: int

    @property
    def file(self) -> str:
        return f"{self.split}/shard-{self.number:05d}.h5"

    @property
    def indices(self) -> range:
        """Indices of its samples, which the random numbers depend on."""
        return range(SPLITS[self.split] + self.start, SPLITS[self.split] + self.stop)


def shards_of(recipe: Recipe) -> list[Shard]:
    """All shards of a data set, in order."""
    size = recipe.shard_size
    return [
        Shard(split, number, start, min(start + size, count))
        for split, count in recipe.splits.items()
        for number, start in enumerate(range(0, count, size))
    ]


@dataclass
class Sample:
    """One solved sample as it is stored; fields by name, `(t, *s)` and `(*s)`, vectors with a last axis."""

    index: int
    fields: dict[str, np.ndarray]
    static: dict[str, np.ndarray]
    params: dict[str, float]
    residual: float
    status: Status
    reason: str = ""
    seconds: dict[str, float] = field(default_factory=dict)


class Chain:
    """A solver on its way through a shard: what one problem leaves (a factor, a subspace) is handed to the next.

    Chains are cut by shard, never by worker, so that the bits of a shard do not depend on who makes it.

    Args:
        solver: of the recipe.
        state: what it begins with.
    """

    def __init__(self, solver: ProblemSolver, state: Any = None) -> None:
        self.solver, self.state = solver, state

    def solve(self, problem: Problem) -> Trajectory:
        if not isinstance(self.solver, SequenceSolver):
            return self.solver.solve(problem)
        trajectory, self.state = self.solver.solve_next(problem, self.state)
        return trajectory


def order_of_work(recipe: Recipe, indices: Sequence[int]) -> list[int]:
    """The indices as the recipe's `ordering` wants them solved; where nothing can be compared they stay as they are.

    Samples that cannot be drawn, or not as finite numbers, come to nothing when they are solved, which says why.
    """
    if recipe.ordering is None:
        return list(indices)
    try:
        parameters = recipe.drawn_parameters(indices)
    except (SciMLError, ValueError, ArithmeticError):
        return list(indices)
    finite = np.all([np.isfinite(values).all(axis=1) for values in parameters], axis=0)
    rows = np.flatnonzero(finite)
    ordered = rows[recipe.ordering.order(weighed([values[rows] for values in parameters]))]
    return [indices[row] for row in (*ordered, *np.flatnonzero(~finite))]


def solve_samples(recipe: Recipe, indices: Sequence[int], chain: Chain | None = None) -> list[Sample]:
    """Draws and solves samples in one batch; solvers that carry no state give the same bits in any batch.

    Args:
        recipe: the data set.
        indices: of the samples.
        chain: the recipe's solver with what earlier samples have left; it begins here if `None`.
    """
    chain = chain or Chain(recipe.solver)
    clock = [time.perf_counter()]
    problem = recipe.problems(indices)
    if recipe.grid == recipe.solution_grid:
        static = {n: problem.parameters[n].numpy() for n in recipe.coefficients}
    else:
        static = recipe.coefficient_batch(indices, recipe.grid)
    clock.append(time.perf_counter())
    trajectory = chain.solve(problem)
    clock.append(time.perf_counter())
    u = trajectory.u.numpy()
    stored = store_on(u, recipe.solution_grid, recipe.grid).astype(recipe.dtype)
    residual = np.full(len(indices), np.nan) if trajectory.residual is None else trajectory.residual.numpy()
    samples = []
    for row, index in enumerate(indices):
        fields = by_field(recipe.equation.fields, stored[row], recipe.grid.dimensions)
        if recipe.store_forcing:
            forcing = recipe.forcing_fields(index, recipe.grid)
            fields |= {f"forcing_{name}": values.astype(recipe.dtype) for name, values in forcing.items()}
        own = {name: values[row] for name, values in static.items()}
        sample = Sample(index, fields, own, recipe.numbers(index), float(residual[row]), Status.SUCCESS)
        judge(sample, trajectory, row, recipe)
        sample.seconds = {part: (clock[k + 1] - clock[k]) / len(indices) for k, part in enumerate(("draw", "solve"))}
        samples.append(sample)
    return samples


def by_field(specs: Sequence[FieldSpec], values: np.ndarray, dimensions: int) -> dict[str, np.ndarray]:
    """Components `(t, c, *s)` as fields `(t, *s)`, a vector with its components as last axis, a tensor with two."""
    found, first = {}, 0
    for spec in specs:
        last = first + len(spec.components(dimensions))
        part = np.moveaxis(values[:, first:last], 1, -1)
        found[spec.name] = part.reshape(*part.shape[:-1], *(dimensions,) * spec.rank)
        first = last
    return found


def judge(sample: Sample, trajectory: Trajectory, row: int, recipe: Recipe) -> None:
    """Sets the status, and the reason where the sample cannot be used."""
    sample.status, solution = Status(int(trajectory.status[row])), trajectory.u[row].numpy()
    if not sample.status.ok:
        solver = type(recipe.solver).__name__
        sample.reason = f"{solver} {trajectory.reason(row)}, residual {sample.residual:.3g}"
    elif not all(np.isfinite(a).all() for a in (solution, *sample.fields.values(), *sample.static.values())):
        sample.status, sample.reason = Status.NON_FINITE, f"not finite in {recipe.dtype}"


def attempt(recipe: Recipe, indices: Sequence[int], chain: Chain | None = None) -> list[Sample]:
    """`solve_samples`, with a failure that the solver raises turned into the outcome of its sample."""
    try:
        return solve_samples(recipe, indices, chain)
    except (SciMLError, ValueError, ArithmeticError) as error:
        if len(indices) > 1:
            return [sample for index in indices for sample in attempt(recipe, [index], chain)]
        status = getattr(error, "status", Status.BREAKDOWN)
        # What is to be read in the manifest is the number of the sample, not its place in a batch of one.
        reason = f"sample {indices[0]}: {error.text}" if isinstance(error, SampleError) else str(error)
        return [Sample(indices[0], {}, {}, {}, float("nan"), status, reason)]


def make_shard(
    recipe: Recipe, shard: Shard, root: Path, progress: Callable[[int], None] = lambda n: None
) -> dict[str, Any]:
    """Solves a shard, in the recipe's order of work, and writes it in the order of the indices.

    Samples that failed are not stored: they are listed with index and reason in the entry.

    Args:
        recipe: the data set.
        shard: the range.
        root: folder of the data set.
        progress: called with 1 after every sample.

    Returns:
        The shard's entry in the manifest.
    """
    begin, samples, rejected = time.perf_counter(), list[Sample](), list[dict[str, Any]]()
    learning = Learning.of(recipe)
    chain, work = Chain(recipe.solver, learning and learning.start()), order_of_work(recipe, shard.indices)
    seconds = {"order": time.perf_counter() - begin, "draw": 0.0, "solve": 0.0, "write": 0.0}
    for start in range(0, len(work), BATCH):
        for sample in attempt(recipe, work[start : start + BATCH], chain):
            for part, spent in sample.seconds.items():
                seconds[part] += spent
            if sample.status.ok:
                samples.append(sample)
            else:
                rejected.append({"index": sample.index, "status": sample.status.name, "reason": sample.reason})
            progress(1)
    samples.sort(key=lambda sample: sample.index)
    rejected.sort(key=lambda one: one["index"])
    entry: dict[str, Any] = {**asdict(shard), "file": None, "samples": len(samples), "rejected": rejected}
    if samples:
        wrote = time.perf_counter()
        entry |= write_samples(recipe, samples, root / shard.file)
        entry["file"] = shard.file
        seconds["write"] = time.perf_counter() - wrote
    entry["seconds"] = {**seconds, "all": time.perf_counter() - begin}
    return entry if learning is None else {**entry, "learned": learning.end(chain.state)}


def write_samples(recipe: Recipe, samples: list[Sample], path: Path) -> dict[str, Any]:
    """Writes solved samples as one file: `sha256` is over the data sets, `file_sha256` over the bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    first = samples[0]
    digest = write_shard(
        path,
        dataset_spec(recipe),
        fields={n: np.stack([s.fields[n] for s in samples]) for n in first.fields},
        static={
            n: np.stack([s.static[n] for s in samples], dtype=recipe.dtype, casting="same_kind") for n in first.static
        },
        params={n: np.array([s.params[n] for s in samples]) for n in first.params},
        index=np.array([s.index for s in samples], dtype=np.int64),
        seed=np.full(len(samples), recipe.seed, dtype=np.int64),
        residual=np.array([s.residual for s in samples]),
        status=np.array([int(s.status) for s in samples], dtype=np.int64),
    )
    return {"sha256": digest, "file_sha256": file_hash(path), "bytes": path.stat().st_size}


def dataset_spec(recipe: Recipe) -> DatasetSpec:
    """What the files of a recipe hold."""
    equation = recipe.equation
    specs = {p.name: p for p in equation.parameters}
    location = "cell" if recipe.grid.axes[0].kind == "cells" else "node"
    static = [
        FieldSpec(n, unit=specs[n].unit, location=location, positive=_not_negative(specs[n]))
        for n in recipe.coefficients
    ]
    drawn = [s for n, s in specs.items() if n not in recipe.coefficients and n not in recipe.constants]
    return DatasetSpec(
        name=recipe.name,
        fields=(*equation.fields, *forcing_specs(recipe, location)),
        static=tuple(static),
        parameters=tuple(drawn),
        grid=recipe.grid,
        boundaries=recipe.boundaries or Boundaries.periodic(),
        times=recipe.times,
        time_unit=recipe.time_unit,
        length_unit=recipe.length_unit,
        dtype=recipe.dtype,
        meta={
            "equation": equation.text,
            "pde": type(equation).__name__,
            **initial_meta(recipe),
            **({"forcing": {n: describe(f) for n, f in recipe.forcing.items()}} if recipe.forcing else {}),
            "constants": recipe.constants,
            "solver": describe(recipe.solver),
            "solution_grid": recipe.solution_grid.to_dict(),
            "recipe_hash": recipe.hash,
            **recipe.meta,
        },
    )


def forcing_specs(recipe: Recipe, location: str) -> list[FieldSpec]:
    """The fields that hold the forcing, where it is stored: the unit of the component per unit of time."""
    if not recipe.store_forcing:
        return []
    units = {c: f.unit for f in recipe.equation.fields for c in f.components(recipe.grid.dimensions)}
    per_time = [] if recipe.time_unit == "1" else [f"{recipe.time_unit}-1"]
    joined = {c: " ".join([u for u in [units[c]] if u != "1"] + per_time) or "1" for c in recipe.forcing}
    return [FieldSpec(f"forcing_{c}", unit=unit, location=location) for c, unit in joined.items()]


def initial_meta(recipe: Recipe) -> dict[str, Any]:
    """What the initial states were drawn by, and their Mach number where the sampler has one."""
    if not recipe.initial:
        return {}
    if not isinstance(recipe.initial, StateSampler):
        return {"initial": {n: type(s).__name__ for n, s in recipe.initial.items()}}
    mach = getattr(recipe.initial, "mach", None)
    return {"initial": type(recipe.initial).__name__, **({} if mach is None else {"mach": mach})}


def _not_negative(spec: ParameterSpec) -> bool:
    return spec.low is not None and spec.low >= 0
