r"""Fast solution of $-w\Delta u + cu = f$ with constant coefficients on cells, by sine and cosine transforms."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sciml.linalg.operator import LinearOperator
from sciml.linalg.preconditioner import Preconditioner
from sciml.linalg.stencil import Stencil, sides

#: Whether the lower and the upper end of an axis are Dirichlet walls: half a cell away, else no flux crosses them.
Walls = tuple[bool, bool]


@dataclass(frozen=True)
class FastPoisson:
    r"""Inverse of $L u = \sum_{\text{axes}} w (2u_i - u_{i-1} - u_{i+1}) + c u$ on cells, in $O(n \log n)$.

    At a Dirichlet wall the outer value is $-u_i$ (the wall lies half a cell away), at a Neumann one it is $u_i$. The
    eigenvectors are those of the discrete sine transform of type II (two Dirichlet walls) or IV (the lower one only)
    and of the cosine transform of type II (none) or IV (the upper one only).

    Args:
        shape: cells per axis.
        weights: $w$ per axis, coefficient / h^2.
        walls: which ends of each axis are Dirichlet walls.
        shift: $c$, real or complex; it may make the operator indefinite.

    Reference: Strang (1999), SIAM Rev. 41:135-147; Swarztrauber (1977), SIAM Rev. 19:490-501.
    """

    shape: tuple[int, ...]
    weights: tuple[float, ...]
    walls: tuple[Walls, ...]
    shift: complex = 0.0

    @functools.cached_property
    def eigenvalues(self) -> np.ndarray:
        """Of all modes, `(*s)`."""
        total: np.ndarray = np.asarray(self.shift)
        for axis, (n, w, (low, high)) in enumerate(zip(self.shape, self.weights, self.walls, strict=True)):
            k = np.arange(n) + (1.0 if low and high else 0.5 if low or high else 0.0)
            line = w * (2.0 - 2.0 * np.cos(np.pi * k / n))
            total = total + line.reshape([-1 if i == axis else 1 for i in range(len(self.shape))])
        return total

    @property
    def singular(self) -> bool:
        """Whether the constants are its null space; `apply_inverse` then leaves the mean at zero."""
        return not any(any(pair) for pair in self.walls) and self.shift == 0

    @functools.cached_property
    def inverse_eigenvalues(self) -> np.ndarray:
        """Their inverses, `(*s)`, zero for the null space.

        Raises:
            LinAlgError: the shift makes one of them zero.
        """
        values = self.eigenvalues
        near_zero = np.abs(values) <= 1e-13 * np.abs(values).max()
        if near_zero.any() and not self.singular:
            raise np.linalg.LinAlgError(f"shift={self.shift:.6g} is an eigenvalue: the fast solver is singular")
        return np.where(near_zero, 0.0, 1.0 / np.where(near_zero, 1.0, values))

    @functools.cached_property
    def diagonal(self) -> np.ndarray:
        """Of the matrix, `(*s)`: a Dirichlet wall counts twice, a Neumann one not at all."""
        total: np.ndarray = np.asarray(self.shift)
        for axis, (n, w, (low, high)) in enumerate(zip(self.shape, self.weights, self.walls, strict=True)):
            line = np.full(n, 2.0 * w)
            line[0] += w if low else -w
            line[-1] += w if high else -w
            total = total + line.reshape([-1 if i == axis else 1 for i in range(len(self.shape))])
        return total

    def apply_inverse(self, r: np.ndarray) -> np.ndarray:
        """`L^-1 r` for `r` of shape `(*s)`."""
        if np.iscomplexobj(r):
            return self._transformed(r.real, 1.0) + self._transformed(r.imag, 1j)
        return self._transformed(r, 1.0)

    def _transformed(self, r: np.ndarray, factor: complex) -> np.ndarray:
        modes = self._transform(r, forward=True) * self.inverse_eigenvalues
        if factor == 1.0 and not np.iscomplexobj(modes):
            return self._transform(modes, forward=False)
        modes = factor * modes
        return self._transform(modes.real, forward=False) + 1j * self._transform(modes.imag, forward=False)

    def _transform(self, u: np.ndarray, forward: bool) -> np.ndarray:
        from scipy import fft

        kinds = {
            (True, True): ("dst", 2),
            (True, False): ("dst", 4),
            (False, True): ("dct", 4),
            (False, False): ("dct", 2),
        }
        if len(set(self.walls)) == 1:
            name, kind = kinds[self.walls[0]]
            return getattr(fft, f"{name}n" if forward else f"i{name}n")(u, kind)
        for axis, pair in enumerate(self.walls):
            name, kind = kinds[pair]
            u = getattr(fft, name if forward else f"i{name}")(u, kind, axis=axis)
        return u


class PoissonPreconditioner(Preconditioner):
    r"""A constant-coefficient operator on the same grid, with walls, weights and shift read off the stencil.

    The walls and the shift $c$ come from the row sums of $A$, the weights from the means of its couplings along each
    axis. Scaled, $M = S^{1/2} L S^{1/2}$ with $S$ such that $M$ has the diagonal of $A$; for a smooth coefficient $K$
    this is $K^{1/2} L K^{1/2}$, which follows a variation that $L$ alone cannot.

    Args:
        scaled: whether to scale; off for indefinite matrices.

    Raises:
        ValueError: an operator that is no stencil, or one whose couplings are not positive.

    Reference: Concus & Golub (1973), SIAM J. Numer. Anal. 10:1103-1120.
    """

    def __init__(self, scaled: bool = True) -> None:
        self.scaled = scaled

    def prepare(self, a: LinearOperator) -> Callable[[np.ndarray], np.ndarray]:
        if not isinstance(a, Stencil):
            raise ValueError(f"PoissonPreconditioner needs a Stencil; {type(a).__name__} has no grid.")
        poisson = fast_poisson_of(a)
        if not poisson.inverse_eigenvalues.any():
            raise np.linalg.LinAlgError("the constant-coefficient operator is zero")
        if not self.scaled or poisson.singular:
            # Scaled, the constants would be no null space any more.
            return lambda r: poisson.apply_inverse(r.reshape(a.shape)).ravel()
        ratio = a.diagonal / poisson.diagonal
        if np.iscomplexobj(ratio) or not ((ratio > 0).all() and (poisson.eigenvalues > 0).all()):
            raise np.linalg.LinAlgError(
                "the matrix is not positive definite, which the scaling needs; use scaled=False"
            )
        root = 1.0 / np.sqrt(ratio)
        return lambda r: (root * poisson.apply_inverse(root * r.reshape(a.shape))).ravel()


def fast_poisson_of(a: Stencil) -> FastPoisson:
    """The constant-coefficient operator next to a stencil.

    Raises:
        ValueError: couplings whose real part is not positive.
    """
    rest = a.diagonal.copy()
    for axis, (up, down) in enumerate(a.couplings()):
        low, high = sides(rest.ndim, axis)
        rest[low] -= up
        rest[high] -= down
    inner = rest[tuple(slice(1, -1) if n > 2 else slice(None) for n in a.shape)]
    shift = complex(np.median(inner.real), np.median(inner.imag)) if np.iscomplexobj(inner) else float(np.median(inner))
    if abs(shift) <= 1e-12 * np.abs(a.diagonal).max():
        shift = 0.0
    weights, walls = [], []
    for axis, pair in enumerate(a.couplings()):
        t = 0.5 * (pair[0].real + pair[1].real)
        if t.size and not (t > 0).all():
            raise ValueError(f"the couplings along axis {axis} reach down to {t.min():.3g}; they must be positive.")
        # The geometric mean: large values of a rough coefficient would outweigh the rest of it.
        weights.append(float(np.exp(np.log(t).mean())) if t.size else 0.0)
        walls.append((_is_wall(rest - shift, t, axis, 0), _is_wall(rest - shift, t, axis, -1)))
    return FastPoisson(a.shape, tuple(weights), tuple(walls), shift)


def _is_wall(excess: np.ndarray, t: np.ndarray, axis: int, end: int) -> bool:
    """Whether the row sums in a boundary layer exceed those inside by about twice the coupling there, or not at all."""
    return bool(t.size and np.median(np.take(excess, end, axis).real / np.take(t, end, axis)) > 1.0)
