"""The stepper made of a problem in Fourier space and one step of a method."""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from sciml.pdes import Problem
from sciml.solvers.base import State, StepperSpec
from sciml.solvers.formula import Formula, Lengths
from sciml.solvers.spectral_system import SpectralSystem
from sciml.solvers.spectrum import FourierDerivatives


@dataclass(frozen=True)
class Memory:
    """What a stepper carries from step to step.

    Args:
        formula: bound to the device, the parameters and the system.
        u: the values to which `v` belongs; somebody may have put others in their place.
        v: their spectrum.
    """

    formula: Formula
    u: Tensor | None = None
    v: Tensor | None = None

    def spectrum(self, state: State) -> tuple[Tensor, Tensor]:
        """Spectrum and values of a state, without the modes that aliasing spoils."""
        system = self.formula.system
        if self.v is not None and self.u is state.u:
            return self.v, state.u
        v = system.forward(state.u)
        return v, system.backward(v)


class SpectralStepper:
    """A pseudo-spectral method bound to a problem: state `(b, c, *s)` in float64, parameters per sample.

    Args:
        problem: an evolution equation on a uniform periodic grid.
        formula: makes one step of the method for a system.
        split: whether the method treats the linear part by its symbol.
        order: of the method.
        dt: longest step; `None` for a step whose length the stepper finds.
        dealias: fraction of the modes per axis that the state keeps.
    """

    def __init__(
        self,
        problem: Problem,
        formula: Callable[[SpectralSystem], Formula],
        split: bool,
        order: int,
        dt: float | None,
        dealias: float,
    ) -> None:
        self.problem, self.formula, self.split, self.order = problem, formula, split, order
        self.dealias = dealias
        # Differences of times vary beyond the digits that the clock has; a table is kept for each length of a step.
        assert isinstance(problem.times, Tensor)
        self._tick = 2.0 ** (math.floor(math.log2(max(float(problem.times.abs().max()), 1e-300))) - 50)
        self.scalars = tuple(p for p in problem.pde.parameters if not p.field)
        self.spec = StepperSpec(problem.pde.fields, problem.domain, problem.boundaries, self.scalars, dt=dt)

    def system(self, device: torch.device | str = "cpu", params: Tensor | None = None) -> SpectralSystem:
        """The problem in Fourier space on a device; `params` replaces its parameters, in the order of the spec."""
        problem = self.problem
        if params is not None:
            columns = {p.name: params[:, i].double() for i, p in enumerate(self.scalars)}
            problem = dataclasses.replace(problem, parameters={**problem.parameters, **columns})
        return SpectralSystem(problem, FourierDerivatives(problem.domain, self.dealias, device), self.split)

    def start(
        self,
        u0: Float[Tensor, "b c *s"],
        *,
        t: float = 0.0,
        params: Float[Tensor, "b p"] | None = None,
        generator: torch.Generator | None = None,
    ) -> State:
        """A state at time `t`; `params` replaces the problem's parameters, in the order of `spec.parameters`.

        Everything follows the device of `u0`; a stepper may serve several at once.
        """
        system = self.system(u0.device, params)
        u0 = u0.to(torch.float64)
        batch = max(len(u0), system.samples)
        if not {len(u0), system.samples} <= {1, batch}:
            raise ValueError(f"u0 has {len(u0)} samples, the parameters {system.samples}; one of both must be one.")
        times = torch.full((batch,), t, dtype=torch.float64, device=u0.device)
        return State(u0.expand(batch, *u0.shape[1:]), times, self.memory(self.formula(system), batch))

    def memory(self, formula: Formula, batch: int) -> Memory:
        return Memory(formula)

    def step(self, state: State, dt: float | None = None, inputs: Tensor | None = None) -> State:
        """One step of length `dt` (`spec.dt` when left out)."""
        dt = dt or self.spec.dt
        assert dt is not None
        memory: Memory = state.memory
        formula, system = memory.formula, memory.formula.system
        v, u = memory.spectrum(state)
        v = formula.advance(v, state.t, Lengths((self.known(dt),)), system.rate(v, state.t, u)).v
        u = system.backward(v)
        return state.advanced(u, dt, dataclasses.replace(memory, u=u, v=v))

    def known(self, dt: float) -> float:
        """A length to the digits that the clock has."""
        return round(dt / self._tick) * self._tick
