"""Heat equation."""

from dataclasses import dataclass

from sciml.fields import FieldSpec, ParameterSpec
from sciml.numerics import Derivatives
from sciml.pdes.base import Fields, SemilinearPDE
from sciml.pdes.parameters import Parameters


@dataclass(frozen=True)
class Heat(SemilinearPDE):
    r"""$u_t = \kappa \Delta u$.

    Args:
        diffusivity: default of $\kappa \ge 0$, unit length^2 / time.

    Reference: Evans (2010), Partial Differential Equations, section 2.3.
    """

    diffusivity: float = 0.01
    fields = (FieldSpec("u", unit="K", long_name="temperature"),)
    parameters = (ParameterSpec("diffusivity", unit="m2 s-1", low=0.0),)

    def linear(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        return {"u": p.diffusivity * d.laplacian(u["u"])}
