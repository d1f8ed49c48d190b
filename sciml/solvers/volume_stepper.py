"""The stepper of finite volumes: every sample by steps of its own."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sciml.pdes import ConservationLaw, Parameters, Problem
from sciml.pdes.base import Fields
from sciml.pdes.waves import Waves
from sciml.solvers.base import State, StepperSpec
from sciml.solvers.face_derivatives import FaceDerivatives
from sciml.solvers.face_flux import BESIDE
from sciml.solvers.ghost_cells import GhostCells
from sciml.solvers.volume_rate import VolumeRate, wide
from sciml.solvers.volume_source import VolumeSource
from sciml.solvers.weno import REACH

if TYPE_CHECKING:
    from sciml.solvers.finite_volume import FiniteVolume

#: Cells that are advanced together on a CPU: what fits its cache.
CELLS_TOGETHER = 16384
#: How often a step that fails is halved.
HALVINGS = 10


@dataclass
class Memory:
    """Parameters of each sample, `(b, p)`, and what has left the domain since the start, `(b, c)`."""

    values: Float[Tensor, "b p"]
    outflow: Float[Tensor, "b c"]


class FiniteVolumeStepper:
    """`FiniteVolume` bound to a problem: primitive variables of cell averages `(b, c, *s)`, parameters per sample.

    Args:
        problem: a conservation law on uniform cells.
        method: the scheme.
        dt: longest step.
    """

    #: Whether a nonpositive density or pressure means that a sample has failed.
    keeps_positive = True

    def __init__(self, problem: Problem, method: "FiniteVolume", dt: float | None) -> None:
        assert isinstance(problem.pde, ConservationLaw)
        self.problem, self.law, self.grid, self.method = problem, problem.pde, problem.domain, method
        self.order = method.time.order
        self.scalars = problem.pde.parameters
        self.spec = StepperSpec(problem.pde.fields, self.grid, problem.boundaries, self.scalars, dt=dt)
        self.dimensions = self.grid.dimensions
        self.equations = self.law.equation_names(self.dimensions)
        self.ghosts, self.source = GhostCells(problem), VolumeSource(problem)
        self.rotations = [_rotation(self.law, self.dimensions, axis) for axis in range(self.dimensions)]

    def start(
        self,
        u0: Float[Tensor, "b c *s"],
        *,
        t: float = 0.0,
        params: Float[Tensor, "b p"] | None = None,
        generator: torch.Generator | None = None,
    ) -> State:
        """A state at time `t`; `params` replaces the problem's parameters, in the order of `spec.parameters`."""
        u0 = u0.to(torch.float64)
        if params is None:
            given = [self.problem.parameters.get(s.name, getattr(self.law, s.name)) for s in self.scalars]
            columns = [torch.as_tensor(v, dtype=torch.float64, device=u0.device).reshape(-1) for v in given]
            rows = max([len(u0), *map(len, columns)])
            values = [column.expand(rows) for column in columns]
            params = torch.stack(values, dim=1) if values else u0.new_zeros(rows, 0)
        rows = max(len(u0), len(params))
        u0, params = u0.expand(rows, *u0.shape[1:]), params.to(u0).expand(rows, -1)
        times = torch.full((rows,), t, dtype=torch.float64, device=u0.device)
        return State(u0, times, Memory(params, u0.new_zeros(rows, len(self.equations))))

    def step(self, state: State, dt: float | None = None, inputs: Tensor | None = None) -> State:
        """Advances every sample by `dt` (`spec.dt` when left out), in as many steps as its Courant number asks for.

        A sample that fails holds the state that was not admissible, and the time of it.

        Raises:
            ValueError: neither `dt` nor a longest step is given.
        """
        span = dt or self.spec.dt
        if span is None:
            raise ValueError("dt is missing; a solver without a longest step of its own has to be told how far to go.")
        memory: Memory = state.memory
        together = len(state.u) if state.u.is_cuda else max(1, CELLS_TOGETHER // state.u[0, 0].numel())
        samples = torch.arange(len(state.u), device=state.u.device)
        given = zip(*(x.split(together) for x in (state.u, state.t, memory.values, samples)), strict=True)
        done = [self._advance(u, t, values, numbers, span) for u, t, values, numbers in given]
        u, t, outflow = (torch.cat(parts) for parts in zip(*done, strict=True))
        return State(u, t, Memory(memory.values, memory.outflow + outflow))

    def conserved(self, u: Float[Tensor, "b c *s"], values: Float[Tensor, "b p"]) -> Float[Tensor, "b c *s"]:
        """Conserved quantities of primitive variables."""
        q = self.law.conserved(dict(zip(self.problem.names, u.unbind(1), strict=True)), self.parameters(values))
        return torch.stack([q[name] for name in self.equations], dim=1)

    def _primitive(self, q: Float[Tensor, "b c *s"], p: Parameters) -> Float[Tensor, "b c *s"]:
        u = self.fields(q, p)
        return torch.stack([u[name] for name in self.problem.names], dim=1)

    def fields(self, q: Float[Tensor, "b c *s"], p: Parameters) -> Fields:
        """Primitive variables of conserved quantities."""
        return self.law.primitive(dict(zip(self.equations, q.unbind(1), strict=True)), p)

    def parameters(self, values: Float[Tensor, "b p"]) -> Parameters:
        columns = {s.name: values[:, i] for i, s in enumerate(self.scalars)}
        return Parameters(self.scalars, columns, {}, {}, self.dimensions)

    def _advance(
        self,
        u: Float[Tensor, "b c *s"],
        t: Float[Tensor, " b"],
        values: Float[Tensor, "b p"],
        samples: Int[Tensor, " b"],
        span: float,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """State, time and outflow of samples after `span`, each by steps of its own length."""
        q, p = self.conserved(u, values), self.parameters(values)
        left, clock, shrink, outflow = torch.full_like(t, span), t, torch.ones_like(t), q.new_zeros(q.shape[:2])
        failed = ~self.law.waves(self.dimensions, p).admissible(q)
        while len(rows := ((left > 0) & ~failed).nonzero().flatten()):
            before, rate = _rows(q, rows), VolumeRate(self, values[rows], clock[rows], samples[rows])
            rate.length = dt = _even(left[rows], shrink[rows] * self._longest_step(before, rate))
            after = self.method.time.step(before, wide(dt, q), rate)
            good, last = rate.good, shrink[rows] <= 0.5**HALVINGS
            after = torch.where(wide(good, q), after, torch.where(wide(last, q), rate.bad, before))
            taken = torch.where(good, dt, 0.0)
            outflow = outflow.index_add(0, rows, taken[:, None] * rate.outflow)
            clock = clock.index_add(0, rows, torch.where(good | last, dt, 0.0))
            left, failed = left.index_add(0, rows, -taken), failed.index_copy(0, rows, ~good & last)
            shrink = shrink.index_copy(0, rows, torch.where(good, 2.0, 0.5) * shrink[rows]).clamp(max=1.0)
            q = after if len(rows) == len(q) else q.index_copy(0, rows, after)
        # The clock adds up rounded steps; a sample that got there is there.
        return self._primitive(q, p), torch.where(failed, clock, t + span), outflow

    @torch.no_grad()
    def _longest_step(self, q: Float[Tensor, "b c *s"], rate: VolumeRate) -> Float[Tensor, " b"]:
        """Step of each sample; gradients do not see it."""
        frequency = torch.stack(self.frequencies(q, rate.waves)).sum(0)
        if self.law.is_viscous:
            diffusivity = self.law.diffusivity(self.fields(q, rate.parameters), rate.parameters)
            spread = sum(2 / axis.h**2 for axis in self.grid.axes)
            frequency = frequency + spread * diffusivity.flatten(1).amax(1)
        limit = self.method.cfl * self.method.time.coefficient / frequency
        return limit if self.spec.dt is None else limit.clamp(max=self.spec.dt)

    def frequencies(self, q: Float[Tensor, "b c *s"], waves: Waves) -> list[Tensor]:
        """Cells per time that the fastest wave crosses along each axis, `(b,)`."""
        found = []
        for rotation, axis in zip(self.rotations, self.grid.axes, strict=True):
            flow = waves.flow(q[:, rotation])
            found.append((flow.velocity.abs() + flow.sound).flatten(1).amax(1) / axis.h)
        return found

    def extended(self, q: Float[Tensor, "b c *s"], p: Parameters) -> Tensor:
        """Averages with ghost cells around, as many as a reconstruction reads."""
        for axis in range(self.dimensions):
            q = self.ghosts.extend(q, axis, REACH, p)
        return q

    def lines(self, q: Float[Tensor, "b c *s"]) -> list[Tensor]:
        """For each axis, what `extended` returns with that axis last and its momentum first."""
        found = []
        for axis, rotation in enumerate(self.rotations):
            beside = slice(REACH - BESIDE, BESIDE - REACH)
            cut = [slice(None) if a == axis else beside for a in range(self.dimensions)]
            found.append(q[(slice(None), rotation, *cut)].movedim(axis + 2, -1).contiguous())
        return found

    def viscous(self, q: Float[Tensor, "b c *s"], axis: int, p: Parameters) -> Tensor:
        """Viscous fluxes through the faces across an axis, laid out as those of `lines`.

        Args:
            q: what `extended` returns.
            axis: number of the axis.
            p: parameters of the samples.
        """
        near = q[(slice(None), slice(None), *[slice(REACH - 1, 1 - REACH)] * self.dimensions)]
        d = FaceDerivatives(self.fields(near, p), axis, self.grid.names, [a.h for a in self.grid.axes])
        found = self.law.viscous(d.fields, d, p)
        nothing = torch.zeros_like(next(iter(d.fields.values())))
        rows = [found[name][axis] if name in found else nothing for name in self.equations]
        return torch.stack(rows, dim=1)[:, self.rotations[axis]].movedim(axis + 2, -1)

    def back(self, flux: Float[Tensor, "b c *f"], axis: int) -> Tensor:
        """What `lines` turned for an axis, turned back."""
        rotation = self.rotations[axis]
        return flux[:, [rotation.index(i) for i in range(len(rotation))]].movedim(-1, axis + 2)


def _rotation(law: ConservationLaw, dimensions: int, axis: int) -> list[int]:
    """Order of the channels in which the component along `axis` of every vector comes first."""
    order: list[int] = []
    for spec in law.equations:
        block = list(range(len(order), len(order) + len(spec.components(dimensions))))
        order += block if spec.rank == 0 else [block[axis], *(b for i, b in enumerate(block) if i != axis)]
    return order


def _even(left: Float[Tensor, " b"], longest: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
    """The longest step not above `longest` of which a whole number covers what is left."""
    # A ratio that rounding lifted above a whole number is that number.
    return left / torch.ceil(left / longest * (1 - 1e-12)).clamp(min=1.0)


def _rows(x: Tensor, rows: Tensor) -> Tensor:
    return x if len(rows) == len(x) else x[rows]
