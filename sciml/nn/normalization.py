"""Normalisation inside the network, so that everybody outside sees physical units."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sciml.describe import Described
from sciml.objective import accepts


class Normalizer(Described, nn.Module):
    r"""$\hat x_c = (x_c - m_c) / s_c$ per channel, and back.

    The numbers are buffers, filled after construction: checkpoints carry them, descriptions do not.

    Args:
        channels: number of channels.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        if channels < 1:
            raise ValueError(f"channels={channels} must be at least 1.")
        self.channels = channels
        self.register_buffer("shift", torch.zeros(channels))
        self.register_buffer("scale", torch.ones(channels))

    def encode(self, x: Float[Tensor, "b c ..."]) -> Float[Tensor, "b c ..."]:
        """Physical units to normalised ones."""
        return (x - self._like(self.shift, x)) / self._like(self.scale, x)

    def decode(self, x: Float[Tensor, "b c ..."]) -> Float[Tensor, "b c ..."]:
        """Normalised units to physical ones."""
        return x * self._like(self.scale, x) + self._like(self.shift, x)

    def _like(self, values: Tensor, x: Tensor) -> Tensor:
        if x.shape[1] != self.channels:
            raise ValueError(f"x has {x.shape[1]} channels; this normaliser was made for {self.channels}.")
        return values.to(x.dtype).reshape(-1, *(1,) * (x.ndim - 2))

    def extra_repr(self) -> str:
        return str(self.channels)


class Normalized(Described, nn.Module):
    """A network that takes and gives physical units: decode(network(encode(x))).

    Args:
        network: works on normalised channels, `f(x, *, time, params, coords, ...)`.
        inputs: of all channels of `x`, static ones at the end.
        outputs: of the network's channels.
    """

    def __init__(self, network: nn.Module, inputs: Normalizer, outputs: Normalizer) -> None:
        super().__init__()
        self.network, self.inputs, self.outputs = network, inputs, outputs

    @property
    def accepts(self) -> frozenset[str]:
        """Keyword arguments that the network inside takes."""
        return accepts(self.network)

    def forward(self, x: Float[Tensor, "b c ..."], **arguments: Any) -> Float[Tensor, "b c2 ..."]:
        return self.outputs.decode(self.network(self.inputs.encode(x), **arguments))
