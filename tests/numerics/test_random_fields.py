"""Random fields: the analytic covariance is the oracle, and one draw is one function on every grid."""

import math

import numpy as np
import pytest

from sciml.describe import build, describe
from sciml.fields import Grid
from sciml.numerics.random_fields import GaussianField, NeumannField, PeriodicField
from sciml.rng import sample_rng

FIELDS = [PeriodicField(alpha=2.5, tau=7.0, modes=6), NeumannField(alpha=2.0, tau=3.0, modes=6, zero_mean=False)]


def generators(count: int, seed: int = 0) -> list[np.random.Generator]:
    return [sample_rng(seed, i) for i in range(count)]


def analytic_covariance(field: GaussianField, x: float, y: float) -> float:
    """Sum over complex Fourier modes or over cosines on the unit interval, written out."""
    total = 0.0
    for k in range(0 if not field.zero_mean else 1, field.modes + 1):
        if isinstance(field, PeriodicField):
            eigenvalue, weight = (2 * math.pi * k) ** 2, (2.0 if k else 1.0) * math.cos(2 * math.pi * k * (x - y))
        else:
            eigenvalue = (math.pi * k) ** 2
            weight = (2.0 if k else 1.0) * math.cos(math.pi * k * x) * math.cos(math.pi * k * y)
        total += field.tau ** (2 * field.alpha - 1) * (eigenvalue + field.tau**2) ** (-field.alpha) * weight
    return total


@pytest.mark.parametrize("field", FIELDS, ids=lambda f: type(f).__name__)
def test_empirical_covariance_equals_the_analytic_sum(field):
    grid, count = Grid.cells(8), 20000
    u = field.sample(generators(count), grid)
    x = grid.axes[0].coords
    expected = np.array([[analytic_covariance(field, a, b) for b in x] for a in x])
    # The standard error of a covariance is at most sqrt(2 / count) of the variance; five of them.
    assert np.abs(u.T @ u / count - expected).max() < 5 * math.sqrt(2 / count) * expected.max()


def test_variance_in_two_dimensions_equals_the_sum_over_the_lattice():
    field, count = PeriodicField(alpha=2.5, tau=7.0, modes=4), 4000
    k = 2 * math.pi * np.arange(-4, 5)
    spectrum = 7.0 ** (2 * 2.5 - 2) * (k[:, None] ** 2 + k**2 + 49.0) ** -2.5
    expected = spectrum.sum() - spectrum[4, 4]
    u = field.sample(generators(count), Grid.periodic(9, 10))
    assert (u**2).mean() == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("field", FIELDS, ids=lambda f: type(f).__name__)
def test_a_draw_is_the_same_function_on_every_grid(field):
    fine = field.sample(generators(2), Grid.nodes(65, 33))
    coarse = field.sample(generators(2), Grid.nodes(33, 17))
    np.testing.assert_allclose(fine[:, ::2, ::2], coarse, rtol=0, atol=1e-12 * np.abs(fine).max())


def test_more_modes_leave_the_lower_ones_as_they_are():
    low = NeumannField(modes=4).draw(generators(1), 2)
    high = NeumannField(modes=9).draw(generators(1), 2)
    np.testing.assert_array_equal(high[:, :5, :5], low)


@pytest.mark.parametrize("kind", [PeriodicField, NeumannField])
@pytest.mark.parametrize("points", [(40,), (24, 24), (6, 7, 8)])
def test_a_sample_does_not_depend_on_its_batch(kind, points):
    field, grid = kind(modes=16 if len(points) < 3 else 3), Grid.cells(*points)
    together = field.sample(generators(5), grid)
    alone = field.sample([sample_rng(0, 3)], grid)
    np.testing.assert_array_equal(together[3], alone[0])


def test_periodic_fields_continue_over_the_end_and_neumann_fields_have_no_slope_there():
    periodic = PeriodicField(modes=8).sample(generators(1), Grid.nodes(101, low=-1.0, high=3.0))
    assert periodic[0, 0] == pytest.approx(periodic[0, -1], abs=1e-12)
    h = 1e-4
    neumann = NeumannField(modes=8).sample(generators(1), Grid.nodes(3, low=0.0, high=1.0).resized(10001))
    assert abs(neumann[0, 1] - neumann[0, 0]) < 2 * (8 * math.pi) ** 2 * h**2 * np.abs(neumann).max() * 8


def test_the_field_in_the_cosine_basis_is_the_published_darcy_construction():
    """An inverse orthonormal DCT of `N tau^(alpha-1) (pi^2 |k|^2 + tau^2)^(-alpha/2) xi`, mean mode zero."""
    from scipy.fft import idctn

    n, field = 16, NeumannField(alpha=2.0, tau=3.0, modes=15)
    xi = field.draw(generators(1), 2)[0]
    k = np.arange(n)
    coefficient = 3.0 * (math.pi**2 * (k[:, None] ** 2 + k**2) + 9.0) ** -1.0
    coefficient[0, 0] = 0.0
    expected = idctn(n * coefficient * xi, norm="ortho")
    np.testing.assert_allclose(field.evaluate(xi[None], Grid.cells(n, n))[0], expected, atol=1e-12)


def test_a_field_survives_its_description():
    copy = build(describe(FIELDS[0]))
    np.testing.assert_array_equal(
        copy.sample(generators(1), Grid.cells(5)), FIELDS[0].sample(generators(1), Grid.cells(5))
    )


@pytest.mark.parametrize("arguments", [{"modes": 0}, {"tau": -1.0}, {"sigma": -1.0}, {"tau": 0.0, "zero_mean": False}])
def test_bad_arguments_are_refused_by_name(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        NeumannField(**arguments)
