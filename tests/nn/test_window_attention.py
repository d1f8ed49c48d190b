"""Windows, their shifts and their masks, by counting points."""

import pytest
import torch

from sciml.nn.window_attention import (
    MASKED,
    WindowAttention,
    from_windows,
    relative_index,
    relative_offsets,
    shift_mask,
    to_windows,
)


def test_windows_are_tiles_row_by_row_and_come_back() -> None:
    x = torch.arange(2 * 4 * 6, dtype=torch.float32).reshape(2, 4, 6, 1)
    tiles = to_windows(x, 2)
    assert tiles.shape == (12, 4, 1)
    assert tiles[1, :, 0].tolist() == [2, 3, 8, 9]
    assert torch.equal(from_windows(tiles, 2, 4, 6), x)


@pytest.mark.parametrize("side", [1, 2, 5])
def test_the_index_finds_the_offset_of_each_pair(side: int) -> None:
    like = torch.zeros((), dtype=torch.float64)
    offsets = relative_offsets(side, like)[relative_index(side)].reshape(side**2, side**2, 2)
    for a in range(side**2):
        for b in range(side**2):
            for axis, difference in enumerate((a // side - b // side, a % side - b % side)):
                c = 8.0 * difference / max(side - 1, 1)
                expected = torch.sign(torch.tensor(c)) * torch.log2(torch.tensor(abs(c) + 1.0, dtype=torch.float64)) / 3
                assert offsets[a, b, axis] == pytest.approx(float(expected), abs=1e-12)


def test_offsets_are_normalised_to_the_size_of_the_window() -> None:
    """The outermost pair of any window has log2(1 + 8) / log2(8)."""
    for side in (2, 8, 16):
        assert relative_offsets(side, torch.zeros(())).max() == pytest.approx(torch.log2(torch.tensor(9.0)) / 3)


def test_the_mask_separates_what_a_shift_brought_together() -> None:
    """A point is labelled by where it came from: pairs in a window may attend iff no seam of the grid lies between."""
    h, w, side, shift = 8, 12, 4, 2
    rows = torch.arange(h)[:, None].expand(h, w).roll(-shift, 0)
    columns = torch.arange(w)[None].expand(h, w).roll(-shift, 1)
    tiles = to_windows(torch.stack([rows, columns], dim=-1)[None].float(), side)
    far = ((tiles[:, :, None] - tiles[:, None]).abs() >= side).any(-1)
    assert torch.equal(shift_mask(h, w, side, shift), torch.where(far, MASKED, 0.0))


def test_heads_that_do_not_divide_the_channels_are_refused() -> None:
    with pytest.raises(ValueError, match="heads=3 must divide the 8 channels"):
        WindowAttention(8, 3)


def test_the_temperature_is_bounded() -> None:
    torch.manual_seed(0)
    attention = WindowAttention(8, 2)
    x, bias = torch.randn(3, 16, 8), torch.zeros(2, 16, 16)
    with torch.no_grad():
        attention.logit_scale.fill_(50.0)
        hot = attention(x, bias, None)
        attention.logit_scale.fill_(4.6051702)  # log 100
        assert torch.allclose(hot, attention(x, bias, None), atol=1e-6)


@pytest.mark.gpu
def test_the_packaged_kernel_of_a_gpu_agrees_with_the_formula() -> None:
    torch.manual_seed(0)
    attention = WindowAttention(16, 4)
    x, bias, mask = torch.randn(8, 16, 16), torch.randn(4, 16, 16), shift_mask(8, 8, 4, 2)
    found = attention.cuda()(x.cuda(), bias.cuda(), mask.cuda()).cpu()
    assert torch.allclose(found, attention.cpu()(x, bias, mask), atol=1e-5)
