"""Steady flow through a porous medium."""

from dataclasses import dataclass

from sciml.fields import FieldSpec, ParameterSpec
from sciml.numerics import Field
from sciml.pdes.base import EllipticPDE
from sciml.pdes.parameters import Parameters


@dataclass(frozen=True)
class Darcy(EllipticPDE):
    r"""$-\nabla\cdot(a \nabla u) = f$: pressure $u$ for permeability $a$ and source $f$.

    Args:
        a: default permeability, where no coefficient field is given.
        f: default source.

    Reference: Li et al. (2021), Fourier Neural Operator, ICLR, eq. (7).
    """

    a: float = 1.0
    f: float = 1.0
    fields = (FieldSpec("u", location="cell", long_name="pressure"),)
    parameters = (ParameterSpec("a", low=0.0, field=True), ParameterSpec("f", field=True))

    def diffusion(self, p: Parameters) -> Field:
        return p.a

    def source(self, p: Parameters) -> Field:
        return p.f
