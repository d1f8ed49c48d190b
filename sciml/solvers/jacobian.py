"""Jacobians of discretised equations by automatic differentiation, and the solvers of Newton's linear systems."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sciml.describe import Described
from sciml.fields import Grid
from sciml.linalg import GMRES, LinearSolver, MatrixFree
from sciml.numerics.bounded import WIDTH

#: A system of equations per sample: states `(r, c, *s)` and the numbers of their samples `(r,)` to residuals.
Equations = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Jacobian:
    r"""$\partial G / \partial u$ of every sample at a state.

    Args:
        equations: $G$.
        u: states, `(r, c, *s)`.
        rows: numbers of their samples, `(r,)`.
        grid: where they live.
    """

    equations: Equations
    u: Float[Tensor, "r c *s"]
    rows: Int[Tensor, " r"]
    grid: Grid

    def transposed_products(self, seeds: Float[Tensor, "k c *s"]) -> Float[Tensor, "k r c *s"]:
        r"""$J^T$ of every sample times `k` vectors, the same for all: one evaluation and one sweep back."""
        k, r = len(seeds), len(self.u)
        u = self.u.detach().repeat(k, *[1] * (self.u.ndim - 1)).requires_grad_()
        with torch.enable_grad():
            residual = self.equations(u, self.rows.repeat(k))
            total = (residual * seeds.repeat_interleave(r, dim=0)).sum()
        (image,) = torch.autograd.grad(total, u)
        return image.view(k, r, *self.u.shape[1:])

    def of_sample(self, i: int) -> MatrixFree:
        r"""The Jacobian of one sample as an operator on vectors `(n,)`.

        $J v$ is the gradient of $v^T (J^T w)$ in $w$: one sweep per product over a graph that is made once. Forward
        mode costs several times as much where most operands do not depend on the state.
        """
        u = self.u[i : i + 1].detach().requires_grad_()
        with torch.enable_grad():
            residual = self.equations(u, self.rows[i : i + 1])
            w = torch.zeros_like(residual, requires_grad=True)
            (transposed,) = torch.autograd.grad((residual * w).sum(), u, create_graph=True)

        def apply(x: np.ndarray) -> np.ndarray:
            v = torch.from_numpy(np.ascontiguousarray(x)).view(u.shape).to(u)
            (image,) = torch.autograd.grad((transposed * v).sum(), w, retain_graph=True)
            return image.reshape(-1).cpu().numpy()

        return MatrixFree(u.numel(), apply)


@runtime_checkable
class JacobianSolver(Protocol):
    """Solves $J \\delta = r$ for every sample."""

    def refuses(self, grid: Grid) -> str | None:
        """Why the method does not fit a grid; `None` when it does."""
        ...

    def solve(self, jacobian: Jacobian, right: Float[Tensor, "r c *s"]) -> Float[Tensor, "r c *s"]:
        """The solutions; NaN for a sample whose system is singular or was not solved."""
        ...


class BandedJacobian(Described):
    """Direct solution in one dimension: the entries come from transposed products with a few coloured vectors.

    Differences couple a point with its neighbours at a distance of at most two, so that five vectors per component give
    every entry. On a periodic axis the unknowns are numbered alternately from both ends, which doubles the band and
    leaves no corners.

    Reference: Curtis, Powell & Reid (1974), IMA J. Appl. Math. 13:117-119.
    """

    def refuses(self, grid: Grid) -> str | None:
        """Why the method does not fit a grid; `None` when it does."""
        if grid.dimensions > 1:
            return f"BandedJacobian solves in one dimension; the grid has {grid.dimensions}."
        return None

    def solve(self, jacobian: Jacobian, right: Float[Tensor, "r c s"]) -> Float[Tensor, "r c s"]:
        """The solutions; NaN for a sample whose system is singular."""
        from scipy.linalg import LinAlgError, solve_banded

        channels, n = right.shape[1:]
        pattern = _pattern(n, channels, jacobian.grid.is_periodic)
        products = jacobian.transposed_products(pattern.seeds.to(right)).cpu().numpy()
        entries = products[pattern.color, :, pattern.channel, pattern.point]
        b = right.detach().cpu().numpy().transpose(0, 2, 1).reshape(len(right), n, channels)[:, pattern.order]
        solutions = np.full_like(b, np.nan)
        for i, vector in enumerate(b.reshape(len(b), -1)):
            band = np.zeros((2 * pattern.bandwidth + 1, n * channels))
            band[pattern.bandwidth + pattern.row - pattern.column, pattern.column] = entries[:, i]
            try:
                x = solve_banded((pattern.bandwidth,) * 2, band, vector, check_finite=False)
            except (LinAlgError, ValueError):
                continue
            solutions[i, pattern.order] = x.reshape(n, channels)
        return torch.from_numpy(solutions.transpose(0, 2, 1).copy()).to(right)


@dataclass(frozen=True)
class _Pattern:
    """Where the entries of a banded Jacobian come from and where they go.

    `seeds` are the coloured vectors `(k, c, n)`; entry by entry, `color`, `channel`, `point` say where it stands in the
    products, `row`, `column` where in the matrix, whose unknowns are numbered point by point in `order`.
    """

    seeds: Tensor
    color: np.ndarray
    channel: np.ndarray
    point: np.ndarray
    row: np.ndarray
    column: np.ndarray
    order: np.ndarray
    bandwidth: int


@functools.lru_cache(maxsize=16)
def _pattern(n: int, channels: int, periodic: bool) -> _Pattern:
    colors, reach = _colors(n, periodic), np.arange(-WIDTH, WIDTH + 1)
    point, other = (a.ravel() for a in np.broadcast_arrays(np.arange(n)[:, None], np.arange(n)[:, None] + reach))
    if periodic:
        pairs = np.unique(np.stack([point, other % n]), axis=1)
    else:
        pairs = np.stack([point, other])[:, (other >= 0) & (other < n)]
    order = np.stack([np.arange(n), np.arange(n)[::-1]], axis=1).ravel()[:n] if periodic else np.arange(n)
    place = np.empty(n, dtype=int)
    place[order] = np.arange(n)
    seeds = torch.zeros(int(colors.max() + 1) * channels, channels, n, dtype=torch.float64)
    for color in range(int(colors.max()) + 1):
        for k in range(channels):
            seeds[color * channels + k, k, torch.from_numpy(colors == color)] = 1.0
    (point, other), entries = pairs, []
    for k in range(channels):
        for j in range(channels):
            # The residual of `other` depends on the value at `point`: a row of the product with the colour of `other`.
            row, column = place[other] * channels + j, place[point] * channels + k
            entries.append(np.stack([colors[other] * channels + j, np.full_like(point, k), point, row, column]))
    color, channel, point, row, column = np.concatenate(entries, axis=1)
    return _Pattern(seeds, color, channel, point, row, column, order, int(np.abs(row - column).max()))


def _colors(n: int, periodic: bool) -> np.ndarray:
    """A number per point, such that no point has two neighbours of one number within reach."""
    period = 2 * WIDTH + 1
    colors = np.arange(n) % period
    if periodic and (left := n % period):
        if n < 2 * period:
            return np.arange(n)
        colors[n - left :] = period + np.arange(left)
    return colors


class KrylovJacobian(Described):
    """Iterative solution in any number of dimensions, without the entries of the matrix.

    Args:
        linear_solver: solves each sample's system; its tolerance decides how many Newton steps there are, not how good
            the result is. `None` takes GMRES with a relative residual of 1e-4.
    """

    def __init__(self, linear_solver: LinearSolver | None = None) -> None:
        self.linear_solver = linear_solver
        self._solver = linear_solver or GMRES(restart=40, tol=1e-4, max_iterations=400)

    def refuses(self, grid: Grid) -> str | None:
        """Why the method does not fit a grid; `None` when it does."""
        return None

    def solve(self, jacobian: Jacobian, right: Float[Tensor, "r c *s"]) -> Float[Tensor, "r c *s"]:
        """The solutions; NaN for a sample whose system was not solved."""
        solutions = torch.full_like(right, torch.nan)
        for i, b in enumerate(right):
            solution = self._solver.solve(jacobian.of_sample(i), b.detach().reshape(-1).cpu().numpy())
            if solution.status.ok:
                solutions[i] = torch.from_numpy(solution.x).view(b.shape).to(b)
        return solutions
