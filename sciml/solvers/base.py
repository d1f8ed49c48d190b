"""The face that numerical solvers and trained surrogates share: start, step, roll out."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sciml.fields import Boundaries, FieldSpec, Grid, ParameterSpec, channel_names
from sciml.pdes import Problem
from sciml.status import SolveFailure, Status

if TYPE_CHECKING:
    import xarray


@dataclass(frozen=True)
class StepperSpec:
    """What a stepper advances, and on what.

    Args:
        fields: specs of the state's channels.
        grid: the points of the state.
        boundaries: conditions that the stepper honours.
        parameters: what `params` means, in this order.
        dt: natural step; the longest one for a solver, the only one for a surrogate with a fixed lead time.
        any_dt: whether steps shorter than `dt` are taken as well.
        time_unit, length_unit: UDUNITS strings.
    """

    fields: tuple[FieldSpec, ...]
    grid: Grid
    boundaries: Boundaries
    parameters: tuple[ParameterSpec, ...] = ()
    dt: float | None = None
    any_dt: bool = True
    time_unit: str = "1"
    length_unit: str = "1"

    @property
    def channels(self) -> tuple[str, ...]:
        return channel_names(self.fields, self.grid.dimensions)


@dataclass(frozen=True)
class State:
    """A state on its way through time.

    Args:
        u: `(b, c, *s)`.
        t: time of each sample, `(b,)`, float64.
        memory: what a method carries from step to step (history, parameters, a generator).
    """

    u: Float[Tensor, "b c *s"]
    t: Float[Tensor, " b"]
    memory: Any = None

    def advanced(self, u: Tensor, dt: float, memory: Any = None) -> "State":
        return replace(self, u=u, t=self.t + dt, memory=self.memory if memory is None else memory)


@runtime_checkable
class Stepper(Protocol):
    """Advances a state. Solvers declare the `order` that a test observes.

    One with `keeps_positive = True` lets a sample fail rather than go on with a field that should be positive and is
    not.
    """

    @property
    def spec(self) -> StepperSpec: ...

    def start(
        self,
        u0: Float[Tensor, "b c *s"],
        *,
        t: float = 0.0,
        params: Float[Tensor, "b p"] | None = None,
        generator: torch.Generator | None = None,
    ) -> State: ...

    def step(self, state: State, dt: float | None = None, inputs: Tensor | None = None) -> State: ...


@runtime_checkable
class Marching(Protocol):
    """A stepper that goes through a list of times at once, where it may let samples run ahead of one another."""

    def march(self, state: State, times: Sequence[float]) -> Iterator[State]:
        """The states at `times[1:]`."""
        ...


@runtime_checkable
class ProblemSolver(Protocol):
    """Solves a whole problem: what `solve` picks from, and what a recipe names.

    A solver that advances in time makes a `Stepper` for the problem and rolls it out; a steady one solves a system.
    """

    def refuses(self, problem: Problem) -> str | None:
        """Why this solver cannot honour the problem, in one sentence; `None` when it can."""
        ...

    def solve(self, problem: Problem, *, tol: float = 1e-6) -> "Trajectory":
        """The solution at the problem's times on its domain; `tol` bounds the relative error of time stepping."""
        ...


@runtime_checkable
class SequenceSolver(Protocol):
    """A `ProblemSolver` that gains from what an earlier problem has left: a factor, a subspace."""

    def solve_next(self, problem: Problem, state: Any) -> tuple["Trajectory", Any]:
        """The solution, and what is handed to the next problem; the first one is handed `None`."""
        ...


@dataclass(frozen=True)
class Blowup:
    """Where a sample first ceased to be finite, or positive where it has to be.

    Args:
        time: at the end of the step that did it.
        field: name of the component.
        cell: its index on the grid.
        reason: what the value is.
    """

    time: float
    field: str
    cell: tuple[int, ...]
    reason: str = "not finite"

    def __str__(self) -> str:
        return f"{self.field} is {self.reason} at t={self.time:.6g} in cell {', '.join(map(str, self.cell))}"


