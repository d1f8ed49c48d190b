"""Linear systems `A x = b`: operators, solvers as small objects, preconditioners.

The state that a solve returns is handed to the next one, whatever the method:

    state = None
    for a, b in systems:
        solution = solver.solve(a, b, state=state)
        state = solution.state
"""

from sciml.linalg.auto import Auto, Choice, choose, learning
from sciml.linalg.bicgstab import BiCGStab
from sciml.linalg.cg import CG
from sciml.linalg.direct import BandedCholesky, SparseDirect, direct_solver
from sciml.linalg.fast_poisson import FastPoisson
from sciml.linalg.gcrodr import GCRODR
from sciml.linalg.gmres import GMRES
from sciml.linalg.learned import BanditSolver, Context, Cost, Iterations, Learned, MeanDiagonal, Seconds
from sciml.linalg.mean_free import MeanFree
from sciml.linalg.multigrid import BlackBoxMultigrid
from sciml.linalg.multigrid_convection import ConvectionMultigrid
from sciml.linalg.operator import LinearOperator, Matrix, MatrixFree, SparseMatrix
from sciml.linalg.poisson_preconditioner import PoissonPreconditioner
from sciml.linalg.preconditioner import GivenPreconditioner, Preconditioner
from sciml.linalg.preconditioners import AMG, IC0, ILU0, ILUT, LU, SOR, SSOR, AdditiveSchwarz, BlockJacobi, Jacobi
from sciml.linalg.recycling import RecycleSpace
from sciml.linalg.solver import LinearSolver, Solution, relative_residual
from sciml.linalg.sqmr import SQMR
from sciml.linalg.stale import Stale
from sciml.linalg.stationary import Stationary
from sciml.linalg.stencil import Stencil
from sciml.linalg.structure import candidates

__all__ = [
    "AMG",
    "CG",
    "GCRODR",
    "GMRES",
    "IC0",
    "ILU0",
    "ILUT",
    "LU",
    "SOR",
    "SQMR",
    "SSOR",
    "AdditiveSchwarz",
    "Auto",
    "BandedCholesky",
    "BanditSolver",
    "BiCGStab",
    "BlackBoxMultigrid",
    "BlockJacobi",
    "Choice",
    "Context",
    "ConvectionMultigrid",
    "Cost",
    "FastPoisson",
    "GivenPreconditioner",
    "Iterations",
    "Jacobi",
    "Learned",
    "LinearOperator",
    "LinearSolver",
    "Matrix",
    "MatrixFree",
    "MeanDiagonal",
    "MeanFree",
    "PoissonPreconditioner",
    "Preconditioner",
    "RecycleSpace",
    "Seconds",
    "Solution",
    "SparseDirect",
    "SparseMatrix",
    "Stale",
    "Stationary",
    "Stencil",
    "candidates",
    "choose",
    "direct_solver",
    "learning",
    "relative_residual",
]
