"""Positive densities and pressures: face values drawn towards the average, fluxes towards those of first order."""

import torch
from jaxtyping import Float
from torch import Tensor

from sciml.describe import Described
from sciml.pdes.waves import Waves
from sciml.solvers.riemann import Rusanov


class PositivityLimiter(Described):
    r"""Two limiters that act only where positivity would be lost, and keep conservation and the order elsewhere.

    Face values are scaled towards the cell's average, $\bar q + \theta (q - \bar q)$. Fluxes are blended with those of
    Rusanov between the averages, $\theta f + (1 - \theta) f_1$, in samples where an Euler step with $f$ would end
    without positive averages; it cannot with $f_1$ for Courant numbers up to one half.

    Args:
        floor: least value, as a fraction of the cell's own.

    Raises:
        ValueError: a fraction outside (0, 1).

    Reference: Zhang & Shu (2010), J. Comput. Phys. 229:8918-8934, section 2.2; Hu, Adams & Shu (2013), J. Comput.
    Phys. 242:169-180, section 2.2.
    """

    def __init__(self, floor: float = 1e-8) -> None:
        if not 0 < floor < 1:
            raise ValueError(f"floor={floor} must lie in (0, 1).")
        self.floor = floor

    def scale(self, face: Float[Tensor, "b c *s"], mean: Float[Tensor, "b c *s"], waves: Waves) -> Tensor:
        """Face values drawn towards the averages of their cells as far as positivity asks for."""
        return self._blend(face, mean, waves, self._floors(mean, waves))

    def _floors(self, mean: Float[Tensor, "b c *s"], waves: Waves) -> list[Tensor]:
        return [self.floor * part for part in waves.positive(mean)]

    def _blend(self, q: Tensor, safe: Tensor, waves: Waves, floors: list[Tensor]) -> Tensor:
        """`q` drawn towards `safe`: the density first, without which a pressure means nothing."""
        for i, floor in enumerate(floors):
            share = _share(waves.positive(q)[i], waves.positive(safe)[i], floor)
            q = safe + share[:, None] * (q - safe)
        return q

    def fluxes(
        self,
        flux: Float[Tensor, "b c *f"],
        q: Float[Tensor, "b c *s"],
        ratio: Float[Tensor, "b *r"],
        waves: Waves,
    ) -> Tensor:
        r"""Fluxes through the `n + 1` faces along the last axis with which each cell's two halves stay positive.

        Args:
            flux: of high order.
            q: averages of the `n` cells and of one beyond each end.
            ratio: $\Delta t / (a h)$ with the share $a$ of this axis in the Courant number.
            waves: along the axis.
        """
        below, above = q[..., :-1], q[..., 1:]
        first = Rusanov().flux(below, above, waves)
        step = 2 * ratio[:, None]
        share = torch.minimum(
            self._flux_share(below, -step, flux, first, waves), self._flux_share(above, step, flux, first, waves)
        )
        return first + share[:, None] * (flux - first)

    def _flux_share(self, q: Tensor, step: Tensor, flux: Tensor, first: Tensor, waves: Waves) -> Tensor:
        """Largest admissible share of the flux of high order in the half of a cell beside the face."""
        floors, safe, half = self._floors(q, waves), q + step * first, q + step * flux
        total = torch.ones_like(floors[0])
        for i, floor in enumerate(floors):
            share = _share(waves.positive(half)[i], waves.positive(safe)[i], floor)
            half, total = safe + share[:, None] * (half - safe), share * total
        return total


def _share(value: Tensor, safe: Tensor, floor: Tensor) -> Tensor:
    r"""Largest $\theta \in [0, 1]$ with $\theta v + (1 - \theta) v_s \ge$ floor, as a concave function then is too."""
    # NaN, as from a density of zero, compares false and takes the safe value.
    low = ~(value >= floor)
    gap = torch.where(low & (safe > value), safe - value, 1.0)
    return torch.where(low, torch.nan_to_num((safe - floor) / gap, nan=0.0).clamp(0.0, 1.0) * (safe > value), 1.0)
