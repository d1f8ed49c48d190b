"""Steady diffusion problems by finite volumes and a linear solver that is handed in."""

import numpy as np
import torch
from torch import Tensor

from sciml.describe import Described, Description, describe
from sciml.linalg import LinearSolver, Stencil, direct_solver
from sciml.numerics import FiniteDifferences
from sciml.pdes import EllipticPDE, Problem
from sciml.solvers.base import StepperSpec, Trajectory
from sciml.solvers.diffusion import Diffusion


class FiniteVolumeElliptic(Described):
    r"""Second-order finite volumes for $-\nabla\cdot(a\nabla u) + c\,u = f$ on cells in one to three dimensions.

    Faces carry the harmonic mean of $a$. Every sample is solved by itself, so that its bits do not depend on a batch.

    Args:
        linear_solver: what solves the system; `None` takes the faster direct method for the grid.
    """

    order = 2

    def __init__(self, linear_solver: LinearSolver | None = None) -> None:
        self.linear_solver = linear_solver

    def refuses(self, problem: Problem) -> str | None:
        """Why the problem is none for this method; `None` when it is."""
        if not isinstance(problem.pde, EllipticPDE):
            return f"FiniteVolumeElliptic solves steady diffusion problems; {type(problem.pde).__name__} is none."
        if problem.forcing:
            return "FiniteVolumeElliptic takes its source as a parameter, not as forcing."
        try:
            self._scheme(problem)
        except ValueError as error:
            return str(error)
        return None

    def _scheme(self, problem: Problem) -> Diffusion:
        return Diffusion(problem.domain, problem.boundaries, problem.names[0])

    def systems(self, problem: Problem) -> list[tuple[Stencil, np.ndarray]]:
        """Matrix and right side per sample, for methods that want to order or recycle them.

        Raises:
            ValueError: the problem is refused, or a coefficient has the wrong sign.
        """
        if reason := self.refuses(problem):
            raise ValueError(reason)
        scheme = self._scheme(problem)
        a, c, f = self._coefficients(problem)
        _check("diffusion", a, (a > 0) & a.isfinite(), "positive and finite")
        _check("reaction", c, (c >= 0) & c.isfinite(), "finite and not negative")
        return [scheme.assemble(*sample) for sample in zip(a.numpy(), f.numpy(), c.numpy(), strict=True)]

    def _coefficients(self, problem: Problem) -> tuple[Tensor, Tensor, Tensor]:
        """`a`, `c`, `f` at the cell centres, each `(b, *s)`."""
        assert isinstance(problem.pde, EllipticPDE)
        p, shape = problem.bind(FiniteDifferences(problem.domain)), problem.domain.shape
        values = [problem.pde.diffusion(p), problem.pde.reaction(p), problem.pde.source(p)]
        tensors = [torch.as_tensor(v, dtype=torch.float64).detach() for v in values]
        batch = max([len(t) for t in tensors if t.ndim > len(shape)], default=1)
        return tuple(t.expand(batch, *shape).contiguous() for t in tensors)  # type: ignore[return-value]

    def choices(self, problem: Problem) -> dict[str, Description]:
        """The linear solver that a problem gets, for a manifest."""
        return {"linear_solver": describe(self.linear_solver or direct_solver(self.systems(problem)[0][0]))}

    def solve(self, problem: Problem, *, tol: float = 1e-6) -> Trajectory:
        """The solution at the cell centres, one frame; `residual` is recomputed from it as `||b - A u|| / ||b||`.

        Args:
            problem: coefficients `(*s)` or `(b, *s)`, numbers, or callables of the coordinates.
            tol: unused, there is no time stepping; the linear solver has a tolerance of its own.
        """
        solver, solutions = self.linear_solver, []
        state = None
        for matrix, b in self.systems(problem):
            solver = solver or direct_solver(matrix)
            solution = solver.solve(matrix, b, state=state)
            state = solution.state
            solutions.append(solution)
        shape = (len(solutions), 1, 1, *problem.domain.shape)
        u = torch.from_numpy(np.stack([s.x for s in solutions]).reshape(shape))
        status = torch.tensor([int(s.status) for s in solutions])
        residual = torch.tensor([s.residual for s in solutions], dtype=torch.float64)
        spec = StepperSpec(problem.pde.fields, problem.domain, problem.boundaries)
        return Trajectory(u, torch.zeros(1, dtype=torch.float64), status, spec, residual)


def _check(name: str, values: Tensor, accepted: Tensor, what: str) -> None:
    """Raises a ValueError that names sample and cell of the first value which is not accepted."""
    if not bool(accepted.all()):
        sample, *cell = (int(i) for i in torch.nonzero(~accepted)[0])
        value = float(values[sample, *cell])
        raise ValueError(
            f"sample {sample}: the {name} coefficient at cell {tuple(cell)} is {value:g}; it must be {what}."
        )
