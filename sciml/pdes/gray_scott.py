"""Gray–Scott model of an autocatalytic reaction."""

from dataclasses import dataclass

from sciml.fields import FieldSpec, ParameterSpec
from sciml.numerics import Derivatives
from sciml.pdes.base import Fields, SemilinearPDE
from sciml.pdes.parameters import Parameters


@dataclass(frozen=True)
class GrayScott(SemilinearPDE):
    r"""$u_t = D_u \Delta u - u v^2 + F (1 - u)$, $v_t = D_v \Delta v + u v^2 - (F + k) v$: spots, stripes and waves.

    Args:
        diffusivity_u, diffusivity_v: defaults of $D_u$, $D_v$, unit length^2 / time.
        feed: default of $F$, unit 1 / time.
        kill: default of $k$, unit 1 / time.

    Reference: Pearson (1993), Science 261:189-192, eq. (2), which has $D_u = 2 \cdot 10^{-5}$, $D_v = 10^{-5}$.
    """

    diffusivity_u: float = 2e-5
    diffusivity_v: float = 1e-5
    feed: float = 0.04
    kill: float = 0.06
    fields = (FieldSpec("u", long_name="substrate"), FieldSpec("v", long_name="activator"))
    parameters = (
        ParameterSpec("diffusivity_u", unit="m2 s-1", low=0.0),
        ParameterSpec("diffusivity_v", unit="m2 s-1", low=0.0),
        ParameterSpec("feed", unit="s-1", low=0.0),
        ParameterSpec("kill", unit="s-1", low=0.0),
    )

    def linear(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        return {
            "u": p.diffusivity_u * d.laplacian(u["u"]) - p.feed * u["u"],
            "v": p.diffusivity_v * d.laplacian(u["v"]) - (p.feed + p.kill) * u["v"],
        }

    def nonlinear(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        reaction = u["u"] * u["v"] ** 2
        return {"u": p.feed - reaction, "v": reaction}
