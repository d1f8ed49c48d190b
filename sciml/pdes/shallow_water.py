"""Shallow water over a flat bottom."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from sciml.fields import FieldSpec, ParameterSpec
from sciml.numerics import Field
from sciml.pdes.base import Fields
from sciml.pdes.conservation import ConservationLaw, vector
from sciml.pdes.parameters import Parameters
from sciml.pdes.waves import Basis, Flow, Waves
from sciml.shapes import SPACE


@dataclass(frozen=True)
class ShallowWater(ConservationLaw):
    r"""$h_t + \nabla\cdot(h v) = 0$, $(h v)_t + \nabla\cdot(h v \otimes v) + \nabla (g h^2 / 2) = 0$.

    Depth and momentum of a thin layer: gravity waves that steepen into bores, and shear.

    Args:
        gravity: default of the parameter $g > 0$; `p.gravity` may vary per sample.

    Reference: LeVeque (2002), Finite Volume Methods for Hyperbolic Problems, eq. (13.5) and (18.40).
    """

    gravity: float = 9.81
    fields = (
        FieldSpec("depth", unit="m", location="cell", positive=True),
        FieldSpec("velocity", unit="m s-1", rank=1, location="cell"),
    )
    equations = (
        FieldSpec("mass", unit="m", location="cell", positive=True),
        FieldSpec("momentum", unit="m2 s-1", rank=1, location="cell"),
    )
    parameters = (ParameterSpec("gravity", unit="m s-2", low=0.0),)
    dimensions = (1, 2)

    def conserved(self, u: Fields, p: Parameters) -> Fields:
        h, v = u["depth"], vector(u, "velocity")
        return {"mass": h, **{f"momentum_{i}": h * a for i, a in zip(SPACE, v, strict=False)}}

    def primitive(self, q: Fields, p: Parameters) -> Fields:
        h, m = q["mass"], vector(q, "momentum")
        return {"depth": h, **{f"velocity_{i}": a / h for i, a in zip(SPACE, m, strict=False)}}

    def flux(self, u: Fields, p: Parameters) -> dict[str, tuple[Field, ...]]:
        h, v = u["depth"], vector(u, "velocity")
        mass, pressure = tuple(h * a for a in v), 0.5 * p.gravity * h * h
        momentum = {
            f"momentum_{SPACE[i]}": tuple(m * v[i] + pressure if i == j else m * v[i] for j, m in enumerate(mass))
            for i in range(len(v))
        }
        return {"mass": mass, **momentum}

    def waves(self, dimensions: int, p: Parameters) -> "ShallowWaves":
        return ShallowWaves(p.gravity, dimensions)


class ShallowWaves(Waves):
    r"""Two gravity waves of speed $v \mp \sqrt{g h}$, and shear that the water carries.

    Channels: depth, momentum along the axis, momentum across it.

    Args:
        gravity: $g$, a number or `(b, 1, ...)`.
        dimensions: number of space axes.
    """

    def __init__(self, gravity: "float | Tensor", dimensions: int) -> None:
        self.gravity, self.dimensions = gravity, dimensions

    def flow(self, q: Float[Tensor, "b c *s"]) -> Flow:
        depth = q[:, 0]
        return Flow(depth, q[:, 1] / depth, 0.5 * self.gravity * depth * depth, torch.sqrt(self.gravity * depth))

    def push(self, pressure: Float[Tensor, "b *s"], velocity: Float[Tensor, "b *s"]) -> Float[Tensor, "b c *s"]:
        nothing = torch.zeros_like(pressure)
        return torch.stack([nothing, pressure, *[nothing] * (self.dimensions - 1)], dim=1)

    def roe(self, left: Flow, right: Flow, q_left: Tensor, q_right: Tensor) -> tuple[Tensor, Tensor]:
        a, b = torch.sqrt(left.density), torch.sqrt(right.density)
        velocity = (a * left.velocity + b * right.velocity) / (a + b)
        return velocity, torch.sqrt(0.5 * self.gravity * (left.density + right.density))

    def basis(self, q: Float[Tensor, "b c *s"]) -> "ShallowBasis":
        return ShallowBasis(self, q)

    def positive(self, q: Float[Tensor, "b c *s"]) -> tuple[Tensor, ...]:
        return (q[:, 0],)


class ShallowBasis(Basis):
    """Gravity waves and shear around a mean state.

    Args:
        waves: the water.
        q: mean state.
    """

    def __init__(self, waves: ShallowWaves, q: Float[Tensor, "b c *s"]) -> None:
        _, self.normal, _, self.sound = waves.flow(q)
        self.across = q[:, 2:] / q[:, :1]

    def project(self, difference: Float[Tensor, "b c *s"]) -> Float[Tensor, "b c *s"]:
        depth, speed = difference[:, 0], (difference[:, 1] - self.normal * difference[:, 0]) / self.sound
        shear = difference[:, 2:] - self.across * depth[:, None]
        return torch.stack([0.5 * (depth - speed), 0.5 * (depth + speed), *shear.unbind(1)], dim=1)

    def expand(self, amplitudes: Float[Tensor, "b c *s"]) -> Float[Tensor, "b c *s"]:
        left, right = amplitudes[:, 0], amplitudes[:, 1]
        depth = left + right
        across = amplitudes[:, 2:] + self.across * depth[:, None]
        return torch.stack([depth, self.normal * depth + self.sound * (right - left), *across.unbind(1)], dim=1)
