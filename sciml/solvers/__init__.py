"""Reference solvers, and the face they share with surrogates."""

from sciml.solvers.base import ProblemSolver, State, Stepper, StepperSpec, Trajectory, rollout
from sciml.solvers.elliptic import FiniteVolumeElliptic
from sciml.solvers.etdrk import ETDRK4
from sciml.solvers.linear import BandedCholesky, LinearSolver, Solution, SparseDirect
from sciml.solvers.projection import Projection
from sciml.solvers.solids import SolidBoxes
from sciml.solvers.solve import solve
from sciml.solvers.transport import CentralTransport, LimitedTransport, Transport

__all__ = [
    "ETDRK4",
    "BandedCholesky",
    "CentralTransport",
    "FiniteVolumeElliptic",
    "LimitedTransport",
    "LinearSolver",
    "ProblemSolver",
    "Projection",
    "SolidBoxes",
    "Solution",
    "SparseDirect",
    "State",
    "Stepper",
    "StepperSpec",
    "Trajectory",
    "Transport",
    "rollout",
    "solve",
]
