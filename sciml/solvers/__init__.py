"""Reference solvers, and the face they share with surrogates."""

from sciml.linalg import BandedCholesky, LinearSolver, Solution, SparseDirect
from sciml.solvers.base import ProblemSolver, SequenceSolver, State, Stepper, StepperSpec, Trajectory, rollout
from sciml.solvers.convection import (
    CentralDifferences,
    ExponentialFitting,
    FaceScheme,
    FiniteVolumeConvection,
    Upwind,
)
from sciml.solvers.elements import QuadraticElements, plate_with_hole
from sciml.solvers.elliptic import FiniteVolumeElliptic
from sciml.solvers.etdrk import ETDRK4
from sciml.solvers.explicit import RungeKutta
from sciml.solvers.finite_volume import FiniteVolume
from sciml.solvers.heated_plate import FiniteElementPlate
from sciml.solvers.helmholtz import FiniteDifferenceHelmholtz
from sciml.solvers.imex import IMEX
from sciml.solvers.jacobian import BandedJacobian, KrylovJacobian
from sciml.solvers.lines import MethodOfLines
from sciml.solvers.newton import Newton
from sciml.solvers.positivity import PositivityLimiter
from sciml.solvers.projection import Projection
from sciml.solvers.riemann import HLLC, HLLE, RiemannSolver, Rusanov
from sciml.solvers.solids import SolidBoxes
from sciml.solvers.solve import solve
from sciml.solvers.steady import SteadySolver
from sciml.solvers.step_limit import step_limit
from sciml.solvers.strong_stability import SSPRK3, SSPRK54, StrongStabilityPreserving
from sciml.solvers.transport import CentralTransport, LimitedTransport, Transport
from sciml.solvers.weno import WENOJS, WENOZ, Reconstruction

__all__ = [
    "ETDRK4",
    "HLLC",
    "HLLE",
    "IMEX",
    "SSPRK3",
    "SSPRK54",
    "WENOJS",
    "WENOZ",
    "BandedCholesky",
    "BandedJacobian",
    "CentralDifferences",
    "CentralTransport",
    "ExponentialFitting",
    "FaceScheme",
    "FiniteDifferenceHelmholtz",
    "FiniteElementPlate",
    "FiniteVolume",
    "FiniteVolumeConvection",
    "FiniteVolumeElliptic",
    "KrylovJacobian",
    "LimitedTransport",
    "LinearSolver",
    "MethodOfLines",
    "Newton",
    "PositivityLimiter",
    "ProblemSolver",
    "Projection",
    "QuadraticElements",
    "Reconstruction",
    "RiemannSolver",
    "RungeKutta",
    "Rusanov",
    "SequenceSolver",
    "SolidBoxes",
    "Solution",
    "SparseDirect",
    "State",
    "SteadySolver",
    "Stepper",
    "StepperSpec",
    "StrongStabilityPreserving",
    "Trajectory",
    "Transport",
    "Upwind",
    "plate_with_hole",
    "rollout",
    "solve",
    "step_limit",
]
