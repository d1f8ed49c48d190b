"""Poisson equation."""

from dataclasses import dataclass

from sciml.fields import FieldSpec, ParameterSpec
from sciml.numerics import Derivatives, Field
from sciml.pdes.base import EllipticPDE, Fields
from sciml.pdes.parameters import Parameters


@dataclass(frozen=True)
class Poisson(EllipticPDE):
    r"""$-\Delta u = f$: potential $u$ of a charge $f$.

    Args:
        f: default charge.

    Reference: Evans (2010), Partial Differential Equations, section 2.2.
    """

    f: float = 1.0
    fields = (FieldSpec("u", location="cell", long_name="potential"),)
    parameters = (ParameterSpec("f", field=True),)

    def diffusion(self, p: Parameters) -> Field:
        return 1.0

    def source(self, p: Parameters) -> Field:
        return p.f

    def residual(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        # The Laplacian as such is one row of a jet, or an estimate; a divergence of gradients is neither.
        return {"u": -d.laplacian(u["u"]) - p.f}
