"""Poisson equation."""

from dataclasses import dataclass

from sciml.fields import FieldSpec, ParameterSpec
from sciml.numerics import Field
from sciml.pdes.base import EllipticPDE
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
