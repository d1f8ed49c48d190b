"""The Arnoldi process that GMRES and GCRO-DR share."""

from dataclasses import dataclass

import numpy as np

from sciml.linalg.krylov import Run
from sciml.linalg.solver import norm


@dataclass(frozen=True)
class Arnoldi:
    r"""Result of `j` steps: $(I - CC^*) A M^{-1} V_j = V_{j+1} \bar H$ and $C^* A M^{-1} V_j = B$.

    Args:
        basis: $[C, V_{j+1}]$ with orthonormal columns, `(n, k + j + 1)`.
        projected: $[B; \bar H]$, `(k + j + 1, j)`.
        k: number of columns of $C$.
        beta: norm of the residual that the process started from, $r = \beta v_1$.
    """

    basis: np.ndarray
    projected: np.ndarray
    k: int
    beta: float

    @property
    def steps(self) -> int:
        return self.projected.shape[1]

    @property
    def hessenberg(self) -> np.ndarray:
        return self.projected[self.k :]

    def minimizer(self) -> np.ndarray:
        r"""$y = \arg\min \|\beta e_1 - \bar H y\|$, `(j,)`; NaN where the matrix gave something that is no number."""
        if not np.isfinite(self.hessenberg).all():
            return np.full(self.steps, np.nan)
        first = np.zeros(self.steps + 1, self.projected.dtype)
        first[0] = self.beta
        return np.linalg.lstsq(self.hessenberg, first, rcond=None)[0]


def arnoldi(run: Run, r: np.ndarray, steps: int, c: np.ndarray | None = None) -> Arnoldi:
    r"""Up to `steps` steps from `r`, orthogonal to the columns of `c`; records the norm of the residual after each.

    Classical Gram-Schmidt done twice, against $C$ and $V$ at once. Ends early when the estimate passes, at the limit
    of the run, or where the space is exhausted.

    Args:
        run: the solve in progress.
        r: residual, `(n,)`, orthogonal to `c`.
        steps: at least 1.
        c: orthonormal columns, `(n, k)`.
    """
    k = 0 if c is None else c.shape[1]
    basis = np.empty((len(r), k + steps + 1), r.dtype, order="F")
    projected = np.zeros((k + steps + 1, steps), r.dtype)
    if c is not None:
        basis[:, :k] = c
    beta = norm(r)
    basis[:, k] = r / beta
    givens = _Givens(beta)
    for j in range(steps):
        known = basis[:, : k + j + 1]
        w = run.apply(run.precondition(basis[:, k + j]))
        size = norm(w)
        for _ in range(2):
            h = _adjoint(known, w)
            w = w - known @ h
            projected[: k + j + 1, j] += h
        rest = norm(w)
        exhausted = not rest > 1e-14 * size
        projected[k + j + 1, j] = 0.0 if exhausted else rest
        run.record(givens.append(projected[k : k + j + 2, j]))
        if exhausted or run.ended:
            # The next vector is not used after an exhausted step; it must be finite all the same.
            basis[:, k + j + 1] = 0.0 if exhausted else w / rest
            return Arnoldi(basis[:, : k + j + 2], projected[: k + j + 2, : j + 1], k, beta)
        basis[:, k + j + 1] = w / rest
    return Arnoldi(basis, projected, k, beta)


def _adjoint(basis: np.ndarray, w: np.ndarray) -> np.ndarray:
    """`basis^* w` without a conjugated copy of the basis."""
    return basis.T @ w if w.dtype.kind == "f" else (basis.T @ w.conj()).conj()


class _Givens:
    r"""Rotations that reduce $\bar H$ column by column, for the norm of the residual alone."""

    def __init__(self, beta: float) -> None:
        self.norm = beta
        self.rotations: list[tuple[float, complex]] = []

    def append(self, column: np.ndarray) -> float:
        """Norm of the residual with one column more."""
        h = column.tolist()
        for i, (c, s) in enumerate(self.rotations):
            h[i], h[i + 1] = c * h[i] + s * h[i + 1], -_conj(s) * h[i] + c * h[i + 1]
        c, s = _rotation(h[-2], h[-1])
        self.rotations.append((c, s))
        self.norm *= abs(s)
        return self.norm


def _rotation(a: complex, b: complex) -> tuple[float, complex]:
    """`(c, s)` with real `c` such that `-conj(s) a + c b = 0`."""
    size = float(np.hypot(abs(a), abs(b)))
    # A column of zeros, which a singular matrix may give, leaves the residual as it is.
    if a == 0:
        return 0.0, 1.0
    phase = a / abs(a)
    return abs(a) / size, phase * _conj(b) / size


def _conj(z: complex) -> complex:
    return z.conjugate()
