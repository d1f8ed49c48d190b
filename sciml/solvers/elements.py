r"""Quadratic finite elements for steady diffusion on domains that no grid covers."""

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sciml.linalg import SparseMatrix
from sciml.linalg.extras import optional

if TYPE_CHECKING:
    import skfem

#: A number, or a function of the coordinates `x, y`, arrays of one shape.
Given = float | Callable[..., Any]


class QuadraticElements:
    r"""Quadratic triangles for $-\nabla\cdot(a\nabla u) = f$ on a mesh, with values given on parts of its boundary.

    Parts of the boundary without values let no flux through. The matrix depends on the mesh and on $a$ alone: it is
    assembled once, and `SparseDirect` keeps its factor from one system to the next,

        elements, state = QuadraticElements(plate_with_hole(40)), None
        for values in ({"hole": 80.0, "left": -20.0}, {"hole": 30.0, "left": -5.0}):
            solution = SparseDirect().solve(*elements.system(values), state=state)
            state, u = solution.state, elements.field(solution.x, values)

    Third order in $L^2$. Solutions are values at nodes; `FiniteElementPlate` has them on a grid.

    Args:
        mesh: triangles whose `boundaries` have names (scikit-fem's `MeshTri`).
        diffusivity: $a > 0$, unit length^2 / time.

    Raises:
        ConfigError: scikit-fem is not installed.

    Reference: Gustafsson & McBain (2020), J. Open Source Softw. 5(52):2369; Braess (2007), Finite Elements, chapter II.
    """

    def __init__(self, mesh: "skfem.MeshTri", diffusivity: Given = 1.0) -> None:
        skfem = _skfem()
        self.basis = skfem.Basis(mesh, skfem.ElementTriP2())
        self.stiffness = skfem.BilinearForm(_stiffness).assemble(self.basis, a=self._at_quadrature(diffusivity)).tocsr()
        self._matrices: dict[frozenset[str], SparseMatrix] = {}
        self._nodes: dict[str, np.ndarray] = {}

    @property
    def nodes(self) -> np.ndarray:
        """Vertices and midpoints of edges, `(n, 2)`."""
        return self.basis.doflocs.T

    def system(self, values: Mapping[str, Given], source: Given = 0.0) -> tuple[SparseMatrix, np.ndarray]:
        """Matrix and right side for the nodes without a given value.

        The matrix is the same object as long as values are given on the same parts.

        Args:
            values: by the name of the part of the boundary.
            source: $f$.

        Raises:
            ValueError: no value at all, or an unknown part.
        """
        free, u = self._free(values), self._given(values)
        parts = frozenset(values)
        if parts not in self._matrices:
            self._matrices[parts] = SparseMatrix(self.stiffness[free][:, free])
        load = self._assembled(source) if callable(source) else source * self._unit_load
        return self._matrices[parts], (load - self.stiffness @ u)[free]

    def field(self, x: np.ndarray, values: Mapping[str, Given]) -> np.ndarray:
        """The solution of a system with the given values around it, at `nodes`, `(n,)`."""
        u = self._given(values)
        u[self._free(values)] = x
        return u

    def error(self, u: np.ndarray, exact: Given) -> float:
        """Distance to a function in $L^2$, by quadrature within the elements."""
        difference = np.asarray(self.basis.interpolate(u)) - self._at_quadrature(exact)
        return float(np.sqrt((difference**2 * self.basis.dx).sum()))

    @functools.cached_property
    def _unit_load(self) -> np.ndarray:
        return self._assembled(1.0)

    def _assembled(self, source: Given) -> np.ndarray:
        return _skfem().LinearForm(_load).assemble(self.basis, f=self._at_quadrature(source))

    def _at_quadrature(self, given: Given) -> np.ndarray:
        points = np.asarray(self.basis.global_coordinates())
        return np.broadcast_to(given(*points) if callable(given) else float(given), points.shape[1:])

    def _nodes_on(self, part: str) -> np.ndarray:
        known = self.basis.mesh.boundaries or {}
        if part not in known:
            raise ValueError(f"the boundary has no part {part!r}; it has {', '.join(known) or 'no named ones'}.")
        if part not in self._nodes:
            self._nodes[part] = self.basis.get_dofs(part).all()
        return self._nodes[part]

    def _free(self, values: Mapping[str, Given]) -> np.ndarray:
        """Whether a node has no given value, `(n,)`."""
        if not values:
            raise ValueError("values is empty: the solution would be known up to a constant only.")
        free = np.ones(self.basis.N, bool)
        for part in values:
            free[self._nodes_on(part)] = False
        return free

    def _given(self, values: Mapping[str, Given]) -> np.ndarray:
        u = np.zeros(self.basis.N)
        for part, given in values.items():
            nodes = self._nodes_on(part)
            u[nodes] = given(*self.nodes[nodes].T) if callable(given) else given
        return u


def plate_with_hole(
    cells: int, hole: tuple[tuple[float, float], tuple[float, float]] = ((0.3, 0.6), (0.4, 0.7))
) -> "skfem.MeshTri":
    """Triangles of the unit square without a rectangle; parts `left`, `right`, `bottom`, `top`, `hole`.

    Args:
        cells: squares per side, each of two triangles.
        hole: ends of the rectangle along x and y, moved to the lines of the mesh.

    Raises:
        ValueError: a hole that is not inside, or that the mesh does not resolve.
        ConfigError: scikit-fem is not installed.
    """
    (x0, x1), (y0, y1) = (tuple(round(end * cells) / cells for end in ends) for ends in hole)
    if not (0 < x0 < x1 < 1 and 0 < y0 < y1 < 1):
        raise ValueError(f"hole={hole} must lie inside the unit square and be resolved by cells={cells}.")
    line = np.linspace(0.0, 1.0, cells + 1)
    mesh = _skfem().MeshTri.init_tensor(line, line)
    centres = mesh.p[:, mesh.t].mean(axis=1)
    inside = (centres[0] > x0) & (centres[0] < x1) & (centres[1] > y0) & (centres[1] < y1)
    near = 1e-9
    return mesh.remove_elements(np.flatnonzero(inside)).with_boundaries(
        {
            "left": lambda x: x[0] < near,
            "right": lambda x: x[0] > 1 - near,
            "bottom": lambda x: x[1] < near,
            "top": lambda x: x[1] > 1 - near,
            "hole": lambda x: (abs(x[0] - 0.5) < 0.5 - near) & (abs(x[1] - 0.5) < 0.5 - near),
        }
    )


def _skfem() -> Any:
    return optional("skfem", "scikit-fem", "QuadraticElements")


def _stiffness(u: Any, v: Any, w: Any) -> np.ndarray:
    return w.a * (u.grad * v.grad).sum(axis=0)


def _load(v: Any, w: Any) -> np.ndarray:
    return w.f * v
