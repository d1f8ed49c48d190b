"""Kuramoto–Sivashinsky equation."""

from dataclasses import dataclass

from sciml.fields import FieldSpec, ParameterSpec
from sciml.numerics import Derivatives
from sciml.pdes.base import Fields, SemilinearPDE
from sciml.pdes.parameters import Parameters


@dataclass(frozen=True)
class KuramotoSivashinsky(SemilinearPDE):
    r"""$u_t + a (u^2/2)_x + b u_{xx} + c u_{xxxx} = 0$: long waves grow, short ones decay, and chaos lies between.

    Args:
        advection: default of $a$.
        antidiffusion: default of $b$, unit length^2 / time.
        hyperdiffusion: default of $c > 0$, unit length^4 / time.

    Reference: Kassam & Trefethen (2005), SIAM J. Sci. Comput. 26:1214-1233, section 4, which has $a = b = c = 1$.
    """

    advection: float = 1.0
    antidiffusion: float = 1.0
    hyperdiffusion: float = 1.0
    fields = (FieldSpec("u"),)
    parameters = (
        ParameterSpec("advection"),
        ParameterSpec("antidiffusion", unit="m2 s-1"),
        ParameterSpec("hyperdiffusion", unit="m4 s-1", low=0.0),
    )
    dimensions = (1,)

    def linear(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        return {"u": -p.antidiffusion * d(u["u"], "xx") - p.hyperdiffusion * d(u["u"], "xxxx")}

    def nonlinear(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        return {"u": -0.5 * p.advection * d(u["u"] ** 2, "x")}
