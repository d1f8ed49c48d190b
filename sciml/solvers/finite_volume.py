"""Finite volumes for conservation laws: high order where the solution is smooth, sharp and positive where it is not."""

import dataclasses

from torch import Tensor

from sciml.pdes import ConservationLaw, Problem
from sciml.solvers.balance import Balance
from sciml.solvers.base import Trajectory, rollout
from sciml.solvers.compiled_flux import CompiledFaceFlux, has_compiler
from sciml.solvers.face_flux import FaceFlux
from sciml.solvers.ghost_cells import refused_condition
from sciml.solvers.marching import TimeIntegrator
from sciml.solvers.positivity import PositivityLimiter
from sciml.solvers.riemann import HLLC, RiemannSolver
from sciml.solvers.strong_stability import SSPRK3, StrongStabilityPreserving
from sciml.solvers.volume_source import refused_source
from sciml.solvers.volume_stepper import FiniteVolumeStepper
from sciml.solvers.weno import REACH, WENOZ, Reconstruction
from sciml.status import ConfigError

_POSITIVE = PositivityLimiter()


class FiniteVolume(TimeIntegrator):
    r"""Method of lines $\bar q_t = -\nabla_h\cdot \bar f(\bar q) + \bar s$ for cell averages $\bar q$.

    The averages are those of conserved quantities. Every sample has its own step,
    $\Delta t = \mathrm{cfl} / \sum_a \max(|v_a| + c) / h_a$ times the coefficient of the Runge–Kutta method, computed
    anew before every step. A step that would leave density or pressure nonpositive is repeated with half the length,
    ten times at most; then the sample has failed.

    The solution's values are the primitive variables of cell averages, on axes of cells and on periodic ones, where the
    cells lie around the points. They differ from point values by $O(h^2)$; `cell_averages` makes an initial state of
    the full order from functions.

    The order is that of the Runge–Kutta method, with steps in proportion to the cells; reconstruction and face averages
    are of order five and four. Viscous fluxes are central differences of second order, and shorten the step as
    $1 / (1 / \Delta t + 2 \nu \sum_a h_a^{-2})$; where the positivity limiter acts, it blends them away too.

    Sources of the law, without derivatives, and forcing by equation take part in every stage (see `VolumeSource`).

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
        if any(axis.points is not None or axis.kind == "nodes" for axis in grid.axes):
            return "FiniteVolume needs uniform axes of cells or periodic ones."
        if min(grid.shape) < REACH:
            return f"FiniteVolume needs at least {REACH} cells along every axis; the grid has {min(grid.shape)}."
        return refused_condition(problem) or refused_source(problem)

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
