"""What a network's solution is measured against: a formula, a classical solver, or a file."""

from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sciml.describe import Described
from sciml.fields import Grid
from sciml.numerics import call_with_coordinates
from sciml.pdes import Problem, Statement, problem_of
from sciml.pdes.exact import ExactSolution
from sciml.status import ConfigError


class Reference(Described, ABC):
    """Points and the values of the solution there."""

    @abstractmethod
    def samples(self, problem: Problem | Statement) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n c"]]:
        """Points, columns as `Problem.axes`, and values, columns as `Problem.names`; float64."""


def space_time(problem: Problem, grid: Grid | None = None, times: Tensor | None = None) -> Float[Tensor, "n d"]:
    """All points of a grid at all times, time first: `(t * s, d)`, columns as `Problem.axes`."""
    axes = [torch.from_numpy(axis.coords) for axis in (grid or problem.domain).axes]
    if not problem.pde.evolves:
        return torch.cartesian_prod(*axes).view(-1, len(axes))
    assert problem.times is not None
    span = torch.as_tensor(problem.times if times is None else times, dtype=torch.float64)
    every = torch.cartesian_prod(span, *axes).view(-1, len(axes) + 1)
    return torch.cat([every[:, 1:], every[:, :1]], dim=1)


class Exact(Reference):
    """A formula for the solution, on the problem's grid and at evenly spaced times.

    Args:
        frames: number of times.
        solution: one of `sciml.pdes.exact`; what a `Statement` gives as `exact` when left out.

    Raises:
        ConfigError: there is no formula for one of the problem's components, or the solution is one of another
            equation.
    """

    def __init__(self, frames: int = 21, solution: ExactSolution | None = None) -> None:
        self.frames, self.solution = frames, solution

    def samples(self, problem: Problem | Statement) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n c"]]:
        plain = problem_of(problem)
        points = space_time(plain, times=_frames(plain, self.frames))
        found = self._values(problem, dict(zip(plain.axes, points.unbind(1), strict=True)))
        if missing := [name for name in plain.names if name not in found]:
            given = ", ".join(found) or "none"
            raise ConfigError(f"reference=Exact needs the formula of {missing[0]!r}; there are {given}.")
        return points, torch.stack([found[n].double().expand(len(points)) for n in plain.names], dim=1)

    def _values(self, problem: Problem | Statement, coordinates: dict[str, Tensor]) -> dict[str, Tensor]:
        if self.solution is not None:
            if (pde := problem_of(problem).pde) != self.solution.pde:
                raise ConfigError(f"reference.solution={self.solution} solves {self.solution.pde}, not {pde}.")
            return self.solution(*coordinates.values())
        formulas = getattr(problem, "exact", {})
        return {n: torch.as_tensor(call_with_coordinates(f, coordinates)) for n, f in formulas.items()}


class Solved(Reference):
    """The classical solver that suits the problem; for ordinary equations an adaptive Runge-Kutta method of order 8.

    Args:
        points: per axis of the solver's grid.
        frames: number of evenly spaced times.
        tol: tolerance of the solver.
    """

    def __init__(self, points: int = 256, frames: int = 21, tol: float = 1e-8) -> None:
        self.points, self.frames, self.tol = points, frames, tol

    def samples(self, problem: Problem | Statement) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n c"]]:
        import dataclasses

        from sciml.solvers import solve

        plain = problem_of(problem)
        times = _frames(plain, self.frames)
        if not plain.domain.dimensions:
            assert times is not None
            return space_time(plain, times=times), integrate(plain, times, self.tol)
        grid = plain.domain.resized(*[self.points] * plain.domain.dimensions)
        solution = solve(dataclasses.replace(plain.on(grid), times=times), tol=self.tol)
        values = solution.u[0].movedim(1, -1).reshape(-1, len(plain.names))
        return space_time(plain, grid, times), values.double()


def integrate(problem: Problem, times: Tensor, tol: float) -> Float[Tensor, "t c"]:
    """A system of ordinary differential equations, by the eighth-order method of Dormand and Prince.

    Raises:
        ConfigError: the integration failed.
    """
    from scipy.integrate import solve_ivp

    from sciml.numerics import PointDerivatives, ReverseMode

    def rate(t: float, state: np.ndarray) -> np.ndarray:
        d: PointDerivatives = ReverseMode(torch.tensor([[t]], dtype=torch.float64), problem.axes)
        u = {name: torch.tensor([v], dtype=torch.float64) for name, v in zip(problem.names, state, strict=True)}
        rates = problem.pde.rhs(u, d, problem.bind(d))  # type: ignore[attr-defined]
        return np.array([float(rates[name]) for name in problem.names])

    start = [float(v) for v in problem.initial_state().flatten()]
    span = (float(times[0]), float(times[-1]))
    found = solve_ivp(rate, span, start, "DOP853", times.numpy(), rtol=max(tol, 3e-14), atol=tol)
    if not found.success:
        raise ConfigError(f"reference=Solved failed: {found.message}")
    return torch.from_numpy(found.y.T.copy())


def _frames(problem: Problem, count: int) -> Tensor | None:
    if not problem.pde.evolves:
        return None
    assert problem.times is not None
    return torch.linspace(float(problem.times[0]), float(problem.times[-1]), count, dtype=torch.float64)


class Stored(Reference):
    """An array of a NumPy archive on its own grid of times and places.

    Args:
        path: of the `.npz` file, with the coordinates under their names (`x`, `t`) and each component under its own.
        arrays: name of the array by component, where it is another.

    Raises:
        ConfigError: no such file, a missing array, or shapes that do not belong together.
    """

    def __init__(self, path: str, arrays: dict[str, str] | None = None) -> None:
        self.path, self.arrays = path, dict(arrays or {})

    def samples(self, problem: Problem | Statement) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n c"]]:
        plain = problem_of(problem)
        if not Path(self.path).is_file():
            raise ConfigError(f"reference: path={self.path} does not exist.")
        with np.load(self.path, allow_pickle=False) as archive:
            names = [self.arrays.get(n, n) for n in plain.names]
            if missing := [n for n in (*plain.axes, *names) if n not in archive]:
                raise ConfigError(f"reference: {self.path} has no array {missing[0]!r}; it has {', '.join(archive)}.")
            order = [*(["t"] if plain.pde.evolves else []), *plain.domain.names]
            columns = [torch.from_numpy(np.ravel(archive[n]).astype(np.float64)) for n in order]
            arrays = [torch.from_numpy(archive[n].astype(np.float64)) for n in names]
        shape = tuple(len(c) for c in columns)
        if wrong := [n for n, a in zip(names, arrays, strict=True) if a.shape != shape]:
            raise ConfigError(f"reference: {wrong[0]!r} of {self.path} has another shape than {order}: {shape}.")
        points = torch.cartesian_prod(*columns).view(-1, len(columns))
        points = points[:, [order.index(axis) for axis in plain.axes]]
        return points, torch.stack([a.flatten() for a in arrays], dim=1)
