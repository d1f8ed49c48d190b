"""Errors against values worked out by hand, and their invariances."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from sciml.metrics import max_error, nrmse, relative_h1, relative_l2, vrmse

ALL = [relative_l2, relative_h1, nrmse, vrmse, max_error]
RELATIVE = [relative_l2, relative_h1, nrmse, vrmse]


def fields(*shape: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(2))


def grid(n: int) -> Tensor:
    return torch.arange(n, dtype=torch.float64) / n


@pytest.mark.parametrize("metric", ALL)
def test_identical_fields_have_no_error(metric: Callable[..., Tensor]) -> None:
    u, _ = fields(3, 2, 8, 9)
    assert torch.equal(metric(u, u), torch.zeros(3, dtype=torch.float64))


@pytest.mark.parametrize("metric", RELATIVE)
def test_relative_errors_do_not_depend_on_the_unit_of_the_field(metric: Callable[..., Tensor]) -> None:
    u, v = fields(3, 2, 8, 9)
    assert torch.allclose(metric(-7 * u, -7 * v), metric(u, v), rtol=1e-12)


@pytest.mark.parametrize("metric", ALL)
def test_each_sample_is_judged_alone(metric: Callable[..., Tensor]) -> None:
    u, v = fields(3, 2, 8, 9)
    assert torch.allclose(metric(u, v)[1:2], metric(u[1:2], v[1:2]), rtol=1e-12)


def test_values_worked_out_by_hand() -> None:
    reference = torch.tensor([[[1.0, 3.0]], [[3.0, 4.0]]])
    prediction = torch.tensor([[[1.0, 5.0]], [[0.0, 0.0]]])
    assert torch.allclose(relative_l2(prediction, reference), torch.tensor([2 / math.sqrt(10), 1.0]))
    assert torch.allclose(nrmse(prediction, reference), torch.tensor([2 / math.sqrt(10), 1.0]))
    assert torch.allclose(vrmse(prediction, reference), torch.tensor([math.sqrt(2), math.sqrt(12.5) / 0.5]))
    assert torch.equal(max_error(prediction, reference), torch.tensor([2.0, 4.0]))


def test_channels_are_pooled_in_relative_l2_and_averaged_in_nrmse() -> None:
    reference = torch.tensor([[[1.0, 1.0], [10.0, 10.0]]])
    prediction = torch.tensor([[[2.0, 2.0], [10.0, 10.0]]])
    assert relative_l2(prediction, reference).item() == pytest.approx(math.sqrt(2 / 202))
    assert nrmse(prediction, reference).item() == pytest.approx(0.5)


def test_the_spatial_mean_as_prediction_has_vrmse_one() -> None:
    _, v = fields(3, 2, 8, 9)
    mean = v.mean(dim=(2, 3), keepdim=True).expand_as(v)
    assert torch.allclose(vrmse(mean, v), torch.ones(3, dtype=torch.float64), rtol=1e-12)


def test_nrmse_never_exceeds_vrmse() -> None:
    u, v = fields(16, 2, 8, 9)
    assert (nrmse(u, v + 1) <= vrmse(u, v + 1)).all()


def test_only_points_under_the_mask_count() -> None:
    u, v = fields(2, 1, 4, 4)
    mask = torch.zeros(1, 1, 4, 4, dtype=torch.bool)
    mask[..., :2] = True
    assert torch.allclose(relative_l2(u, v, mask), relative_l2(u[..., :2], v[..., :2]), rtol=1e-12)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_h1_of_a_wave_follows_from_its_difference_quotient(k: int) -> None:
    # The central difference of sin(kx) is cos(kx) sin(kh)/h, so that the H1 norm is exact on a periodic grid.
    n, length = 32, 3.0
    h = length / n
    q = 2 * math.pi * k / length
    wave = torch.sin(2 * math.pi * k * grid(n))[None, None]
    base = torch.cos(2 * math.pi * grid(n))[None, None]
    norm = 1 + (math.sin(q * h) / h) ** 2
    base_norm = 1 + (math.sin(2 * math.pi / n) / h) ** 2
    value = relative_h1(base + 0.1 * wave, base, periodic=True, spacing=[h])
    assert value.item() == pytest.approx(0.1 * math.sqrt(norm / base_norm), rel=1e-10)


def test_h1_of_quadratics_is_exact_up_to_the_ends() -> None:
    # Second-order differences are exact on quadratics, one-sided ones included.
    x = torch.linspace(0, 1, 11, dtype=torch.float64)
    reference, error = (1 + x * 0)[None, None], (x**2)[None, None]
    expected = math.sqrt((x**4 + 4 * x**2).sum().item() / 11)
    assert relative_h1(reference + error, reference, spacing=[0.1]).item() == pytest.approx(expected, rel=1e-12)


def test_h1_converges_to_the_exact_norm_at_second_order() -> None:
    exact = math.sqrt(1 + (2 * math.pi) ** 2)
    errors = []
    for n in (32, 64):
        wave = torch.sin(2 * math.pi * grid(n))[None, None]
        one = torch.ones_like(wave)
        errors.append(abs(relative_h1(one + math.sqrt(2) * wave, one, periodic=True).item() - exact))
    assert math.log2(errors[0] / errors[1]) == pytest.approx(2.0, abs=0.05)


def test_h1_refuses_a_spacing_of_another_dimension_and_tiny_grids() -> None:
    u, v = fields(1, 1, 4, 4)
    with pytest.raises(ValueError, match="spacing="):
        relative_h1(u, v, spacing=[0.1])
    with pytest.raises(ValueError, match="three points"):
        relative_h1(u[..., :2], v[..., :2])


@pytest.mark.parametrize("metric", [relative_l2, relative_h1])
def test_a_perfect_sample_leaves_the_gradient_finite(metric) -> None:
    reference = torch.randn(2, 1, 8, generator=torch.Generator().manual_seed(0))
    prediction = reference.clone().requires_grad_()
    (metric(prediction, reference).sum() + (prediction[0] * 2).sum()).backward()
    assert torch.equal(prediction.grad[0], torch.full((1, 8), 2.0))
    assert torch.equal(prediction.grad[1], torch.zeros(1, 8))
