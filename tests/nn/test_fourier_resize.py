"""Fourier resizing of band-limited fields is evaluation on the other grid."""

import math

import pytest
import torch
from torch import Tensor

from sciml.nn.fourier_resize import fourier_resize


def field(h: int, w: int) -> Tensor:
    x = torch.arange(h, dtype=torch.float64)[:, None] / h
    y = torch.arange(w, dtype=torch.float64)[None] / w
    u = 0.7 + torch.sin(2 * math.pi * x) * torch.cos(6 * math.pi * y) - torch.cos(4 * math.pi * x + 2 * math.pi * y)
    return torch.stack([u, 2 * u])[None]


@pytest.mark.parametrize("source", [(8, 9), (15, 16), (20, 7)])
@pytest.mark.parametrize("target", [(8, 8), (16, 24), (7, 31)])
def test_what_both_grids_resolve_is_exact(source: tuple[int, int], target: tuple[int, int]) -> None:
    assert torch.allclose(fourier_resize(field(*source), target), field(*target), atol=1e-12)


def test_the_same_grid_is_not_touched() -> None:
    u = field(8, 8)
    assert fourier_resize(u, (8, 8)) is u


def test_modes_beyond_the_coarse_grid_vanish_and_the_mean_stays() -> None:
    x = torch.arange(32, dtype=torch.float64) / 32
    u = (1.5 + torch.cos(2 * math.pi * 9 * x))[None, None]
    assert torch.allclose(fourier_resize(u, (16,)), torch.full((1, 1, 16), 1.5, dtype=torch.float64), atol=1e-12)
