"""Finite volumes for conservation laws: high order where the solution is smooth, sharp and positive where it is not."""

import dataclasses
import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sciml.pdes import ConservationLaw, Parameters, Problem
from sciml.pdes.waves import Waves
from sciml.solvers.balance import Balance
from sciml.solvers.base import State, StepperSpec, Trajectory, rollout
from sciml.solvers.compiled_flux import CompiledFaceFlux, has_compiler
from sciml.solvers.face_flux import BESIDE, FaceFlux
from sciml.solvers.ghost_cells import GhostCells, refused_condition
from sciml.solvers.marching import TimeIntegrator
from sciml.solvers.positivity import PositivityLimiter
from sciml.solvers.riemann import HLLC, RiemannSolver
from sciml.solvers.strong_stability import SSPRK3, StrongStabilityPreserving
from sciml.solvers.weno import REACH, WENOZ, Reconstruction
from sciml.status import ConfigError

_POSITIVE = PositivityLimiter()
#: Cells that are advanced together on a CPU: what fits its cache.
CELLS_TOGETHER = 16384
#: How often a step that fails is halved.
HALVINGS = 10


class FiniteVolume(TimeIntegrator):
    r"""Method of lines $\bar q_t = -\nabla_h\cdot \bar f(\bar q)$ for cell averages $\bar q$ of conserved quantities.

    Every sample has its own step, $\Delta t = \mathrm{cfl} / \sum_a \max(|v_a| + c) / h_a$ times the coefficient of the
    Runge–Kutta method, computed anew before every step. A step that would leave density or pressure nonpositive is
    repeated with half the length, ten times at most; then the sample has failed.

    The solution's values are the primitive variables of cell averages, on axes of cells and on periodic ones, where the
    cells lie around the points. They differ from point values by $O(h^2)$; `cell_averages` makes an initial state of
    the full order from functions.

    The order is that of the Runge–Kutta method, with steps in proportion to the cells; reconstruction and face averages
    are of order five and four.

    Args:
        dt: longest step; `None` leaves it to the Courant number.
        reconstruction: of face values; `WENOZ()` if `None`.
        riemann: flux between them; `HLLC()` if `None`.
        time: Runge–Kutta method; `SSPRK3()` if `None`.
        cfl: Courant number; up to one half the positivity limiter can guarantee its work.
        positivity: keeps density and pressure positive; `None` leaves it to the scheme.
        compiled: whether to use the compiled loops of `CompiledFaceFlux`; `None` where numba is installed.

    Raises:
        ValueError: a step or a Courant number that is not positive.
        ConfigError: compiled loops without numba.

    Reference: Shu (2009), SIAM Rev. 51:82-126; Toro (2009), Riemann Solvers and Numerical Methods for Fluid Dynamics.
    """

    order = 3

    def __init__(
        self,
        dt: float | None = None,
        reconstruction: Reconstruction | None = None,
        riemann: RiemannSolver | None = None,
        time: StrongStabilityPreserving | None = None,
        cfl: float = 0.5,
        positivity: PositivityLimiter | None = _POSITIVE,
        compiled: bool | None = None,
    ) -> None:
        if dt is not None and not dt > 0:
            raise ValueError(f"dt={dt} must be positive.")
        if not cfl > 0:
            raise ValueError(f"cfl={cfl} must be positive.")
        self.dt, self.cfl, self.time = dt, cfl, time or SSPRK3()
        if compiled and not has_compiler():
            raise ConfigError("compiled=True needs the package numba: pip install 'sciml[solvers]'.")
        kind = FaceFlux if compiled is False or not has_compiler() else CompiledFaceFlux
        self.face_flux = kind(reconstruction or WENOZ(), riemann or HLLC(), positivity)

    def refuses(self, problem: Problem) -> str | None:
        """Why the problem is none for this method; `None` when it is."""
        law, grid = problem.pde, problem.domain
        if not isinstance(law, ConservationLaw):
            return f"FiniteVolume integrates conservation laws; {type(law).__name__} is none."
        if problem.forcing:
            return "FiniteVolume takes no forcing."
        if any(axis.points is not None or axis.kind == "nodes" for axis in grid.axes):
            return "FiniteVolume needs uniform axes of cells or periodic ones."
        if min(grid.shape) < REACH:
            return f"FiniteVolume needs at least {REACH} cells along every axis; the grid has {min(grid.shape)}."
        return refused_condition(problem)

    def stepper(self, problem: Problem, dt: float | None = None) -> "FiniteVolumeStepper":
        """The stepper of a problem, for use in a `rollout` or by a hybrid.

        Raises:
            ValueError: the problem is refused.
        """
        self.accept(problem)
        return FiniteVolumeStepper(problem, self, dt or self.dt)

    def solve(self, problem: Problem, *, tol: float = 1e-6) -> Trajectory:
        """The solution at the problem's times.

        `tol` has no effect: the step is bounded by stability, and at this bound the error of the cells outweighs that
        of time. `residual` is the largest relative defect of the balance of conserved quantities (see `Balance`).

        Raises:
            ValueError: the problem is refused.
        """
        watched = Balance(self.stepper(problem))
        assert isinstance(problem.times, Tensor)
        state = watched.start(problem.initial_state(), t=float(problem.times[0]))
        trajectory = rollout(watched, state, problem.times)
        return dataclasses.replace(trajectory, residual=watched.largest)


