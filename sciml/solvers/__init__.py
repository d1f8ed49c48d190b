"""Reference solvers, and the face they share with surrogates."""

from sciml.linalg import BandedCholesky, LinearSolver, Solution, SparseDirect
from sciml.solvers.base import ProblemSolver, State, Stepper, StepperSpec, Trajectory, rollout
from sciml.solvers.elliptic import FiniteVolumeElliptic
from sciml.solvers.etdrk import ETDRK4
from sciml.solvers.finite_volume import FiniteVolume
from sciml.solvers.positivity import PositivityLimiter
from sciml.solvers.riemann import HLLC, HLLE, RiemannSolver, Rusanov
from sciml.solvers.solve import solve
from sciml.solvers.strong_stability import SSPRK3, SSPRK54, StrongStabilityPreserving
from sciml.solvers.weno import WENOJS, WENOZ, Reconstruction

__all__ = [
    "ETDRK4",
    "HLLC",
    "HLLE",
    "SSPRK3",
    "SSPRK54",
    "WENOJS",
    "WENOZ",
    "BandedCholesky",
    "FiniteVolume",
    "FiniteVolumeElliptic",
    "LinearSolver",
    "PositivityLimiter",
    "ProblemSolver",
    "Reconstruction",
    "RiemannSolver",
    "Rusanov",
    "Solution",
    "SparseDirect",
    "State",
    "Stepper",
    "StepperSpec",
    "StrongStabilityPreserving",
    "Trajectory",
    "rollout",
    "solve",
]
