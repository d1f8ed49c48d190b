"""Random forcing: its formula, its moments, batches, and what a solver and a file make of it."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from helpers import observed_order

import sciml
from sciml.data import FieldDataset, validate_dataset
from sciml.datagen import Recipe, RimPolylines, SeparableGaussians, SineForcing, generate
from sciml.datagen.forcing import Forcing
from sciml.datagen.shards import solve_samples
from sciml.describe import build, describe
from sciml.fields import Boundaries, Grid
from sciml.pdes import Burgers, Problem
from sciml.pdes.parameters import call_with_coordinates
from sciml.rng import sample_rng
from sciml.solvers import MethodOfLines
from sciml.solvers.tableaux import RK4
from sciml.status import ConfigError

RECIPE = """
name: forced
equation: Burgers
grid: {x: {n: 16, kind: periodic}}
solution_grid: {x: {n: 32}}
parameters: {viscosity: 0.05}
initial: {u: {class_path: SineSum}}
times: {start: 0.0, stop: 0.5, count: 11}
solver: {class_path: ETDRK4, init_args: {dt: 0.01}}
forcing: {u: {class_path: SeparableGaussians}}
store_forcing: true
dtype: float64
splits: {train: 3, valid: 1, test: 1}
shard_size: 2
time_unit: s
"""


@pytest.fixture
def recipe(tmp_path) -> Recipe:
    path = tmp_path / "forced.yaml"
    path.write_text(RECIPE)
    return Recipe.load(path)


def function(sampler: SeparableGaussians, grid: Grid, seeds=(0,), times=(0.0, 8.0)) -> Forcing:
    return Forcing(sampler, [sampler.draw(sample_rng(s, 1), grid, times) for s in seeds], grid.names)


def test_the_function_is_a_sum_of_products_of_gaussians():
    grid, sampler = Grid.nodes(9, 5, low=(0.0, -1.0), high=(1.0, 3.0)), SeparableGaussians()
    generator, times = sample_rng(0, 1), np.array([0.0, 1.5, 8.0])
    amplitude = generator.uniform(-1.5, 1.5, size=8)
    there = (np.arange(8) < 1) | (generator.random(8) < 0.5)
    centre, width = generator.uniform(0, 1, size=(3, 8)), generator.uniform(0.1, 0.4, size=(3, 8))
    x, y, t = (np.linspace(0, 1, 9)[:, None], np.linspace(0, 1, 5), times[:, None, None] / 8)
    expected = sum(
        2 * there[i] * amplitude[i]
        * np.exp(-((t - centre[2, i]) ** 2) / (2 * width[2, i] ** 2))
        * np.exp(-((x - centre[0, i]) ** 2) / (2 * width[0, i] ** 2))
        * np.exp(-((y - centre[1, i]) ** 2) / (2 * width[1, i] ** 2))
        for i in range(8)
    )  # fmt: skip
    coordinates = dict(zip(grid.names, grid.meshgrid(), strict=True))
    found = call_with_coordinates(
        function(sampler, grid), {**coordinates, "t": torch.tensor(times).view(-1, 1, 1), "unused": 0}
    )
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-13)


@pytest.mark.parametrize("samples", [2, 4, 5])
def test_a_batch_gives_the_bits_of_its_members_by_clock_and_by_times(samples):
    grid, sampler = Grid.periodic(37), SeparableGaussians(intervals=7)
    (x,), seeds = grid.meshgrid(), range(samples)
    together = function(sampler, grid, seeds)
    clock = torch.full((samples, 1), 5.0, dtype=torch.float64)
    times = torch.tensor([0.3, 5.0, 7.0, 7.99], dtype=torch.float64).view(-1, 1)
    by_clock, by_times = together(x=x, t=clock), together(x=x, t=times)
    assert (by_clock.shape, by_times.shape) == ((samples, 37), (samples, 4, 37))
    for i in seeds:
        alone = function(sampler, grid, (i,))
        assert torch.equal(by_clock[i], alone(x=x, t=clock[:1])[0])
        assert torch.equal(by_times[i], alone(x=x, t=times))


def test_it_is_evaluated_at_points_too():
    grid = Grid.nodes(5)
    f = function(SeparableGaussians(), grid)
    x, t = torch.rand(6, dtype=torch.float64), torch.rand(6, dtype=torch.float64)
    single = torch.stack([f(x=a, t=b) for a, b in zip(x, t, strict=True)])
    assert torch.equal(f(x=x, t=t), single)


def test_a_held_force_changes_at_its_intervals_alone():
    (x,), f = Grid.nodes(5).meshgrid(), function(SeparableGaussians(intervals=80), Grid.nodes(5))
    smooth = function(SeparableGaussians(), Grid.nodes(5))
    for k in (0, 1, 79):
        start = torch.tensor(0.1 * k, dtype=torch.float64)
        torch.testing.assert_close(f(x=x, t=start), smooth(x=x, t=start))
        assert torch.equal(f(x=x, t=start), f(x=x, t=start + 0.0999))
    assert not torch.equal(f(x=x, t=torch.tensor(0.05)), f(x=x, t=torch.tensor(0.15)))


def test_a_held_force_names_its_jumps_and_goes_on_to_both_ends_of_a_piece():
    (x,), f = Grid.nodes(5).meshgrid(), function(SeparableGaussians(intervals=4), Grid.nodes(5), times=(1.0, 3.0))
    assert f.breakpoints == pytest.approx((1.0, 1.5, 2.0, 2.5, 3.0))
    assert function(SeparableGaussians(), Grid.nodes(5)).breakpoints == ()
    middle, ends = f(x=x, t=torch.tensor(1.7)), [torch.tensor(t, dtype=torch.float64) for t in (1.5, 1.9, 2.0)]
    for t in ends:
        assert torch.equal(f.of_piece(1.5, 2.0)(x=x, t=t), middle)
    assert not torch.equal(f(x=x, t=ends[-1]), middle)


@pytest.mark.parametrize("intervals", [2, 3])
def test_steps_that_end_at_the_jumps_of_a_force_keep_their_order(intervals):
    """Jumps at the output times and between them; without its breakpoints the same function costs the order."""
    grid, sampler = Grid.cells(8), SeparableGaussians(intervals=intervals)
    force = function(sampler, grid, times=(0.0, 0.5))
    problem = Problem(
        Burgers(viscosity=0.02),
        grid,
        initial=lambda x: torch.sin(2 * math.pi * x),
        boundary=Boundaries.dirichlet(),
        times=torch.linspace(0, 0.5, 3, dtype=torch.float64),
        forcing={"u": force},
    )
    plain = dataclasses.replace(problem, forcing={"u": lambda x, t: force(x=x, t=t)})

    def last(steps: int, which: Problem = problem) -> torch.Tensor:
        return sciml.solve(which, solver=MethodOfLines(RK4(), dt=0.25 / steps)).u[:, -1]

    exact, steps = last(24), [4, 6, 8]
    errors = [float((last(n) - exact).abs().max()) for n in steps]
    assert observed_order(errors, steps) == pytest.approx(4.0, abs=0.25)
    assert float((last(8, plain) - exact).abs().max()) > 20 * errors[-1]


def test_a_batch_with_forcing_is_accepted_by_a_solver_that_asks_for_the_derivatives_of_its_equation(recipe):
    """`MethodOfLines` runs the residual, its forcing included, on probes that have no shape."""
    problem = recipe.problems([0, 1])
    assert problem.required_derivatives == recipe.problem(0).required_derivatives
    assert sciml.solvers.MethodOfLines().refuses(problem) is None


def test_a_steady_force_is_the_published_one_at_every_time_and_in_every_sample():
    grid = Grid.periodic(8, 6, low=(0.0, -1.0), high=(1.0, 1.0))
    x, y = grid.meshgrid()
    f = function(SineForcing(), grid, seeds=(0, 1))
    angle = 2 * math.pi * (x + (y + 1) / 2)
    expected = 0.1 * (torch.sin(angle) + torch.cos(angle))
    for coordinates in ({"x": x, "y": y}, {"x": x, "y": y, "t": torch.tensor(3.0)}):
        found = call_with_coordinates(f, coordinates)
        assert found.shape == (2, 8, 6)
        torch.testing.assert_close(found, expected.expand(2, 8, 6), rtol=0, atol=1e-14)


def test_a_steady_force_needs_a_wave_vector_per_amplitude_and_an_entry_per_axis():
    with pytest.raises(ValueError, match="amplitude, numbers and phase have 1, 2 and 2 entries"):
        SineForcing(amplitude=[1.0])
    with pytest.raises(ValueError, match="must have 1 entries each"):
        function(SineForcing(), Grid.periodic(8))


def test_a_control_from_the_rim_follows_its_polylines_and_leaves_the_inside_alone():
    grid, sampler, times = Grid.cells(64, 64, high=128.0), RimPolylines(segments=4, amplitude=(-2.0, 3.0)), (1.0, 5.0)
    first, second = (sampler.draw(sample_rng(s, 1), grid, times) for s in (0, 1))
    assert first["values"].shape == (2, 2, 5)
    assert -2.0 <= first["values"].min() < 0.0 < first["values"].max() <= 3.0
    x, y = grid.meshgrid()
    both, alone = Forcing(sampler, [first, second], grid.names), Forcing(sampler, [second], grid.names)
    for t, place in ((1.0, 0.0), (2.25, 1.25), (5.0, 4.0)):
        clock = torch.full((2, 1, 1), t, dtype=torch.float64)
        g = both(x=x, y=y, t=clock).expand(2, 64, 64)
        assert torch.equal(g[1], alone(x=x, y=y, t=clock[:1]).expand(1, 64, 64)[0])
        level = [[np.interp(place, np.arange(5), first["values"][a, s]) for s in (0, 1)] for a in (0, 1)]
        # The middle of each side, two cells from it, and the middle of the box.
        found = [[float(g[0, 1, 32]), float(g[0, -2, 32])], [float(g[0, 32, 1]), float(g[0, 32, -2])]]
        np.testing.assert_allclose(found, level, atol=1e-3)
        assert float(g[:, 12:52, 12:52].abs().max()) < 0.02
    assert build(describe(sampler)).segments == 4


def test_numbers_have_their_published_distribution():
    drawn = [SeparableGaussians().draw(sample_rng(0, i), Grid.nodes(4), (0.0, 8.0)) for i in range(2000)]
    amplitude = np.stack([d["amplitude"] for d in drawn])
    assert np.abs(amplitude).max() <= 3.0
    assert (amplitude[:, 0] != 0).all()
    np.testing.assert_allclose((amplitude[:, 1:] != 0).mean(axis=0), 0.5, atol=0.05)
    np.testing.assert_allclose(amplitude[:, 0].std(), 3.0 / math.sqrt(3), rtol=0.05)
    centre, width = (np.stack([d[k] for d in drawn]) for k in ("centre", "width"))
    np.testing.assert_allclose(centre.mean(axis=(0, 2)), [0.5, 4.0], rtol=0.02)
    np.testing.assert_allclose(width.mean(axis=(0, 2)), [0.25, 2.0], rtol=0.02)


def test_the_mean_of_a_forced_solution_grows_by_the_mean_of_its_force(recipe):
    """On a periodic interval nothing else changes it; the force is integrated in time by Simpson's rule."""
    recipe = dataclasses.replace(recipe, times=tuple(np.linspace(0, 0.5, 101).tolist()))
    problem = recipe.problem(2)
    u = sciml.solve(problem, solver=recipe.solver).u[0, :, 0]
    force = recipe.forcing_fields(2, recipe.solution_grid)["u"].mean(axis=1)
    weights = np.array([1, *[4, 2] * 49, 4, 1]) * 0.005 / 3
    assert float(u[-1].mean() - u[0].mean()) == pytest.approx(float(weights @ force), abs=1e-6)
    assert abs(float(u[-1].mean() - u[0].mean())) > 1e-3


