"""The constant-coefficient operator next to a matrix, inverted by transforms, as its preconditioner."""

from collections.abc import Callable

import numpy as np

from sciml.linalg.fast_poisson import FastPoisson
from sciml.linalg.operator import LinearOperator
from sciml.linalg.preconditioner import Preconditioner
from sciml.linalg.resonance import near_resonance
from sciml.linalg.solver import norm
from sciml.linalg.stencil import Stencil, sides

#: Ratio of the largest to the smallest scale below which a coefficient counts as constant.
UNIFORM = 1.01


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
        resonant: modes, those with the eigenvalues next to zero, for which $M$ is the Galerkin matrix of $A$ instead:
            where $A = L + q$ is indefinite, a mode near resonance feels the smallest variation of $q$. For constant
            couplings, without scaling.

    Raises:
        ValueError: an operator that is no stencil, or one whose couplings are not positive.

    Reference: Concus & Golub (1973), SIAM J. Numer. Anal. 10:1103-1120.
    """

    def __init__(self, scaled: bool = True, single: bool = False, resonant: int = 0) -> None:
        if resonant < 0 or (resonant and scaled):
            raise ValueError(f"resonant={resonant} must not be negative, and needs scaled=False.")
        self.scaled, self.single, self.resonant = scaled, single, resonant

    def prepare(self, a: LinearOperator) -> Callable[[np.ndarray], np.ndarray]:
        if not isinstance(a, Stencil):
            raise ValueError(f"PoissonPreconditioner needs a Stencil; {type(a).__name__} has no grid.")
        poisson = fast_poisson_of(a)
        if not poisson.inverse_eigenvalues.any():
            raise np.linalg.LinAlgError("the constant-coefficient operator is zero")
        if self.resonant:
            return near_resonance(poisson, a, self.resonant)
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
    """Applies $S^{-1/2} L^{-1} S^{-1/2}$; right sides of any size are brought near one before they are transformed."""
    size, largest = poisson.inverse_eigenvalues.max(), root.max()
    inverse = (poisson.inverse_eigenvalues / size).astype(np.float32)
    forth, back = root / largest, (size * largest) * root

    def apply(r: np.ndarray) -> np.ndarray:
        scale, z = norm(r), forth * r.reshape(poisson.shape)
        near_one = scale == 0.0 or 1e-15 < scale < 1e15
        if not near_one:
            z *= 1.0 / scale
        modes = poisson.transform(z.astype(np.float32), forward=True, overwrite=True)
        modes *= inverse
        np.multiply(poisson.transform(modes, forward=False, overwrite=True), back, out=z)
        if not near_one:
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
    weights, walls, nodal = [], [], []
    for axis, (up, down) in enumerate(a.couplings()):
        t = up.real if down is up else 0.5 * (up.real + down.real)
        if t.size and not t.min() > 0:
            raise ValueError(f"the couplings along axis {axis} reach down to {t.min():.3g}; they must be positive.")
        # Between the arithmetic and the harmonic mean: large values of a rough coefficient would outweigh the rest of
        # it. For a log-normal one it is the geometric mean, without its logarithms.
        weights.append(float(np.sqrt(t.mean() / (1.0 / t).mean())) if t.size else 0.0)
        kinds = [_distance(rest, shift, t, axis, end) for end in (0, -1)]
        nodal.append(kinds == [1.0, 1.0])
        walls.append((kinds[0] > 0, kinds[1] > 0))
    return FastPoisson(a.shape, tuple(weights), tuple(walls), shift, tuple(nodal))


def _shift(rest: np.ndarray, rounding: float) -> complex:
    """Median of the row sums off the walls; zero where all of them are rounding errors."""
    inner = rest[tuple(slice(1, -1) if n > 2 else slice(None) for n in rest.shape)]
    if np.abs(inner).max() <= rounding:
        return 0.0
    shift = complex(np.median(inner.real), np.median(inner.imag)) if np.iscomplexobj(inner) else float(np.median(inner))
    return shift if abs(shift) > rounding else 0.0


def _distance(rest: np.ndarray, shift: complex, t: np.ndarray, axis: int, end: int) -> float:
    """Steps to a Dirichlet wall: a half where row sums exceed the shift by about twice the coupling there, one where by
    about the coupling itself, zero where there is none.
    """
    if not t.size:
        return 0.0
    # Off the edges, which belong to other walls as well.
    off = tuple(end if i == axis else slice(1, -1) if n > 2 else slice(None) for i, n in enumerate(rest.shape))
    excess, coupling = rest[off].real - shift.real, t[off]
    if 2 * np.count_nonzero(excess > 1.5 * coupling) > excess.size:
        return 0.5
    return 1.0 if 2 * np.count_nonzero(excess > 0.5 * coupling) > excess.size else 0.0
