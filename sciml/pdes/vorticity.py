"""Incompressible flow in the plane by its vorticity, with a passive scalar."""

from dataclasses import dataclass

from sciml.fields import FieldSpec, ParameterSpec
from sciml.numerics import Derivatives
from sciml.pdes.base import Fields, SemilinearPDE
from sciml.pdes.parameters import Parameters, vector


@dataclass(frozen=True)
class Vorticity(SemilinearPDE):
    r"""$\omega_t + \nabla\cdot(u\,\omega) = \nu \Delta \omega - \mu\,\omega$, $-\Delta \psi = \omega$.

    The velocity is $u = U + (\psi_y, -\psi_x)$ with the mean flow $U$, which the vorticity does not know; it carries a
    passive scalar, $s_t + \nabla\cdot(u\,s) = \kappa \Delta s$.

    Args:
        viscosity: default of $\nu \ge 0$, unit length^2 / time.
        diffusivity: default of $\kappa \ge 0$, of the scalar $s$.
        drag: default of $\mu \ge 0$, unit 1 / time.
        velocity_x, velocity_y: default components of $U$, unit length / time.

    Reference: Majda & Bertozzi (2002), Vorticity and Incompressible Flow, section 2.1; with forcing, the flow
    of Li et al. (2021), Fourier Neural Operator, ICLR, section 5.3.
    """

    viscosity: float = 1e-3
    diffusivity: float = 1e-3
    drag: float = 0.0
    velocity_x: float = 0.0
    velocity_y: float = 0.0
    fields = (FieldSpec("vorticity", unit="s-1"), FieldSpec("tracer", long_name="passive scalar"))
    diagnostics = (FieldSpec("stream", unit="m2 s-1", long_name="stream function"),)
    parameters = (
        ParameterSpec("viscosity", unit="m2 s-1", low=0.0),
        ParameterSpec("diffusivity", unit="m2 s-1", low=0.0),
        ParameterSpec("drag", unit="s-1", low=0.0),
        ParameterSpec("velocity_x", unit="m s-1"),
        ParameterSpec("velocity_y", unit="m s-1"),
    )
    dimensions = (2,)

    def linear(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        mean, w, s = vector(p, "velocity", d), u["vorticity"], u["tracer"]
        return {
            "vorticity": p.viscosity * d.laplacian(w) - p.drag * w - d.advect(mean, w),
            "tracer": p.diffusivity * d.laplacian(s) - d.advect(mean, s),
        }

    def nonlinear(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        swirl = (d(u["stream"], "y"), -d(u["stream"], "x"))
        return {name: -d.div([v * u[name] for v in swirl]) for name in ("vorticity", "tracer")}

    def constraints(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        return {"stream": u["vorticity"] + d.laplacian(u["stream"])}

    def diagnose(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        return {"stream": -d.inverse_laplacian(u["vorticity"])}
