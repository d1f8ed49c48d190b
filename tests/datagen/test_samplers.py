"""Samplers against the distributions that they state."""

import math

import numpy as np
import pytest

from sciml import datagen
from sciml.datagen import (
    Choice,
    Constant,
    FieldSampler,
    GaussianBumps,
    GaussianInitial,
    GaussianMedium,
    Geometric,
    Integers,
    LayeredMedium,
    LogNormal,
    LogUniform,
    NeumannField,
    PiecewiseConstant,
    PlateWithHole,
    Plume,
    PowerLawNoise,
    RimAndInterior,
    SineSeries,
    SineSum,
    Sum,
    TwoPhase,
    Uniform,
)
from sciml.describe import build, describe
from sciml.fields import Grid
from sciml.rng import sample_rng

FIELDS: dict[str, FieldSampler] = {
    "Constant": Constant((0.0, 1.0)),
    "GaussianBumps": GaussianBumps(Integers(2, 6)),
    "GaussianInitial": GaussianInitial(),
    "GaussianMedium": GaussianMedium(),
    "LayeredMedium": LayeredMedium(),
    "LogNormal": LogNormal(),
    "PiecewiseConstant": PiecewiseConstant(),
    "PlateWithHole": PlateWithHole(),
    "Plume": Plume(),
    "PowerLawNoise": PowerLawNoise(),
    "RimAndInterior": RimAndInterior(Uniform(-1.0, 0.0), Uniform(0.0, 1.0)),
    "SineSeries": SineSeries(Integers(2, 4)),
    "SineSum": SineSum(folded=0.5, windowed=0.5, normalized=True),
    "Sum": Sum([Constant(1.0), SineSum()]),
    "TwoPhase": TwoPhase(),
}
#: A shape is the same for all samples.
FIXED = {"PlateWithHole"}
EVERY = pytest.mark.parametrize("name", FIELDS)


@EVERY
def test_a_function_has_the_same_bits_in_a_batch_and_alone(name):
    sampler, grid = FIELDS[name], Grid.cells(12, 10)
    together = sampler.draw_batch([sample_rng(0, i) for i in range(3)], grid)
    alone = [sampler.draw(sample_rng(0, i), grid) for i in range(3)]
    np.testing.assert_array_equal(together, alone)


def draws(sampler, count=4000):
    return np.array([sampler.draw(sample_rng(0, i)) for i in range(count)])


def test_uniform_and_log_uniform_have_their_quantiles():
    u, v = draws(Uniform(2.0, 6.0)), draws(LogUniform(1e-3, 1e-1))
    np.testing.assert_allclose(np.quantile(u, [0.25, 0.5, 0.75]), [3.0, 4.0, 5.0], atol=0.15)
    np.testing.assert_allclose(np.log10(np.quantile(v, [0.25, 0.5, 0.75])), [-2.5, -2.0, -1.5], atol=0.08)
    assert (u.min(), u.max()) >= (2.0, 2.0)
    assert v.min() >= 1e-3
    assert v.max() < 1e-1


def test_choices_and_whole_numbers_have_their_frequencies():
    chosen = draws(Choice([0.001, 0.01, 4]))
    assert set(chosen) == {0.001, 0.01, 4.0}
    np.testing.assert_allclose([(chosen == v).mean() for v in (0.001, 0.01, 4.0)], 1 / 3, atol=0.03)
    counted = draws(Integers(2, 6))
    np.testing.assert_allclose([(counted == v).mean() for v in range(2, 7)], 0.2, atol=0.03)
    trials = draws(Geometric(0.4))
    np.testing.assert_allclose([(trials == v).mean() for v in (1, 2, 3)], [0.4, 0.24, 0.144], atol=0.03)


def test_every_field_sampler_is_looked_at_here():
    public = {n for n in datagen.__all__ if isinstance(v := getattr(datagen, n), type) and issubclass(v, FieldSampler)}
    assert public - {"FieldSampler"} == set(FIELDS)


