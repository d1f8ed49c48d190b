"""What the solvers of steady linear problems share: a system per sample, solved in order, the state handed on."""

import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sciml.describe import Described, Description, describe
from sciml.linalg import LinearSolver, SparseDirect
from sciml.linalg.operator import Matrix
from sciml.pdes import Problem
from sciml.solvers.base import StepperSpec, Trajectory
from sciml.status import SampleError

#: Matrix and right side of one sample.
System = tuple[Matrix, np.ndarray]


class SteadySolver(Described, ABC):
    """Discretises a steady linear problem and solves one system per sample.

    Every sample is solved by itself; what one solve leaves (a factor, a subspace) is handed to the next.

    Args:
        linear_solver: what solves the systems; `None` takes the direct method that suits the matrix.
    """

    def __init__(self, linear_solver: LinearSolver | None = None) -> None:
        self.linear_solver = linear_solver

    @abstractmethod
    def refuses(self, problem: Problem) -> str | None:
        """Why the problem is none for this method; `None` when it is."""

    @abstractmethod
    def assemble(self, problem: Problem) -> list[System]:
        """Matrix and right side per sample of a problem that is not refused."""

    def systems(self, problem: Problem) -> list[System]:
        """Matrix and right side per sample, for methods that want to order or recycle them.

        Raises:
            ValueError: the problem is refused, or a coefficient is not acceptable: sample, cell and value.
        """
        if reason := self.refuses(problem):
            raise ValueError(reason)
        return self.assemble(problem)

    def direct(self, a: Matrix) -> LinearSolver:
        """The direct method for a matrix, where no other solver was given."""
        return SparseDirect()

    def fields(self, problem: Problem, x: np.ndarray, sample: int = 0) -> np.ndarray:
        """The unknowns of a sample's system as fields, `(c, *s)`."""
        return x.reshape(1, *problem.domain.shape)

    def choices(self, problem: Problem) -> dict[str, Description]:
        """The linear solver that a problem gets, for a manifest."""
        return {"linear_solver": describe(self.linear_solver or self.direct(self.systems(problem)[0][0]))}

    def solve(self, problem: Problem, *, tol: float = 1e-6) -> Trajectory:
        """The solution at the points of the domain, one frame; `residual` is recomputed as `||b - A u|| / ||b||`.

        Args:
            problem: coefficients `(*s)` or `(b, *s)`, numbers, or callables of the coordinates.
            tol: unused, there is no time stepping; the linear solver has a tolerance of its own.
        """
        return self.solve_next(problem, None)[0]

    def solve_next(self, problem: Problem, state: Any) -> tuple[Trajectory, Any]:
        """`solve` with what the last system of an earlier problem has left, and what this one leaves to the next."""
        solutions = []
        for matrix, b in self.systems(problem):
            solver: Any = self.linear_solver or self.direct(matrix)
            solution = solver.solve(matrix, b, state=state)
            state = solution.state
            solutions.append(solution)
        u = torch.from_numpy(np.stack([self.fields(problem, s.x, i) for i, s in enumerate(solutions)])[:, None])
        status = torch.tensor([int(s.status) for s in solutions])
        residual = torch.tensor([s.residual for s in solutions], dtype=torch.float64)
        spec = StepperSpec(problem.pde.fields, problem.domain, problem.boundaries)
        return Trajectory(u, torch.zeros(1, dtype=torch.float64), status, spec, residual), state


def samples(problem: Problem, *values: Any) -> list[Tensor]:
    """Coefficients as float64 tensors `(b, *s)` at the points of the domain, all with the same number of samples.

    Those that are the same for all samples or points are views, which nobody writes to.
    """
    shape = problem.domain.shape
    tensors = [torch.as_tensor(v, dtype=torch.float64).detach() for v in values]
    batch = max([len(t) for t in tensors if t.ndim > len(shape)], default=1)
    return [t.expand(batch, *shape) for t in tensors]


def check_values(name: str, values: Tensor, least: float = -math.inf, above: bool = False) -> None:
    """Looks at a coefficient before any system is solved: finite, and at least `least`, or above it.

    Raises:
        SampleError: a value that is not accepted, with its sample and cell.
    """
    # The extremes alone, which are NaN where any value is: this is asked for every sample of a data set.
    low, high = (float(x) for x in values.aminmax()) if values.numel() else (math.inf, -math.inf)
    if (low > least or (low == least and not above)) and low > -math.inf and high < math.inf:
        return
    accepted = values.isfinite() & ((values > least) if above else (values >= least))
    sample, *cell = (int(i) for i in torch.nonzero(~accepted)[0])
    what = "finite" if least == -math.inf else "positive and finite" if above else "finite and not negative"
    value = float(values[sample, *cell])
    raise SampleError(sample, f"the {name} at cell {tuple(cell)} is {value:g}; it must be {what}.")
