"""Ordering: the chain of an independent implementation; content, index and bits of the inputs stay as they are."""

import dataclasses
from itertools import pairwise

import h5py
import numpy as np
import pytest

from sciml.datagen import LogUniform, NearestNeighbour, Ordering, Recipe, Uniform, generate, ordering
from sciml.datagen.ordering import weighed
from sciml.datagen.shards import Shard, make_shard, order_of_work
from sciml.fields import Grid
from sciml.linalg import CG, GCRODR, LU, Stale
from sciml.solvers import FiniteVolumeElliptic
from sciml.status import ConfigError


def chain_by_hand(points: np.ndarray) -> list[int]:
    """Two loops over all pairs."""
    chain = [0]
    while len(chain) < len(points):
        best, nearest = np.inf, -1
        for i in range(len(points)):
            distance = float(np.sqrt(((points[i] - points[chain[-1]]) ** 2).sum()))
            if i not in chain and distance < best:
                best, nearest = distance, i
        chain.append(nearest)
    return chain


@pytest.mark.parametrize("block", [1, 7, 512])
def test_the_chain_is_that_of_two_loops_over_all_pairs(block, monkeypatch):
    monkeypatch.setattr(ordering, "BLOCK", block)
    points = 1e3 + np.random.default_rng(0).standard_normal((40, 5))
    assert NearestNeighbour().order(points).tolist() == chain_by_hand(points)


def test_among_equal_distances_the_lowest_index_wins():
    line = np.array([[0.0], [1.0], [-1.0], [2.0], [1.0], [-2.0]])
    assert NearestNeighbour().order(line).tolist() == [0, 1, 4, 3, 2, 5]
    many = np.random.default_rng(0).standard_normal((1, 777)) / 3
    assert NearestNeighbour().order(np.repeat(many, 50, axis=0)).tolist() == list(range(50))


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_and_a_single_sample_have_an_order(count):
    assert NearestNeighbour().order(np.ones((count, 3))).tolist() == list(range(count))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_parameter_that_is_not_finite_is_told_with_its_sample(value):
    points = np.ones((5, 2))
    points[3, 1] = value
    with pytest.raises(ValueError, match="sample 3"):
        NearestNeighbour().order(points)


def test_neighbours_in_a_chain_over_two_parameters_are_nearer_than_samples_in_their_numbers_order():
    points = np.random.default_rng(0).uniform(size=(200, 2))

    def mean_step(order):
        return np.mean([np.linalg.norm(points[a] - points[b]) for a, b in pairwise(order)])

    assert mean_step(NearestNeighbour().order(points)) < 0.2 * mean_step(range(200))


def test_parameters_of_different_kinds_weigh_the_same_whatever_their_unit():
    rng = np.random.default_rng(0)
    field, number, constant = rng.standard_normal((30, 16)), rng.uniform(size=(30, 1)), np.full((30, 1), 7.0)
    found = weighed([field, 1e6 * number, constant])
    variances = found.var(axis=0)
    assert variances[:16].sum() == pytest.approx(variances[16])
    assert variances[17] == 0
    np.testing.assert_allclose(found, weighed([1e-3 * field, number, constant]), atol=1e-12)


def recipe_of(solver: FiniteVolumeElliptic, order: Ordering | None, samples: int = 20, shard: int = 20) -> Recipe:
    base = Recipe.load("darcy_2d_lognormal")
    grid = Grid.cells(8, 8)
    return dataclasses.replace(
        base,
        grid=grid,
        solution_grid=grid,
        solver=solver,
        parameters={**base.parameters, "f": Uniform(1.0, 2.0)},
        splits={"train": samples, "valid": 0, "test": 0},
        shard_size=shard,
        ordering=order,
    )


TOL = 1e-8
SOLVERS = {
    "direct": FiniteVolumeElliptic(),
    "CG": FiniteVolumeElliptic(CG(tol=TOL)),
    "GCRODR": FiniteVolumeElliptic(GCRODR(tol=TOL, restart=20, recycle=5)),
    "stale LU": FiniteVolumeElliptic(Stale(CG(tol=TOL, preconditioner=LU()), cost_ratio=10.0)),
}


def shard_of(recipe: Recipe, folder) -> dict[str, np.ndarray]:
    entry = make_shard(recipe, Shard("train", 0, 0, recipe.splits["train"]), folder)
    assert not entry["rejected"]
    with h5py.File(folder / entry["file"]) as file:
        names = ("samples/index", "samples/residual", "scalars/f", "t0_fields/a", "t0_fields/u")
        return {name: file[name][:] for name in names}


