"""Incompressible flow under a steady force that varies in space."""

from dataclasses import dataclass
from typing import ClassVar

from sciml.fields import ParameterSpec
from sciml.numerics import Derivatives
from sciml.pdes.base import Fields
from sciml.pdes.navier_stokes import NavierStokes
from sciml.pdes.parameters import Parameters, vector


@dataclass(frozen=True)
class ForcedFlow(NavierStokes):
    r"""$u_t + \nabla\cdot(u \otimes u) + \nabla p = \nu \Delta u + f(x)$, $\nabla\cdot u = 0$, in the plane.

    The components of $f$ are coefficients, so that a data set holds the force of each sample as a static field. The
    passive scalar moves as in `NavierStokes`.

    Args:
        viscosity: default of $\nu \ge 0$, unit length^2 / time.
        diffusivity: default of $\kappa \ge 0$, of the scalar.
        force_x, force_y: default components of $f$, unit length / time^2.

    Reference: Takamoto et al. (2022), PDEBench, arXiv:2210.07182, appendix D (the incompressible flow).
    """

    viscosity: float = 0.01
    diffusivity: float = 0.0
    force_x: float = 0.0
    force_y: float = 0.0
    parameters = (
        *NavierStokes.parameters,
        ParameterSpec("force_x", unit="m s-2", field=True),
        ParameterSpec("force_y", unit="m s-2", field=True),
    )
    dimensions: ClassVar[tuple[int, ...]] = (2,)

    def body_force(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        # In the shape of the flow, which a number has not.
        return {v: 0.0 * u[v] + f for v, f in zip(self._velocity(d), vector(p, "force", d), strict=True)}
