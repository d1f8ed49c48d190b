r"""Finite differences for $-\Delta u - k^2 u = f$ on nodes, with or without damping."""

import functools
import math

import numpy as np
import torch

from sciml.fields import Dirichlet, Neumann
from sciml.linalg import Stencil
from sciml.linalg.stencil import sides
from sciml.numerics import FiniteDifferences
from sciml.pdes import DampedHelmholtz, Helmholtz, Problem
from sciml.solvers.diffusion import face_values, layer
from sciml.solvers.steady import SteadySolver, check_values, samples


class FiniteDifferenceHelmholtz(SteadySolver):
    r"""Second-order finite differences for `Helmholtz` and `DampedHelmholtz` on nodes in one to three dimensions.

    The matrix is symmetric, indefinite for large $k$, complex with damping. On a face with a given slope the node's row
    is that of half a cell, which keeps it symmetric. Phase errors grow like $k^3 h^2$: ten nodes per wavelength are
    few.

    Args:
        linear_solver: what solves the systems; `None` means sparse LU.
    """

    order = 2

    def refuses(self, problem: Problem) -> str | None:
        """Why the problem is none for this method; `None` when it is."""
        if not isinstance(problem.pde, Helmholtz | DampedHelmholtz):
            return f"FiniteDifferenceHelmholtz solves Helmholtz problems; {type(problem.pde).__name__} is none."
        if problem.forcing:
            return "FiniteDifferenceHelmholtz takes its source as a parameter, not as forcing."
        for name, axis in zip(problem.domain.names, problem.domain.axes, strict=True):
            if axis.kind != "nodes" or axis.points is not None or axis.n < 3:
                return f"axis {name!r} is {axis.kind!r}; these differences need at least three uniform 'nodes'."
            for face in (f"{name}-", f"{name}+"):
                for field in problem.names:
                    condition = problem.boundaries.on(face, field)
                    if not isinstance(condition, Dirichlet | Neumann):
                        return f"face {face!r} is {type(condition).__name__}; accepted are Dirichlet and Neumann."
                if len({type(problem.boundaries.on(face, field)) for field in problem.names}) > 1:
                    return f"face {face!r} has conditions of two kinds; the two parts of a wave must have the same."
        return None

    def assemble(self, problem: Problem) -> list[tuple[Stencil, np.ndarray]]:  # type: ignore[override]
        p = problem.bind(FiniteDifferences(problem.domain))
        damped = isinstance(problem.pde, DampedHelmholtz)
        k, f, delta = samples(problem, p.k, p.f, p.damping if damped else 0.0)
        check_values("wave number", k, 0.0)
        check_values("damping", delta, 0.0)
        check_values("source", f)
        squares = k**2 if not damped else torch.complex(k**2, k**2 * delta)
        return [self._system(problem, *pair) for pair in zip(squares.numpy(), f.numpy(), strict=True)]

    def fields(self, problem: Problem, x: np.ndarray, sample: int = 0) -> np.ndarray:
        """The unknowns and the given values around them; real and imaginary part with damping."""
        u = self._given(problem).astype(np.result_type(x, np.float64))
        u[_free(problem)] = x.reshape(u[_free(problem)].shape)
        return np.stack([u.real, u.imag])[: len(problem.names)]

    def _system(self, problem: Problem, squares: np.ndarray, f: np.ndarray) -> tuple[Stencil, np.ndarray]:
        axes, free = problem.domain.axes, _free(problem)
        halves = [_halves(axis.n) for axis in axes]
        volumes = functools.reduce(np.multiply.outer, halves)
        diagonal, b, faces = -squares * volumes, (f * volumes).astype(squares.dtype), []
        given = self._given(problem)
        for axis in range(len(axes)):
            low, high = sides(len(axes), axis)
            ones = [w if i != axis else np.ones(len(w) - 1) for i, w in enumerate(halves)]
            t = functools.reduce(np.multiply.outer, ones) / axes[axis].h ** 2
            diagonal[low] += t
            diagonal[high] += t
            # Neighbours whose values are given go to the right side; those of other free nodes are zero here.
            b[low] += t * given[high]
            b[high] += t * given[low]
            faces.append(t)
            for side in "-+":
                self._slopes(problem, b, halves, axis, side)
        cut = tuple(t[_free(problem, shorter=axis)] for axis, t in enumerate(faces))
        return Stencil(np.ascontiguousarray(diagonal[free]), tuple(map(np.ascontiguousarray, cut))), b[free].ravel()

    def _slopes(self, problem: Problem, b: np.ndarray, halves: list[np.ndarray], axis: int, side: str) -> None:
        face = f"{problem.domain.names[axis]}{side}"
        condition = problem.boundaries.on(face, problem.names[0])
        if isinstance(condition, Neumann):
            others = functools.reduce(np.multiply.outer, [w for i, w in enumerate(halves) if i != axis], np.array(1.0))
            value = self._both(problem, face, axis, side)
            b[layer(b.ndim, axis, 0 if side == "-" else -1)] += value * others / problem.domain.axes[axis].h

    def _given(self, problem: Problem) -> np.ndarray:
        """Dirichlet values at their nodes, zero at all others."""
        complex_valued = len(problem.names) > 1
        u = np.zeros(problem.domain.shape, np.complex128 if complex_valued else np.float64)
        for axis, name in enumerate(problem.domain.names):
            for side in "-+":
                if isinstance(problem.boundaries.on(f"{name}{side}", problem.names[0]), Dirichlet):
                    u[layer(u.ndim, axis, 0 if side == "-" else -1)] = self._both(problem, f"{name}{side}", axis, side)
        return u

    def _both(self, problem: Problem, face: str, axis: int, side: str) -> np.ndarray:
        """Boundary data of a face, real and imaginary part together."""
        parts = [face_values(problem.domain, problem.boundaries.on(face, n), axis, side) for n in problem.names]
        return np.asarray(parts[0] if len(parts) == 1 else parts[0] + 1j * parts[1])


def _halves(n: int) -> np.ndarray:
    """Lengths of the cells around the nodes of an axis, in units of the spacing."""
    return np.concatenate([[0.5], np.ones(n - 2), [0.5]])


def _free(problem: Problem, shorter: int | None = None) -> tuple[slice, ...]:
    """The nodes whose values are unknown; for the faces between nodes of one axis, `shorter` names it."""
    parts = []
    for axis, (name, points) in enumerate(zip(problem.domain.names, problem.domain.axes, strict=True)):
        low, high = (
            int(isinstance(problem.boundaries.on(f"{name}{side}", problem.names[0]), Dirichlet)) for side in "-+"
        )
        parts.append(slice(low, points.n - high - (axis == shorter)))
    return tuple(parts)


def points_per_wavelength(problem: Problem) -> float:
    r"""Nodes per wavelength $2\pi / k$ where the wave is shortest: the number that the error depends on."""
    p = problem.bind(FiniteDifferences(problem.domain))
    (k,) = samples(problem, p.k)
    return 2 * math.pi / (float(k.max()) * max(axis.h for axis in problem.domain.axes))
