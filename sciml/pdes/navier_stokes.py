"""Incompressible flow by velocity and pressure, with a passive scalar."""

from dataclasses import dataclass
from typing import ClassVar

from sciml.fields import FieldSpec, ParameterSpec, channel_names
from sciml.numerics import Derivatives, Field
from sciml.pdes.base import Fields, SemilinearPDE
from sciml.pdes.parameters import Parameters


@dataclass(frozen=True)
class NavierStokes(SemilinearPDE):
    r"""$u_t + \nabla\cdot(u \otimes u) + \nabla p = \nu \Delta u$, $\nabla\cdot u = 0$: a fluid of density one.

    It carries a passive scalar, $s_t + \nabla\cdot(u\,s) = \kappa \Delta s$. The pressure has mean zero where no
    condition fixes it. A subclass may add a force per mass, `body_force`.

    Args:
        viscosity: default of $\nu \ge 0$, unit length^2 / time.
        diffusivity: default of $\kappa \ge 0$, of the scalar $s$.

    Reference: Majda & Bertozzi (2002), Vorticity and Incompressible Flow, sections 1.1 and 1.8 (elimination
    of the pressure).
    """

    viscosity: float = 1e-3
    diffusivity: float = 1e-3
    fields = (FieldSpec("velocity", unit="m s-1", rank=1), FieldSpec("tracer", long_name="passive scalar"))
    diagnostics = (FieldSpec("pressure", unit="m2 s-2", long_name="pressure over density"),)
    parameters: ClassVar[tuple[ParameterSpec, ...]] = (
        ParameterSpec("viscosity", unit="m2 s-1", low=0.0),
        ParameterSpec("diffusivity", unit="m2 s-1", low=0.0),
    )
    dimensions: ClassVar[tuple[int, ...]] = (2, 3)

    def _velocity(self, d: Derivatives) -> tuple[str, ...]:
        return channel_names(self.fields[:1], len(d.space))

    def linear(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        rates = {name: p.viscosity * d.laplacian(u[name]) for name in self._velocity(d)}
        return {**rates, "tracer": p.diffusivity * d.laplacian(u["tracer"])}

    def nonlinear(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        slope = d.grad(u["pressure"])
        stress = self._stress(u, d)
        rates = {name: -d.div(stress[i]) - slope[i] for i, name in enumerate(self._velocity(d))}
        rates |= {name: rates[name] + force for name, force in self.body_force(u, d, p).items()}
        return {**rates, "tracer": -d.div([u[v] * u["tracer"] for v in self._velocity(d)])}

    def body_force(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        """Force per mass by component of the velocity, a function of the state; a component without one is left out."""
        return {}

    def _stress(self, u: Fields, d: Derivatives) -> list[list[Field]]:
        """The products $u_i u_j$; each pair once."""
        names = self._velocity(d)
        products = {(i, j): u[a] * u[b] for i, a in enumerate(names) for j, b in enumerate(names) if i <= j}
        return [[products[min(i, j), max(i, j)] for j in range(len(names))] for i in range(len(names))]

    def constraints(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        return {"pressure": d.div([u[v] for v in self._velocity(d)])}

    def diagnose(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        inertia = [d.div(row) for row in self._stress(u, d)]
        force = self.body_force(u, d, p)
        pull = [force[v] - a if v in force else -a for v, a in zip(self._velocity(d), inertia, strict=True)]
        return {"pressure": d.inverse_laplacian(d.div(pull))}

    def project(self, u: Fields, d: Derivatives) -> Fields:
        names = self._velocity(d)
        slope = d.grad(d.inverse_laplacian(d.div([u[n] for n in names])))
        return {**u, **{n: u[n] - slope[i] for i, n in enumerate(names)}}
