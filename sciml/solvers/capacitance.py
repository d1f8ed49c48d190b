"""The Poisson equation around solid cells: the box solver, and a small dense system for the faces that are blocked."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from sciml.solvers.cosine_poisson import CosinePoisson
from sciml.solvers.staggered import Staggered

#: Right sides that are solved at once when the dense matrix is made.
CHUNK = 64


class CapacitancePoisson:
    r"""$D M G \varphi = f$, where $M$ drops the slopes on faces between fluid and solid cells; direct.

    With the slopes $q = G_B \varphi$ on the $k$ blocked faces $B$, $\Delta_h \varphi = f + D_B q$, so that $(I - G_B
    \Delta_h^{-1} D_B)\,q = G_B \Delta_h^{-1} f$: one dense symmetric matrix of order $k$ per geometry, inverted once
    (what it does not determine, the constants of closed pockets, is left out), and two box solves per right side. One
    step of refinement brings the residual down to rounding.

    Args:
        poisson: solver of the box.
        staggered: its faces, with the solid cells.

    Reference: Buzbee, Dorr, George & Golub (1971), SIAM J. Numer. Anal. 8:722-736.
    """

    def __init__(self, poisson: CosinePoisson, staggered: Staggered) -> None:
        self.poisson, self.staggered = poisson, staggered
        blocked = staggered.interfaces()
        self.shapes = [b.shape for b in blocked]
        self.places = [b.flatten().nonzero().flatten() for b in blocked]
        count = sum(map(len, self.places))
        identity = torch.eye(count, dtype=torch.float64, device=poisson.inverse.device)
        columns = [self._slopes(poisson.solve(self._spread(rows))) for rows in identity.split(CHUNK)]
        matrix = identity - (torch.cat(columns) if columns else identity)
        self.inverse = torch.linalg.pinv(0.5 * (matrix + matrix.T), rcond=1e-10, hermitian=True)

    def solve(self, f: Float[Tensor, "b *s"]) -> Float[Tensor, "b *s"]:
        """The solution for right sides `(b, *s)` that vanish in solid cells; differentiable."""
        phi = self._once(f)
        return phi + self._once(f - self.staggered.divergence(self.staggered.gradient(phi)))

    def _once(self, f: Float[Tensor, "b *s"]) -> Float[Tensor, "b *s"]:
        free = self.poisson.solve(f)
        # Row by row: the order of the sums in a product must not depend on the batch.
        q = torch.stack([self.inverse @ row for row in self._slopes(free)])
        return free + self.poisson.solve(self._spread(q))

    def _slopes(self, phi: Float[Tensor, "b *s"]) -> Float[Tensor, "b k"]:
        """Slopes on the blocked faces."""
        slopes = self.staggered.slopes(phi)
        return torch.cat([s.flatten(1)[:, p] for s, p in zip(slopes, self.places, strict=True)], dim=1)

    def _spread(self, q: Float[Tensor, "b k"]) -> Float[Tensor, "b *s"]:
        """Divergence of values on the blocked faces alone."""
        values = q.split([len(p) for p in self.places], dim=1)
        blank = [torch.zeros(len(q), math.prod(shape), dtype=q.dtype, device=q.device) for shape in self.shapes]
        filled = [b.index_copy(1, p, v) for b, p, v in zip(blank, self.places, values, strict=True)]
        return self.staggered.divergence(
            tuple(f.view(len(q), *shape) for f, shape in zip(filled, self.shapes, strict=True))
        )
