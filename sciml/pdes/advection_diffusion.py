"""Linear advection with diffusion."""

from dataclasses import dataclass

from sciml.fields import FieldSpec, ParameterSpec
from sciml.numerics import Derivatives
from sciml.pdes.base import Fields, SemilinearPDE
from sciml.pdes.parameters import Parameters, vector


@dataclass(frozen=True)
class AdvectionDiffusion(SemilinearPDE):
    r"""$u_t + c \cdot \nabla u = \kappa \Delta u$: a profile that moves with the constant velocity $c$ and spreads.

    Args:
        velocity_x, velocity_y, velocity_z: default components of $c$, unit length / time; those of axes that the domain
            does not have are ignored.
        diffusivity: default of $\kappa \ge 0$, unit length^2 / time.

    Reference: Hundsdorfer & Verwer (2003), Numerical Solution of Time-Dependent Advection-Diffusion-Reaction Equations,
    chapter I.
    """

    velocity_x: float = 1.0
    velocity_y: float = 0.0
    velocity_z: float = 0.0
    diffusivity: float = 0.01
    fields = (FieldSpec("u"),)
    parameters = (
        *(ParameterSpec(f"velocity_{i}", unit="m s-1") for i in "xyz"),
        ParameterSpec("diffusivity", unit="m2 s-1", low=0.0),
    )

    def linear(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        return {"u": p.diffusivity * d.laplacian(u["u"]) - d.advect(vector(p, "velocity", d), u["u"])}
