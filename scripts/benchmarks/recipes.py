"""What every shipped recipe of an evolution equation costs, and how far its trajectories are from converged ones.

Per recipe: CPU time per sample of drawing and solving (one thread, one batch), and the relative difference of the
stored frames to those on twice the points per axis with half the step (where the recipe states one; a quarter of it for
explicit differences, whose stability asks for that), in L2 and in L1; flows with shocks or chaos converge in neither
sense quickly, which their cards say.

    python scripts/benchmarks/recipes.py [NAME ...]
"""

import dataclasses
import os
import sys
import time
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from _record import Record, parser

from sciml.datagen import Recipe
from sciml.datagen.recipe_file import shipped_recipes
from sciml.datagen.storing import store_on
from sciml.describe import build, describe
from sciml.solvers import MethodOfLines

SAMPLES = 2
COLUMNS = {
    "data set": "name",
    "solved on": "grid",
    "frames": "frames",
    "CPU s per sample": "cpu",
    "relative L2 to the finer solution": "l2",
    "relative L1": "l1",
}


def finer(recipe: Recipe) -> Recipe:
    """Twice the points per axis and half the step, or a quarter of an explicit one that diffusion may bound."""
    axes = recipe.solution_grid.axes
    grid = recipe.solution_grid.resized(*(2 * a.n - (a.kind == "nodes") for a in axes))
    stated = describe(recipe.solver)
    if stated["init_args"].get("dt") is not None:
        explicit = isinstance(recipe.solver, MethodOfLines) and recipe.solver.tableau.is_explicit
        stated = {**stated, "init_args": {**stated["init_args"], "dt": recipe.solver.dt / (4 if explicit else 2)}}
    return dataclasses.replace(recipe, solution_grid=grid, solver=build(stated))


def solved(recipe: Recipe) -> tuple[np.ndarray, float]:
    """Stored frames of the first samples, `(b, t, c, *s)`, and the CPU time of all."""
    begin = time.process_time()
    trajectory = recipe.solver.solve(recipe.problems(range(SAMPLES)))
    spent = time.process_time() - begin
    return store_on(trajectory.check().u.numpy(), recipe.solution_grid, recipe.grid), spent


def compare(name: str) -> dict[str, Any]:
    recipe = Recipe.load(name)
    solved(dataclasses.replace(recipe, times=recipe.times[:2]))  # what is compiled or cached is not counted
    coarse, spent = solved(recipe)
    fine, _ = solved(finer(recipe))
    # Per component, relative to its size over all frames: fields of several units are not added up.
    axes = (1, *range(3, coarse.ndim))
    size2, size1 = np.sqrt((fine**2).mean(axis=axes)), np.abs(fine).mean(axis=axes)
    l2 = np.sqrt(((coarse - fine) ** 2).mean(axis=axes)) / np.maximum(size2, 1e-300)
    l1 = np.abs(coarse - fine).mean(axis=axes) / np.maximum(size1, 1e-300)
    there = size2 > 1e-12 * size2.max()
    return {"cpu": spent / SAMPLES, "l2": float(np.median(l2[there])), "l1": float(np.median(l1[there]))}


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("names", nargs="*", help="recipes; all that evolve when left out")
    chosen = arguments.parse_args()
    torch.set_num_threads(1)
    record = Record("recipes", {"samples": SAMPLES, "seeds": 0}, COLUMNS, chosen.fresh, chosen.out)
    evolving = [n for n in shipped_recipes() if Recipe.load(n).equation.evolves]
    for name in chosen.names or evolving:
        cell = record.cell(f"{name} {Recipe.load(name).hash[:12]}", lambda name=name: compare(name))
        print(f"{name}: {cell['cpu']:.3g} CPU s per sample, L2 {cell['l2']:.2g}, L1 {cell['l1']:.2g}", flush=True)
    rows = []
    for name in evolving:
        recipe = Recipe.load(name)
        cell = record.content["cells"].get(f"{name} {recipe.hash[:12]}")
        if cell is not None:
            size = " x ".join(map(str, recipe.solution_grid.shape))
            row = {"name": name, "grid": size, "frames": len(recipe.times)}
            rows.append({**row, **{k: float(f"{cell[k]:.3g}") for k in ("cpu", "l2", "l1")}})
    record.finish(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
