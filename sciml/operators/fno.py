"""Fourier neural operator in one to three dimensions."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from sciml.describe import Described
from sciml.nn.pointwise import PointwiseMLP, grid_coordinates
from sciml.nn.spectral_conv import SpectralConv
from sciml.nn.spectral_kernels import Auto, SpectralKernel, Transform


class FNOBlock(Described, nn.Module):
    r"""$z = \sigma(K u + W u)$, then $\sigma(\mathrm{MLP}(z) + g \odot u)$; channels last.

    Args:
        width: channels.
        modes: kept modes of each axis, counted on both sides.
        hidden: channels inside the MLP.
        last: leaves both activations out.
        kernel: how the Fourier transforms are computed; `None` chooses.
    """

    def __init__(
        self, width: int, modes: Sequence[int], hidden: int, last: bool = False, kernel: SpectralKernel | None = None
    ) -> None:
        super().__init__()
        self.spectral = SpectralConv(width, width, modes, kernel)
        self.skip = nn.Linear(width, width, bias=False)
        self.mlp = PointwiseMLP(width, hidden, width)
        self.gate = nn.Parameter(torch.ones(width))
        self.last = last

    def forward(self, u: Float[Tensor, "b *s c"], transform: Transform | None = None) -> Float[Tensor, "b *s c"]:
        # Products that add to what is there save one pass over memory each.
        flat = u.reshape(-1, u.shape[-1])
        z = torch.addmm(self.spectral(u, transform).reshape(flat.shape), flat, self.skip.weight.t())
        z = z if self.last else functional.gelu(z)
        hidden = functional.gelu(self.mlp.first(z))
        v = torch.addmm(torch.addcmul(self.mlp.second.bias, self.gate, flat), hidden, self.mlp.second.weight.t())
        v = v if self.last else functional.gelu(v)
        return v.reshape(u.shape)


class FNO(Described, nn.Module):
    r"""Fourier neural operator: lifting, `depth` blocks $\sigma(\mathrm{MLP}(\sigma(Ku + Wu)) + g\odot u)$, projection.

    The block is that of `neuralop` 2.0.0, and the two agree for equal weights on even grids. The coordinates $j/N$ are
    appended to the input. The number of dimensions is the length of `modes`. A grid coarser than `modes` uses the modes
    that it holds; a finer one the same modes.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        width: channels inside.
        modes: kept Fourier modes of each axis, counted on both sides: `24` keeps -12 ... 11 on a leading axis and
            0 ... 12 on the last one (the same numbers as `n_modes` of `neuralop`).
        depth: number of blocks.
        mlp_ratio: hidden channels of the MLP in a block, as a multiple of `width`.
        lifting_ratio: hidden channels of lifting and projection, as a multiple of `width`.
        coordinates: append the coordinates of the grid to the input; without them and on a periodic grid the operator
            commutes with translations.
        kernel: how the Fourier transforms are computed; `None` chooses by the number of modes.

    Shapes: `(b, in_channels, *s)` to `(b, out_channels, *s)`.

    Reference: Li et al. (2021), arXiv:2010.08895; block after Kossaifi et al. (2024), neuraloperator 2.0.0.
    """

    accepts = frozenset[str]()
    resolution_free = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        width: int = 32,
        modes: Sequence[int] = (12, 12),
        depth: int = 4,
        mlp_ratio: float = 0.5,
        lifting_ratio: float = 2.0,
        coordinates: bool = True,
        kernel: SpectralKernel | None = None,
    ) -> None:
        super().__init__()
        counts = {"in_channels": in_channels, "out_channels": out_channels, "width": width, "depth": depth}
        for name, value in counts.items():
            if value < 1:
                raise ValueError(f"{name}={value} must be at least 1.")
        self.in_channels, self.out_channels = in_channels, out_channels
        self.coordinates, self.modes = coordinates, tuple(modes)
        self.kernel = Auto() if kernel is None else kernel
        wide = int(lifting_ratio * width)
        self.lifting = PointwiseMLP(in_channels + coordinates * len(modes), wide, width)
        self.blocks = nn.ModuleList(
            FNOBlock(width, modes, round(mlp_ratio * width), last=i == depth - 1, kernel=self.kernel)
            for i in range(depth)
        )
        self.projection = PointwiseMLP(width, wide, out_channels)

    @classmethod
    def example(cls) -> "FNO":
        """A small one, for tests."""
        return cls(1, 1, width=8, modes=[6, 6], depth=2)

    def forward(self, u: Float[Tensor, "b c *s"]) -> Float[Tensor, "b c_out *s"]:
        dimensions = len(self.modes)
        if u.ndim != dimensions + 2 or u.shape[1] != self.in_channels:
            raise ValueError(
                f"input of shape {tuple(u.shape)} does not fit; accepted is (b, {self.in_channels}, "
                f"{', '.join('xyz'[:dimensions])})."
            )
        v = u.movedim(1, -1)
        sizes = v.shape[1:-1]
        if self.coordinates:
            grid = grid_coordinates(sizes, v)
            v = torch.cat([v, grid.expand(v.shape[0], *grid.shape)], dim=-1)
        v = self.lifting(v)
        # One set of matrices serves all blocks, and none outlives the call.
        transform = self.kernel.plan(sizes, self.modes, v if v.dtype == torch.float64 else v.float())
        for block in self.blocks:
            v = block(v, transform)
        return self.projection(v).movedim(-1, 1)
