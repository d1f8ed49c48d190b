"""What every function of `sciml.metrics` keeps to: one value per sample, zero on identical fields."""

import inspect

import pytest
import torch
from torch import Tensor

import sciml.metrics

METRICS = [f for n in sciml.metrics.__all__ if inspect.isfunction(f := getattr(sciml.metrics, n))]


def fields(*grid: int) -> Tensor:
    return torch.randn(3, 2, *grid, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_there_are_metrics() -> None:
    assert {"relative_l2", "nrmse", "max_error"} <= {f.__name__ for f in METRICS}


@pytest.mark.parametrize("grid", [(9,), (6, 7), (4, 5, 6)])
@pytest.mark.parametrize("metric", METRICS)
def test_identical_fields_score_zero_in_one_to_three_dimensions(metric, grid) -> None:
    u = fields(*grid)
    assert torch.equal(metric(u, u), torch.zeros(3, dtype=u.dtype))


@pytest.mark.parametrize("metric", METRICS)
def test_a_sample_is_judged_by_itself_and_by_every_point(metric) -> None:
    u = fields(6, 7)
    for point in ((0, 0, 0), (1, 5, 6), (0, 3, 3)):
        v = u.clone()
        v[1][point] += 1.0
        assert (metric(v, u) > 0).tolist() == [False, True, False]
        assert torch.allclose(metric(v, u)[1:2], metric(v[1:2], u[1:2]))


@pytest.mark.parametrize("metric", METRICS)
def test_the_score_grows_in_proportion_to_the_error(metric) -> None:
    u, error = fields(6, 7), fields(6, 7).flip(0)
    assert torch.allclose(metric(u + 2 * error, u), 2 * metric(u + error, u))


@pytest.mark.parametrize("metric", METRICS)
def test_what_is_not_finite_is_not_scored_as_good(metric) -> None:
    u = fields(6, 7)
    v = u.clone()
    v[2, 0, 1, 1] = float("nan")
    assert torch.isnan(metric(v, u)).tolist() == [False, False, True]