@EVERY
def test_a_draw_is_one_function_on_every_grid(name):
    """The middle of every third cell of the fine grid is the middle of a cell of the coarse one."""
    for seed in range(5):
        coarse, fine = (FIELDS[name].draw(sample_rng(seed, 1), Grid.cells(n, n)) for n in (16, 48))
        np.testing.assert_allclose(coarse, fine[1::3, 1::3], rtol=1e-10, atol=1e-12)


@EVERY
def test_a_draw_depends_on_its_generator_alone_and_a_description_makes_it_again(name):
    first, again, other = (FIELDS[name].draw(sample_rng(s, 1), Grid.cells(16, 16)) for s in (0, 0, 1))
    described = build(describe(FIELDS[name])).draw(sample_rng(0, 1), Grid.cells(16, 16))
    assert np.array_equal(first, again)
    assert np.array_equal(first, described)
    assert np.array_equal(first, other) == (name in FIXED)


def test_sine_sums_have_the_published_spectrum():
    """Of u = sum A sin(k x + phi): whole wave numbers up to eight, and the variance N E[A^2] / 2 = 1/3."""
    u = np.stack([SineSum().draw(sample_rng(0, i), Grid.periodic(32)) for i in range(1500)])
    power = np.abs(np.fft.rfft(u, axis=1) / 32) ** 2
    assert power[:, [0, *range(9, 17)]].max() < 1e-28
    assert ((power > 1e-9).sum(axis=1) <= 2).all()
    # Each wave carries A^2/4 in its mode; two waves fall on eight modes alike.
    np.testing.assert_allclose(power[:, 1:9].mean(axis=0), 2 / 8 * (1 / 3) / 4, rtol=0.2)
    np.testing.assert_allclose(u.var(axis=1).mean(), 1 / 3, rtol=0.05)


def test_options_of_a_sine_sum_change_nothing_else():
    grid = Grid.periodic(64)
    plain, folded, windowed, normal = (
        SineSum(**options).draw(sample_rng(0, 5), grid)
        for options in ({}, {"folded": 1.0, "signed": False}, {"windowed": 1.0}, {"normalized": True})
    )
    np.testing.assert_array_equal(folded, np.abs(plain))
    ratio = windowed / plain
    assert ratio[32] == pytest.approx(1.0, abs=1e-3)
    assert abs(ratio[0]) < 1e-6
    fine = SineSum().draw(sample_rng(0, 5), Grid.cells(1024))
    np.testing.assert_allclose(normal, plain / np.abs(fine).max(), rtol=1e-14)


def test_the_signs_and_windows_of_sine_sums_have_their_probability():
    sampler, grid = SineSum(folded=0.1, windowed=0.1), Grid.nodes(65)
    u = np.stack([sampler.draw(sample_rng(0, i), grid) for i in range(1500)])
    one_sign = (u.min(axis=1) >= 0) | (u.max(axis=1) <= 0)
    assert one_sign.mean() == pytest.approx(0.1, abs=0.02)
    positive = u[one_sign].max(axis=1) > 1e-9
    assert positive.mean() == pytest.approx(0.5, abs=0.08)
    assert (np.abs(u[:, [0, -1]]).max(axis=1) < 1e-7).mean() == pytest.approx(0.1, abs=0.02)


def test_two_bumps_are_the_initial_state_of_the_forced_burgers_set():
    first = GaussianBumps(amplitude=(0, 2), centre=(0.2, 0.4))
    second = GaussianBumps(amplitude=(-2, 0), centre=(0.6, 0.8))
    grid, generator = Grid.nodes(121), sample_rng(0, 2)
    found = Sum([first, second]).draw(sample_rng(0, 2), grid)
    x, expected = grid.axes[0].coords, 0.0
    for a, c in (((0, 2), (0.2, 0.4)), ((-2, 0), (0.6, 0.8))):
        amplitude, width, centre = (generator.uniform(*r) for r in (a, (0.05, 0.15), c))
        expected = expected + amplitude * np.exp(-((x - centre) ** 2) / (2 * width**2))
    np.testing.assert_allclose(found, expected, atol=1e-15)


