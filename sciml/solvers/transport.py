"""What a flow carries through a face: the value of a field there, from the cells on both sides."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Transport(ABC):
    """Values at faces from values in a row of cells and the direction of the flow."""

    @abstractmethod
    def values(self, q: Float[Tensor, "..."], speed: Float[Tensor, "..."], dim: int) -> Float[Tensor, "..."]:
        """Values at the faces that have two cells on either side.

        Args:
            q: cell values, `n` along `dim`.
            speed: normal velocity at the faces, `n - 3` along `dim`; its sign says which side is upstream.
            dim: the axis across which the faces lie.
        """


@dataclass(frozen=True)
class CentralTransport(Transport):
    r"""$\tfrac12 (q_{i-1} + q_i)$: second order, and without dissipation; a velocity so carried keeps its energy."""

    def values(self, q: Float[Tensor, "..."], speed: Float[Tensor, "..."], dim: int) -> Float[Tensor, "..."]:
        count = q.shape[dim]
        return 0.5 * (q.narrow(dim, 1, count - 3) + q.narrow(dim, 2, count - 3))


@dataclass(frozen=True)
class LimitedTransport(Transport):
    r"""$q_u + \tfrac12 \varphi(r)\,(q_d - q_u)$ with $\varphi = \max(0, \min(2r, \tfrac{2 + r}{3}, 2))$: keeps bounds.

    $q_u$ is upstream of the face, $q_d$ downstream, and $r$ the slope upstream of $q_u$ over that across the face. The
    value is exact for parabolas where the field is monotone, and falls back to $q_u$ where an extremum would arise.

    Reference: Koren (1993), A robust upwind discretization method for advection, diffusion and source terms.
    """

    def values(self, q: Float[Tensor, "..."], speed: Float[Tensor, "..."], dim: int) -> Float[Tensor, "..."]:
        count = q.shape[dim] - 3
        far_left, left, right, far_right = (q.narrow(dim, i, count) for i in range(4))
        forward = speed >= 0
        upstream = torch.where(forward, left, right)
        across = torch.where(forward, right - left, left - right)
        behind = torch.where(forward, left - far_left, right - far_right)
        # Written with the sign of the slope across the face, so that nothing is divided by a slope of zero.
        sign = torch.where(across >= 0, 1.0, -1.0)
        steep, trailing = sign * across, sign * behind
        limited = torch.minimum(torch.minimum(2 * trailing, (2 * steep + trailing) / 3), 2 * steep)
        return upstream + 0.5 * sign * limited.clamp_min(0.0)
