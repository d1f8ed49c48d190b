"""A gas that carries a passive tracer."""

from dataclasses import dataclass

from sciml.fields import FieldSpec
from sciml.numerics import Field
from sciml.pdes.base import Fields
from sciml.pdes.conservation import vector
from sciml.pdes.euler import Euler
from sciml.pdes.gas_dynamics import GasDynamics
from sciml.pdes.parameters import Parameters


@dataclass(frozen=True)
class EulerTracer(Euler):
    r"""`Euler` and $(\rho Y)_t + \nabla\cdot(\rho Y v) = 0$: a mass fraction $Y$ that the gas carries along.

    Args:
        gamma: as in `Euler`.

    Reference: Herde et al. (2024), Poseidon, arXiv:2405.19101, section B.1, whose flows of a gas have it as the last
    channel.
    """

    gamma: float = 1.4
    fields = (*Euler.fields, FieldSpec("tracer", location="cell"))
    equations = (*Euler.equations, FieldSpec("tracer_mass", unit="kg m-3", location="cell"))

    def conserved(self, u: Fields, p: Parameters) -> Fields:
        return {**super().conserved(u, p), "tracer_mass": u["density"] * u["tracer"]}

    def primitive(self, q: Fields, p: Parameters) -> Fields:
        return {**super().primitive(q, p), "tracer": q["tracer_mass"] / q["mass"]}

    def flux(self, u: Fields, p: Parameters) -> dict[str, tuple[Field, ...]]:
        carried = u["density"] * u["tracer"]
        return {**super().flux(u, p), "tracer_mass": tuple(carried * a for a in vector(u, "velocity"))}

    def waves(self, dimensions: int, p: Parameters) -> GasDynamics:
        return GasDynamics(p.gamma, dimensions, tracers=1)
