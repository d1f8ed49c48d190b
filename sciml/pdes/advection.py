"""Linear advection."""

from dataclasses import dataclass

from sciml.fields import FieldSpec, ParameterSpec
from sciml.numerics import Derivatives
from sciml.pdes.base import Fields, SemilinearPDE
from sciml.pdes.parameters import Parameters, vector


@dataclass(frozen=True)
class Advection(SemilinearPDE):
    r"""$u_t + c \cdot \nabla u = 0$: a profile that moves with the constant velocity $c$ and keeps its shape.

    Args:
        velocity_x, velocity_y, velocity_z: default components of $c$, unit length / time; those of axes that the domain
            does not have are ignored.

    Reference: Takamoto et al. (2022), PDEBench, NeurIPS.
    """

    velocity_x: float = 1.0
    velocity_y: float = 0.0
    velocity_z: float = 0.0
    fields = (FieldSpec("u"),)
    parameters = tuple(ParameterSpec(f"velocity_{i}", unit="m s-1") for i in "xyz")

    def linear(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        return {"u": -d.advect(vector(p, "velocity", d), u["u"])}
