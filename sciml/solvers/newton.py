"""Newton's method with a line search, for a batch of independent systems."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sciml.describe import Described
from sciml.fields import Grid
from sciml.solvers.jacobian import BandedJacobian, Equations, Jacobian, JacobianSolver, KrylovJacobian


class Newton(Described):
    r"""$u \leftarrow \Pi(u + \lambda\,\delta)$ with $J\delta = -G(u)$ for every sample, until the residual is small.

    A sample is done when $\|G\|_\infty$ is below the tolerance, or after a whole step with $\|\delta\|_\infty$ below
    it: where the equations are stiff, rounding keeps the residual from falling that far.

    $\lambda$ is halved until the residual falls by the fraction $\lambda / 10^4$ at least; a residual that is not
    finite counts as one that did not fall. $\Pi$ cuts components off at zero that have to stay above it. Samples that
    are done, or lost, take no part in what follows, and no sample's numbers depend on the others.

    A whole step keeps every linear invariant of the system: the sum of $G$ vanishes after it where $J$ is exact.

    Args:
        tol: largest residual, or largest step, relative to the scale of the unknowns.
        max_iterations: steps at most.
        halvings: of one step at most.
        jacobian_solver: solves the linear systems; `None` is direct in one dimension, GMRES in more.

    Reference: Kelley (1995), Iterative Methods for Linear and Nonlinear Equations, algorithm 8.1.1 (`nsola`).
    """

    def __init__(
        self,
        tol: float = 1e-11,
        max_iterations: int = 20,
        halvings: int = 10,
        jacobian_solver: JacobianSolver | None = None,
    ) -> None:
        if not 0 < tol < 1:
            raise ValueError(f"tol={tol} must lie in (0, 1).")
        self.tol, self.max_iterations, self.halvings = tol, max_iterations, halvings
        self.jacobian_solver = jacobian_solver

    def refuses(self, grid: Grid) -> str | None:
        """Why the linear solver does not fit a grid; `None` when it does."""
        return None if self.jacobian_solver is None else self.jacobian_solver.refuses(grid)

    def solve(
        self,
        equations: Equations,
        u: Float[Tensor, "b c *s"],
        grid: Grid,
        scale: Float[Tensor, "b c"],
        nonnegative: Bool[Tensor, " c"],
    ) -> tuple[Float[Tensor, "b c *s"], Bool[Tensor, " b"]]:
        """Solutions of $G(u) = 0$ from a first guess, and for which samples they were found.

        Args:
            equations: $G$ of some samples.
            u: first guess.
            grid: where the unknowns live.
            scale: of each component, in which its residual is measured.
            nonnegative: components that are cut off at zero.
        """
        solver = self.jacobian_solver or (BandedJacobian() if grid.dimensions == 1 else KrylovJacobian())
        u = _project(u.clone(), nonnegative)
        rows = torch.arange(len(u), device=u.device)
        done = torch.zeros(len(u), dtype=torch.bool, device=u.device)
        g = equations(u, rows)
        size = _size(g, scale)
        for iteration in range(self.max_iterations + 1):
            done[rows] = size <= self.tol
            going = ~done[rows] & torch.isfinite(size)
            rows, g, size = rows[going], g[going], size[going]
            if not len(rows) or iteration == self.max_iterations:
                break
            delta = solver.solve(Jacobian(equations, u[rows], rows, grid), -g)
            last = _size(delta, scale[rows]) <= self.tol
            u[rows[last]] = _project(u[rows[last]] + delta[last], nonnegative)
            done[rows[last]] = True
            rows, g, size, delta = rows[~last], g[~last], size[~last], delta[~last]
            if len(rows):
                u[rows], g, size = self._search(equations, u[rows], delta, rows, g, size, scale[rows], nonnegative)
        return u, done

    def _search(
        self,
        equations: Equations,
        u: Tensor,
        delta: Tensor,
        rows: Tensor,
        g: Tensor,
        size: Tensor,
        scale: Tensor,
        nonnegative: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The states after a step, with their residuals and sizes; infinite where no length of step was good."""
        u, g, found = u.clone(), g.clone(), torch.full_like(size, torch.inf)
        left = torch.arange(len(u), device=u.device)
        step = 1.0
        for _ in range(self.halvings + 1):
            trial = _project(u[left] + step * delta[left], nonnegative)
            residual = equations(trial, rows[left])
            trial_size = _size(residual, scale[left])
            good = (trial_size <= (1 - 1e-4 * step) * size[left]) | (trial_size <= self.tol)
            u[left[good]], g[left[good]], found[left[good]] = trial[good], residual[good], trial_size[good]
            left = left[~good]
            if not len(left):
                break
            step /= 2
        return u, g, found


def _project(u: Tensor, nonnegative: Tensor) -> Tensor:
    if not bool(nonnegative.any()):
        return u
    kept = nonnegative.view(-1, *[1] * (u.ndim - 2))
    return torch.where(kept, u.clamp_min(0.0), u)


def _size(g: Tensor, scale: Tensor) -> Float[Tensor, " b"]:
    """Largest residual in units of the scale: a maximum does not depend on the order of its terms."""
    largest = (g.flatten(2).abs().amax(2) / scale).amax(1)
    return torch.where(torch.isnan(largest), torch.inf, largest)
