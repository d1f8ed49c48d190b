"""Compressible Navier-Stokes equations."""

from dataclasses import dataclass

from sciml.fields import ParameterSpec
from sciml.numerics import Derivatives, Field
from sciml.pdes.base import Fields
from sciml.pdes.conservation import vector
from sciml.pdes.euler import Euler
from sciml.pdes.parameters import Parameters
from sciml.shapes import SPACE


@dataclass(frozen=True)
class CompressibleNavierStokes(Euler):
    r"""`Euler` with viscous stresses: momentum gains $\nabla\cdot\sigma$ and energy $\nabla\cdot(\sigma v)$.

    $\sigma = \eta (\nabla v + \nabla v^T - \tfrac23 I\,\nabla\cdot v) + \zeta I\,\nabla\cdot v$. Heat is not conducted.

    Args:
        gamma: as in `Euler`.
        eta: default of the parameter $\eta \ge 0$, the shear viscosity.
        zeta: default of the parameter $\zeta \ge 0$, the bulk viscosity.

    Reference: Landau & Lifshitz (1987), Fluid Mechanics, eq. (15.3) and (49.2).
    """

    gamma: float = 1.4
    eta: float = 0.01
    zeta: float = 0.01
    parameters = (
        *Euler.parameters,
        ParameterSpec("eta", unit="Pa s", low=0.0),
        ParameterSpec("zeta", unit="Pa s", low=0.0),
    )

    def viscous(self, u: Fields, d: Derivatives, p: Parameters) -> dict[str, tuple[Field, ...]]:
        v = vector(u, "velocity")
        axes, slopes = range(len(v)), [d.grad(component) for component in v]
        spread = sum((slopes[i][i] for i in axes[1:]), start=slopes[0][0])
        swelling = (p.zeta - 2 / 3 * p.eta) * spread

        def stress(i: int, j: int) -> Field:
            shear = p.eta * (slopes[i][j] + slopes[j][i])
            return shear + swelling if i == j else shear

        rows = [[stress(i, j) for j in axes] for i in axes]
        work = [sum((v[i] * rows[i][j] for i in axes[1:]), start=v[0] * rows[0][j]) for j in axes]
        return {**{f"momentum_{SPACE[i]}": tuple(rows[i]) for i in axes}, "energy": tuple(work)}

    def diffusivity(self, u: Fields, p: Parameters) -> Field:
        return (4 / 3 * p.eta + p.zeta) / u["density"]
