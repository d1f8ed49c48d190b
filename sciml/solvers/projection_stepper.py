"""The steps of the projection method, each sample at its own pace."""

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sciml.pdes import Problem
from sciml.solvers.base import State, StepperSpec
from sciml.solvers.capacitance import CapacitancePoisson
from sciml.solvers.cosine_poisson import CosinePoisson
from sciml.solvers.flow_rates import FlowRates
from sciml.solvers.solids import SolidBoxes
from sciml.solvers.staggered import Faces, Staggered
from sciml.solvers.transport import Transport

#: Parts of a step beyond which a sample is given up: its flow has become too fast to follow.
MOST_PARTS = 1_000_000


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
    poisson: CosinePoisson | CapacitancePoisson

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
        batch = np.broadcast_shapes((len(u0),), *(self._samples(problem, p.name) for p in self.scalars))[0]
        u0 = u0.to(torch.float64).expand(batch, *u0.shape[1:])
        times = torch.full((batch,), t, dtype=torch.float64, device=u0.device)
        memory = FlowMemory((), rates, self._poisson(rates.staggered, u0.device))
        faces, _ = memory.project(rates.boundary.impose(rates.staggered.to_faces(u0[:, :-1]), times))
        return self._state(faces, u0[:, -1], times, memory)

    def _poisson(self, staggered: Staggered, device: torch.device) -> CosinePoisson | CapacitancePoisson:
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
