"""Nonlinear Schrödinger equation."""

from dataclasses import dataclass

from sciml.fields import FieldSpec, ParameterSpec
from sciml.numerics import Derivatives
from sciml.pdes.base import Fields, SemilinearPDE
from sciml.pdes.parameters import Parameters


@dataclass(frozen=True)
class Schroedinger(SemilinearPDE):
    r"""$i h_t + d \Delta h + g |h|^2 h = 0$ for $h = u + i v$.

    By real parts, $u_t = -d \Delta v - g |h|^2 v$ and $v_t = d \Delta u + g |h|^2 u$; the mass $\int |h|^2$ is an
    invariant.

    Args:
        dispersion: default of $d$, unit length^2 / time.
        focusing: default of $g$; positive focuses.

    Reference: Raissi, Perdikaris & Karniadakis (2019), J. Comput. Phys. 378:686-707, section 3.1.1, with $d = 1/2$
    and $g = 1$.
    """

    dispersion: float = 0.5
    focusing: float = 1.0
    fields = (FieldSpec("u", long_name="real part"), FieldSpec("v", long_name="imaginary part"))
    parameters = (ParameterSpec("dispersion", unit="m2 s-1"), ParameterSpec("focusing"))

    def linear(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        return {"u": -p.dispersion * d.laplacian(u["v"]), "v": p.dispersion * d.laplacian(u["u"])}

    def nonlinear(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        strength = p.focusing * (u["u"] ** 2 + u["v"] ** 2)
        return {"u": -strength * u["v"], "v": strength * u["u"]}
