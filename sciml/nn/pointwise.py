"""Layers that act on the channels of each grid point, channels last."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from sciml.describe import Described
from sciml.nn.spectral_kernels import Size


class PointwiseMLP(Described, nn.Module):
    r"""$W_2\,\sigma(W_1 u + b_1) + b_2$ at every point, with the exact GELU for $\sigma$.

    Args:
        in_channels: channels of the input.
        hidden: channels between the two layers.
        out_channels: channels of the output.
    """

    def __init__(self, in_channels: int, hidden: int, out_channels: int) -> None:
        super().__init__()
        self.first = nn.Linear(in_channels, hidden)
        self.second = nn.Linear(hidden, out_channels)

    def forward(self, u: Float[Tensor, "... c"]) -> Float[Tensor, "... c_out"]:
        # A weight copied to rows makes its gradient one product u^T g; the transposed g^T u, which a view leads to, is
        # many times slower for the few channels of an input. The copy is tiny.
        rows = self.first.weight.t().contiguous()
        hidden = torch.addmm(self.first.bias, u.reshape(-1, u.shape[-1]), rows)
        return self.second(functional.gelu(hidden)).reshape(*u.shape[:-1], -1)


def grid_coordinates(sizes: Sequence[Size], like: Tensor) -> Float[Tensor, "*s d"]:
    """Coordinates $j/N$ of a grid on $[0, 1)^d$, channels last; the right end is left out as on a periodic axis."""
    axes = [torch.arange(n, device=like.device, dtype=like.dtype) / n for n in sizes]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)
