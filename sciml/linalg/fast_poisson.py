r"""Fast solution of $-w\Delta u + cu = f$ with constant coefficients on cells, by sine and cosine transforms."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sciml.linalg.operator import LinearOperator
from sciml.linalg.preconditioner import Preconditioner
from sciml.linalg.solver import norm
from sciml.linalg.stencil import Stencil, sides

#: Ratio of the largest to the smallest scale below which a coefficient counts as constant.
UNIFORM = 1.01

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
        sizes = np.abs(values)
        if sizes.min() > 1e-13 * sizes.max():
            return 1.0 / values
        if not self.singular:
            raise np.linalg.LinAlgError(f"shift={self.shift:.6g} is an eigenvalue: the fast solver is singular")
        near_zero = sizes <= 1e-13 * sizes.max()
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
        modes = self.transform(r, forward=True)
        if factor == 1.0 and not np.iscomplexobj(self.inverse_eigenvalues):
            modes *= self.inverse_eigenvalues
            return self.transform(modes, forward=False, overwrite=True)
        modes = modes * self.inverse_eigenvalues
        modes = factor * modes
        return self.transform(modes.real, forward=False) + 1j * self.transform(modes.imag, forward=False)

    def transform(self, u: np.ndarray, forward: bool, overwrite: bool = False) -> np.ndarray:
        """Coefficients of the eigenvectors, or back, in the precision of `u`, whose memory may be used again."""
        from scipy import fft

        kinds = {
            (True, True): ("dst", 2),
            (True, False): ("dst", 4),
            (False, True): ("dct", 4),
            (False, False): ("dct", 2),
        }
        if len(set(self.walls)) == 1:
            name, kind = kinds[self.walls[0]]
            return getattr(fft, f"{name}n" if forward else f"i{name}n")(u, kind, overwrite_x=overwrite)
        for axis, pair in enumerate(self.walls):
            name, kind = kinds[pair]
            u = getattr(fft, name if forward else f"i{name}")(u, kind, axis=axis, overwrite_x=overwrite)
        return u


class PoissonPreconditioner(Preconditioner):
    r"""A constant-coefficient operator on the same grid, with walls, weights and shift read off the stencil.

    The walls and the shift $c$ come from the row sums of $A$, the weights from the means of its couplings along each
    axis. Scaled, $M = S^{1/2} L S^{1/2}$ with $S$ such that $M$ has the diagonal of $A$; for a smooth coefficient $K$
    this is $K^{1/2} L K^{1/2}$, which follows a variation that $L$ alone cannot.

    Args:
        scaled: whether to scale; off for indefinite matrices.
        single: transforms in single precision, a third faster. Residuals stay in double precision and reach the same
            tolerances; for rough coefficients it takes a tenth more iterations. Without effect where nothing is scaled,
            or the coefficient is constant and $M$ the matrix itself.

    Raises:
        ValueError: an operator that is no stencil, or one whose couplings are not positive.

    Reference: Concus & Golub (1973), SIAM J. Numer. Anal. 10:1103-1120.
    """

    def __init__(self, scaled: bool = True, single: bool = False) -> None:
        self.scaled, self.single = scaled, single

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
        if np.iscomplexobj(ratio) or not (ratio.min() > 0 and poisson.eigenvalues.min() > 0):
            raise np.linalg.LinAlgError(
                "the matrix is not positive definite, which the scaling needs; use scaled=False"
            )
        root = 1.0 / np.sqrt(ratio)
        if not self.single or ratio.max() <= UNIFORM * ratio.min():
            return lambda r: (root * poisson.apply_inverse(root * r.reshape(a.shape))).ravel()
        return _scaled_in_single_precision(poisson, root)


def _scaled_in_single_precision(poisson: FastPoisson, root: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Applies $S^{-1/2} L^{-1} S^{-1/2}$ to any right side: what is transformed has the size of one."""
    size = np.abs(poisson.inverse_eigenvalues).max()
    inverse, back = (poisson.inverse_eigenvalues / size).astype(np.float32), size * root

    def apply(r: np.ndarray) -> np.ndarray:
        scale = norm(r) or 1.0
        z = root * r.reshape(poisson.shape)
        z *= 1.0 / scale
        modes = poisson.transform(z.astype(np.float32), forward=True, overwrite=True)
        modes *= inverse
        np.multiply(poisson.transform(modes, forward=False, overwrite=True), back, out=z)
        z *= scale
        return z.ravel()

    return apply


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
    shift = _shift(rest, 1e-12 * np.abs(a.diagonal).max())
    weights, walls = [], []
    for axis, (up, down) in enumerate(a.couplings()):
        t = up.real if down is up else 0.5 * (up.real + down.real)
        if t.size and not t.min() > 0:
            raise ValueError(f"the couplings along axis {axis} reach down to {t.min():.3g}; they must be positive.")
        # Between the arithmetic and the harmonic mean: large values of a rough coefficient would outweigh the rest of
        # it. For a log-normal one it is the geometric mean, without its logarithms.
        weights.append(float(np.sqrt(t.mean() / (1.0 / t).mean())) if t.size else 0.0)
        walls.append((_is_wall(rest, shift, t, axis, 0), _is_wall(rest, shift, t, axis, -1)))
    return FastPoisson(a.shape, tuple(weights), tuple(walls), shift)


def _shift(rest: np.ndarray, rounding: float) -> complex:
    """Median of the row sums off the walls; zero where all of them are rounding errors."""
    inner = rest[tuple(slice(1, -1) if n > 2 else slice(None) for n in rest.shape)]
    if np.abs(inner).max() <= rounding:
        return 0.0
    shift = complex(np.median(inner.real), np.median(inner.imag)) if np.iscomplexobj(inner) else float(np.median(inner))
    return shift if abs(shift) > rounding else 0.0


def _is_wall(rest: np.ndarray, shift: complex, t: np.ndarray, axis: int, end: int) -> bool:
    """Whether the row sums in a boundary layer exceed the shift by about twice the coupling there, or not at all."""
    if not t.size:
        return False
    excess = np.take(rest, end, axis).real - shift.real
    return bool(2 * np.count_nonzero(excess > np.take(t, end, axis)) > excess.size)
