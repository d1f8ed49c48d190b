"""Fifth-order weighted essentially non-oscillatory reconstruction of face values from cell averages."""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from sciml.describe import Described
from sciml.pdes.waves import Waves

#: Cells on each side of a face that a reconstruction reads.
REACH = 3


class Reconstruction(Described, ABC):
    """Face values from cell averages, by characteristic variables. `order` is that of the face values."""

    order: ClassVar[int]

    def faces(self, q: Float[Tensor, "b c *s"], waves: Waves) -> tuple[Tensor, Tensor]:
        """Values at both sides of every face along the last axis.

        The differences of neighbouring cells are projected onto the waves of their mean state, so that each wave meets
        its own discontinuities only, and a uniform state is kept to the last bit.

        Args:
            q: averages of the conserved quantities, `n` cells and three beyond each end along the last axis.
            waves: along that axis.

        Returns:
            The left and the right values at the `n + 1` faces of the `n` cells.
        """
        count = q.shape[-1] - 2 * REACH + 1
        below, above = q[..., REACH - 1 : -REACH], q[..., REACH : 1 - REACH]
        basis = waves.basis(0.5 * (below + above))
        differences = q[..., 1:] - q[..., :-1]
        a, b, c, d, e = (basis.project(differences[..., k : k + count]) for k in range(2 * REACH - 1))
        left = below + basis.expand(self.correction(a, b, c, d))
        right = above - basis.expand(self.correction(e, d, c, b))
        return left, right

    @abstractmethod
    def correction(self, a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
        r"""$q_{i+1/2} - \bar q_i$ from the differences of the averages of cells $i-2, \dots, i+2$, in this order."""


class WENO(Reconstruction):
    r"""Convex combination of the three parabolas that reproduce the averages of three cells each.

    In differences, the candidates are $(5b - 2a)/6$, $(b + 2c)/6$ and $(4c - d)/6$.

    Reference: Jiang & Shu (1996), J. Comput. Phys. 126:202-228, eq. (2.10), (3.2)-(3.4).
    """

    order = 5
    #: Weights with which the candidates make up the value of fifth order.
    optimal = (0.1, 0.6, 0.3)

    def correction(self, a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
        roughness = (
            13 / 12 * (b - a).square() + 0.25 * (3 * b - a).square(),
            13 / 12 * (c - b).square() + 0.25 * (b + c).square(),
            13 / 12 * (d - c).square() + 0.25 * (3 * c - d).square(),
        )
        first, second, third = self.weights(*roughness)
        total = first * (5 * b - 2 * a) + second * (b + 2 * c) + third * (4 * c - d)
        return total / (6 * (first + second + third))

    @abstractmethod
    def weights(self, first: Tensor, second: Tensor, third: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Weights of the candidates, up to a common factor, from their smoothness indicators."""


class WENOJS(WENO):
    r"""Weights $\omega_k \propto d_k / (\epsilon + \beta_k)^2$.

    Args:
        epsilon: keeps the denominator from zero, in the squared units of the conserved quantities.

    Reference: Jiang & Shu (1996), eq. (2.16).
    """

    def __init__(self, epsilon: float = 1e-6) -> None:
        self.epsilon = epsilon

    def weights(self, first: Tensor, second: Tensor, third: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        one, two, three = (
            d / (self.epsilon + beta).square() for d, beta in zip(self.optimal, (first, second, third), strict=True)
        )
        return one, two, three


class WENOZ(WENO):
    r"""Weights $\omega_k \propto d_k (1 + (\tau / (\epsilon + \beta_k))^p)$ with $\tau = |\beta_0 - \beta_2|$.

    Closer to the optimal weights than those of Jiang & Shu where the solution is smooth, extrema included, hence less
    dissipative.

    Args:
        power: $p$; two keeps the order at first-order extrema, one smears less at discontinuities.
        epsilon: keeps the denominator from zero.

    Reference: Borges et al. (2008), J. Comput. Phys. 227:3191-3211, eq. (28).
    """

    def __init__(self, power: int = 1, epsilon: float = 1e-40) -> None:
        if power not in (1, 2):
            raise ValueError(f"power={power} must be 1 or 2.")
        self.power, self.epsilon = power, epsilon

    def weights(self, first: Tensor, second: Tensor, third: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        tau = torch.abs(first - third)
        ratios = [tau / (beta + self.epsilon) for beta in (first, second, third)]
        one, two, three = (
            d * (1 + (r.square() if self.power == 2 else r)) for d, r in zip(self.optimal, ratios, strict=True)
        )
        return one, two, three
