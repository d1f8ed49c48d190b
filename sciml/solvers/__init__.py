"""Reference solvers, and the face they share with surrogates."""

from sciml.linalg import BandedCholesky, LinearSolver, Solution, SparseDirect
from sciml.solvers.base import ProblemSolver, State, Stepper, StepperSpec, Trajectory, rollout
from sciml.solvers.elliptic import FiniteVolumeElliptic
from sciml.solvers.etdrk import ETDRK4
from sciml.solvers.explicit import RungeKutta
from sciml.solvers.imex import IMEX
from sciml.solvers.solve import solve

__all__ = [
    "ETDRK4",
    "IMEX",
    "BandedCholesky",
    "FiniteVolumeElliptic",
    "LinearSolver",
    "ProblemSolver",
    "RungeKutta",
    "Solution",
    "SparseDirect",
    "State",
    "Stepper",
    "StepperSpec",
    "Trajectory",
    "rollout",
    "solve",
]
