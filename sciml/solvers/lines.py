"""The method of lines: differences in space that honour boundary conditions, any Runge–Kutta method in time."""

import dataclasses

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sciml.pdes import EvolutionPDE, Problem
from sciml.solvers.base import State, StepperSpec, Trajectory, step_count
from sciml.solvers.marching import TimeIntegrator
from sciml.solvers.newton import Newton
from sciml.solvers.semidiscrete import SemiDiscrete
from sciml.solvers.stages import RungeKuttaStep
from sciml.solvers.step_control import March, StepControl
from sciml.solvers.tableaux import ESDIRK43, Tableau
from sciml.status import Status


class MethodOfLines(TimeIntegrator):
    r"""$u_t = F(u) + g(x, t)$ with differences of second order on cells or nodes, and a Runge–Kutta method in time.

    Implicit stages are solved by Newton's method with exact Jacobian products; a component that the equation declares
    nonnegative never falls below zero. What leaves a grid of cells leaves through its faces (see `BoundedDifferences`).
    Values on a boundary that vary in time lower the observed order of stiff methods to about three, as the order of
    their stages is lower than that of the step.

    Args:
        tableau: the method in time, explicit or diagonally implicit; `None` takes `ESDIRK43`.
        dt: longest step, in the problem's time unit; with `None` each sample finds its own steps by the tableau's error
            estimate.
        newton: solves the implicit stages.
        max_steps: that a sample may try.

    Raises:
        ValueError: a step that is not positive, or neither a step nor a tableau that estimates its error.

    Reference: Kennedy & Carpenter (2016), NASA/TM-2016-219173, on diagonally implicit methods.
    """

    def __init__(
        self,
        tableau: Tableau | None = None,
        dt: float | None = None,
        newton: Newton | None = None,
        max_steps: int = 100_000,
    ) -> None:
        if dt is not None and not dt > 0:
            raise ValueError(f"dt={dt} must be positive.")
        self.tableau, self.dt = tableau or ESDIRK43(), dt
        if dt is None and self.tableau.embedded is None:
            raise ValueError(f"{type(self.tableau).__name__} does not estimate its error; give a step dt.")
        self.newton, self.max_steps = newton or Newton(), max_steps

    @property
    def order(self) -> int:
        """Order of the tableau; the differences in space are of order two."""
        return self.tableau.order

    def refuses(self, problem: Problem) -> str | None:
        """Why the problem is none for this method; `None` when it is."""
        pde, name = problem.pde, type(problem.pde).__name__
        if not isinstance(pde, EvolutionPDE):
            return f"MethodOfLines integrates evolution equations; {name} is none."
        if pde.diagnostics:
            return f"MethodOfLines has no equation for the diagnostic unknown {pde.diagnostics[0].name!r} of {name}."
        if any(axis.points is not None for axis in problem.domain.axes):
            return "MethodOfLines needs uniform axes."
        closed = [i for i, axis in enumerate(problem.domain.axes) if axis.kind != "periodic"]
        order = max((index[i] for index in problem.required_derivatives for i in closed), default=0)
        if order > 2:
            return f"{name} has derivatives of order {order}; one condition per face closes those up to two."
        return self.newton.refuses(problem.domain) if not self.tableau.is_explicit else None

    def stepper(self, problem: Problem, dt: float | None = None) -> "LinesStepper":
        """The stepper of a problem, for use in a `rollout` or by a hybrid.

        Raises:
            ValueError: the problem is refused, or there is no step.
        """
        self.accept(problem)
        if (dt := dt or self.dt) is None:
            raise ValueError("dt=None: a stepper needs the length of its steps.")
        return LinesStepper(problem, self.tableau, dt, self.newton)

    def solve(self, problem: Problem, *, tol: float = 1e-6) -> Trajectory:
        r"""The solution at the problem's times on its domain.

        Without a `dt`, the error of a step is kept below `tol` of each component's largest value. `residual` is the
        largest relative defect of the semi-discrete equations at the output times, $\|\dot p - F(p)\| / \|\dot p\|$ in
        the middle of the last step for the cubic $p$ through its ends, so that neither the stages nor Newton's method
        take part.

        Raises:
            ValueError: the problem is refused.
        """
        self.accept(problem)
        stepper = LinesStepper(problem, self.tableau, self.dt, self.newton)
        assert isinstance(problem.times, Tensor)
        times = problem.times.tolist()
        state = stepper.start(problem.initial_state(), t=times[0])
        run = _Run(stepper, state, StepControl(None if self.dt else tol, self.max_steps), times[1] - times[0])
        frames, residual = [run.frame()], torch.zeros_like(state.t)
        for stop in times[1:]:
            residual = torch.maximum(residual, run.to(stop))
            frames.append(run.frame())
        return Trajectory(torch.stack(frames, dim=1), problem.times, run.march.status, stepper.spec, residual)


