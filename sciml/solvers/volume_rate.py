"""The rate of change of cell averages during a Runge-Kutta step, with its books."""

import math
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sciml.solvers.face_flux import BESIDE
from sciml.solvers.positivity import PositivityLimiter
from sciml.solvers.weno import REACH

if TYPE_CHECKING:
    from sciml.solvers.volume_stepper import FiniteVolumeStepper


class VolumeRate:
    """Rate of change during one Runge–Kutta step; notes what leaves the domain and which samples stay admissible.

    Args:
        stepper: the scheme on its grid.
        values: parameters of the samples.
        t: their times at the start of the step.
        samples: their numbers in the problem.
    """

    def __init__(
        self,
        stepper: "FiniteVolumeStepper",
        values: Float[Tensor, "b p"],
        t: Float[Tensor, " b"],
        samples: Int[Tensor, " b"],
    ) -> None:
        self.stepper, self.parameters = stepper, stepper.parameters(values)
        self.t, self.samples = t, samples
        #: Length of the step, `(b,)`.
        self.length = torch.zeros_like(t)
        self.waves = stepper.law.waves(stepper.dimensions, self.parameters)
        self.good: Bool[Tensor, " b"] = torch.ones(len(values), dtype=torch.bool, device=values.device)
        #: Of samples that do not stay admissible, the first state that was not.
        self.bad: Tensor = torch.zeros(())
        self._outflows: list[Tensor] = []

    @property
    def outflow(self) -> Float[Tensor, "b c"]:
        """Mean rate at which conserved quantities left during the step, less what sources gave."""
        parts = [w * out for w, out in zip(self.stepper.method.time.weights, self._outflows, strict=True)]
        return sum(parts[1:], start=parts[0])

    def __call__(self, q: Float[Tensor, "b c *s"], dt: Float[Tensor, "b *r"]) -> Float[Tensor, "b c *s"]:
        r"""$-\nabla_h\cdot \bar f + s$; an Euler step of length `dt` stays admissible where that can be had."""
        extended = self.stepper.extended(q, self.parameters)
        lines = self.stepper.lines(extended)
        fluxes = [self._flux(line, extended, axis) for axis, line in enumerate(lines)]
        gain = self._gain(q)
        rate = self._divergence(fluxes) + gain
        good = self.waves.admissible(q + dt * rate)
        limiter = self.stepper.method.face_flux.positivity
        if limiter is not None and not bool(good.all()):
            limited = self._limited(limiter, fluxes, lines, q, dt)
            fluxes = [torch.where(wide(good, f), f, g) for f, g in zip(fluxes, limited, strict=True)]
            rate = self._divergence(fluxes) + gain
            good = self.waves.admissible(q + dt * rate)
        self._note(good, q + dt * rate)
        self._outflows.append(self._leaving(fluxes) - self._gained(gain))
        return rate

    def _gain(self, q: Float[Tensor, "b c *s"]) -> "Float[Tensor, 'b c *s'] | float":
        """What sources and forcing add to the rate of this stage."""
        source, stage = self.stepper.source, len(self._outflows)
        if not source.there:
            return 0.0
        t = self.t + self.stepper.method.time.times[stage] * self.length
        return source(self.stepper.fields(q, self.parameters), self.parameters, t, self.samples)

    def _gained(self, gain: "Tensor | float") -> "Float[Tensor, 'b c'] | float":
        if not isinstance(gain, Tensor):
            return 0.0
        cell = math.prod(axis.h for axis in self.stepper.grid.axes)
        return cell * torch.stack([row.flatten(1).sum(1) for row in gain])

    def _flux(self, line: Tensor, extended: Tensor, axis: int) -> Tensor:
        flux = self.stepper.method.face_flux(line, self.waves)
        if not self.stepper.law.is_viscous:
            return flux
        return flux - self.stepper.viscous(extended, axis, self.parameters)

    def _divergence(self, fluxes: list[Tensor]) -> Tensor:
        grid = self.stepper.grid
        parts = [
            self.stepper.back(flux[..., :-1] - flux[..., 1:], axis) / grid.axes[axis].h
            for axis, flux in enumerate(fluxes)
        ]
        return sum(parts[1:], start=parts[0])

    def _limited(
        self, limiter: PositivityLimiter, fluxes: list[Tensor], lines: list[Tensor], q: Tensor, dt: Tensor
    ) -> list[Tensor]:
        """Fluxes with which an Euler step stays positive; each axis answers for its share of the Courant number."""
        frequencies = self.stepper.frequencies(q, self.waves)
        total = torch.stack(frequencies).sum(0)
        result = []
        for axis, (flux, line, frequency) in enumerate(zip(fluxes, lines, frequencies, strict=True)):
            beside = [slice(BESIDE, -BESIDE)] * (self.stepper.dimensions - 1)
            cells = line[(slice(None), slice(None), *beside, slice(REACH - 1, 1 - REACH))]
            ratio = dt[:, 0] * wide(total / frequency, dt[:, 0]) / self.stepper.grid.axes[axis].h
            result.append(limiter.fluxes(flux, cells, ratio, self.waves))
        return result

    def _note(self, good: Bool[Tensor, " b"], q: Tensor) -> None:
        first = self.good & ~good
        if bool(first.any()):
            self.bad = torch.where(wide(first, q), q, self.bad)
        self.good = self.good & good

    def _leaving(self, fluxes: list[Tensor]) -> Float[Tensor, "b c"]:
        """Flux out through all faces of the domain."""
        grid, total = self.stepper.grid, torch.zeros((), dtype=torch.float64)
        cell = math.prod(axis.h for axis in grid.axes)
        for axis, flux in enumerate(fluxes):
            net = self.stepper.back(flux[..., -1:] - flux[..., :1], axis)
            # Row by row: the order of a sum must not depend on the batch.
            total = total.to(net) + cell / grid.axes[axis].h * torch.stack([r.flatten(1).sum(1) for r in net])
        return total


def wide(x: Tensor, like: Tensor) -> Tensor:
    """A number per sample, for use with a tensor `(b, ...)`."""
    return x.view(-1, *[1] * (like.ndim - 1))
