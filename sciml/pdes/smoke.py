"""Smoke that rises: incompressible flow driven by the buoyancy of the scalar it carries."""

from dataclasses import dataclass

from sciml.fields import FieldSpec, ParameterSpec
from sciml.numerics import Derivatives
from sciml.pdes.base import Fields
from sciml.pdes.navier_stokes import NavierStokes
from sciml.pdes.parameters import Parameters


@dataclass(frozen=True)
class Smoke(NavierStokes):
    r"""$u_t + \nabla\cdot(u \otimes u) + \nabla p = \nu \Delta u + b\,s\,e$, $\nabla\cdot u = 0$.

    The smoke moves with the flow, $s_t + \nabla\cdot(u\,s) = \kappa \Delta s$, and pulls it along the last axis, whose
    unit vector is $e$ (the approximation of Boussinesq). The defaults are those of the smoke data of PDEArena, which
    fill a closed box of 32 by 32 with a fluid at rest at first.

    Args:
        viscosity: default of $\nu \ge 0$, unit length^2 / time.
        diffusivity: default of $\kappa \ge 0$, of the smoke $s$.
        buoyancy: default of $b$, unit length / time^2; negative where the smoke sinks.

    Reference: Gupta & Brandstetter (2022), Towards Multi-spatiotemporal-scale Generalized PDE Modeling,
    arXiv:2209.15616 (the data).
    """

    viscosity: float = 0.01
    diffusivity: float = 0.0
    buoyancy: float = 0.5
    fields = (FieldSpec("velocity", unit="m s-1", rank=1), FieldSpec("tracer", long_name="smoke"))
    parameters = (*NavierStokes.parameters, ParameterSpec("buoyancy", unit="m s-2"))

    def body_force(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        return {self._velocity(d)[-1]: p.buoyancy * u["tracer"]}
