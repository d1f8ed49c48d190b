"""A projection method for incompressible flow in boxes with walls, inflow, open ends and periodic axes."""

import dataclasses
import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from sciml.pdes import NavierStokes, Problem
from sciml.solvers.base import State, StepperSpec, Trajectory, rollout
from sciml.solvers.capacitance import CapacitancePoisson
from sciml.solvers.cosine_poisson import CosinePoisson
from sciml.solvers.flow_boundary import FlowBoundary
from sciml.solvers.flow_defect import FlowDefect
from sciml.solvers.flow_rates import FlowRates
from sciml.solvers.marching import TimeIntegrator, difference, samples_of, together
from sciml.solvers.solids import SolidBoxes
from sciml.solvers.staggered import Faces, Staggered
from sciml.solvers.transport import CentralTransport, LimitedTransport, Transport
from sciml.status import Status

#: Cells per axis that the stencils need.
SMALLEST = 5
#: Parts of a step below which a sample is given up: its flow has become too fast to follow.
MOST_PARTS = 1_000_000


class Projection(TimeIntegrator):
    r"""Incompressible flow with a scalar, `NavierStokes` or `Smoke`: explicit Runge–Kutta, projected in every stage.

    Velocities live on faces and the scalar in cells (see `Staggered`). Each of three stages adds $\Delta t$ times the
    rates without pressure and subtracts the gradient that leaves no divergence, by a Poisson equation that is solved to
    rounding. Being explicit, it splits nothing: no pressure of an earlier step is needed, and walls see no layer of
    splitting error. Order three in time for conditions that do not change, two in space.

    The step is bounded by `FlowRates.limit`, each sample by its own; an outer step is cut into as many equal parts as
    the limit asks for. States hold the velocity at the centres, interpolated at fourth order, so that two stays the
    order of what is seen; the faces stay in the memory of the state, so that nothing is interpolated twice. The initial
    velocity is projected once.

    Args:
        dt: longest step, in the problem's time unit; the stability limit may ask for shorter ones.
        courant: part of the stability limit that a step may take. Without it and without `dt`, it is halved from one
            until `tol` is met.
        transport: of the velocity; central by default.
        tracer_transport: of the scalar; by default limited, so that it keeps within the bounds of its initial and
            boundary values where nothing forces it.
        solids: bodies in the flow, of whole cells.

    Raises:
        ValueError: a step that is not positive, a part outside (0, 1].

    Reference: Chorin (1968), Math. Comput. 22:745-762; Shu & Osher (1988), J. Comput. Phys. 77:439-471 (the stages);
    Sanderse & Koren (2012), J. Comput. Phys. 231:3041-3063 (the order of explicit stages with projections).
    """

    order = 2

    def __init__(
        self,
        dt: float | None = None,
        courant: float | None = None,
        transport: Transport | None = None,
        tracer_transport: Transport | None = None,
        solids: SolidBoxes | None = None,
    ) -> None:
        if dt is not None and not dt > 0:
            raise ValueError(f"dt={dt} must be positive.")
        if courant is not None and not 0 < courant <= 1:
            raise ValueError(f"courant={courant} must lie in (0, 1].")
        self.dt, self.courant = dt, courant
        self.transport, self.tracer_transport, self.solids = transport, tracer_transport, solids

    def refuses(self, problem: Problem) -> str | None:
        """Why the problem is none for this method; `None` when it is."""
        if not isinstance(problem.pde, NavierStokes):
            return f"Projection integrates NavierStokes and its kin; {type(problem.pde).__name__} is none."
        if min(problem.domain.shape) < SMALLEST:
            return f"Projection needs at least {SMALLEST} cells on every axis; the grid has {problem.domain.shape}."
        if "pressure" in (problem.forcing or {}):
            return "Projection keeps the flow free of divergence; it takes no forcing of 'pressure'."
        try:
            FlowBoundary(problem, self.solids)
        except ValueError as error:
            return f"Projection: {error}"
        return None

    def stepper(self, problem: Problem, dt: float | None = None) -> "ProjectionStepper":
        """The stepper of a problem, for use in a `rollout` or by a hybrid.

        Raises:
            ValueError: the problem is refused.
        """
        self.accept(problem)
        return self._stepper(problem, dt or self.dt, self.courant or 1.0)

    def _stepper(self, problem: Problem, dt: float | None, courant: float) -> "ProjectionStepper":
        transport, tracer_transport = self.transport or CentralTransport(), self.tracer_transport or LimitedTransport()
        return ProjectionStepper(problem, dt, courant, transport, tracer_transport, self.solids)

    def solve(self, problem: Problem, *, tol: float = 1e-6) -> Trajectory:
        """The solution at the problem's times.

        Without `dt` and `courant`, each sample finds its own part of the stability limit, by Richardson's estimate of
        the error in time. `residual` is the largest relative defect of the equation (see `FlowDefect`); it is `None`
        with solids, across which the equation's text cannot be differentiated.

        Raises:
            ValueError: the problem is refused, or the flow through its boundary does not balance.
        """
        self.accept(problem)
        if self.dt is not None or self.courant is not None:
            return self._integrate(self.stepper(problem), problem)
        singles = [self._refined(one, tol) for one in samples_of(problem)]
        return singles[0] if len(singles) == 1 else together(singles)

    def _refined(self, problem: Problem, tol: float, halvings: int = 10) -> Trajectory:
        """The trajectory of one sample, its part of the limit halved until the estimate of the error is below `tol`."""
        courant = 1.0
        coarse = self._integrate(self._stepper(problem, None, courant), problem)
        for _ in range(halvings):
            courant /= 2
            fine = self._integrate(self._stepper(problem, None, courant), problem)
            error = difference(fine.u, coarse.u) / (2.0**self.order - 1.0)
            if bool((error <= tol).all()):
                return fine
            coarse = fine
        return dataclasses.replace(fine, status=torch.where(error <= tol, fine.status, int(Status.MAX_STEPS)))

    def _integrate(self, stepper: "ProjectionStepper", problem: Problem) -> Trajectory:
        assert isinstance(problem.times, Tensor)
        initial, start = problem.initial_state(), float(problem.times[0])
        if self.solids is not None:
            return rollout(stepper, stepper.start(initial, t=start), problem.times)
        watched = FlowDefect(stepper, problem)
        trajectory = rollout(watched, watched.start(initial, t=start), problem.times)
        return dataclasses.replace(trajectory, residual=watched.largest)


