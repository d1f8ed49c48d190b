"""Gains of pretraining on power laws, whose gains are known."""

import math

import pytest

from sciml.evaluation import accuracy_gain, efficiency_gain, power_law, samples_for

SIZES = (8, 32, 128, 512)


def law(factor: float, exponent: float, samples: tuple[float, ...] = SIZES) -> list[float]:
    return [factor * n**-exponent for n in samples]


@pytest.mark.parametrize(("factor", "exponent"), [(0.3, 0.5), (2.0, 1.1)])
def test_a_power_law_is_found_again(factor: float, exponent: float) -> None:
    assert power_law(SIZES, law(factor, exponent)) == pytest.approx((factor, exponent), rel=1e-12)


def test_equal_exponents_make_the_efficiency_gain_a_power_of_the_accuracy_gain() -> None:
    # C S^-a = c s^-a  gives  S / s = (C / c)^(1/a), whatever S is.
    peer, model = law(0.9, 0.5), law(0.3, 0.5)
    assert accuracy_gain(peer[2], model[2]) == pytest.approx(3.0, rel=1e-12)
    for size, error in zip(SIZES[2:], peer[2:], strict=True):
        assert efficiency_gain(error, size, SIZES, model) == pytest.approx(9.0, rel=1e-12)


def test_the_number_of_trajectories_solves_the_law_between_the_sizes() -> None:
    errors = law(1.0, 0.7)
    for n in (8.0, 20.0, 32.0, 300.0, 512.0):
        assert samples_for(n**-0.7, SIZES, errors) == pytest.approx(n, rel=1e-9)


def test_beyond_the_sizes_the_gain_is_bounded_by_them() -> None:
    errors = law(1.0, 0.5)
    assert efficiency_gain(2 * errors[0], 1024, SIZES, errors) == 1024 / SIZES[0]
    assert efficiency_gain(errors[-1] / 2, 1024, SIZES, errors) == 0.0
    assert samples_for(errors[-1] / 2, SIZES, errors) == math.inf


def test_where_errors_are_not_monotone_the_first_crossing_counts() -> None:
    assert samples_for(0.2, (1, 4, 16), (0.4, 0.1, 0.3)) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("samples", "errors", "message"),
    [((8,), (0.1,), "two or more"), ((8, 8), (0.1, 0.1), "increase"), ((8, 32), (0.1, math.nan), "positive numbers")],
)
def test_tables_that_mean_nothing_are_refused(samples, errors, message) -> None:
    with pytest.raises(ValueError, match=message):
        samples_for(0.1, samples, errors)


@pytest.mark.parametrize("error", [0.0, -1.0, math.nan, math.inf])
def test_an_error_that_is_no_positive_number_has_no_gain(error: float) -> None:
    with pytest.raises(ValueError, match=f"error={error} must be a positive number"):
        accuracy_gain(0.1, error)
    with pytest.raises(ValueError, match="peer="):
        efficiency_gain(error, 128, SIZES, law(1.0, 0.5))
