"""Spectral convolution: one matrix per kept Fourier mode, stored as real numbers."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sciml.describe import Described
from sciml.nn.spectral_kernels import Auto, Size, SpectralKernel, Transform, half_count, signed_counts


class SpectralConv(Described, nn.Module):
    r"""$v = \mathcal F^{-1}(W_k\,\hat u_k) + \beta$ on kept modes, zero elsewhere; channels last.

    The weight is `(*k, c_in, 2, c_out)`: real and imaginary part side by side, so that one batched real product does
    the complex one. Its modes are ordered as in `sciml.nn.spectral_kernels`.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        modes: kept modes of each axis, counted on both sides (`[24, 24]` is -12 ... 11 and 0 ... 12).
        kernel: how the transforms are computed; `None` chooses by the number of modes.

    Reference: Li et al. (2021), arXiv:2010.08895, eq. (4) and (5).
    """

    def __init__(
        self, in_channels: int, out_channels: int, modes: Sequence[int], kernel: SpectralKernel | None = None
    ) -> None:
        super().__init__()
        if not 1 <= len(modes) <= 3 or min(modes) < 1:
            raise ValueError(f"modes={list(modes)} must hold one to three counts of at least 1.")
        self.in_channels, self.out_channels = in_channels, out_channels
        self.modes = tuple(modes)
        self.kernel = Auto() if kernel is None else kernel
        std = math.sqrt(2 / (in_channels + out_channels))
        shape = (*modes[:-1], modes[-1] // 2 + 1, in_channels, 2, out_channels)
        # A complex normal number of variance std^2 has half of it in each part.
        self.weight = nn.Parameter(torch.randn(shape) * (std / math.sqrt(2)))
        self.bias = nn.Parameter(torch.randn(out_channels) * std)

    def plan(self, sizes: Sequence[Size], like: Tensor) -> Transform:
        """The transform on a grid; layers with the same modes may share it."""
        return self.kernel.plan(sizes, self.modes, like)

    def weight_on(self, sizes: Sequence[Size]) -> Float[Tensor, "..."]:
        """The weight restricted to the modes that a grid of `sizes` points holds."""
        weight: Tensor = self.weight
        for axis, (n, size) in enumerate(zip(self.modes[:-1], sizes[:-1], strict=True)):
            p, m = signed_counts(n, size)
            if p + m < n:
                weight = torch.cat([weight.narrow(axis, 0, p), weight.narrow(axis, n - n // 2, m)], dim=axis)
        last = len(self.modes) - 1
        return weight.narrow(last, 0, half_count(self.modes[-1], sizes[-1]))

    def forward(self, u: Float[Tensor, "b *s c"], transform: Transform | None = None) -> Float[Tensor, "b *s c_out"]:
        sizes = u.shape[1:-1]
        with torch.autocast(u.device.type, enabled=False):
            # Half-precision transforms lose the small high modes, and FFT libraries refuse most sizes.
            u = u.float() if u.dtype in (torch.bfloat16, torch.float16) else u
            transform = self.plan(sizes, u) if transform is None else transform
            return transform.synthesise(self._mix(transform.analyse(u), self.weight_on(sizes)))

    def _mix(self, v: Float[Tensor, "2 b *k c"], weight: Tensor) -> Float[Tensor, "2 b *k c_out"]:
        kept, b = v.shape[2:-1], v.shape[1]
        rows = v.reshape(2 * b, -1, self.in_channels).transpose(0, 1)
        out = torch.bmm(rows, weight.reshape(-1, self.in_channels, 2 * self.out_channels))
        real_in, imaginary_in = out.narrow(1, 0, b), out.narrow(1, b, b)
        (rr, ri), (ir, ii) = real_in.chunk(2, dim=-1), imaginary_in.chunk(2, dim=-1)
        mixed = torch.stack([rr - ii, ri + ir]).transpose(1, 2)
        # A constant is mode 0: the bias costs nothing there.
        first = mixed[:, :, :1] + torch.stack([self.bias, torch.zeros_like(self.bias)])[:, None, None]
        return torch.cat([first, mixed[:, :, 1:]], dim=2).reshape(2, b, *kept, self.out_channels)


def parameter_count(network: nn.Module) -> int:
    """Number of trainable parameters; a complex spectral weight counts once, not as its two real numbers."""
    spectral = sum(m.weight.numel() // 2 for m in network.modules() if isinstance(m, SpectralConv))
    return sum(p.numel() for p in network.parameters() if p.requires_grad) - spectral
