"""The strong Wolfe conditions hold where they can, and a point that is not finite only shrinks the step."""

import math

import pytest

from sciml.optim.line_search import StrongWolfe, Trial

#: Value and slope of functions of the step, all with a negative slope at 0.
FUNCTIONS = {
    "parabola": (lambda a: (a - 1) ** 2, lambda a: 2 * (a - 1)),
    "far minimum": (lambda a: (a / 1000 - 1) ** 2, lambda a: 2e-3 * (a / 1000 - 1)),
    "near minimum": (lambda a: (1e4 * a - 1) ** 2, lambda a: 2e4 * (1e4 * a - 1)),
    "Moré-Thuente 1": (lambda a: -a / (a * a + 2), lambda a: (a * a - 2) / (a * a + 2) ** 2),
    "Moré-Thuente 2": (
        lambda a: (a + 0.004) ** 5 - 2 * (a + 0.004) ** 4,
        lambda a: 5 * (a + 0.004) ** 4 - 8 * (a + 0.004) ** 3,
    ),
    "waves": (lambda a: math.cos(3 * a + 1) - 0.1 * a, lambda a: -3 * math.sin(3 * a + 1) - 0.1),
}


def searched(search, value, slope, step):
    seen = []

    def along(a):
        seen.append(a)
        return Trial(a, value(a), slope(a), None)

    return search(along, Trial(0.0, value(0.0), slope(0.0), None), step), seen


@pytest.mark.parametrize("c2", [0.9, 0.1])
@pytest.mark.parametrize("step", [1e-3, 1.0, 30.0])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_both_conditions_hold(name, step, c2):
    value, slope = FUNCTIONS[name]
    found, seen = searched(StrongWolfe(c2=c2), value, slope, step)
    assert found.wolfe
    assert found.evaluations == len(seen)
    a = found.trial.step
    assert value(a) <= value(0) + 1e-4 * a * slope(0)
    assert abs(slope(a)) <= c2 * abs(slope(0))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_shrinks_the_step(bad):
    found, seen = searched(StrongWolfe(), lambda a: bad if a > 0.3 else (a - 1) ** 2, lambda a: 2 * (a - 1), 1.0)
    assert seen[:3] == [1.0, 0.5, 0.25]
    assert 0 < found.trial.step <= 0.3
    assert found.trial.value < 1


def test_a_slope_that_is_not_finite_shrinks_the_step():
    found, _ = searched(StrongWolfe(), lambda a: (a - 1) ** 2, lambda a: math.nan if a > 0.3 else 2 * (a - 1), 1.0)
    assert 0 < found.trial.step <= 0.3


def test_a_function_that_falls_up_to_where_it_is_not_finite_is_followed_to_there_at_little_cost():
    found, _ = searched(StrongWolfe(), lambda a: -a if a < 0.3 else math.nan, lambda a: -1.0, 1.0)
    assert 0.27 <= found.trial.step < 0.3
    assert found.evaluations <= 6
    assert not found.wolfe


def test_nothing_lower_is_the_start_itself():
    found, _ = searched(StrongWolfe(evaluations=7), lambda a: a, lambda a: -1.0, 1.0)
    assert (found.trial.step, found.evaluations, found.wolfe) == (0.0, 7, False)


def test_the_cubic_is_exact_on_cubics():
    # a^3/3 - 2a^2 + 3a falls from 2.5 to its minimum at 3: with both ends of the bracket seen, one trial suffices.
    found, seen = searched(
        StrongWolfe(c1=1e-4, c2=1e-3), lambda a: (a + 2.5) ** 3 / 3 - 2 * (a + 2.5) ** 2 + 3 * a,
        lambda a: (a + 2.5) ** 2 - 4 * (a + 2.5) + 3, 1.0,
    )  # fmt: skip
    assert len(seen) == 2
    assert found.trial.step == pytest.approx(0.5, abs=1e-12)


@pytest.mark.parametrize("options", [{"c1": 0.5, "c2": 0.4}, {"c2": 1.0}, {"evaluations": 0}])
def test_constants_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match=r"c1=|evaluations="):
        StrongWolfe(**options)
