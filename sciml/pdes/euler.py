"""Euler equations of an ideal gas."""

from dataclasses import dataclass
from typing import ClassVar

from sciml.fields import FieldSpec, ParameterSpec
from sciml.numerics import Field
from sciml.pdes.base import Fields
from sciml.pdes.conservation import ConservationLaw, vector
from sciml.pdes.gas_dynamics import GasDynamics
from sciml.pdes.parameters import Parameters
from sciml.shapes import SPACE


@dataclass(frozen=True)
class Euler(ConservationLaw):
    r"""Mass, momentum and energy of an inviscid ideal gas.

    $\rho_t + \nabla\cdot(\rho v) = 0$, $(\rho v)_t + \nabla\cdot(\rho v \otimes v + p I) = 0$ and
    $E_t + \nabla\cdot((E + p) v) = 0$ with $E = p / (\gamma - 1) + \rho |v|^2 / 2$. Shocks, contacts and shear layers
    form from smooth data.

    Args:
        gamma: default of the parameter $\gamma > 1$, the ratio of the heat capacities; `p.gamma` may vary per sample.

    Reference: Toro (2009), Riemann Solvers and Numerical Methods for Fluid Dynamics, eq. (1.1)-(1.6).
    """

    gamma: float = 1.4
    fields: ClassVar[tuple[FieldSpec, ...]] = (
        FieldSpec("density", unit="kg m-3", location="cell", positive=True),
        FieldSpec("velocity", unit="m s-1", rank=1, location="cell"),
        FieldSpec("pressure", unit="Pa", location="cell", positive=True),
    )
    equations: ClassVar[tuple[FieldSpec, ...]] = (
        FieldSpec("mass", unit="kg m-3", location="cell", positive=True),
        FieldSpec("momentum", unit="kg m-2 s-1", rank=1, location="cell"),
        FieldSpec("energy", unit="J m-3", location="cell", positive=True),
    )
    parameters: ClassVar[tuple[ParameterSpec, ...]] = (ParameterSpec("gamma", low=1.0),)

    def conserved(self, u: Fields, p: Parameters) -> Fields:
        rho, v = u["density"], vector(u, "velocity")
        momentum = {f"momentum_{i}": rho * component for i, component in zip(SPACE, v, strict=False)}
        return {"mass": rho, **momentum, "energy": self._energy(u, p)}

    def primitive(self, q: Fields, p: Parameters) -> Fields:
        rho, m = q["mass"], vector(q, "momentum")
        velocity = {f"velocity_{i}": component / rho for i, component in zip(SPACE, m, strict=False)}
        kinetic = 0.5 * sum((a * a for a in m[1:]), start=m[0] * m[0]) / rho
        return {"density": rho, **velocity, "pressure": (p.gamma - 1) * (q["energy"] - kinetic)}

    def flux(self, u: Fields, p: Parameters) -> dict[str, tuple[Field, ...]]:
        rho, v, pressure = u["density"], vector(u, "velocity"), u["pressure"]
        mass = tuple(rho * a for a in v)
        enthalpy = self._energy(u, p) + pressure
        momentum = {
            f"momentum_{SPACE[i]}": tuple(m * v[i] + pressure if i == j else m * v[i] for j, m in enumerate(mass))
            for i in range(len(v))
        }
        return {"mass": mass, **momentum, "energy": tuple(enthalpy * a for a in v)}

    def _energy(self, u: Fields, p: Parameters) -> Field:
        """Internal and kinetic energy per volume."""
        v = vector(u, "velocity")
        kinetic = 0.5 * u["density"] * sum((a * a for a in v[1:]), start=v[0] * v[0])
        return u["pressure"] / (p.gamma - 1) + kinetic

    def waves(self, dimensions: int, p: Parameters) -> GasDynamics:
        return GasDynamics(p.gamma, dimensions)
