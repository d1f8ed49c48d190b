"""Preconditioners from the entries of a matrix: its diagonal, blocks, relaxation, incomplete factors, AMG."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from sciml.linalg.direct import SparseDirect, typed
from sciml.linalg.extras import optional
from sciml.linalg.operator import LinearOperator, Matrix, entries_of
from sciml.linalg.preconditioner import Preconditioner
from sciml.linalg.solver import check_limit

if TYPE_CHECKING:
    import scipy.sparse

Apply = Callable[[np.ndarray], np.ndarray]


def check_relaxation(omega: float) -> float:
    """`omega`, if relaxation with it can converge.

    Raises:
        ValueError: outside (0, 2).
    """
    if not 0 < omega < 2:
        raise ValueError(f"omega={omega} must lie in (0, 2): relaxation diverges elsewhere.")
    return omega


def rows_of(a: LinearOperator, who: str) -> "scipy.sparse.csr_array":
    """The matrix in compressed rows, column numbers ascending; a copy."""
    rows = entries_of(a, who).csc().tocsr()
    rows.sort_indices()
    return rows


def diagonal_of(a: Matrix) -> np.ndarray:
    """The diagonal, without zeros.

    Raises:
        LinAlgError: a zero, with its row.
    """
    diagonal = a.diag()
    if not diagonal.all():
        raise np.linalg.LinAlgError(f"the diagonal is zero in row {int(np.argmin(diagonal != 0))}")
    return diagonal


class Jacobi(Preconditioner):
    r"""The diagonal, $M = D$."""

    def prepare(self, a: LinearOperator) -> Apply:
        inverse = 1.0 / diagonal_of(entries_of(a, "Jacobi"))
        return lambda r: inverse * r


class SOR(Preconditioner):
    r"""One sweep of successive over-relaxation, $M = D / \omega + L$; not symmetric.

    Args:
        omega: relaxation parameter in (0, 2); 1 is Gauss-Seidel.

    Reference: Saad (2003), section 10.2.
    """

    def __init__(self, omega: float = 1.0) -> None:
        self.omega = check_relaxation(omega)

    def prepare(self, a: LinearOperator) -> Apply:
        kernels = optional("sciml.linalg.sparse_kernels", "numba", "SOR")
        rows = rows_of(a, "SOR")
        diagonal = diagonal_of(entries_of(a, "SOR")) / self.omega
        return lambda r: kernels.forward(rows.indptr, rows.indices, rows.data, diagonal, r)


class SSOR(Preconditioner):
    r"""Symmetric over-relaxation, $M = (D + \omega L) D^{-1} (D + \omega U) / (\omega (2 - \omega))$.

    Args:
        omega: relaxation parameter in (0, 2).

    Reference: Saad (2003), section 10.2.
    """

    def __init__(self, omega: float = 1.0) -> None:
        self.omega = check_relaxation(omega)

    def prepare(self, a: LinearOperator) -> Apply:
        kernels = optional("sciml.linalg.sparse_kernels", "numba", "SSOR")
        rows = rows_of(a, "SSOR")
        diagonal = diagonal_of(entries_of(a, "SSOR"))
        scaled, weight = diagonal / self.omega, (2 - self.omega) / self.omega

        def apply(r: np.ndarray) -> np.ndarray:
            half = kernels.forward(rows.indptr, rows.indices, rows.data, scaled, r)
            return kernels.backward(rows.indptr, rows.indices, rows.data, scaled, weight * diagonal * half)

        return apply


class ILU0(Preconditioner):
    r"""Incomplete LU factors on the pattern of $A$.

    Reference: Meijerink & van der Vorst (1977), Math. Comp. 31:148-162; Saad (2003), algorithm 10.4.
    """

    def prepare(self, a: LinearOperator) -> Apply:
        rows = rows_of(a, "ILU0")
        pivots = self._factorise(rows)
        if not (np.isfinite(pivots).all() and pivots.all()):
            row = int(np.argmin(np.isfinite(pivots) & (pivots != 0)))
            raise np.linalg.LinAlgError(f"the incomplete factorisation meets the pivot {pivots[row]:.3g} in row {row}")
        return self._substitution(rows, pivots)

    def _factorise(self, rows: "scipy.sparse.csr_array") -> np.ndarray:
        kernels = optional("sciml.linalg.sparse_kernels", "numba", "ILU0")
        return kernels.incomplete_lu(rows.indptr, rows.indices, rows.data)

    def _substitution(self, rows: "scipy.sparse.csr_array", pivots: np.ndarray) -> Apply:
        kernels = optional("sciml.linalg.sparse_kernels", "numba", "ILU0")
        unit = np.ones_like(pivots)

        def apply(r: np.ndarray) -> np.ndarray:
            y = kernels.forward(rows.indptr, rows.indices, rows.data, unit, r)
            return kernels.backward(rows.indptr, rows.indices, rows.data, pivots, y)

        return apply


class IC0(ILU0):
    r"""Incomplete Cholesky factors $L D L^*$ on the pattern of a Hermitian, positive definite matrix.

    Where a pivot is not positive, which may happen unless $A$ is an M-matrix, the diagonal is raised by a factor
    $1 + \alpha$ with $\alpha = 10^{-3}, 2 \cdot 10^{-3}, \dots$ until all are.

    Reference: Meijerink & van der Vorst (1977), Math. Comp. 31:148-162; Manteuffel (1980), Math. Comp. 34:473-497.
    """

    def prepare(self, a: LinearOperator) -> Apply:
        rows, diagonal = rows_of(a, "IC0"), entries_of(a, "IC0").diag().real
        if not (diagonal > 0).all():
            raise np.linalg.LinAlgError(f"the diagonal is not positive in row {int(np.argmin(diagonal > 0))}")
        shift = 0.0
        while True:
            # For a Hermitian matrix the incomplete LU factors are L and D L^*.
            shifted = rows.copy()
            shifted.setdiag(rows.diagonal() * (1 + shift))
            pivots = self._factorise(shifted)
            if (pivots.real > 0).all():
                return self._substitution(shifted, pivots)
            if not shift < 1e3:
                raise np.linalg.LinAlgError("no shift makes the incomplete factor positive definite")
            shift = max(1e-3, 2 * shift)


class ILUT(Preconditioner):
    """Incomplete LU factors with a threshold (SuperLU, with pivoting).

    Args:
        drop_tol: entries below it, relative to their column, are dropped.
        fill: largest ratio of entries in the factors to those in the matrix.

    Reference: Li & Shao (2011), ACM Trans. Math. Softw. 37:43.
    """

    def __init__(self, drop_tol: float = 1e-3, fill: float = 10.0) -> None:
        if not 0 <= drop_tol < 1:
            raise ValueError(f"drop_tol={drop_tol} must lie in [0, 1).")
        if not fill >= 1:
            raise ValueError(f"fill={fill} must be at least 1.")
        self.drop_tol, self.fill = drop_tol, fill

    def prepare(self, a: LinearOperator) -> Apply:
        from scipy.sparse.linalg import spilu

        try:
            factor = spilu(entries_of(a, "ILUT").csc(), drop_tol=self.drop_tol, fill_factor=self.fill)
        except RuntimeError as error:
            raise np.linalg.LinAlgError(f"the incomplete factorisation failed: {error}") from None
        return typed(factor.solve, a.dtype)


class LU(Preconditioner):
    """A complete factorisation (SuperLU): of use where it is kept for other matrices than its own, by `Stale`."""

    def prepare(self, a: LinearOperator) -> Apply:
        return SparseDirect().substitution(entries_of(a, "LU"))


class AdditiveSchwarz(Preconditioner):
    r"""Sum of exact solves on overlapping blocks of consecutive unknowns, $M^{-1} = \sum_i R_i^T A_i^{-1} R_i$.

    Args:
        blocks: number of blocks, at most that of unknowns.
        overlap: layers of neighbours (in the graph of the matrix) that a block is grown by.

    Reference: Saad (2003), section 14.3.
    """

    def __init__(self, blocks: int = 8, overlap: int = 1) -> None:
        self.blocks, self.overlap = check_limit("blocks", blocks), check_limit("overlap", overlap, 0)

    def prepare(self, a: LinearOperator) -> Apply:
        from scipy.sparse import block_diag
        from scipy.sparse.linalg import splu

        columns = entries_of(a, type(self).__name__).csc()
        members = self._members(columns)
        # One factorisation of all blocks side by side: they share no entry.
        parts = block_diag([columns[part][:, part] for part in members], format="csc")
        gather = np.concatenate(members)
        try:
            solve = typed(splu(parts).solve, a.dtype)
        except RuntimeError as error:
            raise np.linalg.LinAlgError(f"a block is singular: {error}") from None

        def apply(r: np.ndarray) -> np.ndarray:
            z = solve(r[gather])
            if z.dtype.kind == "c":
                return _scatter(gather, z.real, a.size) + 1j * _scatter(gather, z.imag, a.size)
            return _scatter(gather, z, a.size)

        return apply

    def _members(self, columns: "scipy.sparse.csc_array") -> list[np.ndarray]:
        n = columns.shape[0]
        if self.blocks > n:
            raise ValueError(f"blocks={self.blocks} exceeds the {n} unknowns of the system.")
        pattern = (abs(columns) + abs(columns.T)).tocsc()
        members = []
        for part in np.array_split(np.arange(n), self.blocks):
            inside = np.zeros(n)
            inside[part] = 1.0
            for _ in range(self.overlap):
                inside = ((pattern @ inside + inside) > 0).astype(float)
            members.append(np.flatnonzero(inside))
        return members


class BlockJacobi(AdditiveSchwarz):
    r"""Exact solves on blocks of consecutive unknowns, without overlap.

    Args:
        blocks: number of blocks, at most that of unknowns.
    """

    def __init__(self, blocks: int = 8) -> None:
        super().__init__(blocks, overlap=0)


class AMG(Preconditioner):
    """One V-cycle of classical algebraic multigrid (Ruge and Stueben, by pyamg), with symmetric Gauss-Seidel smoothing.

    For real matrices, foremost symmetric M-matrices.

    Reference: Ruge & Stueben (1987), Algebraic multigrid, in Multigrid Methods, SIAM.
    """

    def prepare(self, a: LinearOperator) -> Apply:
        pyamg = optional("pyamg", "pyamg", "AMG")
        from scipy.sparse import csr_matrix

        if a.dtype.kind == "c":
            raise ValueError("AMG takes real matrices; this one is complex.")
        hierarchy = pyamg.ruge_stuben_solver(csr_matrix(rows_of(a, "AMG")))
        return hierarchy.aspreconditioner(cycle="V").matvec


def _scatter(places: np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
    return np.bincount(places, weights=values, minlength=size)
