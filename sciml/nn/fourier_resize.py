"""Fields on a grid of another size, through their Fourier series."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def fourier_resize(u: Float[Tensor, "b c *s"], sizes: Sequence[int]) -> Float[Tensor, "b c *s2"]:
    """Truncates or extends the Fourier series of each axis; amplitudes are kept.

    Exact for what both grids resolve. The Nyquist mode of the smaller grid is left out: on the larger one its phase is
    unknown. Every axis is treated as periodic, so that a jump across the ends rings.

    Args:
        u: fields, `(b, c, *s)`.
        sizes: the new numbers of points.
    """
    for axis, size in enumerate(sizes, start=2):
        if u.shape[axis] != size:
            u = _along(u.movedim(axis, -1), size).movedim(-1, axis)
    return u


def _along(u: Tensor, size: int) -> Tensor:
    half = (min(u.shape[-1], size) + 1) // 2
    kept = torch.fft.rfft(u, norm="forward")[..., :half]
    return torch.fft.irfft(torch.nn.functional.pad(kept, (0, size // 2 + 1 - half)), n=size, norm="forward")
