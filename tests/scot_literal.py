"""The scalable operator transformer as its formulas read, from a state dict alone: slow, and an oracle.

Nothing here is shared with `sciml`. Norms take E[x^2] - E[x]^2, projections are separate, the position bias is taken
pair by pair, and no term is merged with another.
"""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn.functional import conv2d, conv_transpose2d, gelu

State = Mapping[str, Tensor]


def linear(state: State, name: str, x: Tensor) -> Tensor:
    y = x @ state[f"{name}.weight"].t()
    return y + state[f"{name}.bias"] if f"{name}.bias" in state else y


def norm(state: State, name: str, x: Tensor, lead: Tensor) -> Tensor:
    mean = x.mean(-1, keepdim=True)
    variance = (x**2).mean(-1, keepdim=True) - mean**2
    alpha = lead[:, None] * state[f"{name}.weight.weight"][:, 0] + state[f"{name}.weight.bias"]
    beta = lead[:, None] * state[f"{name}.bias.weight"][:, 0] + state[f"{name}.bias.bias"]
    return alpha[:, None, None] * (x - mean) / (variance + 1e-5).sqrt() + beta[:, None, None]


def position_bias(state: State, name: str, side: int, dtype: torch.dtype) -> Tensor:
    """(heads, side^2, side^2), the MLP evaluated for every pair."""
    places = torch.tensor([(i, j) for i in range(side) for j in range(side)], dtype=dtype)
    offsets = 8 * (places[:, None] - places[None]) / max(side - 1, 1)
    offsets = offsets.sign() * (offsets.abs() + 1).log2() / math.log2(8)
    hidden = linear(state, f"{name}.0", offsets).relu()
    return 16 * torch.sigmoid(linear(state, f"{name}.2", hidden)).permute(2, 0, 1)


def attention(state: State, name: str, window: Tensor, mask: Tensor, heads: int) -> Tensor:
    """One window, (b, side, side, c)."""
    b, side, _, c = window.shape
    x = window.reshape(b, side * side, c)
    q, k, v = (linear(state, f"{name}.self.{part}", x) for part in ("query", "key", "value"))
    q, k, v = (t.reshape(b, side * side, heads, c // heads).transpose(1, 2) for t in (q, k, v))
    q, k = (t / t.norm(dim=-1, keepdim=True).clamp_min(1e-12) for t in (q, k))
    scale = state[f"{name}.self.logit_scale"].clamp(max=math.log(100)).exp()
    bias = position_bias(state, f"{name}.self.continuous_position_bias_mlp", side, x.dtype)
    weights = torch.softmax(scale * (q @ k.transpose(-1, -2)) + bias + mask, dim=-1)
    mixed = (weights @ v).transpose(1, 2).reshape(b, side, side, c)
    return linear(state, f"{name}.output.dense", mixed)


def region(i: int, n: int, side: int, shift: int) -> int:
    return 0 if i < n - side else 1 if i < n - shift else 2


def block(state: State, name: str, x: Tensor, lead: Tensor, heads: int, window: int, shifted: bool) -> Tensor:
    n = x.shape[1]
    side = min(window, n)
    shift = side // 2 if shifted and n > window else 0
    rolled = x.roll((-shift, -shift), (1, 2))
    rows = []
    for i in range(0, n, side):
        tiles = []
        for j in range(0, n, side):
            label = torch.tensor(
                [
                    3 * region(i + a, n, side, shift) + region(j + c, n, side, shift)
                    for a in range(side)
                    for c in range(side)
                ]
            )
            apart = (label[:, None] != label[None]) if shift else torch.zeros(side**2, side**2, dtype=torch.bool)
            mask = -100.0 * apart.to(x.dtype)
            tiles.append(attention(state, f"{name}.attention", rolled[:, i : i + side, j : j + side], mask, heads))
        rows.append(torch.cat(tiles, dim=2))
    mixed = torch.cat(rows, dim=1).roll((shift, shift), (1, 2))
    x = x + norm(state, f"{name}.layernorm_before", mixed, lead)
    hidden = gelu(linear(state, f"{name}.intermediate.dense", x))
    return x + norm(state, f"{name}.layernorm_after", linear(state, f"{name}.output.dense", hidden), lead)


def convnext(state: State, name: str, x: Tensor, lead: Tensor) -> Tensor:
    channels = x.movedim(-1, 1)
    weight, bias = state[f"{name}.dwconv.weight"], state[f"{name}.dwconv.bias"]
    y = conv2d(channels, weight, bias, padding=3, groups=x.shape[-1]).movedim(1, -1)
    y = gelu(linear(state, f"{name}.pwconv1", norm(state, f"{name}.norm", y, lead)))
    return x + state[f"{name}.weight"] * linear(state, f"{name}.pwconv2", y)


def scot(state: State, u: Tensor, lead: Tensor, depths: Sequence[int], heads: Sequence[int], window: int) -> Tensor:
    """The whole network on a square grid that patches, windows and levels divide."""
    patch = state["embeddings.patch_embeddings.projection.weight"].shape[-1]
    x = conv2d(
        u,
        state["embeddings.patch_embeddings.projection.weight"],
        state["embeddings.patch_embeddings.projection.bias"],
        stride=patch,
    ).movedim(1, -1)
    x = norm(state, "embeddings.norm", x, lead)
    skips = []
    levels = len(depths)
    for level in range(levels):
        stage = f"encoder.layers.{level}"
        before = x
        for k in range(depths[level]):
            x = block(state, f"{stage}.blocks.{k}", x, lead, heads[level], window, shifted=k % 2 == 1)
        skips.append(x)
        if level < levels - 1:
            x = x + before
            x = torch.cat([x[:, ::2, ::2], x[:, 1::2, ::2], x[:, ::2, 1::2], x[:, 1::2, 1::2]], dim=-1)
            x = norm(state, f"{stage}.downsample.norm", linear(state, f"{stage}.downsample.reduction", x), lead)
    for level in range(levels):
        k = 0
        while f"residual_blocks.{level}.{k}.weight" in state:
            skips[level] = convnext(state, f"residual_blocks.{level}.{k}", skips[level], lead)
            k += 1
    x = skips[-1]
    for number, level in enumerate(reversed(range(levels))):
        stage = f"decoder.layers.{number}"
        x = x + skips[level] if number else x
        for k in range(depths[level]):
            shifted = (depths[level] - 1 - k) % 2 == 1
            x = block(state, f"{stage}.blocks.{k}", x, lead, heads[level], window, shifted)
        if level:
            y = linear(state, f"{stage}.upsample.upsample", x)
            b, n, _, c = y.shape
            fine = y.new_zeros(b, 2 * n, 2 * n, c // 4)
            for i in (0, 1):
                for j in (0, 1):
                    fine[:, i::2, j::2] = y[..., (2 * i + j) * c // 4 : (2 * i + j + 1) * c // 4]
            x = linear(state, f"{stage}.upsample.mixup", norm(state, f"{stage}.upsample.norm", fine, lead))
    out = conv_transpose2d(
        x.movedim(-1, 1),
        state["patch_recovery.projection.weight"],
        state["patch_recovery.projection.bias"],
        stride=patch,
    )
    return conv2d(out, state["patch_recovery.mixup.weight"], padding=2)