@pytest.mark.parametrize("name", SOLVERS)
def test_solver_and_order_change_no_input_and_outputs_by_ten_tolerances_at_most(name, tmp_path):
    reference = shard_of(recipe_of(SOLVERS["direct"], None), tmp_path / "direct")
    assert reference["samples/index"].tolist() == list(range(20))
    for order in (None, NearestNeighbour()):
        found = shard_of(recipe_of(SOLVERS[name], order), tmp_path / str(order))
        for same in ("samples/index", "scalars/f", "t0_fields/a"):
            np.testing.assert_array_equal(found[same], reference[same])
        u, exact = (x["t0_fields/u"].reshape(20, -1) for x in (found, reference))
        assert (np.linalg.norm(u - exact, axis=1) <= 10 * TOL * np.linalg.norm(exact, axis=1)).all()
        assert (found["samples/residual"] <= TOL).all()


def test_a_stateless_solver_gives_the_same_bits_in_any_order(tmp_path):
    found = [shard_of(recipe_of(SOLVERS["CG"], o), tmp_path / str(o)) for o in (None, NearestNeighbour())]
    np.testing.assert_array_equal(found[0]["t0_fields/u"], found[1]["t0_fields/u"])


@pytest.mark.parametrize("order", [None, NearestNeighbour()])
def test_the_state_goes_through_a_whole_shard_in_the_order_of_work_and_not_beyond(tmp_path, monkeypatch, order):
    handed, solve = [], Stale.solve

    def recording(self, a, b, *, x0=None, state=None):
        handed.append((0 if state is None else state.uses, b))
        # A factor that is never due counts how many systems it has served.
        return solve(self, a, b, x0=x0, state=state)

    monkeypatch.setattr(Stale, "solve", recording)
    solver = FiniteVolumeElliptic(Stale(CG(tol=TOL, preconditioner=LU()), cost_ratio=1e9))
    recipe = recipe_of(solver, order, samples=40, shard=20)
    generate(recipe, out=tmp_path / "out", workers=0)
    assert [uses for uses, _ in handed] == [*range(20), *range(20)]
    work = [i for k in (0, 20) for i in order_of_work(recipe, range(k, k + 20))]
    assert [b[0] for _, b in handed] == [pytest.approx(recipe.numbers(i)["f"]) for i in work]
    assert sorted(work) == list(range(40))
    assert (work == list(range(40))) == (order is None)


def test_equal_order_and_equal_shards_give_equal_bits(tmp_path):
    recipe = recipe_of(SOLVERS["GCRODR"], NearestNeighbour())
    first, second = shard_of(recipe, tmp_path / "a"), shard_of(recipe, tmp_path / "b")
    np.testing.assert_array_equal(first["t0_fields/u"], second["t0_fields/u"])


def test_a_sample_that_cannot_be_compared_is_rejected_alone(tmp_path, monkeypatch):
    recipe = recipe_of(SOLVERS["direct"], NearestNeighbour(), samples=5)
    draw = Recipe.coefficient_batch

    def spoiled(self, indices, grid):
        fields = draw(self, indices, grid)
        fields["a"][[i == 2 for i in indices]] = np.nan
        return fields

    monkeypatch.setattr(Recipe, "coefficient_batch", spoiled)
    assert order_of_work(recipe, range(5))[-1] == 2
    entry = make_shard(recipe, Shard("train", 0, 0, 5), tmp_path)
    assert [one["index"] for one in entry["rejected"]] == [2]
    assert entry["samples"] == 4


def test_a_recipe_names_its_ordering_and_its_hash_knows_it():
    plain = Recipe.load("darcy_2d")
    ordered = Recipe.load("darcy_2d", changes={"ordering": "NearestNeighbour"})
    assert (plain.ordering, ordered.ordering) == (None, NearestNeighbour())
    assert "ordering" not in plain.to_dict()
    assert Recipe.from_dict(ordered.to_dict()).to_dict() == ordered.to_dict()
    assert ordered.hash != plain.hash


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ordering": "Nearest"}, "ordering"),
        ({"ordering": "TwoPhase"}, "ordering=TwoPhase is no Ordering"),
        ({"ordering": "NearestNeighbour", "parameters.a": 2.0}, "ordering compares the parameters that are drawn"),
    ],
)
def test_an_ordering_that_makes_no_sense_is_refused(changes, words):
    with pytest.raises(ConfigError, match=words):
        Recipe.load("darcy_2d", changes=changes)


def test_numbers_alone_can_be_compared():
    recipe = dataclasses.replace(recipe_of(SOLVERS["direct"], NearestNeighbour()), parameters={"a": LogUniform(1, 2)})
    values = [recipe.numbers(i)["a"] for i in order_of_work(recipe, range(20))]
    assert sum(abs(a - b) for a, b in pairwise(values)) <= 2 * (max(values) - min(values))
