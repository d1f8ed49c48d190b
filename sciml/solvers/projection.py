"""A projection method for incompressible flow in boxes with walls, inflow, open ends and periodic axes."""

import dataclasses

import torch
from torch import Tensor

from sciml.pdes import NavierStokes, Problem
from sciml.solvers.base import Trajectory, rollout
from sciml.solvers.flow_boundary import FlowBoundary
from sciml.solvers.flow_defect import FlowDefect
from sciml.solvers.marching import TimeIntegrator, difference, samples_of, together
from sciml.solvers.projection_stepper import ProjectionStepper
from sciml.solvers.solids import SolidBoxes
from sciml.solvers.transport import CentralTransport, LimitedTransport, Transport
from sciml.status import Status

#: Cells per axis that the stencils need.
SMALLEST = 5


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
        if given := [n for n, v in problem.parameters.items() if callable(v) and not isinstance(v, Tensor)]:
            return (
                f"Projection takes numbers for parameters, one per sample or one for all; {given[0]!r} is a function."
            )
        try:
            _check_boundary(problem, self.solids)
        except ValueError as error:
            return f"Projection: {error}"
        return None

    def stepper(self, problem: Problem, dt: float | None = None) -> ProjectionStepper:
        """The stepper of a problem, for use in a `rollout` or by a hybrid.

        Raises:
            ValueError: the problem is refused.
        """
        self.accept(problem)
        return self._stepper(problem, dt or self.dt, self.courant or 1.0)

    def _stepper(self, problem: Problem, dt: float | None, courant: float) -> ProjectionStepper:
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

    def _integrate(self, stepper: ProjectionStepper, problem: Problem) -> Trajectory:
        assert isinstance(problem.times, Tensor)
        initial, start = problem.initial_state(), float(problem.times[0])
        if self.solids is not None:
            return rollout(stepper, stepper.start(initial, t=start), problem.times)
        watched = FlowDefect(stepper, problem)
        trajectory = rollout(watched, watched.start(initial, t=start), problem.times)
        return dataclasses.replace(trajectory, residual=watched.largest)


def _check_boundary(problem: Problem, solids: SolidBoxes | None) -> None:
    """Raises `ValueError` for conditions that cannot be honoured, at the initial time as far as they change."""
    assert isinstance(problem.times, Tensor)
    boundary, start = FlowBoundary(problem, solids), problem.times[:1]
    still = boundary.staggered.gradient(torch.zeros(1, *problem.domain.shape, dtype=torch.float64))
    boundary.impose(still, start)
    for axis, periodic in enumerate(boundary.staggered.periodic):
        for name in problem.names:
            if not periodic and name != boundary.velocity[axis]:
                boundary.ghosts(boundary.values(name), name, axis, start)
