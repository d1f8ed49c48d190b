"""Blocks of the scalable operator transformer: Swin blocks, their stages, and ConvNeXt blocks. Channels last.

The names of the modules are those of the published weights, so that a state dict of the one is one of the other.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from sciml.nn.conditional_norm import ConditionalLayerNorm, PlainLayerNorm
from sciml.nn.window_attention import (
    WindowAttention,
    from_windows,
    relative_index,
    relative_offsets,
    shift_mask,
    to_windows,
)


@dataclass(frozen=True)
class Norms:
    """Makes the norms of a network.

    Args:
        eps: added to the variance.
        conditioned: on the lead time, or not at all.
        params: number of scalars beside the lead time.
    """

    eps: float = 1e-5
    conditioned: bool = True
    params: int = 0

    def __call__(self, width: int) -> ConditionalLayerNorm | PlainLayerNorm:
        return (
            ConditionalLayerNorm(width, self.eps, self.params) if self.conditioned else PlainLayerNorm(width, self.eps)
        )


@dataclass(frozen=True)
class Common:
    """What all Swin blocks of a network have in common.

    Args:
        norms: makes the norms.
        window: largest side of an attention window.
        mlp_ratio: hidden channels of the MLP, as a multiple of the block's.
        qkv_bias: whether queries and values have offsets.
        checkpointed: compute the inside of a block again in the backward pass instead of keeping it.
    """

    norms: Norms
    window: int = 16
    mlp_ratio: float = 4.0
    qkv_bias: bool = True
    checkpointed: bool = False


def dense(inputs: int, outputs: int) -> nn.Sequential:
    """A linear layer that is found under the name `dense`."""
    return nn.Sequential(OrderedDict(dense=nn.Linear(inputs, outputs)))


class Windows(nn.Module):
    """What the attention of one level knows of its grid; tables that are made again and never stored.

    Args:
        grid: points of the level.
        side: largest side of a window; a smaller grid is one window, and then nothing is shifted.
    """

    index: Tensor
    mask: Tensor | None

    def __init__(self, grid: tuple[int, int], side: int) -> None:
        super().__init__()
        self.grid, self.side = grid, min(side, *grid)
        self.shift = side // 2 if min(grid) > side else 0
        self.padded = (-(-grid[0] // self.side) * self.side, -(-grid[1] // self.side) * self.side)
        self.register_buffer("index", relative_index(self.side), persistent=False)
        mask = shift_mask(*self.padded, self.side, self.shift) if self.shift else None
        self.register_buffer("mask", mask, persistent=False)

    def split(self, x: Float[Tensor, "b h w c"], shifted: bool) -> Float[Tensor, "n m c"]:
        """Windows of the grid, zeros at the right and at the bottom where they do not fit."""
        if self.padded != self.grid:
            x = functional.pad(x, (0, 0, 0, self.padded[1] - self.grid[1], 0, self.padded[0] - self.grid[0]))
        if shifted:
            x = x.roll((-self.shift, -self.shift), (1, 2))
        return to_windows(x, self.side)

    def join(self, tiles: Float[Tensor, "n m c"], shifted: bool) -> Float[Tensor, "b h w c"]:
        """The grid of the windows, cut to its own points."""
        x = from_windows(tiles, self.side, *self.padded)
        if shifted:
            x = x.roll((self.shift, self.shift), (1, 2))
        return x[:, : self.grid[0], : self.grid[1]] if self.padded != self.grid else x


class SwinBlock(nn.Module):
    r"""$x \leftarrow x + \mathrm{norm}(\mathrm{attention}(x))$, then $x \leftarrow x + \mathrm{norm}(\mathrm{MLP}(x))$.

    Args:
        width: channels.
        heads: heads of the attention.
        shifted: whether the windows are shifted by half of their side, where there are several.
        common: what it shares with the other blocks.
    """

    def __init__(self, width: int, heads: int, shifted: bool, common: Common) -> None:
        super().__init__()
        self.shifted = shifted
        hidden = int(common.mlp_ratio * width)
        self.attention = nn.ModuleDict(
            {"self": WindowAttention(width, heads, common.qkv_bias), "output": dense(width, width)}
        )
        # Both norms come after what they are named for; the names are the published ones.
        self.layernorm_before, self.layernorm_after = common.norms(width), common.norms(width)
        self.intermediate, self.output = dense(width, hidden), dense(hidden, width)

    def forward(
        self, x: Float[Tensor, "b h w c"], condition: Float[Tensor, "b p"], windows: Windows
    ) -> Float[Tensor, "b h w c"]:
        shifted = self.shifted and windows.shift > 0
        attention = cast(WindowAttention, self.attention["self"])
        bias = attention.position_bias(relative_offsets(windows.side, x), windows.index)
        mask = None if windows.mask is None or not shifted else windows.mask.to(x.dtype)
        mixed = windows.join(attention(windows.split(x, shifted), bias, mask), shifted)
        x = self.layernorm_before.residual(x, self.attention["output"](mixed), condition)
        return self.layernorm_after.residual(x, self.output(functional.gelu(self.intermediate(x))), condition)


class Merging(nn.Module):
    """Half of the grid, twice the channels: the four points of each 2 x 2 cell side by side, a linear map, a norm."""

    def __init__(self, width: int, norms: Norms) -> None:
        super().__init__()
        self.reduction = nn.Linear(4 * width, 2 * width, bias=False)
        self.norm = norms(2 * width)

    def forward(self, x: Float[Tensor, "b h w c"], condition: Float[Tensor, "b p"]) -> Float[Tensor, "b h2 w2 c2"]:
        x = functional.pad(x, (0, 0, 0, x.shape[2] % 2, 0, x.shape[1] % 2))
        cells = [x[:, i::2, j::2] for j in (0, 1) for i in (0, 1)]
        return self.norm(self.reduction(torch.cat(cells, dim=-1)), condition)


class Expanding(nn.Module):
    """Twice the grid, half of the channels: a linear map into 2 x 2 cells, a norm, a linear map."""

    def __init__(self, width: int, norms: Norms) -> None:
        super().__init__()
        self.upsample = nn.Linear(width, 2 * width, bias=False)
        self.norm = norms(width // 2)
        self.mixup = nn.Linear(width // 2, width // 2, bias=False)

    def forward(
        self, x: Float[Tensor, "b h w c"], condition: Float[Tensor, "b p"], grid: tuple[int, int]
    ) -> Float[Tensor, "b h2 w2 c2"]:
        b, h, w, c = x.shape
        cells = self.upsample(x).reshape(b, h, w, 2, 2, c // 2).transpose(2, 3)
        fine = cells.reshape(b, 2 * h, 2 * w, c // 2)[:, : grid[0], : grid[1]]
        return self.mixup(self.norm(fine, condition))


class Stage(nn.Module):
    """Swin blocks of one level, and the way to the next one.

    Args:
        width, heads, depth: of its blocks, which are shifted in turn.
        grid: points of the level.
        shifted_first: whether the first block is the shifted one.
        common: what all blocks share.
        downsample, upsample: to the coarser or to the finer level; neither at the last one.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        depth: int,
        grid: tuple[int, int],
        shifted_first: bool,
        common: Common,
        downsample: Merging | None = None,
        upsample: Expanding | None = None,
    ) -> None:
        super().__init__()
        self.windows = Windows(grid, common.window)
        self.checkpointed = common.checkpointed
        self.blocks = nn.ModuleList(SwinBlock(width, heads, bool(k % 2) != shifted_first, common) for k in range(depth))
        self.downsample, self.upsample = downsample, upsample

    def forward(self, x: Float[Tensor, "b h w c"], condition: Float[Tensor, "b p"]) -> Float[Tensor, "b h w c"]:
        for block in self.blocks:
            if self.checkpointed and torch.is_grad_enabled():
                x = checkpoint(block, x, condition, self.windows, use_reentrant=False)
            else:
                x = block(x, condition, self.windows)
        return x


class ConvNeXtBlock(nn.Module):
    r"""$x + \gamma \odot W_2\,\mathrm{GELU}(W_1\,\mathrm{norm}(\mathrm{conv}_{7\times7}(x)))$, convolved by channel.

    Args:
        width: channels.
        norms: makes the norm.

    Reference: Liu et al. (2022), A ConvNet for the 2020s, arXiv:2201.03545.
    """

    def __init__(self, width: int, norms: Norms) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(width, width, kernel_size=7, padding=3, groups=width)
        self.norm = norms(width)
        self.pwconv1, self.pwconv2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.weight = nn.Parameter(torch.full((width,), 1e-6))

    def forward(self, x: Float[Tensor, "b h w c"], condition: Float[Tensor, "b p"]) -> Float[Tensor, "b h w c"]:
        update = self.norm(self.dwconv(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1), condition)
        return torch.addcmul(x, self.weight, self.pwconv2(functional.gelu(self.pwconv1(update))))