@dataclass(frozen=True)
class Trajectory:
    """Solutions at a list of times.

    Args:
        u: `(b, t, c, *s)`.
        times: `(t,)`; one entry for a stationary problem.
        status: one `Status` per sample, `(b,)`.
        spec: what the channels and axes mean.
        residual: of each sample, `(b,)`: the relative algebraic residual where the solver solves a system, the largest
            relative defect of the equation where it marches in time.
        blowups: of the samples that did not stay finite, by their number.
    """

    u: Float[Tensor, "b t c *s"]
    times: Float[Tensor, " t"]
    status: Int[Tensor, " b"]
    spec: StepperSpec
    residual: Float[Tensor, " b"] | None = None
    blowups: Mapping[int, Blowup] = field(default_factory=dict)

    def check(self, throw: bool = True) -> "Trajectory":
        """Raises `SolveFailure` when a sample failed, naming the sample and where it ceased to be finite."""
        if throw and bool((self.status != Status.SUCCESS).any()):
            sample = int((self.status != Status.SUCCESS).nonzero()[0])
            raise SolveFailure(
                f"sample {sample} {self.reason(sample)}; take a smaller step or check the parameters.",
                Status(int(self.status[sample])),
            )
        return self

    def reason(self, sample: int) -> str:
        """Why a sample failed, in a few words."""
        status = Status(int(self.status[sample])).name
        if sample in self.blowups:
            return f"ended with {status}: {self.blowups[sample]}"
        frames = torch.isfinite(self.u[sample]).flatten(1).all(1)
        bad = int((~frames).nonzero()[0]) if not bool(frames.all()) else len(frames) - 1
        return f"ended with {status} at t={float(self.times[bad]):.6g}"

    def to_xarray(self) -> "xarray.Dataset":
        """One variable per channel, dimensions `sample, time, x, y, z`, with units."""
        import xarray

        grid, spec = self.spec.grid, self.spec
        dims = ("sample", "time", *grid.names)
        units = {c: f.unit for f in spec.fields for c in f.components(grid.dimensions)}
        names = {c: f.long_name for f in spec.fields for c in f.components(grid.dimensions)}
        variables = {
            c: (dims, self.u[:, :, i].numpy(force=True), {"units": units[c], "long_name": names[c] or c})
            for i, c in enumerate(spec.channels)
        }
        coords: dict[str, Any] = {
            n: ((n,), a.coords, {"units": spec.length_unit, "axis": n.upper()})
            for n, a in zip(grid.names, grid.axes, strict=True)
        }
        coords["time"] = (("time",), self.times.numpy(force=True), {"units": spec.time_unit, "axis": "T"})
        return xarray.Dataset(variables, coords)


#: Part of a step by which an interval may miss a multiple of it: times in float32 are off by 6e-8 near t = 1.
STEP_TOLERANCE = 1e-4


def step_count(interval: float, spec: StepperSpec) -> int:
    """Number of equal steps that cover an interval.

    Raises:
        ValueError: a stepper with a fixed step, and an interval that is no multiple of it.
    """
    if spec.dt is None:
        return 1
    ratio = interval / spec.dt
    if abs(ratio - round(ratio)) <= STEP_TOLERANCE and round(ratio) >= 1:
        return round(ratio)
    if not spec.any_dt:
        raise ValueError(
            f"an interval of {interval:g} is no multiple of the only step this stepper takes, dt={spec.dt:g}."
        )
    return math.ceil(ratio)


