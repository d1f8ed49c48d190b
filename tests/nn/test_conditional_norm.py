"""Conditional layer norms against their formula."""

import torch

from sciml.nn.conditional_norm import ConditionalLayerNorm, PlainLayerNorm


def filled(params: int = 0) -> ConditionalLayerNorm:
    torch.manual_seed(0)
    norm = ConditionalLayerNorm(6, params=params).double()
    with torch.no_grad():
        for p in norm.parameters():
            p.normal_()
    return norm


def test_scale_and_shift_are_affine_in_lead_time_and_parameters() -> None:
    norm = filled(params=2)
    x = torch.randn(3, 4, 5, 6, dtype=torch.float64)
    condition = torch.randn(3, 3, dtype=torch.float64)
    found = norm(x, condition)
    assert norm.weight_params is not None
    assert norm.bias_params is not None
    for i in range(3):
        t, p = condition[i, 0], condition[i, 1:]
        scale = norm.weight.weight[:, 0] * t + norm.weight.bias + norm.weight_params.weight @ p
        shift = norm.bias.weight[:, 0] * t + norm.bias.bias + norm.bias_params.weight @ p
        centred = x[i] - x[i].mean(-1, keepdim=True)
        expected = scale * centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt() + shift
        assert torch.allclose(found[i], expected, atol=1e-12)


def test_the_residual_form_adds_the_norm_of_the_update() -> None:
    norm = filled()
    x, update = torch.randn(2, 2, 4, 5, 6, dtype=torch.float64)
    condition = torch.rand(2, 1, dtype=torch.float64)
    assert torch.allclose(norm.residual(x, update, condition), x + norm(update, condition), atol=1e-12)


def test_a_plain_norm_ignores_the_condition() -> None:
    norm = PlainLayerNorm(6)
    x = torch.randn(2, 4, 6)
    expected = torch.nn.functional.layer_norm(x, (6,), norm.weight, norm.bias)
    assert torch.equal(norm(x, torch.ones(2, 1)), expected)
    assert torch.equal(norm.residual(x, x, None), x + expected)
