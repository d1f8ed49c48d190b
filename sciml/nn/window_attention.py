"""Attention inside windows of a grid, with cosine similarities and a continuous position bias."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

#: Added to the logits of pairs that a cyclic shift brought together from opposite ends of the grid.
MASKED = -100.0
#: Largest temperature, exp of the logarithm that is learned.
HOTTEST = math.log(100.0)


def to_windows(x: Float[Tensor, "b h w c"], side: int) -> Float[Tensor, "n m c"]:
    """Tiles of `side` x `side` points, row by row, each flattened: `(b * tiles, side^2, c)`."""
    b, h, w, c = x.shape
    tiles = x.reshape(b, h // side, side, w // side, side, c).transpose(2, 3)
    return tiles.reshape(-1, side * side, c)


def from_windows(tiles: Float[Tensor, "n m c"], side: int, h: int, w: int) -> Float[Tensor, "b h w c"]:
    """The grid again."""
    c = tiles.shape[-1]
    return tiles.reshape(-1, h // side, w // side, side, side, c).transpose(2, 3).reshape(-1, h, w, c)


def relative_offsets(side: int, like: Tensor) -> Float[Tensor, "n d"]:
    r"""All differences $\delta$ of positions in a window as $\mathrm{sgn}(c)\log_2(1 + |c|)/3$, $c = 8\delta/(M-1)$.

    Args:
        side: $M$.
        like: whose dtype and device they get.
    """
    steps = torch.arange(1 - side, side, dtype=like.dtype, device=like.device)
    scaled = 8.0 * steps / max(side - 1, 1)
    logarithmic = torch.sign(scaled) * torch.log2(scaled.abs() + 1.0) / 3.0
    return torch.stack(torch.meshgrid(logarithmic, logarithmic, indexing="ij"), dim=-1).reshape(-1, 2)


def relative_index(side: int) -> Int[Tensor, " n"]:
    """For each pair of positions in a window, row by row, the place of their difference in `relative_offsets`."""
    position = torch.stack(torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij"), dim=-1).reshape(-1, 2)
    difference = position[:, None] - position[None] + side - 1
    return (difference[..., 0] * (2 * side - 1) + difference[..., 1]).flatten()


def shift_mask(h: int, w: int, side: int, shift: int) -> Float[Tensor, "n m m"]:
    """0 within a region of the unshifted grid and `MASKED` across regions, for each window of a shifted grid."""

    def regions(n: int) -> Tensor:
        place = torch.arange(n)
        return (place >= n - side).int() + (place >= n - shift).int()

    label = 3 * regions(h)[:, None] + regions(w)[None]
    tiles = to_windows(label[None, ..., None].float(), side)[..., 0]
    return torch.where(tiles[:, :, None] == tiles[:, None], 0.0, MASKED)


class WindowAttention(nn.Module):
    r"""$\mathrm{softmax}(\tau \cos(q, k) + 16\,\sigma(\mathrm{MLP}(\delta)) + \mathrm{mask})\, v$ for each head.

    $\tau = e^{\min(s, \ln 100)}$ with one $s$ per head, and $\delta$ the scaled differences of positions
    (`relative_offsets`); the same weights serve windows of every side.

    Args:
        width: channels.
        heads: number of heads; divides `width`.
        qkv_bias: whether queries and values have offsets (keys never have).

    Reference: Liu et al. (2022), Swin Transformer V2, arXiv:2111.09883, eqs. (2)-(4).
    """

    def __init__(self, width: int, heads: int, qkv_bias: bool = True) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"heads={heads} must divide the {width} channels.")
        self.heads = heads
        self.logit_scale = nn.Parameter(torch.full((heads, 1, 1), math.log(10.0)))
        self.continuous_position_bias_mlp = nn.Sequential(
            nn.Linear(2, 512), nn.ReLU(), nn.Linear(512, heads, bias=False)
        )
        self.query = nn.Linear(width, width, bias=qkv_bias)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=qkv_bias)

    def position_bias(self, offsets: Float[Tensor, "k d"], index: Int[Tensor, " n"]) -> Float[Tensor, "heads m m"]:
        """The bias of each pair of positions. The sigmoid is taken in the table, 68 times smaller than what is gathered
        for windows of 16 x 16."""
        table = 16.0 * torch.sigmoid(self.continuous_position_bias_mlp(offsets))
        side = math.isqrt(index.shape[0])
        return table.t().index_select(1, index).reshape(self.heads, side, side)

    def forward(
        self, x: Float[Tensor, "n m c"], bias: Float[Tensor, "heads m m"], mask: Float[Tensor, "tiles m m"] | None
    ) -> Float[Tensor, "n m c"]:
        n, m, c = x.shape
        q, k, v = self._projections(x).reshape(n, m, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        temperature = self.logit_scale.clamp(max=HOTTEST).exp()
        q = functional.normalize(q, dim=-1) * temperature
        k = functional.normalize(k, dim=-1)
        if mask is not None:
            # (tiles, heads, m, m), repeated for every sample of the batch.
            bias = (bias + mask[:, None]).repeat(n // mask.shape[0], 1, 1, 1)
        if x.is_cuda:
            mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias.expand(n, -1, -1, -1), scale=1.0)
        else:
            # On a CPU the packaged kernel is slower for such short rows and few channels.
            mixed = torch.softmax(q @ k.transpose(-1, -2) + bias, dim=-1) @ v
        return mixed.transpose(1, 2).reshape(n, m, c)

    def _projections(self, x: Tensor) -> Tensor:
        """Queries, keys and values by one product."""
        weight = torch.cat([self.query.weight, self.key.weight, self.value.weight])
        if self.query.bias is None:
            return functional.linear(x, weight)
        bias = torch.cat([self.query.bias, torch.zeros_like(self.query.bias), self.value.bias])
        return functional.linear(x, weight, bias)
