"""Recipes: what a file may say, how a mistake is told, and that a sample is a function of seed and index."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from sciml.datagen import Recipe
from sciml.datagen.recipe import SPLITS, divide
from sciml.datagen.recipe_file import shipped_recipes
from sciml.fields import Robin, Wall
from sciml.status import ConfigError

GOOD = """
name: tiny
equation: Burgers
grid: {x: {n: 16, kind: periodic}}
solution_grid: {x: {n: 32}}
parameters:
  viscosity: {class_path: LogUniform, init_args: {low: 1e-2, high: 0.1}}
initial:
  u: {class_path: GaussianInitial, init_args: {field: {class_path: PeriodicField, init_args: {modes: 4, tau: 5.0}}}}
times: {start: 0.0, stop: 0.2, count: 3}
solver: {class_path: ETDRK4, init_args: {dt: 0.02}}
dtype: float32
splits: {train: 4, valid: 1, test: 2}
shard_size: 3
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    return path


def test_a_recipe_reads_its_file(tmp_path):
    recipe = Recipe.load(write(tmp_path, GOOD))
    assert recipe.times == (0.0, 0.1, 0.2)
    assert (recipe.grid.shape, recipe.solution_grid.shape) == ((16,), (32,))
    assert recipe.solver.dt == 0.02
    assert recipe.splits == {"train": 4, "valid": 1, "test": 2}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("shard_size: 3", "shard_sise: 3", ["shard_sise", "'shard_size'"]),
        ("shard_size: 3", "shard_size: 0", ["shard_size=0", "at least 1"]),
        ("equation: Burgers", "equation: Burger", ["equation", "'Burgers'"]),
        ("equation: Burgers", "equation: ETDRK4", ["equation"]),
        ("equation: Burgers", "equation: os.system", ["equation", "not allowed"]),
        ("class_path: LogUniform", "class_path: subprocess.Popen", ["parameters.viscosity", "not allowed"]),
        ("low: 1e-2", "lo: 1e-2", ["parameters.viscosity.init_args.lo", "'low'"]),
        ("low: 1e-2", "low: 0.5", ["parameters.viscosity", "low=0.5"]),
        ("modes: 4", "modes: 0", ["initial.u.init_args.field", "modes=0"]),
        ("{class_path: LogUniform, init_args: {low: 1e-2, high: 0.1}}", "-1.0", ["viscosity=-1.0"]),
        ("  viscosity:", "  viscosty:", ["parameters.viscosty", "'viscosity'"]),
        ("  u: {class_path: G", "  v: {class_path: G", ["initial.v"]),
        ("solution_grid: {x: {n: 32}}", "solution_grid: {x: {n: 40}}", ["solution_grid.x.n=40", "16"]),
        ("kind: periodic", "kind: periodc", ["grid.x.kind='periodc'", "'periodic'"]),
        ("kind: periodic", "kind: nodes", ["recipe.yaml"]),
        ("dtype: float32", "dtype: float16", ["dtype='float16'", "float32"]),
        ("times: {start: 0.0, stop: 0.2, count: 3}", "times: [0.0, 0.0]", ["times", "increasing"]),
        ("splits: {train: 4, valid: 1, test: 2}", "splits: {train: -4}", ["splits.train=-4"]),
        ("splits: {train: 4, valid: 1, test: 2}", "splits: {training: 4}", ["splits.training", "'train'"]),
        ("dtype: float32", "", ["dtype", "missing"]),
        ("dtype: float32", "dtype: float32\ndtype: float64", [":13: ", "dtype: given twice"]),
        ("dtype: float32", "dtype: &a float32\nseed: *a", ["seed=", "float32"]),
        ("dtype: float32", "dtype: !!python/name:os.system x", ["tag"]),
        ("dtype: float32", "dtype: [", ["line"]),
        ("dt: 0.02", "dt: -0.02", ["solver", "dt=-0.02"]),
        ("class_path: ETDRK4, init_args: {dt: 0.02}", "class_path: FiniteVolumeElliptic", ["FiniteVolumeElliptic"]),
    ],
)
def test_a_mistake_is_one_line_with_file_key_value_and_what_is_accepted(tmp_path, old, new, words):
    assert old in GOOD
    path = write(tmp_path, GOOD.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        Recipe.load(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    assert all(word in message for word in words), message


def test_an_unknown_name_offers_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'darcy_2d'"):
        Recipe.load("darcy2d")


def test_a_sample_is_a_function_of_seed_and_index(tmp_path):
    recipe = Recipe.load(write(tmp_path, GOOD))
    later = recipe.problem(3)
    for index in (0, 5, 3):
        again = recipe.problem(index)
    assert torch.equal(later.initial, again.initial)
    assert later.parameters == again.parameters
    assert not torch.equal(recipe.problem(0).initial, recipe.problem(1).initial)
    assert not torch.equal(recipe.resized(seed=1).problem(0).initial, recipe.problem(0).initial)


@pytest.mark.parametrize("name", ["darcy_2d_lognormal", "burgers_1d"])
def test_samples_that_are_drawn_together_have_the_bits_of_samples_drawn_alone(name):
    recipe = Recipe.load(name)
    together, alone = recipe.problems([4, 2]), recipe.problem(2)
    if recipe.equation.evolves:
        assert torch.equal(together.initial[1], alone.initial)
    for coefficient in recipe.coefficients:
        assert torch.equal(together.parameters[coefficient][1], alone.parameters[coefficient])


def test_more_samples_change_no_sample_of_any_split(tmp_path):
    recipe = Recipe.load(write(tmp_path, GOOD))
    more = recipe.resized(train=400, test=1)
    for start in SPLITS.values():
        assert torch.equal(recipe.problem(start).initial, more.problem(start).initial)


def test_another_parameter_leaves_the_initial_state_alone(tmp_path):
    recipe = Recipe.load(write(tmp_path, GOOD))
    fixed = dataclasses.replace(recipe, parameters={"viscosity": 0.05})
    assert torch.equal(recipe.problem(2).initial, fixed.problem(2).initial)


def test_solution_grid_and_stored_grid_see_the_same_coefficient():
    recipe = Recipe.load("darcy_2d_lognormal")
    fine = dataclasses.replace(recipe, solution_grid=recipe.grid.resized(96, 96))
    on_fine = fine.problem(0).parameters["a"].numpy()
    np.testing.assert_allclose(on_fine[1::3, 1::3], fine.coefficient_fields(0, fine.grid)["a"], rtol=1e-12)


def test_plain_data_make_the_same_recipe_again(tmp_path):
    for source in (write(tmp_path, GOOD), "darcy_2d"):
        recipe = Recipe.load(source)
        again = Recipe.from_dict(recipe.to_dict())
        assert again.to_dict() == recipe.to_dict()
        assert again.hash == recipe.hash


def test_the_hash_knows_what_determines_a_sample_and_nothing_else(tmp_path):
    recipe = Recipe.load(write(tmp_path, GOOD))
    assert recipe.resized(100).hash == recipe.hash
    assert recipe.resized(seed=1).hash != recipe.hash
    assert dataclasses.replace(recipe, dtype="float64").hash != recipe.hash
    # A default that is written out is no difference.
    same = GOOD.replace("modes: 4, tau: 5.0", "modes: 4, tau: 5.0, alpha: 2.0")
    assert Recipe.load(write(tmp_path, same)).hash == recipe.hash


@pytest.mark.parametrize("samples", [1, 2, 3, 8, 37, 1200])
def test_a_total_is_divided_without_remainder_and_no_split_is_forgotten(samples):
    splits = {"train": 1000, "valid": 100, "test": 100}
    divided = divide(samples, splits)
    assert sum(divided.values()) == samples
    assert samples < 3 or min(divided.values()) >= 1
    assert divide(1200, splits) == splits


@pytest.mark.parametrize("arguments", [{"samples": 0}, {"train": -1}])
def test_numbers_of_samples_are_checked(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        Recipe.load("darcy_2d").resized(**arguments)


def test_shipped_recipes_are_found_by_name():
    assert {"darcy_2d", "darcy_2d_lognormal", "burgers_1d"} <= set(shipped_recipes())


def test_one_sampler_may_draw_the_whole_state(tmp_path):
    initial = GOOD[GOOD.index("initial:") : GOOD.index("times:")]
    text = GOOD.replace(
        initial,
        "initial:\n  class_path: Patches\n  init_args: {background: {u: 0.0}, inside: {u: 1.0}, count: 2}\n",
    )
    recipe = Recipe.load(write(tmp_path, text))
    state = recipe.problem(3).initial
    assert state.shape == (1, 32)
    assert 0 < float(state.max()) <= 1
    assert torch.equal(recipe.problems([5, 3]).initial[1], state)
    again = Recipe.from_dict(recipe.to_dict())
    assert (again.to_dict(), again.hash) == (recipe.to_dict(), recipe.hash)
    assert torch.equal(again.problem(3).initial, state)


@pytest.mark.parametrize(
    ("initial", "words"),
    [
        ("initial: RiemannPartition", ["RiemannPartition draws density", "'u'"]),
        ("initial: {class_path: SineSum}", ["initial=SineSum is no StateSampler"]),
        ("initial: {u: {class_path: RiemannPartition}}", ["initial.u=RiemannPartition is no FieldSampler"]),
        (
            "initial: {class_path: WithFields, init_args: {state: {class_path: Patchs}, fields: {}}}",
            ["initial.init_args.state", "'Patches'"],
        ),
        (
            "initial: {u: {class_path: Sum, init_args: {terms: [{class_path: SineSum, init_args: {waves: 0}}]}}}",
            ["initial.u.init_args.terms[0]", "waves=0"],
        ),
    ],
)
def test_a_wrong_sampler_of_a_state_is_told_with_its_place(tmp_path, initial, words):
    text = GOOD.replace(GOOD[GOOD.index("initial:") : GOOD.index("times:")], initial + "\n")
    with pytest.raises(ConfigError) as caught:
        Recipe.load(write(tmp_path, text))
    assert all(word in str(caught.value) for word in words), caught.value


WALLS = (
    GOOD.replace("kind: periodic", "kind: cells")
    .replace(
        "dtype: float32", "dtype: float32\nboundaries: {x-: {kind: robin, a: 1.0, b: 0.5, value: 2}, x+: {kind: wall}}"
    )
    .replace("{class_path: ETDRK4, init_args: {dt: 0.02}}", "{class_path: MethodOfLines}")
)


def test_a_recipe_names_boundary_conditions_with_their_arguments(tmp_path):
    found = Recipe.load(write(tmp_path, WALLS)).boundaries
    assert (found.on("x-"), found.on("x+")) == (Robin(1.0, 0.5, 2.0), Wall())


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("{kind: wall}", "{kind: wall, slop: true}", ["boundaries.x+.slop", "'slip'"]),
        ("{kind: wall}", "{kind: wall, value: 1.0}", ["boundaries", "'x+'", "WALL has no argument 'value'", "slip"]),
        ("{kind: wall}", "{kind: wal}", ["boundaries", "'WAL'", "WALL"]),
        ("{kind: wall}", "{kind: wall, velocity: 1.0}", ["boundaries", "slip=False"]),
        ("value: 2", "value: two", ["boundaries", "value='two'", "number"]),
    ],
)
def test_a_boundary_condition_that_makes_no_sense_is_told_in_one_line(tmp_path, old, new, words):
    with pytest.raises(ConfigError) as error:
        Recipe.load(write(tmp_path, WALLS.replace(old, new)))
    assert "\n" not in str(error.value)
    assert all(word in str(error.value) for word in words)


def test_a_coefficient_may_be_a_number_per_sample():
    recipe = Recipe.load(
        "darcy_2d", changes={"parameters.a": {"class_path": "Uniform", "init_args": {"low": 1, "high": 9}}}
    )
    together = recipe.solver.solve(recipe.problems([0, 1]))
    alone = [recipe.solver.solve(recipe.problem(i)).u for i in (0, 1)]
    assert torch.equal(together.u, torch.cat(alone))
    assert not torch.equal(*alone)


SOURCES = {
    "a number per sample": "{class_path: Choice, init_args: {values: [0.01, 0.1, 1.0, 10.0, 100.0]}}",
    "a field per sample": "{class_path: GaussianBumps, init_args: {count: 3, amplitude: [-1.0, 1.0]}}",
}


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_drawn_per_sample_belongs_to_its_sample_in_a_batch(tmp_path, source):
    """As many samples as points per axis: neither a number nor a field of one may be taken for the other's axis."""
    path = tmp_path / "darcy.yaml"
    path.write_text(f"""
name: darcy
equation: Darcy
grid: {{x: {{n: 8, kind: cells}}, y: {{n: 8, kind: cells}}}}
boundaries: {{all: {{kind: dirichlet, value: 0.0}}}}
parameters:
  a: {{class_path: LogNormal, init_args: {{field: {{class_path: NeumannField, init_args: {{modes: 4}}}}}}}}
  f: {SOURCES[source]}
solver: FiniteVolumeElliptic
dtype: float64
splits: {{train: 8, valid: 0, test: 0}}
""")
    recipe, indices = Recipe.load(path), range(8)
    together = recipe.solver.solve(recipe.problems(indices)).check().u
    for row, index in enumerate(indices):
        problem = recipe.problem(index)
        assert torch.equal(together[row], recipe.solver.solve(problem).u[0])
        # The equation is linear in its source.
        doubled = dataclasses.replace(problem, parameters={**problem.parameters, "f": 2 * problem.parameters["f"]})
        torch.testing.assert_close(recipe.solver.solve(doubled).u[0], 2 * together[row], rtol=1e-10, atol=1e-14)
    assert len({float(u.abs().max()) for u in together}) == 8
