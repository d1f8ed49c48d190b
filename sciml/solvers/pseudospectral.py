"""Methods that advance a problem on a torus in Fourier space: what they refuse, their steppers, their solutions."""

from abc import abstractmethod
from typing import ClassVar

from sciml.pdes import EvolutionPDE, Problem, SemilinearPDE
from sciml.solvers.adaptive import AdaptiveStepper
from sciml.solvers.base import Trajectory
from sciml.solvers.formula import Formula
from sciml.solvers.marching import TimeIntegrator, integrate
from sciml.solvers.spectral_stepper import SpectralStepper
from sciml.solvers.spectral_system import SpectralSystem


class PseudoSpectral(TimeIntegrator):
    """Derivatives in Fourier space, products on the grid, a `Formula` in time.

    Args:
        dt: longest step, in the problem's time unit; `None` leaves it to an estimate of the error.
        dealias: fraction of the modes per axis that the state keeps; products are free of aliasing up to degree two
            for 2/3, three for 1/2.

    Raises:
        ValueError: a step that is not positive, a fraction outside (0, 1].
    """

    #: Whether the linear part is treated by its symbol; the equation must then have one.
    split: ClassVar[bool] = True

    def __init__(self, dt: float | None = None, dealias: float = 2 / 3) -> None:
        if dt is not None and not dt > 0:
            raise ValueError(f"dt={dt} must be positive.")
        if not 0 < dealias <= 1:
            raise ValueError(f"dealias={dealias} must lie in (0, 1].")
        self.dt, self.dealias = dt, dealias

    @abstractmethod
    def formula(self, system: SpectralSystem) -> Formula:
        """One step of the method for a system."""

    def refuses(self, problem: Problem) -> str | None:
        """Why the problem is none for this method; `None` when it is."""
        name, kind = type(self).__name__, "semilinear evolution" if self.split else "evolution"
        if not isinstance(problem.pde, SemilinearPDE if self.split else EvolutionPDE):
            return f"{name} integrates {kind} equations; {type(problem.pde).__name__} is none."
        if not problem.domain.is_periodic or any(axis.points is not None for axis in problem.domain.axes):
            return f"{name} needs a uniform grid that is periodic in every axis."
        return None

    def stepper(self, problem: Problem, dt: float | None = None, tol: float = 1e-6) -> SpectralStepper:
        """The stepper of a problem, for use in a `rollout` or by a hybrid; without a `dt` it finds its steps.

        Args:
            problem: what to advance.
            dt: longest step; the method's own if `None`.
            tol: relative error that a stepper without `dt` aims at.

        Raises:
            ValueError: the problem is refused.
        """
        self.accept(problem)
        dt = dt or self.dt
        if dt is None:
            return AdaptiveStepper(problem, self.formula, self.split, self.order, tol, self.dealias)
        return SpectralStepper(problem, self.formula, self.split, self.order, dt, self.dealias)

    def solve(self, problem: Problem, *, tol: float = 1e-6) -> Trajectory:
        """The solution at the problem's times.

        Without a `dt` each sample finds its own steps, which keep the relative L2 error of time stepping near `tol`
        where the equation does not amplify errors. `residual` is the largest relative defect of the equation (see
        `Defect`).

        Raises:
            ValueError: the problem is refused.
        """
        return integrate(self.stepper(problem, tol=tol), problem)
