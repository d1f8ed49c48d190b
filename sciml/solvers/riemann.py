"""Approximate Riemann solvers: the flux through a face between two states."""

from abc import ABC, abstractmethod

import torch
from jaxtyping import Float
from torch import Tensor

from sciml.describe import Described
from sciml.pdes.waves import Flow, Waves


class RiemannSolver(Described, ABC):
    """The flux along an axis between a left and a right state."""

    @abstractmethod
    def flux(
        self, left: Float[Tensor, "b c *s"], right: Float[Tensor, "b c *s"], waves: Waves
    ) -> Float[Tensor, "b c *s"]:
        """Flux of the conserved quantities."""


def signal_speeds(waves: Waves, q: tuple[Tensor, Tensor], flow: tuple[Flow, Flow]) -> tuple[Tensor, Tensor]:
    r"""Bounds $S_L \le S_R$ of the speeds of all waves between two states.

    Reference: Einfeldt et al. (1991), J. Comput. Phys. 92:273-295; Batten et al. (1997), eq. (47)-(48).
    """
    velocity, sound = waves.roe(*flow, *q)
    left, right = flow
    lowest = torch.minimum(left.velocity - left.sound, velocity - sound)
    return lowest, torch.maximum(right.velocity + right.sound, velocity + sound)


class Rusanov(RiemannSolver):
    r"""$\frac12 (f_L + f_R) - \frac\alpha2 (q_R - q_L)$ with $\alpha$ the largest speed of both states.

    With the averages of two cells as states it keeps an ideal gas positive for a Courant number up to one half.

    Reference: Zhang & Shu (2010), J. Comput. Phys. 229:8918-8934, section 2.1.
    """

    def flux(
        self, left: Float[Tensor, "b c *s"], right: Float[Tensor, "b c *s"], waves: Waves
    ) -> Float[Tensor, "b c *s"]:
        a, b = waves.flow(left), waves.flow(right)
        fastest = torch.maximum(a.velocity.abs() + a.sound, b.velocity.abs() + b.sound)
        return 0.5 * (waves.flux(left, a) + waves.flux(right, b)) - 0.5 * fastest[:, None] * (right - left)


class HLLE(RiemannSolver):
    r"""Two waves, one state between them: $f = (S_R^+ f_L - S_L^- f_R + S_L^- S_R^+ (q_R - q_L)) / (S_R^+ - S_L^-)$.

    Reference: Harten, Lax & van Leer (1983), SIAM Rev. 25:35-61, eq. (3.10); speeds of Einfeldt.
    """

    def flux(
        self, left: Float[Tensor, "b c *s"], right: Float[Tensor, "b c *s"], waves: Waves
    ) -> Float[Tensor, "b c *s"]:
        a, b = waves.flow(left), waves.flow(right)
        lowest, highest = signal_speeds(waves, (left, right), (a, b))
        below, above = lowest.clamp(max=0.0)[:, None], highest.clamp(min=0.0)[:, None]
        mean = above * waves.flux(left, a) - below * waves.flux(right, b)
        return (mean + below * above * (right - left)) / (above - below)


class HLLC(RiemannSolver):
    r"""Two waves and the contact between them: contacts and shear layers that move with the fluid stay sharp.

    On the side $K$ of the contact that the face lies on, with $S_K$ cut at zero in the factor before the bracket,
    $f = f_K + S_K (S_* q_K - f_K + p_* D(S_*)) / (S_K - S_*)$.

    Reference: Toro, Spruce & Speares (1994), Shock Waves 4:25-34; Toro (2009), eq. (10.37) and (10.43).
    """

    def flux(
        self, left: Float[Tensor, "b c *s"], right: Float[Tensor, "b c *s"], waves: Waves
    ) -> Float[Tensor, "b c *s"]:
        a, b = waves.flow(left), waves.flow(right)
        lowest, highest = signal_speeds(waves, (left, right), (a, b))
        # Mass fluxes through the outer waves; the first is negative, the second positive.
        inflow, outflow = a.density * (lowest - a.velocity), b.density * (highest - b.velocity)
        contact = (b.pressure - a.pressure + inflow * a.velocity - outflow * b.velocity) / (inflow - outflow)

        from_left = contact >= 0
        q = torch.where(from_left[:, None], left, right)
        velocity = torch.where(from_left, a.velocity, b.velocity)
        pressure = torch.where(from_left, a.pressure, b.pressure)
        outer = torch.where(from_left, lowest, highest)
        cut = torch.where(from_left, lowest.clamp(max=0.0), highest.clamp(min=0.0))

        flux = velocity[:, None] * q + waves.push(pressure, velocity)
        star = pressure + torch.where(from_left, inflow, outflow) * (contact - velocity)
        jump = contact[:, None] * q - flux + waves.push(star, contact)
        return flux + (cut / (outer - contact))[:, None] * jump
