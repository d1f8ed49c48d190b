"""Steady incompressible flow."""

from dataclasses import dataclass

from sciml.fields import FieldSpec, ParameterSpec, channel_names
from sciml.numerics import Derivatives
from sciml.pdes.base import PDE, Fields
from sciml.pdes.parameters import Parameters


@dataclass(frozen=True)
class SteadyNavierStokes(PDE):
    r"""$u \cdot \nabla u + \nabla p = \nu \Delta u$, $\nabla\cdot u = 0$: a fluid of density one that has settled.

    The pressure is determined up to a constant where no condition fixes it.

    Args:
        viscosity: default of $\nu \ge 0$, unit length^2 / time.

    Reference: Temam (1984), Navier-Stokes Equations, section II.1.
    """

    viscosity: float = 1e-2
    fields = (FieldSpec("velocity", unit="m s-1", rank=1),)
    diagnostics = (FieldSpec("pressure", unit="m2 s-2", long_name="pressure over density"),)
    parameters = (ParameterSpec("viscosity", unit="m2 s-1", low=0.0),)
    dimensions = (2, 3)

    def residual(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        names = channel_names(self.fields, len(d.space))
        velocity, slope = [u[n] for n in names], d.grad(u["pressure"])
        momentum = {
            n: d.advect(velocity, u[n]) + slope[i] - p.viscosity * d.laplacian(u[n]) for i, n in enumerate(names)
        }
        return {**momentum, "pressure": d.div(velocity)}
