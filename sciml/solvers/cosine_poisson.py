"""The Poisson equation on cells of a box, solved exactly by cosine, sine and Fourier transforms."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from sciml.fields import Axis, Grid
from sciml.numerics import Cosine, LineTransform, QuarterCosine, QuarterSine, Sine

#: The transform of an axis by whether the value, and not the slope, is zero at its low and at its high end.
TRANSFORMS: dict[tuple[bool, bool], LineTransform] = {
    (False, False): Cosine(),
    (False, True): QuarterCosine(),
    (True, False): QuarterSine(),
    (True, True): Sine(),
}


class CosinePoisson:
    r"""$\Delta_h \varphi = f$ with the five-point Laplacian (seven in 3-D) on cells; periodic, or slope or value zero.

    Batched over leading axes; exact to rounding. Where no end has a value, $\varphi$ has mean zero and the mean of $f$,
    which must vanish, is dropped.

    Args:
        grid: uniform axes of kind `periodic` or `cells`.
        ends: by axis, whether the value (and not the slope) is zero at the low and at the high end; ignored on a
            periodic axis.
        device: where it is solved.

    Reference: Schumann & Sweet (1988), J. Comput. Phys. 75:123-137.
    """

    def __init__(
        self, grid: Grid, ends: tuple[tuple[bool, bool], ...], device: torch.device | str | None = None
    ) -> None:
        dims = grid.dimensions
        self.periodic = tuple(i - dims for i, axis in enumerate(grid.axes) if axis.kind == "periodic")
        self.bounded = {
            i - dims: TRANSFORMS[end]
            for i, (axis, end) in enumerate(zip(grid.axes, ends, strict=True))
            if axis.kind != "periodic"
        }
        self.sizes = tuple(grid.shape[d] for d in self.periodic)
        symbol = torch.zeros([1] * dims, dtype=torch.float64)
        for i, axis in enumerate(grid.axes):
            values = self._eigenvalues(i - dims, axis)
            symbol = symbol + values.view([-1 if j == i else 1 for j in range(dims)])
        # The constant mode, which the Laplacian does not see, is left out.
        self.inverse = torch.where(symbol == 0, 0.0, 1.0 / torch.where(symbol == 0, 1.0, symbol)).to(device)

    def _eigenvalues(self, dim: int, axis: Axis) -> Float[Tensor, " k"]:
        if dim in self.bounded:
            return self.bounded[dim].eigenvalues(axis.n, axis.h)
        frequencies = torch.fft.rfftfreq if dim == self.periodic[-1] else torch.fft.fftfreq
        return -((2.0 / axis.h * torch.sin(math.pi * frequencies(axis.n, dtype=torch.float64))) ** 2)

    def solve(self, f: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]:
        """The solution for right sides `(..., *s)`; differentiable."""
        for dim, transform in self.bounded.items():
            f = transform.forward(f, dim)
        if self.periodic:
            spectrum = torch.view_as_real(torch.fft.rfftn(f, dim=self.periodic))
            scaled = torch.view_as_complex(self.inverse[..., None] * spectrum)
            f = torch.fft.irfftn(scaled, s=self.sizes, dim=self.periodic)
        else:
            f = self.inverse * f
        for dim, transform in self.bounded.items():
            f = transform.backward(f, dim)
        return f