@dataclass(frozen=True)
class FlowMemory:
    """What a state carries beside its values: the flow on faces, and what moves it where it lives.

    Args:
        faces: the velocity, free of divergence.
        rates: the right-hand side with this batch's parameters.
        poisson: the solver of the pressure.
    """

    faces: Faces
    rates: FlowRates
    poisson: "CosinePoisson | CapacitancePoisson"

    def project(self, faces: Faces) -> tuple[Faces, Float[Tensor, "b *s"]]:
        """The part without divergence that keeps the values on closed ends, and the potential of the rest."""
        staggered = self.rates.staggered
        phi = self.poisson.solve(staggered.divergence(faces))
        return tuple(f - g for f, g in zip(faces, staggered.gradient(phi), strict=True)), phi


class ProjectionStepper:
    """`Projection` bound to a problem: state `(b, c, *s)` in float64, parameters and steps per sample.

    Args:
        problem: a flow.
        dt: longest step; `None` takes the stability limit's.
        courant: part of the stability limit that a step may take.
        transport, tracer_transport, solids: as in `Projection`.
    """

    order = 2

    def __init__(
        self,
        problem: Problem,
        dt: float | None,
        courant: float,
        transport: Transport,
        tracer_transport: Transport,
        solids: SolidBoxes | None = None,
    ) -> None:
        self.problem, self.courant, self.solids = problem, courant, solids
        self.transport, self.tracer_transport = transport, tracer_transport
        self._solvers: dict[torch.device, CosinePoisson | CapacitancePoisson] = {}
        self.scalars = tuple(p for p in problem.pde.parameters if not p.field)
        self.spec = StepperSpec(problem.pde.fields, problem.domain, problem.boundaries, self.scalars, dt=dt)

    def start(
        self,
        u0: Float[Tensor, "b c *s"],
        *,
        t: float = 0.0,
        params: Float[Tensor, "b p"] | None = None,
        generator: torch.Generator | None = None,
    ) -> State:
        """A state at time `t`, its velocity projected; `params` replaces the problem's, in the order of the spec.

        Everything follows the device of `u0`; a stepper may serve several at once.

        Raises:
            ValueError: the normal velocities on the boundary do not balance.
        """
        problem = self.problem
        if params is not None:
            columns = {p.name: params[:, i].double() for i, p in enumerate(self.scalars)}
            problem = dataclasses.replace(problem, parameters={**problem.parameters, **columns})
        rates = FlowRates(problem, self.transport, self.tracer_transport, self.solids, u0.device)
        batch = torch.broadcast_shapes((len(u0),), *(self._samples(problem, p.name) for p in self.scalars))[0]
        u0 = u0.to(torch.float64).expand(batch, *u0.shape[1:])
        times = torch.full((batch,), t, dtype=torch.float64, device=u0.device)
        memory = FlowMemory((), rates, self._poisson(rates.staggered, u0.device))
        faces, _ = memory.project(rates.boundary.impose(rates.staggered.to_faces(u0[:, :-1]), times))
        return self._state(faces, u0[:, -1], times, memory)

    def _poisson(self, staggered: Staggered, device: torch.device) -> "CosinePoisson | CapacitancePoisson":
        """The solver of the pressure; around solids it is costly to make, and made once per device."""
        if device not in self._solvers:
            box = CosinePoisson(staggered.grid, staggered.open_ends, device)
            self._solvers[device] = box if staggered.solid is None else CapacitancePoisson(box, staggered)
        return self._solvers[device]

    def _samples(self, problem: Problem, name: str) -> tuple[int, ...]:
        value = problem.parameters.get(name)
        return (len(value),) if isinstance(value, Tensor) and value.ndim else (1,)

    def _state(self, faces: Faces, tracer: Float[Tensor, "b *s"], t: Float[Tensor, " b"], memory: FlowMemory) -> State:
        staggered = memory.rates.staggered
        velocity = staggered.to_cells(faces)
        if staggered.solid is not None:
            velocity = velocity * (~staggered.solid)
        u = torch.cat([velocity, tracer[:, None]], dim=1)
        return State(u, t, dataclasses.replace(memory, faces=faces))

    def step(self, state: State, dt: float | None = None, inputs: Tensor | None = None) -> State:
        """Advances by `dt` (`spec.dt` when left out), each sample in as many parts as its stability limit asks for.

        A sample that ceases to be finite stays at the time at which it did.
        """
        dt = dt or self.spec.dt
        if dt is None:
            raise ValueError("dt is missing; a stepper without a step of its own needs the length of each.")
        left, end = torch.full_like(state.t, dt), state.t + dt
        while bool((left > 0).any()):
            rates = self._rates(state)
            parts = (left / self._limit(state, rates)).ceil().clamp_min(1.0)
            part = torch.where(left > 0, left / parts, 0.0)
            state = self._chosen(left > 0, self.advance(state, part, rates), state)
            followed = torch.isfinite(state.u).flatten(1).all(1) & (part * MOST_PARTS > dt)
            state = self._given_up((left > 0) & ~followed, state)
            left = torch.where(followed, left - part, 0.0)
            # The parts may miss the end by rounding.
            state = dataclasses.replace(state, t=torch.where(followed & (left <= 0), end, state.t))
        return state

    def _chosen(self, which: Tensor, new: State, old: State) -> State:
        """The new values of the samples that moved, the old ones of the others."""
        if bool(which.all()):
            return new
        faces = tuple(_select(which, a, b) for a, b in zip(new.memory.faces, old.memory.faces, strict=True))
        memory = dataclasses.replace(new.memory, faces=faces)
        return State(_select(which, new.u, old.u), _select(which, new.t, old.t), memory)

    def _given_up(self, which: Tensor, state: State) -> State:
        """Fills samples without a future with NaN, all of them where nothing was yet."""
        if not bool(which.any()):
            return state
        lost = which & torch.isfinite(state.u).flatten(1).all(1)
        return dataclasses.replace(state, u=_select(lost, torch.full_like(state.u, math.nan), state.u))

    def limit(self, state: State) -> Float[Tensor, " b"]:
        """The longest step of each sample."""
        return self._limit(state, self._rates(state))

    def _rates(self, state: State) -> tuple[Faces, Float[Tensor, "b *s"]]:
        return state.memory.rates(state.memory.faces, state.u[:, -1], state.t)

    def _limit(self, state: State, rates: tuple[Faces, Tensor]) -> Float[Tensor, " b"]:
        memory: FlowMemory = state.memory
        with torch.no_grad():
            acceleration, _ = memory.project(rates[0])
            return self.courant * memory.rates.limit(memory.faces, acceleration, state.u[:, -1])

    def advance(
        self, state: State, dt: Float[Tensor, " b"], rates: tuple[Faces, Float[Tensor, "b *s"]] | None = None
    ) -> State:
        r"""One step of the given length per sample.

        $q^1 = P(q^n + \tau F(q^n))$, $q^2 = P(\tfrac34 q^n + \tfrac14 (q^1 + \tau F(q^1)))$,
        $q^{n+1} = P(\tfrac13 q^n + \tfrac23 (q^2 + \tau F(q^2)))$. `rates` is $F(q^n)$ where it is known already.
        """
        memory: FlowMemory = state.memory
        now, faces, tracer = state.t, memory.faces, state.u[:, -1]
        stage_faces, stage_tracer, clock = faces, tracer, now
        for old, offset in ((0.0, 1.0), (0.75, 0.5), (1 / 3, 1.0)):
            moving, change = rates or memory.rates(stage_faces, stage_tracer, clock)
            clock, rates = now + offset * dt, None
            moved = tuple(
                _blend(old, f, s + _per_sample(dt, r) * r) for f, s, r in zip(faces, stage_faces, moving, strict=True)
            )
            stage_faces, _ = memory.project(memory.rates.boundary.impose(moved, clock))
            stage_tracer = _blend(old, tracer, stage_tracer + _per_sample(dt, change) * change)
        return self._state(stage_faces, stage_tracer, clock, memory)

    def pressure(self, state: State) -> Float[Tensor, "b *s"]:
        """The pressure of a state at the centres, second order; its mean is zero where no end is open.

        Where normal velocities on the boundary change in time, their acceleration does not enter.
        """
        memory: FlowMemory = state.memory
        return memory.project(self._rates(state)[0])[1]


def _blend(old: float, start: Tensor, moved: Tensor) -> Tensor:
    return old * start + (1.0 - old) * moved if old else moved


def _per_sample(values: Tensor, like: Tensor) -> Tensor:
    return values.view(-1, *[1] * (like.ndim - 1))


def _select(which: Tensor, new: Tensor, old: Tensor) -> Tensor:
    return torch.where(_per_sample(which, new), new, old)
