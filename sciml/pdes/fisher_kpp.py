"""Fisher–KPP equation."""

from dataclasses import dataclass

from sciml.fields import FieldSpec, ParameterSpec
from sciml.numerics import Derivatives
from sciml.pdes.base import Fields, SemilinearPDE
from sciml.pdes.parameters import Parameters


@dataclass(frozen=True)
class FisherKPP(SemilinearPDE):
    r"""$u_t = D \Delta u + r u (1 - u)$: a population that spreads, in fronts of speed $2\sqrt{rD}$ or faster.

    A state between 0 and 1 stays there.

    Args:
        diffusivity: default of $D > 0$, unit length^2 / time.
        rate: default of $r > 0$, unit 1 / time.

    Reference: Fisher (1937), Ann. Eugenics 7:355-369, eq. (2).
    """

    diffusivity: float = 1e-3
    rate: float = 1.0
    fields = (FieldSpec("u", long_name="population"),)
    parameters = (ParameterSpec("diffusivity", unit="m2 s-1", low=0.0), ParameterSpec("rate", unit="s-1", low=0.0))
    nonnegative = ("u",)

    def linear(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        return {"u": p.diffusivity * d.laplacian(u["u"]) + p.rate * u["u"]}

    def nonlinear(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        return {"u": -p.rate * u["u"] ** 2}