def test_a_forced_sample_is_the_same_in_every_batch(recipe):
    first, second, third = solve_samples(recipe, [0, 1, 2])
    (alone,) = solve_samples(recipe, [1])
    for name in ("u", "forcing_u"):
        assert np.array_equal(second.fields[name], alone.fields[name])
        assert not np.array_equal(first.fields[name], third.fields[name])


@pytest.mark.parametrize("solver", [sciml.solvers.MethodOfLines(), sciml.solvers.ETDRK4()])
def test_samples_that_find_their_own_steps_see_their_own_forces(recipe, solver):
    recipe = dataclasses.replace(recipe, solver=solver, times=(0.0, 0.01))
    unforced = solve_samples(dataclasses.replace(recipe, forcing={}, store_forcing=False), [0, 1])
    for index, sample in enumerate(solve_samples(recipe, [0, 1])):
        (alone,) = solve_samples(recipe, [index])
        assert np.array_equal(sample.fields["u"], alone.fields["u"])
        assert np.abs(sample.fields["u"] - unforced[index].fields["u"]).max() > 1e-3


def test_the_forcing_is_stored_beside_the_state_with_its_unit(recipe, tmp_path):
    root = generate(recipe, out=tmp_path / "out", workers=0)
    data = FieldDataset(root, "train")
    assert [(f.name, f.unit) for f in data.spec.fields] == [("u", "m s-1"), ("forcing_u", "m s-1 s-1")]
    assert not validate_dataset(root)
    coarse = recipe.forcing_fields(1, recipe.solution_grid)["u"][:, ::2]
    np.testing.assert_allclose(data.fields([1], names=["forcing_u"])[0, :, 0], coarse, atol=1e-14)
    assert data.spec.meta["forcing"]["u"]["class_path"] == "sciml.datagen.SeparableGaussians"
    hidden = generate(dataclasses.replace(recipe, store_forcing=False), out=tmp_path / "hidden", workers=0)
    u = FieldDataset(hidden, "train")
    assert [f.name for f in u.spec.fields] == ["u"]
    assert np.array_equal(u.fields(range(3)), data.fields(range(3), names=["u"]))