def test_bumps_go_on_across_a_periodic_boundary():
    bump = GaussianBumps(centre=((0.0, 0.0), (0.5, 0.5)), amplitude=(1.0, 1.0))
    u = bump.draw(sample_rng(0, 1), Grid.periodic(16, 16))
    np.testing.assert_allclose(u[1:8], u[:8:-1], atol=1e-15)
    assert u[0, 8] == pytest.approx(1.0)


def test_bumps_of_three_dimensions_are_products():
    bump = GaussianBumps(3)
    u, v = bump.draw(sample_rng(0, 1), Grid.nodes(4, 5, 6)), sample_rng(0, 1)
    amplitude, width, centres = v.uniform(0, 1, 3), v.uniform(0.05, 0.15, 3), [v.uniform(0, 1, 3) for _ in "xyz"]
    x = np.stack(np.meshgrid(*(np.linspace(0, 1, n) for n in (4, 5, 6)), indexing="ij"))
    squares = [sum((x[a] - centres[a][i]) ** 2 for a in range(3)) for i in range(3)]
    expected = sum(amplitude[i] * np.exp(-squares[i] / (2 * width[i] ** 2)) for i in range(3))
    np.testing.assert_allclose(u, expected, atol=1e-15)


def test_blocks_are_constant_and_have_their_moments():
    values = np.stack([PiecewiseConstant(blocks=4).draw(sample_rng(0, i), Grid.cells(8, 8)) for i in range(500)])
    blocks = values.reshape(-1, 4, 2, 4, 2)
    assert np.ptp(blocks, axis=(2, 4)).max() == 0
    np.testing.assert_allclose([values.mean(), values.var()], [0, 1 / 3], atol=0.02)


def test_a_plume_is_a_block_of_its_size_in_its_place():
    u = Plume(amplitude=(2.0, 2.0)).draw(sample_rng(0, 1), Grid.cells(256, 256))
    assert 0 <= u.min() < 1e-6
    assert u.max() == pytest.approx(2.0, rel=1e-3)
    assert u.mean() == pytest.approx(2.0 * (11 / 128) ** 2, rel=1e-3)
    x, y = np.nonzero(u > 1.0)
    assert x.min() / 256 > 0.25
    assert x.max() / 256 < 0.75
    assert y.min() / 256 > 0.1
    assert y.max() / 256 < 0.4


def test_layers_are_constant_in_order_and_never_cross():
    for i in range(50):
        c = LayeredMedium().draw(sample_rng(0, i), Grid.cells(32, 256))
        speeds = list(dict.fromkeys(c[0]))
        assert 3 <= len(speeds) <= 6
        assert 2000 <= min(speeds) < max(speeds) <= 5000
        # In every column the same layers in the same order, none missing.
        assert all(list(dict.fromkeys(column)) == speeds for column in c)
    assert any(len(np.unique(row)) > 1 for row in c.T)


def test_a_gaussian_medium_lies_above_its_background():
    c = np.stack([GaussianMedium().draw(sample_rng(0, i), Grid.cells(16, 16)) for i in range(200)])
    assert c.min() >= 1500
    assert c.max() <= 2500 + 4 * 2500
    assert 2000 < np.median(c) < 4000


def test_a_sine_series_is_its_formula():
    generator, grid = sample_rng(0, 1), Grid.nodes(9, 9)
    found = SineSeries(count=3).draw(sample_rng(0, 1), grid)
    decay, a = generator.uniform(0.7, 1.0), generator.uniform(-1, 1, size=(3, 3))
    x, y = np.meshgrid(*[np.linspace(0, 1, 9)] * 2, indexing="ij")
    k = range(1, 4)
    terms = [
        a[i - 1, j - 1] * (i**2 + j**2) ** -decay * np.sin(math.pi * i * x) * np.sin(math.pi * j * y)
        for i in k
        for j in k
    ]
    np.testing.assert_allclose(found, sum(terms) / 9, atol=1e-15)
    assert np.abs(found[[0, -1]]).max() < 1e-15


