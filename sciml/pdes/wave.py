"""Wave equation in a medium."""

from dataclasses import dataclass

from sciml.fields import FieldSpec, ParameterSpec
from sciml.numerics import Derivatives
from sciml.pdes.base import EvolutionPDE, Fields
from sciml.pdes.parameters import Parameters


@dataclass(frozen=True)
class Wave(EvolutionPDE):
    r"""$u_{tt} = c(x)^2 \Delta u$ as $u_t = v$, $v_t = c^2 \Delta u$.

    The energy $\tfrac12 \int v^2 / c^2 + |\nabla u|^2$ is an invariant where nothing crosses the boundary.

    Args:
        speed: default of $c$, unit length / time; a number or a field.

    Reference: Herde et al. (2024), Poseidon, NeurIPS, where the medium has layers or Gaussian lenses.
    """

    speed: float = 1.0
    fields = (FieldSpec("u", unit="m", long_name="displacement"), FieldSpec("v", unit="m s-1", long_name="velocity"))
    parameters = (ParameterSpec("speed", unit="m s-1", low=0.0, field=True),)

    def rhs(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        return {"u": u["v"], "v": p.speed**2 * d.laplacian(u["u"])}
