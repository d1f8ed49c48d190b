"""Reference solvers, and the face they share with surrogates."""

from sciml.linalg import BandedCholesky, LinearSolver, Solution, SparseDirect
from sciml.solvers.base import ProblemSolver, State, Stepper, StepperSpec, Trajectory, rollout
from sciml.solvers.convection import (
    CentralDifferences,
    ExponentialFitting,
    FaceScheme,
    FiniteVolumeConvection,
    Upwind,
)
from sciml.solvers.elliptic import FiniteVolumeElliptic
from sciml.solvers.etdrk import ETDRK4
from sciml.solvers.helmholtz import FiniteDifferenceHelmholtz
from sciml.solvers.jacobian import BandedJacobian, KrylovJacobian
from sciml.solvers.lines import MethodOfLines
from sciml.solvers.newton import Newton
from sciml.solvers.projection import Projection
from sciml.solvers.solve import solve
from sciml.solvers.steady import SteadySolver
from sciml.solvers.transport import CentralTransport, LimitedTransport, Transport

__all__ = [
    "ETDRK4",
    "BandedCholesky",
    "BandedJacobian",
    "CentralDifferences",
    "CentralTransport",
    "ExponentialFitting",
    "FaceScheme",
    "FiniteDifferenceHelmholtz",
    "FiniteVolumeConvection",
    "FiniteVolumeElliptic",
    "KrylovJacobian",
    "LimitedTransport",
    "LinearSolver",
    "MethodOfLines",
    "Newton",
    "ProblemSolver",
    "Projection",
    "Solution",
    "SparseDirect",
    "State",
    "SteadySolver",
    "Stepper",
    "StepperSpec",
    "Trajectory",
    "Transport",
    "Upwind",
    "rollout",
    "solve",
]
