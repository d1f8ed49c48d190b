"""Exact solution of the Riemann problem of an ideal gas."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Side:
    """Constant state on one side of the initial jump: density, velocity along the axis, pressure."""

    density: float
    velocity: float
    pressure: float


@dataclass(frozen=True)
class ExactRiemann:
    r"""Euler equations in one dimension with two constant states that meet at `position` at time zero.

    Args:
        left, right: the states.
        gamma: ratio of the heat capacities.
        position: of the jump.

    Raises:
        ValueError: a density or pressure that is not positive, or states that fly apart so fast that a vacuum forms.

    Reference: Toro (2009), Riemann Solvers and Numerical Methods for Fluid Dynamics, chapter 4.
    """

    left: Side
    right: Side
    gamma: float = 1.4
    position: float = 0.0

    def __post_init__(self) -> None:
        for name, side in (("left", self.left), ("right", self.right)):
            if side.density <= 0 or side.pressure <= 0:
                raise ValueError(f"{name}={side} must have positive density and pressure.")
        if self.right.velocity - self.left.velocity >= 2 / (self.gamma - 1) * (
            self._sound(self.left) + self._sound(self.right)
        ):
            raise ValueError(f"a vacuum forms between {self.left} and {self.right}.")

    def _sound(self, side: Side) -> float:
        return math.sqrt(self.gamma * side.pressure / side.density)

    def star(self) -> tuple[float, float]:
        """Pressure and velocity between the two outer waves.

        Bisection: slower than Newton's method, and certain, as eq. (4.5) is monotone in the pressure.
        """
        drift = self.right.velocity - self.left.velocity

        def mismatch(pressure: float) -> float:
            return self._jump(pressure, self.left) + self._jump(pressure, self.right) + drift

        low, high = 0.0, max(self.left.pressure, self.right.pressure)
        while mismatch(high) < 0:
            high *= 2
        while low < (middle := 0.5 * (low + high)) < high:
            low, high = (middle, high) if mismatch(middle) < 0 else (low, middle)
        difference = self._jump(high, self.right) - self._jump(high, self.left)
        return high, 0.5 * (self.left.velocity + self.right.velocity + difference)

    def _jump(self, pressure: float, side: Side) -> float:
        """Change of velocity through a shock or a rarefaction to `pressure`, eq. (4.6)-(4.8)."""
        g = self.gamma
        if pressure > side.pressure:
            a, b = 2 / ((g + 1) * side.density), (g - 1) / (g + 1) * side.pressure
            return (pressure - side.pressure) * math.sqrt(a / (pressure + b))
        power = (pressure / side.pressure) ** ((g - 1) / (2 * g))
        return 2 * self._sound(side) / (g - 1) * (power - 1)

    def star_densities(self) -> tuple[float, float]:
        """Densities left and right of the contact."""
        pressure, _ = self.star()
        return self._star_density(pressure, self.left), self._star_density(pressure, self.right)

    def _star_density(self, pressure: float, side: Side) -> float:
        g, ratio = self.gamma, pressure / side.pressure
        if ratio > 1:
            k = (g - 1) / (g + 1)
            return side.density * (ratio + k) / (k * ratio + 1)
        return side.density * ratio ** (1 / g)

    def __call__(self, x: Float[Tensor, "*s"], t: float) -> Float[Tensor, "3 *s"]:
        """Density, velocity and pressure at points and a time (section 4.5)."""
        if t <= 0:
            speed = torch.where(x < self.position, -math.inf, math.inf).to(x.dtype)
        else:
            speed = (x - self.position) / t
        pressure, velocity = self.star()
        left = self._half(speed, self.left, -1.0, pressure, velocity)
        right = self._half(speed, self.right, 1.0, pressure, velocity)
        return torch.where(speed < velocity, left, right)

    def _half(self, speed: Tensor, side: Side, sign: float, pressure: float, velocity: float) -> Tensor:
        """The solution on one side of the contact; `sign` is that of the direction in which its wave runs."""
        g, c, u = self.gamma, self._sound(side), side.velocity
        outer = _constant(speed, side.density, u, side.pressure)
        inner = _constant(speed, self._star_density(pressure, side), velocity, pressure)
        if pressure > side.pressure:
            shock = u + sign * c * math.sqrt((g + 1) / (2 * g) * pressure / side.pressure + (g - 1) / (2 * g))
            return torch.where(sign * (speed - shock) > 0, outer, inner)
        head = u + sign * c
        tail = velocity + sign * c * (pressure / side.pressure) ** ((g - 1) / (2 * g))
        inside = speed.clamp(min(head, tail), max(head, tail))
        factor = 2 / (g + 1) - sign * (g - 1) / ((g + 1) * c) * (u - inside)
        fan = torch.stack(
            [
                side.density * factor ** (2 / (g - 1)),
                2 / (g + 1) * ((g - 1) / 2 * u - sign * c + inside),
                side.pressure * factor ** (2 * g / (g - 1)),
            ]
        )
        beyond = sign * (speed - head) > 0
        return torch.where(beyond, outer, torch.where(sign * (speed - tail) < 0, inner, fan))

    def initial(self) -> dict[str, Callable[[Tensor], Tensor]]:
        """The initial state by component of `Euler`, for a `Problem`."""
        names = ("density", "velocity_x", "pressure")
        sides = [(getattr(self.left, n.removesuffix("_x")), getattr(self.right, n.removesuffix("_x"))) for n in names]

        def jump(a: float, b: float) -> Callable[[Tensor], Tensor]:
            return lambda x: torch.where(x < self.position, a, b).to(x.dtype)

        return {name: jump(a, b) for name, (a, b) in zip(names, sides, strict=True)}


def _constant(like: Tensor, *values: float) -> Tensor:
    return torch.stack([torch.full_like(like, v) for v in values])
