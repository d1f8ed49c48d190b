"""Quadratic elements on those cells of a grid that a plate consists of."""

import functools
import math
import numbers
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sciml.fields import Dirichlet, Grid
from sciml.linalg import SparseMatrix
from sciml.linalg.extras import optional
from sciml.numerics import FiniteDifferences
from sciml.pdes import Problem
from sciml.pdes.heated_plate import HeatedPlate
from sciml.solvers.elements import QuadraticElements
from sciml.solvers.steady import SteadySolver, check_values, samples
from sciml.status import ConfigError, SampleError

#: The one named part of the boundary of a mesh.
EDGE = "edge"


class FiniteElementPlate(SteadySolver):
    r"""Quadratic triangles for `HeatedPlate` on a grid of nodes; a plate consists of squares of two by two spacings.

    Every square is cut into two triangles, whose vertices and midpoints of edges are points of the grid. The matrix
    depends on the shape alone, and is the same object for samples of one shape. Third order in $L^2$ where the solution
    is smooth, fourth at the nodes; with corners of 270 degrees it is not smooth, and both orders are 4/3. Where
    temperatures are given, the solution holds them.

    Args:
        linear_solver: what solves the systems; `None` means sparse LU.

    Reference: Braess (2007), Finite Elements, chapter II; Grisvard (1985), Elliptic Problems in Nonsmooth Domains,
    chapter 8, for the corners.
    """

    order = 3

    def refuses(self, problem: Problem) -> str | None:
        """Why the problem is none for this method; `None` when it is."""
        if not isinstance(problem.pde, HeatedPlate):
            return f"FiniteElementPlate solves HeatedPlate; {type(problem.pde).__name__} is another equation."
        for name, axis in zip(problem.domain.names, problem.domain.axes, strict=True):
            if axis.kind != "nodes" or axis.points is not None or axis.n % 2 == 0 or axis.n < 5:
                return f"axis {name!r} must have uniform nodes, an odd number of at least 5."
            for face in (f"{name}-", f"{name}+"):
                condition = problem.boundaries.on(face, problem.names[0])
                value = condition.value if isinstance(condition, Dirichlet) else 0.0
                if isinstance(value, numbers.Real) and not math.isnan(value):
                    return (
                        f"face {face!r} has {condition}; accepted is Dirichlet with the value 'given', by the field g."
                    )
        try:
            optional("skfem", "scikit-fem", "FiniteElementPlate")
        except ConfigError as error:
            return str(error)
        return "HeatedPlate takes no forcing." if problem.forcing else None

    def assemble(self, problem: Problem) -> list[tuple[SparseMatrix, np.ndarray]]:  # type: ignore[override]
        inside, g = self._given(problem)
        check_values("temperature", g)
        meshes = [_mesh_of_sample(problem.domain, shape, i) for i, shape in enumerate(inside)]
        return [m.elements.system({EDGE: m.function(values)}) for m, values in zip(meshes, g.numpy(), strict=True)]

    def fields(self, problem: Problem, x: np.ndarray, sample: int = 0) -> np.ndarray:
        """The unknowns within the given temperatures, `(1, *s)`."""
        inside, g = self._given(problem)
        mesh, u = _mesh_of_sample(problem.domain, inside[sample], sample), g[sample].numpy().copy()
        u[mesh.nodes] = mesh.elements.field(x, {EDGE: mesh.function(u)})
        return u[None]

    def _given(self, problem: Problem) -> tuple[Tensor, Tensor]:
        """The two fields of every sample, `(b, *s)` each."""
        p = problem.bind(FiniteDifferences(problem.domain))
        inside, g = samples(problem, p.inside, p.g)
        return inside, g


@dataclass(frozen=True)
class PlateMesh:
    """The elements of a plate, and which point of the grid each of their nodes is.

    Args:
        elements: with one named part of the boundary, `EDGE`.
        nodes: indices along both axes, `(n,)` each.
        grid: of these points.
    """

    elements: QuadraticElements
    nodes: tuple[np.ndarray, np.ndarray]
    grid: Grid

    def function(self, values: np.ndarray) -> Callable[..., np.ndarray]:
        """Values at the points of the grid as a function of coordinates, which must be those of its points."""
        return lambda *x: values[indices(self.grid, *x)]


def _mesh_of_sample(grid: Grid, inside: Tensor, sample: int) -> PlateMesh:
    """The mesh of one sample.

    Raises:
        SampleError: a field `inside` that is no shape.
    """
    if len(wrong := torch.nonzero((inside != 0) & (inside != 1))):
        node = tuple(wrong[0].tolist())
        raise SampleError(sample, f"inside at node {node} is {float(inside[node]):g}; it must be 0 or 1.")
    try:
        return plate_mesh(grid, inside.bool().numpy().tobytes())
    except ValueError as error:
        raise SampleError(sample, str(error)) from None


@functools.lru_cache(maxsize=8)
def plate_mesh(grid: Grid, inside: bytes) -> PlateMesh:
    """The mesh of a plate; it is kept, with the matrix, for the samples that follow.

    Args:
        grid: nodes.
        inside: whether a node is in the open plate, the bytes of a Boolean array `(*s)`.

    Raises:
        ValueError: no plate at all, or an edge that does not follow the sides of the squares.
    """
    skfem = optional("skfem", "scikit-fem", "FiniteElementPlate")
    mask = np.frombuffer(inside, bool).reshape(grid.shape)
    cells = mask[1::2, 1::2]
    if not cells.any():
        raise ValueError("inside is 0 at the centre of every square: there is no plate.")
    whole = skfem.MeshTri.init_tensor(*(axis.coords[::2] for axis in grid.axes))
    # A triangle lies in the square around the odd node nearest to its centre.
    centres = whole.p[:, whole.t].mean(axis=1)
    i, j = (np.floor((x - a.low) / (2 * a.h)).astype(int) for x, a in zip(centres, grid.axes, strict=True))
    mesh = whole.remove_elements(np.flatnonzero(~cells[i, j])) if not cells.all() else whole
    elements = QuadraticElements(mesh.with_boundaries({EDGE: lambda x: np.ones(x.shape[1], bool)}))
    nodes, edge = indices(grid, *elements.nodes.T), elements.basis.get_dofs(EDGE).all()
    free = np.zeros(grid.shape, bool)
    free[nodes] = True
    free[nodes[0][edge], nodes[1][edge]] = False
    if len(wrong := np.argwhere(free != mask)):
        node = tuple(wrong[0].tolist())
        raise ValueError(f"inside at node {node} does not fit: edges must follow the sides of squares of 3 x 3 nodes.")
    return PlateMesh(elements, nodes, grid)


def indices(grid: Grid, *x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which points of a uniform grid coordinates are, along both axes."""
    i, j = (np.rint((c - axis.low) / axis.h).astype(int) for c, axis in zip(x, grid.axes, strict=True))
    return i, j
