"""Korteweg–de Vries equation."""

from dataclasses import dataclass

from sciml.fields import FieldSpec, ParameterSpec
from sciml.numerics import Derivatives
from sciml.pdes.base import Fields, SemilinearPDE
from sciml.pdes.parameters import Parameters


@dataclass(frozen=True)
class KortewegDeVries(SemilinearPDE):
    r"""$u_t + a (u^2/2)_x + b u_{xxx} = 0$: solitons that pass through one another.

    Args:
        advection: default of $a$.
        dispersion: default of $b$, unit length^3 / time.

    Reference: Zabusky & Kruskal (1965), Phys. Rev. Lett. 15:240-243, eq. (1), which has $a = 1$, $b = 0.022^2$.
    """

    advection: float = 6.0
    dispersion: float = 1.0
    fields = (FieldSpec("u"),)
    parameters = (ParameterSpec("advection"), ParameterSpec("dispersion", unit="m3 s-1"))
    dimensions = (1,)

    def linear(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        return {"u": -p.dispersion * d(u["u"], "xxx")}

    def nonlinear(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        return {"u": -0.5 * p.advection * d(u["u"] ** 2, "x")}