@dataclass
class _Memory:
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

    def __init__(self, problem: Problem, method: FiniteVolume, dt: float | None) -> None:
        assert isinstance(problem.pde, ConservationLaw)
        self.problem, self.law, self.grid, self.method = problem, problem.pde, problem.domain, method
        self.order = method.time.order
        self.scalars = problem.pde.parameters
        self.spec = StepperSpec(problem.pde.fields, self.grid, problem.boundaries, self.scalars, dt=dt)
        self.dimensions = self.grid.dimensions
        self.equations = self.law.equation_names(self.dimensions)
        self.ghosts = GhostCells(problem)
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
        return State(u0, times, _Memory(params, u0.new_zeros(rows, len(self.equations))))

    def step(self, state: State, dt: float | None = None, inputs: Tensor | None = None) -> State:
        """Advances every sample by `dt` (`spec.dt` when left out), in as many steps as its Courant number asks for.

        A sample that fails holds the state that was not admissible, and the time of it.

        Raises:
            ValueError: neither `dt` nor a longest step is given.
        """
        span = dt or self.spec.dt
        if span is None:
            raise ValueError("dt is missing; a solver without a longest step of its own has to be told how far to go.")
        memory: _Memory = state.memory
        together = len(state.u) if state.u.is_cuda else max(1, CELLS_TOGETHER // state.u[0, 0].numel())
        done = [
            self._advance(u, t, values, span)
            for u, t, values in zip(*(x.split(together) for x in (state.u, state.t, memory.values)), strict=True)
        ]
        u, t, outflow = (torch.cat(parts) for parts in zip(*done, strict=True))
        return State(u, t, _Memory(memory.values, memory.outflow + outflow))

    def conserved(self, u: Float[Tensor, "b c *s"], values: Float[Tensor, "b p"]) -> Float[Tensor, "b c *s"]:
        """Conserved quantities of primitive variables."""
        q = self.law.conserved(dict(zip(self.problem.names, u.unbind(1), strict=True)), self._parameters(values))
        return torch.stack([q[name] for name in self.equations], dim=1)

    def _primitive(self, q: Float[Tensor, "b c *s"], p: Parameters) -> Float[Tensor, "b c *s"]:
        u = self.law.primitive(dict(zip(self.equations, q.unbind(1), strict=True)), p)
        return torch.stack([u[name] for name in self.problem.names], dim=1)

    def _parameters(self, values: Float[Tensor, "b p"]) -> Parameters:
        columns = {s.name: values[:, i] for i, s in enumerate(self.scalars)}
        return Parameters(self.scalars, columns, {}, {}, self.dimensions)

    def _advance(
        self, u: Float[Tensor, "b c *s"], t: Float[Tensor, " b"], values: Float[Tensor, "b p"], span: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """State, time and outflow of samples after `span`, each by steps of its own length."""
        q = self.conserved(u, values)
        left, clock, shrink, outflow = torch.full_like(t, span), t, torch.ones_like(t), q.new_zeros(q.shape[:2])
        failed = ~self._waves(values).admissible(q)
        while len(rows := ((left > 0) & ~failed).nonzero().flatten()):
            before, rate = _rows(q, rows), _Rate(self, values[rows])
            dt = _even(left[rows], shrink[rows] * self._longest_step(before, rate.waves))
            after = self.method.time.step(before, _wide(dt, q), rate)
            good, last = rate.good, shrink[rows] <= 0.5**HALVINGS
            after = torch.where(_wide(good, q), after, torch.where(_wide(last, q), rate.bad, before))
            taken = torch.where(good, dt, 0.0)
            outflow = outflow.index_add(0, rows, taken[:, None] * rate.outflow)
            clock = clock.index_add(0, rows, torch.where(good | last, dt, 0.0))
            left, failed = left.index_add(0, rows, -taken), failed.index_copy(0, rows, ~good & last)
            shrink = shrink.index_copy(0, rows, torch.where(good, 2.0, 0.5) * shrink[rows]).clamp(max=1.0)
            q = after if len(rows) == len(q) else q.index_copy(0, rows, after)
        # The clock adds up rounded steps; a sample that got there is there.
        return self._primitive(q, self._parameters(values)), torch.where(failed, clock, t + span), outflow

    def _waves(self, values: Float[Tensor, "b p"]) -> Waves:
        return self.law.waves(self.dimensions, self._parameters(values))

    @torch.no_grad()
    def _longest_step(self, q: Float[Tensor, "b c *s"], waves: Waves) -> Float[Tensor, " b"]:
        """Step of each sample; gradients do not see it."""
        frequency = torch.stack(self.frequencies(q, waves)).sum(0)
        limit = self.method.cfl * self.method.time.coefficient / frequency
        return limit if self.spec.dt is None else limit.clamp(max=self.spec.dt)

    def frequencies(self, q: Float[Tensor, "b c *s"], waves: Waves) -> list[Tensor]:
        """Cells per time that the fastest wave crosses along each axis, `(b,)`."""
        found = []
        for rotation, axis in zip(self.rotations, self.grid.axes, strict=True):
            flow = waves.flow(q[:, rotation])
            found.append((flow.velocity.abs() + flow.sound).flatten(1).amax(1) / axis.h)
        return found

    def lines(self, q: Float[Tensor, "b c *s"], values: Float[Tensor, "b p"]) -> list[Tensor]:
        """For each axis, averages with ghost cells, that axis last and its momentum first."""
        parameters = self._parameters(values)
        for axis in range(self.dimensions):
            q = self.ghosts.extend(q, axis, REACH, parameters)
        found = []
        for axis, rotation in enumerate(self.rotations):
            beside = slice(REACH - BESIDE, BESIDE - REACH)
            cut = [slice(None) if a == axis else beside for a in range(self.dimensions)]
            found.append(q[(slice(None), rotation, *cut)].movedim(axis + 2, -1).contiguous())
        return found

    def back(self, flux: Float[Tensor, "b c *f"], axis: int) -> Tensor:
        """What `lines` turned for an axis, turned back."""
        rotation = self.rotations[axis]
        return flux[:, [rotation.index(i) for i in range(len(rotation))]].movedim(-1, axis + 2)


class _Rate:
    """Rate of change during one Runge–Kutta step; notes what leaves the domain and which samples stay admissible.

    Args:
        stepper: the scheme on its grid.
        values: parameters of the samples.
    """

    def __init__(self, stepper: FiniteVolumeStepper, values: Float[Tensor, "b p"]) -> None:
        self.stepper, self.values, self.waves = stepper, values, stepper._waves(values)
        self.good: Bool[Tensor, " b"] = torch.ones(len(values), dtype=torch.bool, device=values.device)
        #: Of samples that do not stay admissible, the first state that was not.
        self.bad: Tensor = torch.zeros(())
        self._outflows: list[Tensor] = []

    @property
    def outflow(self) -> Float[Tensor, "b c"]:
        """Mean rate at which conserved quantities left during the step."""
        parts = [w * out for w, out in zip(self.stepper.method.time.weights, self._outflows, strict=True)]
        return sum(parts[1:], start=parts[0])

    def __call__(self, q: Float[Tensor, "b c *s"], dt: Float[Tensor, "b *r"]) -> Float[Tensor, "b c *s"]:
        """$-\nabla_h\\cdot \bar f$, such that an Euler step of length `dt` stays admissible where that can be had."""
        lines = self.stepper.lines(q, self.values)
        fluxes = [self.stepper.method.face_flux(line, self.waves) for line in lines]
        rate = self._divergence(fluxes)
        good = self.waves.admissible(q + dt * rate)
        limiter = self.stepper.method.face_flux.positivity
        if limiter is not None and not bool(good.all()):
            limited = self._limited(limiter, fluxes, lines, q, dt)
            fluxes = [torch.where(_wide(good, f), f, g) for f, g in zip(fluxes, limited, strict=True)]
            rate = self._divergence(fluxes)
            good = self.waves.admissible(q + dt * rate)
        self._note(good, q + dt * rate)
        self._outflows.append(self._leaving(fluxes))
        return rate

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
            ratio = dt[:, 0] * _wide(total / frequency, dt[:, 0]) / self.stepper.grid.axes[axis].h
            result.append(limiter.fluxes(flux, cells, ratio, self.waves))
        return result

    def _note(self, good: Bool[Tensor, " b"], q: Tensor) -> None:
        first = self.good & ~good
        if bool(first.any()):
            self.bad = torch.where(_wide(first, q), q, self.bad)
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


def _wide(x: Tensor, like: Tensor) -> Tensor:
    """A number per sample, for use with a tensor `(b, ...)`."""
    return x.view(-1, *[1] * (like.ndim - 1))
