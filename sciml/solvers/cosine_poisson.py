"""The Poisson equation on cells of a box, solved exactly by cosine, sine and Fourier transforms."""

import torch
from jaxtyping import Float
from torch import Tensor

from sciml.fields import Axis, Grid
from sciml.numerics import Cosine, Fourier, LineTransform, QuarterCosine, QuarterSine, Sine


def line_transform(axis: Axis, low: bool, high: bool) -> LineTransform:
    """The transform of an axis; `low` and `high` say whether the value, and not the slope, is zero at that end."""
    if axis.kind == "periodic":
        return Fourier()
    if low:
        return Sine() if high else QuarterSine()
    return QuarterCosine() if high else Cosine()


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
        self.lines = {i - dims: line_transform(axis, *ends[i]) for i, axis in enumerate(grid.axes)}
        symbol = torch.zeros([1] * dims, dtype=torch.float64)
        for i, axis in enumerate(grid.axes):
            values = self.lines[i - dims].eigenvalues(axis.n, axis.h)
            symbol = symbol + values.view([-1 if j == i else 1 for j in range(dims)])
        # The constant mode, which the Laplacian does not see, is left out.
        self.inverse = torch.where(symbol == 0, 0.0, 1.0 / torch.where(symbol == 0, 1.0, symbol)).to(device)

    def solve(self, f: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]:
        """The solution for right sides `(..., *s)`; differentiable."""
        for dim, line in self.lines.items():
            f = line.forward(f, dim)
        f = self.inverse * f
        for dim, line in self.lines.items():
            f = line.backward(f, dim)
        return f
