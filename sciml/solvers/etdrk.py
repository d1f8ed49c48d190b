"""Fourier pseudo-spectral integration in time by exponential Runge–Kutta, for semilinear equations on a torus."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from sciml.fields import Grid
from sciml.numerics import WaveNumbers
from sciml.pdes import Parameters, Problem, SemilinearPDE, grid_fields
from sciml.pdes.parameters import call_with_coordinates
from sciml.solvers.base import State, StepperSpec, Trajectory
from sciml.solvers.exponential import ETDRK4Coefficients
from sciml.solvers.marching import TimeIntegrator, halve_until, integrate, samples_of, together
from sciml.solvers.spectrum import FourierDerivatives, Spectrum, multiply


class ETDRK4(TimeIntegrator):
    r"""Exponential Runge–Kutta of fourth order for $u_t = Lu + N(u) + g(x, t)$, pseudo-spectral in space.

    $L$ is integrated exactly by its Fourier symbol, so that its stiffness limits no step.

    Args:
        dt: longest step, in the problem's time unit; `None` halves the step until `tol` is met.
        dealias: fraction of the modes per axis that the state keeps; products are free of aliasing up to degree two
            for 2/3, three for 1/2.

    Raises:
        ValueError: a step that is not positive, a fraction outside (0, 1].

    Reference: Cox & Matthews (2002), J. Comput. Phys. 176:430-455, eq. (26)-(29); Kassam & Trefethen (2005).
    """

    order = 4

    def __init__(self, dt: float | None = None, dealias: float = 2 / 3) -> None:
        if dt is not None and not dt > 0:
            raise ValueError(f"dt={dt} must be positive.")
        if not 0 < dealias <= 1:
            raise ValueError(f"dealias={dealias} must lie in (0, 1].")
        self.dt, self.dealias = dt, dealias

    def refuses(self, problem: Problem) -> str | None:
        """Why the problem is none for this method; `None` when it is."""
        if not isinstance(problem.pde, SemilinearPDE):
            return f"ETDRK4 integrates semilinear evolution equations; {type(problem.pde).__name__} is none."
        if not problem.domain.is_periodic or any(axis.points is not None for axis in problem.domain.axes):
            return "ETDRK4 needs a uniform grid that is periodic in every axis."
        return None

    def stepper(self, problem: Problem, dt: float | None = None) -> "ETDRK4Stepper":
        """The stepper of a problem, for use in a `rollout` or by a hybrid.

        Raises:
            ValueError: the problem is refused.
        """
        self.accept(problem)
        return ETDRK4Stepper(problem, dt or self.dt or _advective_step(problem), self.dealias)

    def solve(self, problem: Problem, *, tol: float = 1e-6) -> Trajectory:
        """The solution at the problem's times.

        Without a `dt`, each sample finds its own step by `halve_until`. `residual` is the largest relative defect of
        the equation at the output times (see `Defect`).

        Raises:
            ValueError: the problem is refused.
        """
        self.accept(problem)
        if self.dt is not None:
            return integrate(self.stepper(problem), problem)
        singles = [halve_until(self, one, _advective_step(one), tol) for one in samples_of(problem)]
        return singles[0] if len(singles) == 1 else together(singles)


def _advective_step(problem: Problem) -> float:
    """A first guess: no faster than half a cell per step, and no longer than the closest output times."""
    speed = max(1.0, float(problem.initial_state().abs().max()))
    assert isinstance(problem.times, Tensor)
    spacing = float(problem.times.diff().min()) if len(problem.times) > 1 else 1.0
    return min(spacing, 0.5 * min(axis.h for axis in problem.domain.axes) / speed)


@dataclass
class _Memory:
    """What a batch needs where it lives: derivatives, the mask of the modes that are kept, parameters, the symbol made
    of them, and the coefficients of the steps taken so far."""

    derivatives: FourierDerivatives
    keep: Tensor
    parameters: Parameters
    symbol: Tensor
    steps: dict[float, ETDRK4Coefficients] = field(default_factory=dict)

    def coefficients(self, dt: float) -> ETDRK4Coefficients:
        if dt not in self.steps:
            if len(self.steps) >= 8:
                self.steps.clear()
            self.steps[dt] = ETDRK4Coefficients.of(self.symbol, dt)
        return self.steps[dt]


class ETDRK4Stepper:
    """`ETDRK4` bound to a problem: state `(b, c, *s)` in float64, parameters per sample.

    Args:
        problem: a semilinear equation on a periodic grid.
        dt: longest step.
        dealias: as in `ETDRK4`.
    """

    order = 4

    def __init__(self, problem: Problem, dt: float, dealias: float) -> None:
        self.problem, self.grid = problem, problem.domain
        self.scalars = tuple(p for p in problem.pde.parameters if not p.field)
        self.spec = StepperSpec(problem.pde.fields, self.grid, problem.boundaries, self.scalars, dt=dt)
        self.keep = _kept_modes(self.grid, dealias)

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
        problem = self.problem
        if params is not None:
            columns = {p.name: params[:, i].double() for i, p in enumerate(self.scalars)}
            problem = dataclasses.replace(problem, parameters={**problem.parameters, **columns})
        d = FourierDerivatives(self.grid, u0.device)
        memory = _Memory(d, self.keep.to(u0.device), problem.bind(d), self._symbol(problem, u0.device))
        u0 = u0.to(torch.float64)
        batch = torch.broadcast_shapes((len(u0),), (len(memory.symbol),))[0]
        times = torch.full((batch,), t, dtype=torch.float64, device=u0.device)
        return State(u0.expand(batch, *u0.shape[1:]), times, memory)

    def _symbol(self, problem: Problem, device: torch.device) -> Tensor:
        """Symbol of the linear part, `(1 or b, c, *k)`; real where it has no imaginary part, which halves the work."""
        waves = WaveNumbers(self.grid, device)
        assert isinstance(problem.pde, SemilinearPDE)
        matrix = problem.pde.symbol(self.grid, problem.bind(waves), device)
        return _real_if_possible(torch.diagonal(matrix, dim1=1, dim2=2).movedim(-1, 1))

    def step(self, state: State, dt: float | None = None, inputs: Tensor | None = None) -> State:
        """One step of length `dt` (`spec.dt` when left out)."""
        dt = dt or self.spec.dt
        assert dt is not None
        memory: _Memory = state.memory
        k, t, d = memory.coefficients(dt), state.t, memory.derivatives
        v = memory.keep * d.forward(state.u)
        at_start = self._nonlinear(v, t, memory)
        half = multiply(k.half, v)
        a = half + multiply(k.stage, at_start)
        at_a = self._nonlinear(a, t + 0.5 * dt, memory)
        at_b = self._nonlinear(half + multiply(k.stage, at_a), t + 0.5 * dt, memory)
        c = multiply(k.half, a) + multiply(k.stage, 2.0 * at_b - at_start)
        at_end = self._nonlinear(c, t + dt, memory)
        v = (
            multiply(k.full, v)
            + multiply(k.first, at_start)
            + multiply(k.middle, at_a + at_b)
            + multiply(k.last, at_end)
        )
        return state.advanced(d.backward(v), dt)

    def _nonlinear(self, v: Complex[Tensor, "b c *k"], t: Tensor, memory: _Memory) -> Complex[Tensor, "b c *k"]:
        """Spectrum of `N(u) + g(x, t)`, without the modes that aliasing spoils."""
        d = memory.derivatives
        u = d.backward(v)
        assert isinstance(self.problem.pde, SemilinearPDE)
        fields = grid_fields(u, self.problem.names, d)
        clock = t.view(-1, *[1] * self.grid.dimensions)
        parameters = memory.parameters.at(t=clock)
        fields |= self.problem.pde.diagnose(fields, d, parameters)
        right = self.problem.pde.nonlinear(fields, d, parameters)
        if self.problem.forcing:
            coordinates = {**d.coordinates(), "t": clock}
            for name, force in self.problem.forcing.items():
                right[name] = right.get(name, 0.0) + call_with_coordinates(force, coordinates)
        parts = [self._spectrum(right.get(name, 0.0), v, d) for name in self.problem.names]
        return memory.keep * (parts[0][:, None] if len(parts) == 1 else torch.stack(parts, dim=1))

    def _spectrum(self, part: Any, v: Complex[Tensor, "b c *k"], d: FourierDerivatives) -> Complex[Tensor, "b *k"]:
        """Spectrum of one component of a right side: a field, one that does not vary over the batch, or a number."""
        if not isinstance(part, Spectrum | Tensor) or (isinstance(part, Tensor) and part.ndim <= self.grid.dimensions):
            part = torch.as_tensor(part, dtype=torch.float64, device=v.device).expand(len(v), *self.grid.shape)
        return d.spectrum(part)


def _real_if_possible(symbol: Tensor) -> Tensor:
    return symbol if bool(symbol.imag.any()) else symbol.real.contiguous()


def _kept_modes(grid: Grid, fraction: float) -> Float[Tensor, "*k"]:
    """One for the modes below `fraction` of the Nyquist number on every axis, else zero."""
    keep = torch.ones([1] * grid.dimensions, dtype=torch.float64)
    for i, n in enumerate(grid.shape):
        frequency = torch.fft.rfftfreq(n, 1 / n) if i == grid.dimensions - 1 else torch.fft.fftfreq(n, 1 / n)
        inside = (frequency.abs() < fraction * n / 2).double()
        keep = keep * inside.view([-1 if j == i else 1 for j in range(grid.dimensions)])
    return keep
