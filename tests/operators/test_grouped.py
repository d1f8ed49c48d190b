"""The grouped loss by hand."""

import pytest
import torch

from sciml.operators import GroupedLoss

CONSTANTS = {"shift": (0.8, 0.0, 0.0, 0.0), "scale": (0.31, 0.391, 0.356, 0.185)}


def fields() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, 3, 4, 5, 6, generator=generator, dtype=torch.float64).unbind(0)


def test_groups_are_relative_to_the_whole_batch_and_weigh_the_same() -> None:
    prediction, target = fields()
    expected = []
    for a, b in ((0, 1), (1, 3), (3, 4)):
        wrong, size = (prediction - target)[:, a:b].abs().mean(), target[:, a:b].abs().mean()
        expected.append(wrong / (size + 1e-10))
    found = GroupedLoss((1, 2, 1))(prediction, target)
    assert found.shape == (3,)
    assert found.mean() == pytest.approx(float(sum(expected) / 3), rel=1e-12)


def test_squares_take_the_place_of_moduli() -> None:
    prediction, target = fields()
    expected = (prediction - target).square().mean() / (target.square().mean() + 1e-10)
    assert GroupedLoss((4,), p=2)(prediction, target).mean() == pytest.approx(float(expected), rel=1e-12)


def test_constants_make_it_the_loss_of_normalised_fields() -> None:
    prediction, target = fields()
    shift, scale = (torch.tensor(CONSTANTS[k], dtype=torch.float64)[:, None, None] for k in ("shift", "scale"))
    expected = GroupedLoss((1, 2, 1))((prediction - shift) / scale, (target - shift) / scale)
    assert torch.allclose(GroupedLoss((1, 2, 1), **CONSTANTS)(prediction, target), expected, rtol=1e-12)


def test_what_is_masked_adds_nothing_and_gets_no_gradient() -> None:
    prediction, target = fields()
    mask = torch.tensor([True, True, True, False])[None, :, None, None]
    prediction.requires_grad_()
    loss = GroupedLoss((1, 2, 1))(prediction, target, mask).mean()
    replaced = torch.where(mask, prediction, target)
    assert torch.allclose(loss, GroupedLoss((1, 2, 1))(replaced, target).mean(), rtol=1e-12)
    loss.backward()
    assert prediction.grad is not None
    assert not prediction.grad[:, 3].any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"groups": ()}, r"groups=\[\] must hold numbers of channels"),
        ({"p": 3}, "p=3 must be 1 or 2"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GroupedLoss(**arguments)
    prediction, target = fields()
    with pytest.raises(ValueError, match=r"groups=\[1, 2\] make 3 channels; the fields have 4"):
        GroupedLoss((1, 2))(prediction, target)
    with pytest.raises(ValueError, match="scale has 1 numbers; the fields have 4 channels"):
        GroupedLoss(scale=(1.0,))(prediction, target)
