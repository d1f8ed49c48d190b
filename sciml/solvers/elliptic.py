"""Steady diffusion problems by finite volumes and a linear solver that is handed in."""

import numpy as np

from sciml.fields import Dirichlet
from sciml.linalg import LinearSolver, MeanFree, Stencil, direct_solver
from sciml.linalg.operator import Matrix
from sciml.numerics import FiniteDifferences
from sciml.pdes import EllipticPDE, Problem
from sciml.solvers.diffusion import Diffusion
from sciml.solvers.steady import SteadySolver, check_values, samples


class FiniteVolumeElliptic(SteadySolver):
    r"""Second-order finite volumes for $-\nabla\cdot(a\nabla u) + c\,u = f$ on cells in one to three dimensions.

    Faces carry the harmonic mean of $a$. Every sample is solved by itself, so that its bits do not depend on a batch.

    With Neumann conditions all around, constants are the null space; `linear_solver=MeanFree(...)` projects the means
    of the right side and of the solution away.

    Args:
        linear_solver: what solves the system; `None` takes the faster direct method for the grid.
    """

    order = 2

    def refuses(self, problem: Problem) -> str | None:
        """Why the problem is none for this method; `None` when it is."""
        if not isinstance(problem.pde, EllipticPDE):
            return f"FiniteVolumeElliptic solves steady diffusion problems; {type(problem.pde).__name__} is none."
        if problem.forcing:
            return "FiniteVolumeElliptic takes its source as a parameter, not as forcing."
        try:
            scheme = self._scheme(problem)
        except ValueError as error:
            return str(error)
        fixed = any(isinstance(c, Dirichlet) for c in scheme.conditions.values())
        if not fixed and not isinstance(self.linear_solver, MeanFree):
            return (
                "no face is Dirichlet: constants are the null space; linear_solver=MeanFree(CG()) projects them away."
            )
        return None

    def _scheme(self, problem: Problem) -> Diffusion:
        return Diffusion(problem.domain, problem.boundaries, problem.names[0])

    def direct(self, a: Matrix) -> LinearSolver:
        return direct_solver(a)

    def assemble(self, problem: Problem) -> list[tuple[Stencil, np.ndarray]]:  # type: ignore[override]
        scheme, pde, p = self._scheme(problem), problem.pde, problem.bind(FiniteDifferences(problem.domain))
        assert isinstance(pde, EllipticPDE)
        a, f, c = samples(problem, pde.diffusion(p), pde.source(p), pde.reaction(p))
        check_values("diffusion coefficient", a, 0.0, above=True)
        check_values("reaction coefficient", c, 0.0)
        check_values("source", f)
        return [scheme.assemble(*sample) for sample in zip(a.numpy(), f.numpy(), c.numpy(), strict=True)]
