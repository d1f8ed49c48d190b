"""FitzHugh–Nagumo model of an excitable medium."""

from dataclasses import dataclass

from sciml.fields import FieldSpec, ParameterSpec
from sciml.numerics import Derivatives
from sciml.pdes.base import Fields, SemilinearPDE
from sciml.pdes.parameters import Parameters


@dataclass(frozen=True)
class FitzHughNagumo(SemilinearPDE):
    r"""$u_t = D_u \Delta u + u - u^3 - k - v$, $v_t = D_v \Delta v + u - v$: an activator and its inhibitor.

    Args:
        diffusivity_u, diffusivity_v: defaults of $D_u$, $D_v$, unit length^2 / time.
        k: default of the constant $k$, unit 1 / time.

    Reference: Takamoto et al. (2022), PDEBench, NeurIPS Datasets and Benchmarks, appendix D, with these defaults on
    $(-1, 1)^2$ without flux through the boundary; FitzHugh (1961), Biophys. J. 1:445-466.
    """

    diffusivity_u: float = 1e-3
    diffusivity_v: float = 5e-3
    k: float = 5e-3
    fields = (FieldSpec("u", long_name="activator"), FieldSpec("v", long_name="inhibitor"))
    parameters = (
        ParameterSpec("diffusivity_u", unit="m2 s-1", low=0.0),
        ParameterSpec("diffusivity_v", unit="m2 s-1", low=0.0),
        ParameterSpec("k", unit="s-1"),
    )

    def linear(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        return {
            "u": p.diffusivity_u * d.laplacian(u["u"]) + u["u"],
            "v": p.diffusivity_v * d.laplacian(u["v"]) - u["v"],
        }

    def nonlinear(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        return {"u": -(u["u"] ** 3) - p.k - u["v"], "v": u["u"]}