def test_plain_data_make_the_same_forced_recipe_again(recipe, tmp_path):
    again = Recipe.from_dict(recipe.to_dict())
    assert (again.to_dict(), again.hash) == (recipe.to_dict(), recipe.hash)
    assert recipe.hash != dataclasses.replace(recipe, forcing={}, store_forcing=False).hash
    assert {"forcing", "store_forcing"} & set(Recipe.load("burgers_1d").to_dict()) == set()
    sampler = build(describe(recipe.forcing["u"]))
    grid = recipe.grid
    assert all(
        np.array_equal(sampler.draw(sample_rng(0), grid, (0, 1))[k], v)
        for k, v in recipe.forcing["u"].draw(sample_rng(0), grid, (0, 1)).items()
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("{u: {class_path: SeparableGaussians}}", "{v: {class_path: SeparableGaussians}}", "forcing.v is no key"),
        (
            "{u: {class_path: SeparableGaussians}}",
            "{u: {class_path: SineSum}}",
            "forcing.u=SineSum is no ForcingSampler",
        ),
        ("forcing: {u: {class_path: SeparableGaussians}}", "", "store_forcing is set, but there is no forcing"),
        ("store_forcing: true", "store_forcing: 1", "store_forcing=1: must be true or false"),
    ],
)
def test_a_mistake_in_the_forcing_is_told(tmp_path, old, new, words):
    (tmp_path / "r.yaml").write_text(RECIPE.replace(old, new))
    with pytest.raises(ConfigError, match=words):
        Recipe.load(tmp_path / "r.yaml")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"count": 0}, "count"),
        ({"certain": 9}, "certain"),
        ({"probability": 2.0}, "probability"),
        ({"width": (0.0, 1.0)}, "width"),
        ({"intervals": 0}, "intervals"),
    ],
)
def test_bad_arguments_are_refused_by_name(arguments, word):
    with pytest.raises(ValueError, match=word):
        SeparableGaussians(**arguments)
