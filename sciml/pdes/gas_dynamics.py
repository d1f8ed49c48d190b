"""Waves of an ideal gas: two acoustic ones, and what the fluid carries along."""

import torch
from jaxtyping import Float
from torch import Tensor

from sciml.pdes.waves import Basis, Flow, Waves


class GasDynamics(Waves):
    r"""Euler equations of an ideal gas, $p = (\gamma - 1)(E - \rho |v|^2 / 2)$, along one axis.

    Channels: density, momentum along the axis, `dimensions - 1` momenta across it, total energy, then densities of
    passive tracers.

    Args:
        gamma: ratio of the heat capacities, a number or `(b, 1, ...)`.
        dimensions: number of space axes, one momentum each.
        tracers: number of passive tracers.

    Reference: Toro (2009), Riemann Solvers and Numerical Methods for Fluid Dynamics, sections 3.1-3.2 and 11.2.
    """

    def __init__(self, gamma: "float | Tensor", dimensions: int, tracers: int = 0) -> None:
        self.gamma, self.dimensions, self.tracers = gamma, dimensions, tracers

    def flow(self, q: Float[Tensor, "b c *s"]) -> Flow:
        density = q[:, 0]
        velocity, pressure = q[:, 1] / density, self._pressure(q)
        return Flow(density, velocity, pressure, torch.sqrt(self.gamma * pressure / density))

    def _pressure(self, q: Tensor) -> Tensor:
        energy = q[:, 1 + self.dimensions]
        return (self.gamma - 1) * (energy - 0.5 * _squared(q[:, 1 : 1 + self.dimensions]) / q[:, 0])

    def push(self, pressure: Float[Tensor, "b *s"], velocity: Float[Tensor, "b *s"]) -> Float[Tensor, "b c *s"]:
        nothing = torch.zeros_like(pressure)
        across = [nothing] * (self.dimensions - 1)
        return torch.stack([nothing, pressure, *across, pressure * velocity, *[nothing] * self.tracers], dim=1)

    def roe(self, left: Flow, right: Flow, q_left: Tensor, q_right: Tensor) -> tuple[Tensor, Tensor]:
        a, b = torch.sqrt(left.density), torch.sqrt(right.density)
        share = a / (a + b)

        def mean(x: Tensor, y: Tensor) -> Tensor:
            return share * x + (1 - share) * y

        last = 1 + self.dimensions
        enthalpy = mean(
            (q_left[:, last] + left.pressure) / left.density, (q_right[:, last] + right.pressure) / right.density
        )
        across = [
            mean(q_left[:, i] / left.density, q_right[:, i] / right.density) for i in range(2, 1 + self.dimensions)
        ]
        velocity = mean(left.velocity, right.velocity)
        kinetic = 0.5 * sum((v * v for v in across), start=velocity * velocity)
        return velocity, torch.sqrt((self.gamma - 1) * (enthalpy - kinetic))

    def basis(self, q: Float[Tensor, "b c *s"]) -> "GasBasis":
        return GasBasis(self, q)

    def positive(self, q: Float[Tensor, "b c *s"]) -> tuple[Tensor, ...]:
        return q[:, 0], self._pressure(q)


class GasBasis(Basis):
    """Acoustic waves, entropy, shear and tracers around a mean state.

    Args:
        waves: the gas.
        q: mean state.
    """

    def __init__(self, waves: GasDynamics, q: Float[Tensor, "b c *s"]) -> None:
        density, self.normal, _, self.sound = waves.flow(q)
        self.dimensions = waves.dimensions
        # What moves with the fluid without acting on it: momenta across the axis, tracers.
        self.across = q[:, 2 : 1 + self.dimensions] / density[:, None]
        self.carried = q[:, 2 + self.dimensions :] / density[:, None]
        self.kinetic = 0.5 * (self.normal * self.normal + _squared(self.across))
        # d(pressure) / c^2 = stiffness * (kinetic d(rho) - v . d(rho v) + dE)
        self.stiffness = (waves.gamma - 1) / (self.sound * self.sound)

    def project(self, difference: Float[Tensor, "b c *s"]) -> Float[Tensor, "b c *s"]:
        mass, momentum, across, energy, carried = self._parts(difference)
        work = self.normal * momentum + _dot(self.across, across)
        pressure = self.stiffness * (self.kinetic * mass - work + energy)
        speed = (momentum - self.normal * mass) / self.sound
        acoustic = [0.5 * (pressure - speed), 0.5 * (pressure + speed)]
        shear, tracers = across - self.across * mass[:, None], carried - self.carried * mass[:, None]
        rows = [acoustic[0], acoustic[1], *shear.unbind(1), mass - pressure, *tracers.unbind(1)]
        return torch.stack(rows, dim=1)

    def expand(self, amplitudes: Float[Tensor, "b c *s"]) -> Float[Tensor, "b c *s"]:
        left, right, shear, entropy, tracers = self._parts(amplitudes)
        pressure, speed = left + right, right - left
        mass = entropy + pressure
        momentum = self.normal * mass + self.sound * speed
        across = shear + self.across * mass[:, None]
        work = self.normal * momentum + _dot(self.across, across)
        energy = pressure / self.stiffness - self.kinetic * mass + work
        carried = tracers + self.carried * mass[:, None]
        return torch.stack([mass, momentum, *across.unbind(1), energy, *carried.unbind(1)], dim=1)

    def _parts(self, q: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        last = 1 + self.dimensions
        return q[:, 0], q[:, 1], q[:, 2:last], q[:, last], q[:, last + 1 :]


def _squared(v: Tensor) -> "Tensor | float":
    return _dot(v, v)


def _dot(v: Tensor, w: Tensor) -> "Tensor | float":
    """Sum over the channels, in their order whatever the memory layout; zero without any."""
    parts = [a * b for a, b in zip(v.unbind(1), w.unbind(1), strict=True)]
    return sum(parts[1:], start=parts[0]) if parts else 0.0
