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


@pytest.mark.parametrize("name", [n for n in shipped_recipes() if stores_what_it_solves(n)])
def test_the_residual_of_a_steady_float64_sample_is_found_again_from_the_file(name, tmp_path):
    """Five-point flux balance written out with shifted arrays."""
    recipe = Recipe.load(name)
    root = generate(recipe, train=2, valid=0, test=0, out=tmp_path / name, workers=0)
    dataset = FieldDataset(root, "train")
    for i in range(2):
        a, u = dataset.static([i])[0, 0], dataset.fields([i])[0, 0, 0]
        h = recipe.grid.axes[0].h
        balance = np.full_like(u, -recipe.constants["f"])
        for axis in (0, 1):
            for shift in (1, -1):
                other_a, other_u = np.roll(a, shift, axis), np.roll(u, shift, axis)
                edge = (slice(None),) * axis + (0 if shift == 1 else -1,)
                face = 2 * a * other_a / (a + other_a)
                face[edge], other_u[edge] = 2 * a[edge], 0.0
                balance += face * (u - other_u) / h**2
        found = np.linalg.norm(balance) / (recipe.constants["f"] * np.sqrt(u.size))
        assert found < 1e-11
        assert dataset.samples["residual"][i] < 1e-11
