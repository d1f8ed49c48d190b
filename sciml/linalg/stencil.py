"""Matrices of five-point stencils and their kin in one and three dimensions, kept on the grid."""

import functools
import importlib.util
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import scipy.sparse


#: Cells from which on compiled products are worth the import of the compiler.
MANY = 4096


@dataclass(frozen=True, eq=False)
class Stencil:
    r"""A matrix that couples each cell of a grid with its nearest neighbours along the axes.

    $(Au)_i = d_i u_i - \sum_{\text{axes}} (t_{i,i+1} u_{i+1} + t_{i,i-1} u_{i-1})$, without the terms that would leave
    the grid. A discretised diffusion operator has $t = t^T > 0$, convection makes it nonsymmetric.

    Args:
        diagonal: $d$, `(*s)`, one to three dimensions, real or complex.
        faces: $t_{i,i+1}$ per axis, what a cell takes from the next one: `(*s)` with one entry less on that axis.
        back: $t_{i+1,i}$ per axis, what the next cell takes from it; `None` means the same, a symmetric matrix.

    Raises:
        ValueError: arrays whose shapes do not fit.
    """

    diagonal: np.ndarray
    faces: tuple[np.ndarray, ...]
    back: tuple[np.ndarray, ...] | None = None

    def __post_init__(self) -> None:
        shape = self.diagonal.shape
        if not 1 <= len(shape) <= 3:
            raise ValueError(f"diagonal has {len(shape)} dimensions; one to three are accepted.")
        for name, given in (("faces", self.faces), ("back", self.faces if self.back is None else self.back)):
            want = tuple(tuple(n - (i == axis) for i, n in enumerate(shape)) for axis in range(len(shape)))
            if tuple(t.shape for t in given) != want:
                raise ValueError(f"{name} has shapes {[t.shape for t in given]}; a grid of {shape} has {list(want)}.")

    @property
    def shape(self) -> tuple[int, ...]:
        return self.diagonal.shape

    @property
    def size(self) -> int:
        return self.diagonal.size

    @property
    def dtype(self) -> np.dtype:
        return np.result_type(np.float64, self.diagonal, *self.faces, *(self.back or ()))

    @property
    def symmetric(self) -> bool:
        """Whether it is symmetric by construction."""
        return self.back is None

    @property
    def constant_couplings(self) -> bool:
        """Whether the couplings along each axis are all the same, to rounding."""
        faces = [t for t in (*self.faces, *(self.back or ())) if t.size]
        return all(np.ptp(t.real) + np.ptp(t.imag) <= 1e-9 * np.abs(t).max() for t in faces)

    @property
    def bandwidth(self) -> int:
        return _strides(self.shape)[0] if self.shape[0] > 1 else self.size - 1

    def apply(self, x: np.ndarray) -> np.ndarray:
        u = x.reshape(self.shape)
        result = self.diagonal * u
        for axis, (up, down) in enumerate(self.couplings()):
            low, high = sides(u.ndim, axis)
            result[low] -= up * u[high]
            result[high] -= down * u[low]
        return result.reshape(-1)

    def applier(self) -> Callable[[np.ndarray], np.ndarray]:
        """`apply` for a caller who needs it many times: compiled where that pays and numba is there, the same bits."""
        if len(self.shape) != 2 or self.size < MANY or self.dtype != np.float64:
            return self.apply
        if importlib.util.find_spec("numba") is None:
            return self.apply
        from sciml.linalg.stencil_kernels import five_point

        (up, down), (right, left) = self.couplings()

        def product(x: np.ndarray) -> np.ndarray:
            if x.dtype != np.float64:
                return self.apply(x)
            result = np.empty(self.shape)
            five_point(self.diagonal, up, down, right, left, x.reshape(self.shape), result)
            return result.reshape(-1)

        return product

    def diag(self) -> np.ndarray:
        return self.diagonal.reshape(-1)

    def csc(self) -> "scipy.sparse.csc_array":
        from scipy.sparse import csc_array

        order, indices, pointers = _pattern(self.shape)
        values = np.concatenate([self.diagonal.ravel(), *(-t.ravel() for pair in self.couplings() for t in pair)])
        return csc_array((values[order], indices, pointers), shape=(self.size, self.size))

    def banded(self) -> np.ndarray:
        band = np.zeros((self.bandwidth + 1, self.size), self.dtype)
        band[0] = self.diagonal.ravel()
        for axis, ((_, down), stride) in enumerate(zip(self.couplings(), _strides(self.shape), strict=True)):
            if down.size:
                row = np.zeros(self.shape, self.dtype)
                row[sides(row.ndim, axis)[0]] = -down
                band[stride] += row.ravel()
        return band

    def couplings(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Per axis, what cells take from the next one and what the next one takes from them."""
        return list(zip(self.faces, self.faces if self.back is None else self.back, strict=True))


def sides(dimensions: int, axis: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Cells below and above the inner faces of an axis."""
    return tuple(
        tuple(part if i == axis else slice(None) for i in range(dimensions)) for part in (slice(-1), slice(1, None))
    )  # type: ignore[return-value]


def _strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))


@functools.lru_cache(maxsize=8)
def _pattern(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the entries of diagonal and faces stand in compressed columns: `(order, row indices, column pointers)`."""
    cells = np.arange(math.prod(shape)).reshape(shape)
    rows, columns = [cells.ravel()], [cells.ravel()]
    for axis in range(len(shape)):
        low, high = (cells[side].ravel() for side in sides(len(shape), axis))
        rows += [low, high]
        columns += [high, low]
    row, column = np.concatenate(rows), np.concatenate(columns)
    order = np.lexsort((row, column))
    pointers = np.concatenate([[0], np.cumsum(np.bincount(column, minlength=cells.size))])
    return order, row[order].astype(np.int32), pointers.astype(np.int32)
