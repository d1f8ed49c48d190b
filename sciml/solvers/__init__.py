"""Reference solvers, and the face they share with surrogates."""

from sciml.linalg import BandedCholesky, LinearSolver, Solution, SparseDirect
from sciml.solvers.base import ProblemSolver, State, Stepper, StepperSpec, Trajectory, rollout
from sciml.solvers.elliptic import FiniteVolumeElliptic
from sciml.solvers.etdrk import ETDRK4
from sciml.solvers.explicit import RungeKutta
from sciml.solvers.imex import IMEX
from sciml.solvers.jacobian import BandedJacobian, KrylovJacobian
from sciml.solvers.lines import MethodOfLines
from sciml.solvers.newton import Newton
from sciml.solvers.projection import Projection
from sciml.solvers.solve import solve
from sciml.solvers.step_limit import step_limit
from sciml.solvers.transport import CentralTransport, LimitedTransport, Transport

__all__ = [
    "ETDRK4",
    "IMEX",
    "BandedCholesky",
    "BandedJacobian",
    "CentralTransport",
    "FiniteVolumeElliptic",
    "KrylovJacobian",
    "LimitedTransport",
    "LinearSolver",
    "MethodOfLines",
    "Newton",
    "ProblemSolver",
    "Projection",
    "RungeKutta",
    "Solution",
    "SparseDirect",
    "State",
    "Stepper",
    "StepperSpec",
    "Trajectory",
    "Transport",
    "rollout",
    "solve",
    "step_limit",
]
