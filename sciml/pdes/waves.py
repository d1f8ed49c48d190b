"""What a Riemann solver and a characteristic reconstruction have to know about a system of conservation laws."""

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class Flow(NamedTuple):
    """Fluid at points, each `(b, *s)`: what carries momentum, how fast it moves along the axis, what pushes it.

    Args:
        density: of a gas; depth of a layer of water.
        velocity: along the axis.
        pressure: momentum flux of the fluid at rest.
        sound: speed of the waves in the fluid at rest.
    """

    density: Tensor
    velocity: Tensor
    pressure: Tensor
    sound: Tensor


class Basis(ABC):
    """Characteristic variables around a mean state: differences of conserved quantities to and fro."""

    @abstractmethod
    def project(self, difference: Float[Tensor, "b c *s"]) -> Float[Tensor, "b c *s"]:
        """Amplitudes of the waves that make up a difference."""

    @abstractmethod
    def expand(self, amplitudes: Float[Tensor, "b c *s"]) -> Float[Tensor, "b c *s"]:
        """The difference that waves make up; inverse of `project`."""


class Waves(ABC):
    r"""Wave structure along one axis of a system whose flux is $f(q) = v q + p\,D(v)$.

    $v$ is the velocity along the axis and $D(v)$ says what a pressure adds to the fluxes; a contact moves at the speed
    of the fluid. Conserved quantities are stacked `(b, c, *s)`, the density in channel 0 and the momentum along the
    axis in channel 1.
    """

    @abstractmethod
    def flow(self, q: Float[Tensor, "b c *s"]) -> Flow:
        """The fluid's state."""

    @abstractmethod
    def push(self, pressure: Float[Tensor, "b *s"], velocity: Float[Tensor, "b *s"]) -> Float[Tensor, "b c *s"]:
        """$p\\,D(v)$."""

    @abstractmethod
    def roe(self, left: Flow, right: Flow, q_left: Tensor, q_right: Tensor) -> tuple[Tensor, Tensor]:
        """Velocity and sound speed of Roe's average of two states, each `(b, *s)`."""

    @abstractmethod
    def basis(self, q: Float[Tensor, "b c *s"]) -> Basis:
        """Characteristic variables around the states `q`."""

    @abstractmethod
    def positive(self, q: Float[Tensor, "b c *s"]) -> tuple[Tensor, ...]:
        """What is positive in an admissible state, each `(b, *s)`: concave functions of `q`, the density first."""

    def flux(self, q: Float[Tensor, "b c *s"], flow: Flow) -> Float[Tensor, "b c *s"]:
        """$f(q)$ along the axis."""
        return flow.velocity[:, None] * q + self.push(flow.pressure, flow.velocity)

    def admissible(self, q: Float[Tensor, "b c *s"]) -> Tensor:
        """Whether each sample is positive and finite everywhere, `(b,)`."""
        lowest = [part.flatten(1).amin(1) > 0 for part in self.positive(q)]
        # NaN fails the comparison; infinite energies or momenta have a finite minimum, but no finite sum of squares.
        finite = torch.isfinite(q).flatten(1).all(1)
        return torch.stack([*lowest, finite]).all(0)
