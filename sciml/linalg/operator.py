"""Square matrices as solvers see them: something that can be applied, and perhaps written out."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

# scipy is imported on use: a predictor, which shares the face of a solver, loads without it.
if TYPE_CHECKING:
    import scipy.sparse


@runtime_checkable
class LinearOperator(Protocol):
    """A square matrix that can be applied to a vector."""

    @property
    def size(self) -> int:
        """Number of unknowns, `n`."""

    @property
    def dtype(self) -> np.dtype:
        """float64 or complex128."""

    def apply(self, x: np.ndarray) -> np.ndarray:
        """`A x` for `x` of shape `(n,)`, in a new array."""


@runtime_checkable
class Matrix(LinearOperator, Protocol):
    """A matrix whose entries are known, in the forms that factorisations and preconditioners want."""

    @property
    def bandwidth(self) -> int:
        """Largest distance of an entry from the diagonal."""

    def diag(self) -> np.ndarray:
        """The diagonal, `(n,)`."""

    def csc(self) -> "scipy.sparse.csc_array":
        """The matrix in compressed columns, row numbers ascending within each."""

    def banded(self) -> np.ndarray:
        """Its lower half by diagonals, `(bandwidth + 1, n)`, as LAPACK wants it."""


@dataclass(frozen=True, eq=False)
class SparseMatrix:
    """A matrix given by its entries.

    Args:
        matrix: a scipy sparse array or a numpy array, `(n, n)`, real or complex.

    Raises:
        ValueError: a matrix that is not square.
    """

    matrix: Any

    def __post_init__(self) -> None:
        from scipy.sparse import csr_array

        if len(getattr(self.matrix, "shape", ())) != 2 or self.matrix.shape[0] != self.matrix.shape[1]:
            raise ValueError(f"matrix has shape {getattr(self.matrix, 'shape', None)}; square ones are accepted.")
        rows = csr_array(self.matrix)
        rows = rows.astype(_working_type(rows.dtype))
        rows.sum_duplicates()
        object.__setattr__(self, "matrix", rows)

    @property
    def size(self) -> int:
        return self.matrix.shape[0]

    @property
    def dtype(self) -> np.dtype:
        return self.matrix.dtype

    @functools.cached_property
    def bandwidth(self) -> int:
        entries = self.matrix.tocoo()
        return int(np.abs(entries.row - entries.col).max(initial=0))

    def apply(self, x: np.ndarray) -> np.ndarray:
        return self.matrix @ x

    def diag(self) -> np.ndarray:
        return self.matrix.diagonal()

    def csc(self) -> "scipy.sparse.csc_array":
        columns = self.matrix.tocsc()
        columns.sort_indices()
        return columns

    def banded(self) -> np.ndarray:
        entries = self.matrix.tocoo()
        lower = entries.row >= entries.col
        band = np.zeros((self.bandwidth + 1, self.size), self.dtype)
        row, column = entries.row[lower], entries.col[lower]
        band[row - column, column] = entries.data[lower]
        return band


@dataclass(frozen=True, eq=False)
class MatrixFree:
    r"""A matrix that is known by what it does, for instance a Jacobian in Newton's method.

    With the residual `F` of a discretised equation, $J v \approx (F(u + \epsilon v) - F(u)) / \epsilon$ (or a
    forward-mode derivative), one Newton step is

        J = MatrixFree(u.size, lambda v: (F(u + eps * v) - F(u)) / eps)
        solution = GMRES(restart=30, tol=1e-4).solve(J, -F(u))
        u = u + solution.x                      # after looking at solution.status

    GMRES, BiCGStab and GCRO-DR take it, and CG where the matrix is Hermitian and positive definite. Preconditioners
    that need entries refuse it; `GivenPreconditioner` takes a function. A difference quotient is linear up to its own
    error only: ask for no smaller `tol`, or the solve reports that rounding keeps it from falling.

    Args:
        size: number of unknowns.
        function: `(n,) -> (n,)`, linear; it must not keep or change its argument.
        dtype: float64 or complex128.
    """

    size: int
    function: Callable[[np.ndarray], np.ndarray]
    dtype: Any = np.float64

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError(f"size={self.size} must be at least 1.")
        object.__setattr__(self, "dtype", _working_type(np.dtype(self.dtype)))

    def apply(self, x: np.ndarray) -> np.ndarray:
        return self.function(x)


def as_operator(a: Any) -> LinearOperator:
    """`a` itself if it can be applied; a numpy or scipy matrix wrapped.

    Raises:
        ValueError: something that is no square matrix.
    """
    return a if isinstance(a, LinearOperator) else SparseMatrix(a)


def entries_of(a: LinearOperator, who: str) -> Matrix:
    """`a`, which must be one whose entries are known.

    Raises:
        ValueError: a matrix-free operator.
    """
    if not isinstance(a, Matrix):
        raise ValueError(f"{who} needs the entries of the matrix; {type(a).__name__} has none.")
    return a


def _working_type(dtype: np.dtype) -> np.dtype:
    return np.dtype(np.complex128 if np.issubdtype(dtype, np.complexfloating) else np.float64)
