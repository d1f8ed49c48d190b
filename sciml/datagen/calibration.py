"""The method that a recipe leaves open (`Auto`): chosen once per data set, on its own first systems, then obeyed."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from sciml.datagen.recipe import Recipe
from sciml.datagen.shards import order_of_work, shards_of
from sciml.describe import build, describe
from sciml.linalg import Auto, Choice, LinearSolver
from sciml.linalg.auto import System
from sciml.linalg.structure import label
from sciml.solvers import SteadySolver
from sciml.status import ConfigError, SciMLError, SolveFailure

#: Systems that every method is tried on, and how many samples are looked at to find as many.
SYSTEMS, LOOKED_AT = 4, 16
#: Number of samples from which on methods are timed: a calibration takes about as long as twenty samples.
WORTH_TIMING = 100


def left_open(recipe: Recipe) -> Auto | None:
    """The `Auto` that a recipe leaves its systems to; `None` where it names a method."""
    found = recipe.solver.linear_solver if isinstance(recipe.solver, SteadySolver) else None
    return found if isinstance(found, Auto) else None


def with_linear_solver(recipe: Recipe, solver: LinearSolver) -> Recipe:
    """The recipe with another linear solver.

    Raises:
        ConfigError: a solver of the recipe that takes none.
    """
    described = describe(recipe.solver)
    if not isinstance(recipe.solver, SteadySolver):
        raise ConfigError(f"solver: {described['class_path']} takes no linear solver; steady problems do.")
    arguments = {**described["init_args"], "linear_solver": describe(solver)}
    return dataclasses.replace(recipe, solver=build({**described, "init_args": arguments}))


def settled(recipe: Recipe, choices: Mapping[str, Any]) -> Recipe:
    """The recipe with the method that a manifest's `choices` record, where it leaves that open."""
    if left_open(recipe) is None or "reason" not in choices:
        return recipe
    return with_linear_solver(recipe, build(choices["linear_solver"]))


def calibrated(recipe: Recipe, adaptive: bool = False) -> dict[str, Any]:
    """What a manifest records of an open choice: `linear_solver`, `reason`, `seconds` per system, `adaptive`.

    The first samples of the first shard are solved by every method that suits them, in the order of work and whatever
    part of the data set is to be made, so that all processes look at the same systems. Times differ, and with them the
    choice may; inputs do not depend on it, and outputs by the tolerances of the methods alone.

    Args:
        recipe: one that leaves its method open.
        adaptive: take a solver that goes on learning instead of the best one.
    """
    auto, systems = left_open(recipe), first_systems(recipe)
    assert auto is not None
    total = sum(recipe.splits.values())
    try:
        if adaptive:
            choice = auto.learning(systems, total=total, seed=recipe.seed)
        elif total < WORTH_TIMING:
            choice = _untimed(auto, systems, total)
        else:
            choice = auto.calibrated(systems, chain=min(recipe.shard_size, total), total=total)
    except (SolveFailure, ValueError) as error:
        # Then every sample is solved, or rejected, by what suits its own matrix.
        choice = Choice(describe(auto), f"by the structure of every matrix: {str(error).rstrip('.')}.", {})
    return {
        "linear_solver": choice.solver,
        "reason": choice.reason,
        "seconds": choice.seconds,
        "adaptive": adaptive,
    }


def first_systems(recipe: Recipe) -> list[System]:
    """A few systems at the beginning of the first shard; samples that cannot be assembled are passed over."""
    assert isinstance(recipe.solver, SteadySolver)
    found: list[System] = []
    for index in order_of_work(recipe, shards_of(recipe)[0].indices)[:LOOKED_AT]:
        try:
            found += recipe.solver.systems(recipe.problem(index))
        except (SciMLError, ValueError, ArithmeticError):
            continue
        if len(found) >= SYSTEMS:
            break
    return found


def _untimed(auto: Auto, systems: list[System], total: int) -> Choice:
    """What the structure suggests, where there are too few samples."""
    if not systems:
        raise SolveFailure("none of the first samples has a system")
    state = auto.solve(*systems[0]).checked().state
    first = "a right side of zero" if state is None else label(state.solver)
    return Choice(describe(auto), f"by structure, {first} at first: {total} samples are too few to time others.", {})
