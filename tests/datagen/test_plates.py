"""Plates with a hole: the two fields that a recipe draws, and the data set that is made of them."""

import dataclasses
import json

import numpy as np
import pytest

from sciml.data import FieldDataset, validate_dataset
from sciml.datagen import PlateWithHole, Recipe, RimAndInterior, Uniform, generate
from sciml.fields import Grid
from sciml.rng import sample_rng
from sciml.status import ConfigError, SolveFailure


def test_a_plate_is_open_and_its_hole_closed_on_every_grid():
    plate = PlateWithHole([[0.25, 0.5], [0.375, 0.75]])
    fine, coarse = (plate.draw(sample_rng(0, 0, 1), Grid.nodes(n, n, low=-2.0)) for n in (65, 17))
    np.testing.assert_array_equal(fine[::4, ::4], coarse)
    expected = np.zeros((17, 17))
    expected[1:16, 1:16] = 1.0
    expected[4:9, 6:13] = 0.0
    np.testing.assert_array_equal(coarse, expected)


def test_the_rim_and_the_interior_have_a_number_each():
    sampler = RimAndInterior(Uniform(-100.0, 0.0), Uniform(0.0, 100.0))
    drawn = sampler.draw_batch([sample_rng(0, i, 1) for i in range(200)], Grid.nodes(5, 7))
    rim, interior = drawn[:, 0, 0], drawn[:, 2, 3]
    inner = drawn[:, 1:-1, 1:-1]
    assert (inner == interior[:, None, None]).all()
    assert drawn.sum(axis=(1, 2)) == pytest.approx(20 * rim + 15 * interior)
    for values, middle in ((rim, -50.0), (interior, 50.0)):
        # Mean and standard deviation of a uniform number, within three standard errors.
        assert values.mean() == pytest.approx(middle, abs=3 * 100 / np.sqrt(12 * 200))
        assert values.min() >= middle - 50
        assert values.max() < middle + 50


@pytest.mark.parametrize(
    "hole", [[[0.0, 0.5], [0.2, 0.4]], [[0.2, 0.2], [0.2, 0.4]], [[0.2, 0.5]], [[0.5, 0.2], [0.2, 0.4]]]
)
def test_a_hole_that_is_not_inside_is_refused(hole):
    with pytest.raises(ValueError, match="hole="):
        PlateWithHole(hole)


def test_a_plate_is_refused_on_a_line():
    with pytest.raises(ValueError, match="2 dimensions"):
        PlateWithHole().draw(sample_rng(0, 0, 1), Grid.nodes(9))


def coarse(**changes) -> Recipe:
    grid = Grid.nodes(17, 17)
    return dataclasses.replace(Recipe.load("thermal_2d"), **{"grid": grid, "solution_grid": grid, **changes})


def test_a_grid_that_does_not_resolve_the_hole_rejects_its_samples_by_node(tmp_path):
    grid = Grid.nodes(13, 13)
    with pytest.raises(SolveFailure, match=r"sample 0: inside at node \(\d+, \d+\) does not fit"):
        generate(coarse(grid=grid, solution_grid=grid), train=1, valid=0, test=0, out=tmp_path / "x", workers=0)


def test_a_condition_with_a_number_is_a_mistake_in_the_recipe():
    data = coarse().to_dict() | {"boundaries": {"all": {"kind": "dirichlet", "value": 0.0}}}
    with pytest.raises(ConfigError, match=r"face 'x-' has Dirichlet\(value=0.0\); .*'given'"):
        Recipe.from_dict(data)


def test_every_sample_is_the_same_function_of_its_two_numbers(tmp_path):
    """u = rim + (hole - rim) phi; what the file holds of one shape is linear, and between both numbers."""
    root = generate(coarse(), train=12, valid=0, test=0, out=tmp_path / "x", workers=0)
    assert not validate_dataset(root)
    data = FieldDataset(root, "train")
    assert data.samples["residual"].max() < 1e-13
    u = data.fields(range(12))[:, 0, 0]
    inside, g = data.static(range(12)).swapaxes(0, 1)
    rim, hole = g[:, 0, 0, None, None], g[:, 1, 1, None, None]
    phi = (u - rim) / (hole - rim)
    np.testing.assert_allclose(phi, np.broadcast_to(phi[:1], phi.shape), rtol=0, atol=1e-13)
    np.testing.assert_array_equal(u[inside == 0], g[inside == 0])
    assert ((phi > 0) & (phi < 1))[inside == 1].all()
    assert len(np.unique(inside, axis=0)) == 1


@pytest.mark.slow
def test_workers_do_not_change_a_bit_of_the_shards(tmp_path):
    recipe, hashes = coarse(shard_size=4), []
    for workers in (0, 2):
        root = generate(recipe, train=10, valid=2, test=2, out=tmp_path / str(workers), workers=workers)
        hashes.append(json.loads((root / "manifest.json").read_text())["hashes"])
    assert hashes[0] == hashes[1]