def test_two_phases_are_the_sign_of_the_gaussian_field():
    grid, field = Grid.cells(16, 16), NeumannField(alpha=2.0, tau=3.0)
    a = TwoPhase(low=3.0, high=12.0).draw(sample_rng(0, 1), grid)
    g = field.sample([sample_rng(0, 1)], grid)[0]
    np.testing.assert_array_equal(a, np.where(g >= 0, 12.0, 3.0))


def test_the_logarithm_of_a_log_normal_field_is_gaussian_with_the_stated_scale():
    grid, field = Grid.cells(4, 4), NeumannField(modes=4)
    a = np.stack([LogNormal(scale=0.5, median=2.0, field=field).draw(sample_rng(0, i), grid) for i in range(20)])
    g = field.sample([sample_rng(0, i) for i in range(20)], grid)
    np.testing.assert_allclose(np.log(a / 2.0), 0.5 * g, atol=1e-12)


def test_an_initial_state_has_its_mean():
    u = GaussianInitial(mean=1.5).draw(sample_rng(0, 0), Grid.periodic(256))
    assert u.mean() == pytest.approx(1.5, abs=1e-12)
    assert math.isclose(u.std(), 0.5, rel_tol=1.0)


@pytest.mark.parametrize(("slope", "deviation"), [(-3.0, 0.15), (-1.0, 0.4)])
def test_power_law_noise_has_its_deviation_and_the_slope_of_its_spectrum(slope, deviation):
    grid, sampler = Grid.periodic(48, 48), PowerLawNoise(slope, deviation, modes=16)
    fields = np.stack([sampler.draw(sample_rng(0, i), grid) for i in range(200)])
    assert np.abs(fields.mean(axis=(1, 2))).max() < 1e-12
    assert math.sqrt((fields**2).mean()) == pytest.approx(deviation, rel=0.05)
    density = (np.abs(np.fft.fft2(fields)) ** 2).mean(axis=0)
    k = np.abs(np.fft.fftfreq(48, 1 / 48))
    assert density[k > 16].max() < 1e-20 * density.max()
    # Along both axes and the diagonal: the density depends on the length of the wave vector alone.
    for first, second in (
        (density[2, 0], density[8, 0]),
        (density[0, 2], density[0, 8]),
        (density[3, 3], density[12, 12]),
    ):
        assert math.log(first / second) / math.log(4) == pytest.approx(-slope, abs=0.3)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: Uniform(1.0, 1.0), "low"),
        (lambda: LogUniform(0.0, 1.0), "low"),
        (lambda: TwoPhase(low=0.0), "low"),
        (lambda: LogNormal(scale=-1.0), "scale"),
        (lambda: LogNormal(median=0.0), "median"),
        (lambda: Choice([]), "values"),
        (lambda: Integers(3, 2), "low"),
        (lambda: Geometric(0.0), "probability"),
        (lambda: Constant((1.0, 0.0)), "value"),
        (lambda: Sum([]), "terms"),
        (lambda: PiecewiseConstant(blocks=0), "blocks"),
        (lambda: GaussianBumps(count=0), "count"),
        (lambda: GaussianBumps(width=(0.0, 1.0)), "width"),
        (lambda: GaussianBumps(centre=((0, 1), (0, 1))).draw(sample_rng(0), Grid.cells(4)), "centre"),
        (lambda: PowerLawNoise(slope=0.0), "slope"),
        (lambda: PowerLawNoise(deviation=-1.0), "deviation"),
        (lambda: Plume(size=0.0), "size"),
        (lambda: SineSum(waves=0), "waves"),
        (lambda: SineSum(folded=1.5), "folded"),
        (lambda: LayeredMedium(strength=1.0), "strength"),
        (lambda: GaussianMedium(width=(0.0, 0.1)), "width"),
    ],
)
def test_bad_arguments_are_refused_by_name(make, word):
    with pytest.raises(ValueError, match=word):
        make()
