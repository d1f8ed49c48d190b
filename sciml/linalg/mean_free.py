"""Singular systems whose null space is the constants."""

import dataclasses
from typing import Any

import numpy as np

from sciml.describe import Described
from sciml.linalg.krylov import IterativeSolver
from sciml.linalg.operator import LinearOperator, as_operator
from sciml.linalg.solver import LinearSolver, Solution, norm, right_side


class MeanFree(Described):
    r"""Solves $Ax = b - \bar b$ and takes the mean off $x$, for a matrix whose rows and columns sum to zero.

    That is a diffusion problem with Neumann conditions all around. Without the projection of $b$ there is no solution,
    without that of $x$ no unique one; the residual is that of the projected system.

    Args:
        solver: an iterative method, which needs nothing but right sides in the range of $A$.

    Raises:
        ValueError: a solver that is none.
    """

    def __init__(self, solver: LinearSolver) -> None:
        if not isinstance(solver, IterativeSolver):
            raise ValueError(f"solver={type(solver).__name__} factorises; a singular matrix takes an iterative one.")
        self.solver = solver

    def solve(self, a: LinearOperator, b: np.ndarray, *, x0: np.ndarray | None = None, state: Any = None) -> Solution:
        """As the solver does, with the means taken off.

        Raises:
            ValueError: shapes that do not fit.
        """
        a = as_operator(a)
        b = right_side(a, b)
        centred = b - b.mean()
        if norm(centred) <= 1e-14 * norm(b):
            # A constant: what is left of it are rounding errors.
            centred = np.zeros_like(b)
        solution = self.solver.solve(a, centred, x0=x0, state=state)
        return dataclasses.replace(solution, x=solution.x - solution.x.mean())