def rollout(stepper: Stepper, state: State, times: Sequence[float] | Tensor | np.ndarray) -> Trajectory:
    """Advances a state through a list of times, the first of which is its own.

    A sample that ceases to be finite (or positive, see `Stepper`) holds NaN from the next frame on, its status says
    `NON_FINITE` and `blowups` where it happened; the others go on.

    Args:
        stepper: a solver or a surrogate.
        state: from `stepper.start`.
        times: strictly increasing; `times[0]` is the time of `state`.

    Raises:
        ValueError: times that do not start at the state's, do not increase, or that a fixed step cannot meet.
    """
    times = torch.as_tensor(times, dtype=torch.float64).cpu()
    if times.ndim != 1 or not bool((times.diff() > 0).all()):
        raise ValueError("times must be a strictly increasing list.")
    if not torch.allclose(state.t.cpu().double(), times[0], rtol=1e-9, atol=1e-12):
        raise ValueError(f"times[0]={float(times[0]):g} is not the state's time {float(state.t[0]):g}.")
    watch = _Watch(stepper, state)
    frames = _Frames(watch.masked(state.u), len(times))
    ahead = stepper.march(state, times.tolist()) if isinstance(stepper, Marching) else None
    for start, stop in zip(times[:-1].tolist(), times[1:].tolist(), strict=True):
        count = step_count(stop - start, stepper.spec)
        for _ in range(count):
            state = stepper.step(state, (stop - start) / count) if ahead is None else next(ahead)
            watch.look(state)
        frames.append(watch.masked(state.u))
        if not bool(watch.alive.any()):
            break
    status = torch.where(watch.alive, int(Status.SUCCESS), int(Status.NON_FINITE))
    return Trajectory(frames.together(), times, status, stepper.spec, blowups=watch.blowups)


class _Frames:
    """The states at the output times, which are copied where they belong: a list of them would take as much again.

    Args:
        first: state at the first time.
        count: number of times.
    """

    def __init__(self, first: Tensor, count: int) -> None:
        self.u = first.new_empty(len(first), count, *first.shape[1:])
        self.count, self.list = 0, list[Tensor]()
        self.append(first)

    def append(self, u: Tensor) -> None:
        # What is to be differentiated is put together once, at the end.
        if u.requires_grad:
            self.list.append(u)
        self.u[:, self.count] = u.detach()
        self.count += 1

    def together(self) -> Float[Tensor, "b t c *s"]:
        """All of them, NaN for the times that were not reached."""
        self.u[:, self.count :] = math.nan
        if not self.list:
            return self.u
        known = len(self.list)
        before, after = (part.unbind(1) for part in (self.u[:, : self.count - known], self.u[:, self.count :]))
        return torch.stack([*before, *self.list, *after], dim=1)


class _Watch:
    """Which samples are still finite and positive, and where the others ceased to be."""

    def __init__(self, stepper: Stepper, state: State) -> None:
        self.spec, self.blowups = stepper.spec, dict[int, Blowup]()
        names = {n for f in self.spec.fields if f.positive for n in f.components(self.spec.grid.dimensions)}
        keeps = getattr(stepper, "keeps_positive", False)
        self.positive = [keeps and name in names for name in self.spec.channels]
        self.alive = torch.ones(len(state.u), dtype=torch.bool, device=state.u.device)
        self.look(state)

    def look(self, state: State) -> None:
        # One sum is cheaper than a test of every value, and finite exactly where all are (but for overflow).
        watched = state.u[:, self.positive]
        if bool(torch.isfinite(state.u.sum())) and not bool((watched <= 0).any()):
            return
        infinite, nonpositive = ~torch.isfinite(state.u), torch.zeros_like(state.u, dtype=torch.bool)
        nonpositive[:, self.positive] = watched <= 0
        now = ~(infinite | nonpositive).flatten(1).any(1)
        for sample in (self.alive & ~now).nonzero().flatten().tolist():
            # A value that is not positive is the cause, one that is not finite its consequence.
            cause = bool(nonpositive[sample].any())
            channel, *cell = (nonpositive if cause else infinite)[sample].nonzero()[0].tolist()
            name, reason = self.spec.channels[channel], "not positive" if cause else "not finite"
            self.blowups[sample] = Blowup(float(state.t[sample]), name, tuple(cell), reason)
        self.alive = self.alive & now

    def masked(self, u: Tensor) -> Tensor:
        if bool(self.alive.all()):
            return u
        return torch.where(self.alive.view(-1, *[1] * (u.ndim - 1)), u, math.nan)
