"""Samplers against the distributions that they state."""

import math

import numpy as np
import pytest

from sciml.datagen import GaussianInitial, LogNormal, LogUniform, NeumannField, TwoPhase, Uniform
from sciml.fields import Grid
from sciml.rng import sample_rng


def draws(sampler, count=4000):
    return np.array([sampler.draw(sample_rng(0, i)) for i in range(count)])


def test_uniform_and_log_uniform_have_their_quantiles():
    u, v = draws(Uniform(2.0, 6.0)), draws(LogUniform(1e-3, 1e-1))
    np.testing.assert_allclose(np.quantile(u, [0.25, 0.5, 0.75]), [3.0, 4.0, 5.0], atol=0.15)
    np.testing.assert_allclose(np.log10(np.quantile(v, [0.25, 0.5, 0.75])), [-2.5, -2.0, -1.5], atol=0.08)
    assert (u.min(), u.max()) >= (2.0, 2.0)
    assert v.min() >= 1e-3
    assert v.max() < 1e-1


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


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: Uniform(1.0, 1.0), "low"),
        (lambda: LogUniform(0.0, 1.0), "low"),
        (lambda: TwoPhase(low=0.0), "low"),
        (lambda: LogNormal(scale=-1.0), "scale"),
        (lambda: LogNormal(median=0.0), "median"),
    ],
)
def test_bad_arguments_are_refused_by_name(make, word):
    with pytest.raises(ValueError, match=word):
        make()