class LinesStepper:
    """`MethodOfLines` bound to a problem: state `(b, c, *s)` in float64, parameters per sample.

    A step whose stages cannot be solved is covered by shorter ones; where that does not help either, the sample's
    values become NaN.

    Args:
        problem: the equation, its grid and conditions.
        tableau: the method in time.
        dt: longest step.
        newton: solves the implicit stages.
    """

    def __init__(self, problem: Problem, tableau: Tableau, dt: float | None, newton: Newton) -> None:
        self.problem, self.tableau, self.newton, self.order = problem, tableau, newton, tableau.order
        self.scalars = tuple(p for p in problem.pde.parameters if not p.field)
        self.spec = StepperSpec(problem.pde.fields, problem.domain, problem.boundaries, self.scalars, dt=dt)
        keeps = [name in problem.pde.nonnegative for name in problem.names]
        self.nonnegative: Bool[Tensor, " c"] = torch.tensor(keeps)

    def start(
        self,
        u0: Float[Tensor, "b c *s"],
        *,
        t: float = 0.0,
        params: Float[Tensor, "b p"] | None = None,
        generator: torch.Generator | None = None,
    ) -> State:
        """A state at time `t`; `params` replaces the problem's parameters, in the order of `spec.parameters`."""
        problem = self.problem
        if params is not None:
            columns = {p.name: params[:, i].double() for i, p in enumerate(self.scalars)}
            problem = dataclasses.replace(problem, parameters={**problem.parameters, **columns})
        system = SemiDiscrete(problem, u0.device)
        batch = max(len(u0), system.samples)
        times = torch.full((batch,), t, dtype=torch.float64, device=u0.device)
        u0 = u0.to(torch.float64).expand(batch, *u0.shape[1:]).contiguous()
        step = RungeKuttaStep(system, self.tableau, self.newton, self.nonnegative.to(u0.device))
        return State(system.impose(u0, times), times, step)

    def step(self, state: State, dt: float | None = None, inputs: Tensor | None = None) -> State:
        """One step of length `dt` (`spec.dt` when left out)."""
        dt = dt or self.spec.dt
        assert dt is not None
        march = March.start(state.u.clone(), state.t.clone(), torch.full_like(state.t, dt))
        march.status[~torch.isfinite(state.u).flatten(1).all(1)] = int(Status.NON_FINITE)
        StepControl().advance(march, state.memory, float(state.t[0]) + dt)
        return state.advanced(_masked(march), dt)


def _masked(march: March) -> Tensor:
    alive = (march.status == int(Status.SUCCESS)).view(-1, *[1] * (march.u.ndim - 1))
    return torch.where(alive, march.u, torch.nan)


class _Run:
    """A solve in progress: a batch, its step, and the looks that are taken at it."""

    def __init__(self, stepper: LinesStepper, state: State, control: StepControl, interval: float) -> None:
        self.control, self.spec, self.step = control, stepper.spec, state.memory
        self.rows = torch.arange(len(state.u), device=state.u.device)
        self.time = float(state.t[0])
        self.march = March.start(state.u.clone(), state.t.clone(), self._first(state.u, state.t, interval))
        self.march.status[~torch.isfinite(state.u).flatten(1).all(1)] = int(Status.NON_FINITE)

    def _first(self, u: Tensor, t: Tensor, interval: float) -> Float[Tensor, " b"]:
        """First lengths: those in which the state changes by a hundredth, but no less than a millionth of an interval:
        a state that starts from zero would never get going."""
        rate = self.step.system.rate(u, t, self.rows).flatten(1).abs().amax(1)
        size = u.flatten(1).abs().amax(1)
        tiny = torch.finfo(u.dtype).tiny
        return (0.01 * size / rate.clamp_min(tiny)).clamp_min(1e-6 * interval)

    def to(self, stop: float) -> Float[Tensor, " b"]:
        """Advances to an output time; the defect of the last step before it."""
        start, count = self.time, 1 if self.control.tol is not None else step_count(stop - self.time, self.spec)
        for i in range(1, count + 1):
            if self.control.tol is None:
                self.march.dt = torch.full_like(self.march.t, (stop - start) / count)
            self.control.advance(self.march, self.step, stop if i == count else start + i * (stop - start) / count)
        self.time = stop
        return self._defect()

    def _defect(self) -> Float[Tensor, " b"]:
        r"""$\|\dot p - F(p)\| / \|\dot p\|$ in the middle of the last step, for the cubic $p$ through its ends."""
        u, t, march, rate = self.march.last_u, self.march.last_t, self.march, self.step.system.rate
        dt = (march.t - t).view(-1, *[1] * (u.ndim - 1))
        before, after = rate(u, t, self.rows), rate(march.u, march.t, self.rows)
        middle = 0.5 * (u + march.u) + dt * (before - after) / 8
        at = 0.5 * (t + march.t)
        slope = torch.where(dt > 0, 1.5 * (march.u - u) / dt - 0.25 * (before + after), 0.0)
        slope = torch.where(self.step.system.free, slope, 0.0)
        off = rate(self.step.system.impose(middle, at), at, self.rows) - slope
        # Row by row: the order of a sum must not depend on the batch.
        norms = [(a.norm(), b.norm().clamp_min(torch.finfo(u.dtype).tiny)) for a, b in zip(off, slope, strict=True)]
        return torch.stack([a / b for a, b in norms])

    def frame(self) -> Float[Tensor, "b c *s"]:
        """The states, NaN for samples that failed."""
        return _masked(self.march)
