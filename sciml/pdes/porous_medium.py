"""Porous medium equation."""

from dataclasses import dataclass

import torch

from sciml.fields import FieldSpec, ParameterSpec
from sciml.numerics import Derivatives
from sciml.pdes.base import EvolutionPDE, Fields
from sciml.pdes.parameters import Parameters


@dataclass(frozen=True)
class PorousMedium(EvolutionPDE):
    r"""$u_t = \Delta(|u|^{m-1} u)$: gas in a porous medium, with a diffusivity that vanishes where there is none.

    A compactly supported density spreads at a finite speed and has a front with a steep, for $m > 2$ vertical, slope.
    The total mass is kept where no flux passes the boundary, and $0 \le u \le \max u_0$.

    Args:
        exponent: default of $m \ge 1$; $m = 1$ is the heat equation.

    Reference: Vazquez (2007), The Porous Medium Equation, eq. (1.1); the signed form is eq. (1.3).
    """

    exponent: float = 2.0
    fields = (FieldSpec("u", location="cell", long_name="density"),)
    parameters = (ParameterSpec("exponent", low=1.0),)
    nonnegative = ("u",)

    def rhs(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        density = u["u"]
        return {"u": d.laplacian(torch.sign(density) * torch.abs(density) ** p.exponent)}
