"""The subspace that is carried from one linear system to the next."""

import logging
from dataclasses import dataclass

import numpy as np

log = logging.getLogger(__name__)

#: Columns whose image is dependent to this relative accuracy are dropped.
RANK_TOL = 1e-12
#: How much nearer to zero a value on the far side of the origin counts; decision 16 says how it was chosen.
FAR_SIDE = 4.0


@dataclass(frozen=True, eq=False)
class RecycleSpace:
    """What GCRO-DR hands on: a basis, in the coordinates of the preconditioned system.

    Args:
        y: `(n, k)`, real or complex.
    """

    y: np.ndarray


@dataclass(frozen=True, eq=False)
class Deflation:
    r"""A subspace with its image under the present operator: $A M^{-1} U = C$ with $C^* C = I$.

    Args:
        c: `(n, k)`.
        u: `(n, k)`.
    """

    c: np.ndarray
    u: np.ndarray


def combined(basis: np.ndarray, p: np.ndarray) -> np.ndarray:
    """`basis p` with contiguous columns, which every later product with it wants."""
    return (p.T @ basis.T).T


def deflation(y: np.ndarray, image: np.ndarray) -> Deflation | None:
    r"""From a basis and its image; dependent columns are dropped, and `None` is returned where none is left.

    CholeskyQR is done twice, which is as orthogonal as Householder's method while the image is well conditioned; else
    columns are pivoted.

    Reference: Yamamoto, Nakatsukasa, Yanagisawa & Fukaya (2015), ETNA 44:306-326.
    """
    scale = np.linalg.norm(image, axis=0)
    good = np.isfinite(scale) & (scale > 0)
    y, image = y[:, good] / scale[good], image[:, good] / scale[good]
    if not y.shape[1]:
        return None
    try:
        q, r = _cholesky_qr(image)
        again, correction = _cholesky_qr(q)
        return Deflation(again, _divided(y, correction @ r))
    except np.linalg.LinAlgError:
        return _pivoted(y, image)


def _cholesky_qr(w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`w = q r`; raises LinAlgError where the Gram matrix is too ill-conditioned."""
    gram = w.conj().T @ w
    if np.linalg.cond(gram) > 1e12:
        raise np.linalg.LinAlgError("ill-conditioned")
    r = np.linalg.cholesky(gram).conj().T
    return _divided(w, r), r


def _pivoted(y: np.ndarray, image: np.ndarray) -> Deflation | None:
    from scipy.linalg import qr

    q, r, order = qr(image, mode="economic", pivoting=True)
    size = np.abs(np.diag(r))
    rank = int(np.sum(size > RANK_TOL * size[0]))
    if rank < y.shape[1]:
        log.info("the recycled space lost %d of %d columns, which had become dependent", y.shape[1] - rank, y.shape[1])
    return Deflation(q[:, :rank], _divided(y[:, order[:rank]], r[:rank, :rank])) if rank else None


def _divided(y: np.ndarray, r: np.ndarray) -> np.ndarray:
    """`y r^-1` for an upper triangle, columns contiguous."""
    from scipy.linalg import solve_triangular

    return solve_triangular(r, y.T, trans="T").T


def harmonic_vectors(g: np.ndarray, overlap: np.ndarray, k: int) -> np.ndarray:
    r"""Coordinates of the `k` harmonic Ritz vectors that restarted GMRES reduces least, orthonormal columns.

    They solve $G^* G z = \theta G^* (\hat W^* \hat V) z$. We look for the largest $1/\theta$, the eigenvalues of
    $G^+ \hat W^* \hat V$, which needs no product $G^* G$. For real matrices real and imaginary part span a conjugate
    pair; a pair that does not fit as a whole is left out.

    The paper keeps the smallest $|\theta|$. So do we where all values lie on one side of the origin. On the far side of
    it, seen from the bulk of the spectrum, a residual polynomial ($p(0) = 1$, small on the bulk) grows instead of
    falling, so those values count as `FAR_SIDE` times nearer.

    Args:
        g: $G$, `(p + 1, p)`.
        overlap: $\hat W^* \hat V$, `(p + 1, p)`.
        k: number of vectors, at most `p`.
    """
    inverse_values, vectors = np.linalg.eig(np.linalg.lstsq(g, overlap, rcond=None)[0])
    bulk = np.sum(1.0 / inverse_values[inverse_values != 0])
    far = (inverse_values * bulk).real < 0
    order = np.argsort(-np.abs(inverse_values) * np.where(far, FAR_SIDE, 1.0), kind="stable")
    if np.iscomplexobj(g):
        chosen = vectors[:, order[:k]]
    else:
        chosen = np.stack(_real_span(inverse_values[order], vectors[:, order], k), axis=1)
    return np.linalg.qr(chosen)[0]


def _real_span(values: np.ndarray, vectors: np.ndarray, k: int) -> list[np.ndarray]:
    columns: list[np.ndarray] = []
    for value, z in zip(values, vectors.T, strict=True):
        if len(columns) == k:
            break
        if value.imag == 0:
            columns.append(z.real)
        elif value.imag > 0:
            if len(columns) + 2 <= k:
                columns += [z.real, z.imag]
            elif not columns:
                columns.append(z.real)
            else:
                break
    return columns
