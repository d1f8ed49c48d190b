"""Viscous Burgers equation, for one velocity and for a velocity vector."""

from dataclasses import dataclass

from sciml.fields import FieldSpec, ParameterSpec
from sciml.numerics import Derivatives
from sciml.pdes.base import Fields, SemilinearPDE
from sciml.pdes.parameters import Parameters


@dataclass(frozen=True)
class Burgers(SemilinearPDE):
    r"""$u_t + (u^2/2)_x = \nu u_{xx}$: advection steepens, viscosity smooths; thin shocks for small $\nu$.

    Args:
        viscosity: default of the parameter $\nu > 0$, unit length^2 / time; `p.viscosity` may vary per sample or be
            trained.

    Reference: Cole (1951), Quart. Appl. Math. 9:225-236, eq. (1).
    """

    viscosity: float = 0.01
    fields = (FieldSpec("u", unit="m s-1", long_name="velocity"),)
    parameters = (ParameterSpec("viscosity", unit="m2 s-1", low=0.0),)
    dimensions = (1,)

    def linear(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        return {"u": p.viscosity * d(u["u"], "xx")}

    def nonlinear(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        return {"u": -0.5 * d(u["u"] ** 2, "x")}


@dataclass(frozen=True)
class VectorBurgers(SemilinearPDE):
    r"""$u_t + u \cdot \nabla u = \nu \Delta u$ for a velocity vector: fronts that cross and merge.

    Args:
        viscosity: default of $\nu > 0$, unit length^2 / time.

    Reference: Fletcher (1983), Int. J. Numer. Methods Fluids 3:213-216, eq. (1)-(2).
    """

    viscosity: float = 0.01
    fields = (FieldSpec("u", unit="m s-1", rank=1, long_name="velocity"),)
    parameters = (ParameterSpec("viscosity", unit="m2 s-1", low=0.0),)
    dimensions = (2, 3)

    def linear(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        return {name: p.viscosity * d.laplacian(u[name]) for name in self.names(len(d.space))}

    def nonlinear(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        names = self.names(len(d.space))
        return {name: -d.advect([u[n] for n in names], u[name]) for name in names}
