"""Steady convection with diffusion."""

from dataclasses import dataclass

from sciml.fields import FieldSpec, ParameterSpec
from sciml.numerics import Derivatives, Field
from sciml.pdes.base import PDE, Fields
from sciml.pdes.parameters import Parameters


@dataclass(frozen=True)
class ConvectionDiffusion(PDE):
    r"""$-\nabla\cdot(a \nabla u) + \nabla\cdot(w u) = f$ with $w = \bar w + (\partial_y\psi, -\partial_x\psi)$.

    The velocity comes from a stream function and a constant, so that it is free of divergence on every grid, and
    $\nabla\cdot(wu) = w\cdot\nabla u$. A stream function that vanishes on the boundary makes the flow recirculate.

    Args:
        a: default diffusivity, unit length^2 / time; a number or a field.
        psi: default stream function $\psi$, unit length^2 / time.
        velocity_x, velocity_y: default components of $\bar w$, unit length / time.
        f: default source.

    Reference: Elman, Silvester & Wathen (2014), Finite Elements and Fast Iterative Solvers, chapter 6.
    """

    a: float = 0.01
    psi: float = 0.0
    velocity_x: float = 1.0
    velocity_y: float = 0.0
    f: float = 1.0
    dimensions = (2,)
    fields = (FieldSpec("u", location="cell", long_name="concentration"),)
    parameters = (
        ParameterSpec("a", unit="m2 s-1", low=0.0, field=True),
        ParameterSpec("psi", unit="m2 s-1", field=True),
        ParameterSpec("velocity_x", unit="m s-1"),
        ParameterSpec("velocity_y", unit="m s-1"),
        ParameterSpec("f", field=True),
    )

    def residual(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        w_x = p.velocity_x + _slope(p.psi, d, "y")
        w_y = p.velocity_y - _slope(p.psi, d, "x")
        u_x, u_y = d.grad(u["u"])
        return {"u": d.div((w_x * u["u"] - p.a * u_x, w_y * u["u"] - p.a * u_y)) - p.f}


def _slope(psi: Field, d: Derivatives, axis: str) -> Field:
    return 0.0 if isinstance(psi, int | float) else d(psi, axis)
