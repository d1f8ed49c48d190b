"""Every shipped recipe: it validates, a tiny version generates, passes the schema, and holds what its solver says."""

import re

import numpy as np
import pytest

from sciml.data import FieldDataset, validate_dataset
from sciml.datagen import Recipe, generate
from sciml.datagen.recipe_file import shipped_recipes
from sciml.resources import resource_root

RECIPES = pytest.mark.parametrize("name", shipped_recipes())
#: What a reader of a card looks for.
SECTIONS = ("Equation", "Boundary conditions", "Distribution", "Units", "Why it is hard", "How to judge a model")


@RECIPES
def test_a_recipe_validates_and_is_named_after_its_folder(name):
    recipe = Recipe.load(name)
    assert recipe.name == name
    assert recipe.meta.get("licence")
    assert all(recipe.splits.values())


@RECIPES
def test_a_recipe_has_a_card_with_every_section(name):
    text = (resource_root() / "datasets" / name / "card.md").read_text()
    headings = re.findall(r"^## (.+)$", text, flags=re.M)
    assert list(SECTIONS) == [h for h in headings if h in SECTIONS]


@pytest.mark.slow
@RECIPES
def test_a_tiny_version_generates_and_passes_the_schema(name, tmp_path):
    recipe = Recipe.load(name)
    root = generate(recipe, train=2, valid=1, test=1, out=tmp_path / name, workers=0)
    faults = validate_dataset(root)
    assert not faults
    for split in ("train", "valid", "test"):
        dataset = FieldDataset(root, split)
        assert dataset.spec.times == recipe.times
        assert dataset.spec.grid == recipe.grid
        assert dataset.fields([0]).dtype == np.dtype(recipe.dtype)
        assert np.isfinite(dataset.samples["residual"]).all()


def stores_what_it_solves(name: str) -> bool:
    recipe = Recipe.load(name)
    return not recipe.equation.evolves and recipe.dtype == "float64" and recipe.grid == recipe.solution_grid


def neighbours(values, axis, beyond):
    """The values of the next and of the previous cell along an axis; `beyond` where there is none."""
    for shift, edge in ((-1, -1), (1, 0)):
        other = np.roll(values, shift, axis)
        other[(slice(None),) * axis + (edge,)] = beyond
        yield -shift, other


def diffusion_balance(recipe, given, u):
    """What leaves every cell through five-point harmonic faces, zero values half a cell beyond the last ones."""
    a, h, balance = given.get("a", np.ones_like(u)), recipe.grid.axes[0].h, np.zeros_like(u)
    for axis in (0, 1):
        for (_, other_a), (_, other_u) in zip(neighbours(a, axis, np.nan), neighbours(u, axis, 0.0), strict=True):
            face = np.where(np.isnan(other_a), 2 * a, 2 * a * other_a / (a + other_a))
            balance += face * (u - other_u) / h**2
    return balance


def convection_balance(recipe, given, u):
    """What leaves every cell with exponential fitting, from the stream function at its corners."""
    psi, h, a, balance = given["psi"], recipe.grid.axes[0].h, recipe.constants["a"], np.zeros_like(u)
    padded = np.pad(psi, 1, mode="reflect", reflect_type="odd")
    # The odd reflection about the last centre extrapolates linearly; corners are means of four.
    corners = (padded[1:, 1:] + padded[:-1, 1:] + padded[1:, :-1] + padded[:-1, :-1]) / 4
    across = given["velocity_x"] + np.diff(corners, axis=1) / h, -np.diff(corners, axis=0) / h
    for axis in (0, 1):
        for sign, other_u in neighbours(u, axis, 0.0):
            n = u.shape[axis]
            w = sign * np.take(across[axis], range(1, n + 1) if sign > 0 else range(n), axis=axis)
            wall = np.zeros_like(u, bool)
            wall[(slice(None),) * axis + (-1 if sign > 0 else 0,)] = True
            d = np.where(wall, 2 * a, a) / h**2
            peclet = w / h / d
            balance += d * (-peclet / np.expm1(-peclet) * u - peclet / np.expm1(peclet) * other_u)
    return balance


BALANCES = {"Darcy": diffusion_balance, "Poisson": diffusion_balance, "ConvectionDiffusion": convection_balance}


@pytest.mark.parametrize("name", [n for n in shipped_recipes() if stores_what_it_solves(n)])
def test_the_residual_of_a_steady_float64_sample_is_found_again_from_the_file(name, tmp_path):
    """The balance of every cell, written out with shifted arrays for each equation."""
    recipe = Recipe.load(name)
    root = generate(recipe, train=2, valid=0, test=0, out=tmp_path / name, workers=0)
    dataset = FieldDataset(root, "train")
    for i in range(2):
        names = [spec.name for spec in dataset.spec.static]
        given = dict(zip(names, dataset.static([i])[0], strict=True)) | recipe.numbers(i)
        u, f = dataset.fields([i])[0, 0, 0], given.get("f", recipe.constants.get("f"))
        balance = BALANCES[type(recipe.equation).__name__](recipe, given, u) - f
        found = np.linalg.norm(balance) / np.linalg.norm(np.broadcast_to(f, u.shape))
        assert found < 1e-11
        assert dataset.samples["residual"][i] < 1e-11
