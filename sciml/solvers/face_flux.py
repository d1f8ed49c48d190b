"""The flux through the faces across one axis: reconstruction, Riemann solver, and midpoints between them."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from sciml.pdes.waves import Waves
from sciml.solvers.positivity import PositivityLimiter
from sciml.solvers.riemann import RiemannSolver
from sciml.solvers.weno import Reconstruction

#: Cells beside the line of a face, in every other direction, that its flux reads.
BESIDE = 2
#: Largest jump of density or pressure, relative to its value, across which a face counts as smooth.
SMOOTH = 0.1


@dataclass(frozen=True)
class FaceFlux:
    r"""Averages over faces of the flux along the last axis, of fourth order where the solution is smooth.

    A reconstruction along an axis gives averages over faces. A flux is nonlinear, so it is taken at the faces'
    midpoints, $q_m = \bar q - \frac{1}{24} \delta^2 \bar q$, and averaged again, $\bar f = f_m + \frac{1}{24} \delta^2
    f_m$, where $\delta^2$ are second differences along the face. Faces across which density or pressure bend by more
    than a tenth are taken as they are; on a refined grid, smooth solutions have none.

    Args:
        reconstruction, riemann: of each face.
        positivity: keeps face values admissible; none without one.

    Reference: Buchmüller & Helzel (2014), J. Sci. Comput. 61:343-368, section 2.
    """

    reconstruction: Reconstruction
    riemann: RiemannSolver
    positivity: PositivityLimiter | None

    def __call__(self, q: Float[Tensor, "b c *s"], waves: Waves) -> Float[Tensor, "b c *f"]:
        """Fluxes through the `n + 1` faces of each line.

        Args:
            q: averages; three cells more than `n` at both ends of the last axis, two at those of every other axis.
            waves: along the last axis.
        """
        left, right = self.reconstruction.faces(q, waves)
        below, above = q[..., 2:-3], q[..., 3:-2]
        left, right = self._positive(left, below, waves), self._positive(right, above, waves)
        if q.ndim == 3:
            return self.riemann.flux(left, right, waves)
        smooth = (_smooth(left, waves) & _smooth(right, waves))[:, None]
        left_middle = self._midpoint(left, smooth, waves)
        right_middle = self._midpoint(right, smooth, waves)
        flux = self.riemann.flux(left_middle, right_middle, waves)
        return _inner(flux) + torch.where(_inner(smooth), _bend(flux) / 24, 0.0)

    def _positive(self, face: Tensor, mean: Tensor, waves: Waves) -> Tensor:
        return face if self.positivity is None else self.positivity.scale(face, mean, waves)

    def _midpoint(self, face: Tensor, smooth: Tensor, waves: Waves) -> Tensor:
        return _inner(face) - torch.where(smooth, _bend(face) / 24, 0.0)


def _smooth(q: Float[Tensor, "b c *s"], waves: Waves) -> Tensor:
    """Whether nothing that is positive bends much along the faces, without the outermost of them."""
    found = [_bend(part).abs() < SMOOTH * _inner(part) for part in (p[:, None] for p in waves.positive(q))]
    return torch.stack(found).all(0)[:, 0]


def _inner(x: Tensor) -> Tensor:
    """Without the outermost entries of every axis but the last."""
    return x[(slice(None), slice(None), *[slice(1, -1)] * (x.ndim - 3))]


def _bend(x: Tensor) -> Tensor:
    r"""$\delta^2$ summed over every axis but the last, without the outermost entries."""
    total = None
    for axis in range(2, x.ndim - 1):
        inner = x[
            (slice(None), slice(None), *[slice(1, -1) if a != axis else slice(None) for a in range(2, x.ndim - 1)])
        ]
        n = inner.shape[axis]
        middle = inner.narrow(axis, 1, n - 2)
        second = inner.narrow(axis, 0, n - 2) - 2 * middle + inner.narrow(axis, 2, n - 2)
        total = second if total is None else total + second
    assert total is not None
    return total
