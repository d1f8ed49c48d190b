"""Allen–Cahn equation."""

from dataclasses import dataclass

from sciml.fields import FieldSpec, ParameterSpec
from sciml.numerics import Derivatives
from sciml.pdes.base import Fields, SemilinearPDE
from sciml.pdes.parameters import Parameters


@dataclass(frozen=True)
class AllenCahn(SemilinearPDE):
    r"""$u_t = \varepsilon \Delta u + r (u - u^3)$: two phases, and interfaces between them that move by curvature.

    Args:
        diffusivity: default of $\varepsilon > 0$, unit length^2 / time.
        rate: default of $r > 0$, unit 1 / time.

    Reference: Allen & Cahn (1979), Acta Metall. 27:1085-1095.
    """

    diffusivity: float = 1e-4
    rate: float = 5.0
    fields = (FieldSpec("u", long_name="order parameter"),)
    parameters = (ParameterSpec("diffusivity", unit="m2 s-1", low=0.0), ParameterSpec("rate", unit="s-1", low=0.0))

    def linear(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        return {"u": p.diffusivity * d.laplacian(u["u"]) + p.rate * u["u"]}

    def nonlinear(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        return {"u": -p.rate * u["u"] ** 3}
