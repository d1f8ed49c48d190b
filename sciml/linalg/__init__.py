"""Linear systems `A x = b`: operators, solvers as small objects, preconditioners.

The state that a solve returns is handed to the next one, whatever the method:

    state = None
    for a, b in systems:
        solution = solver.solve(a, b, state=state)
        state = solution.state
"""

from sciml.linalg.bicgstab import BiCGStab
from sciml.linalg.cg import CG
from sciml.linalg.direct import BandedCholesky, SparseDirect, direct_solver
from sciml.linalg.gmres import GMRES
from sciml.linalg.operator import LinearOperator, Matrix, MatrixFree, SparseMatrix
from sciml.linalg.preconditioner import GivenPreconditioner, Preconditioner
from sciml.linalg.solver import LinearSolver, Solution, relative_residual
from sciml.linalg.stencil import Stencil

__all__ = [
    "CG",
    "GMRES",
    "BandedCholesky",
    "BiCGStab",
    "GivenPreconditioner",
    "LinearOperator",
    "LinearSolver",
    "Matrix",
    "MatrixFree",
    "Preconditioner",
    "Solution",
    "SparseDirect",
    "SparseMatrix",
    "Stencil",
    "direct_solver",
    "relative_residual",
]
