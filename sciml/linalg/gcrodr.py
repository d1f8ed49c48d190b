"""GMRES with a subspace that is kept over restarts and handed to the next system."""

import logging
from typing import Any

import numpy as np

from sciml.linalg.arnoldi import Arnoldi, arnoldi
from sciml.linalg.krylov import IterativeSolver, Run
from sciml.linalg.preconditioner import Preconditioner
from sciml.linalg.recycling import Deflation, RecycleSpace, combined, deflation, harmonic_vectors
from sciml.linalg.solver import check_limit, norm
from sciml.status import Status

log = logging.getLogger(__name__)


class GCRODR(IterativeSolver):
    r"""GCRO-DR(m, k): GMRES deflated by `k` approximate eigenvectors, for sequences of related systems.

    A cycle minimises the residual over the recycled space and $m - k$ Arnoldi steps orthogonal to its image; then the
    harmonic Ritz vectors nearest to zero become the new space. The state is the space itself: handed to the next
    system, it spares that one the cycles that found it. Adopting it costs `k` applications of the operator and of the
    preconditioner. With `recycle=0` this is GMRES(m).

    Preconditioned from the right. The space lives in preconditioned coordinates, so that it helps only where the
    preconditioner changes as smoothly as the matrix; where a preconditioned solve ends within one cycle, plain GMRES is
    cheaper.

    Args:
        restart: vectors in a cycle, $m$; at most the size of the system.
        recycle: vectors kept, $k < m$.
        tol, max_iterations, preconditioner: as for all iterative methods; iterations are Arnoldi steps.

    Reference: Parks, de Sturler, Mackey, Johnson & Maiti (2006), SIAM J. Sci. Comput. 28:1651-1674, appendix.
    """

    def __init__(
        self,
        restart: int = 40,
        recycle: int = 20,
        tol: float = 1e-8,
        max_iterations: int = 10_000,
        preconditioner: Preconditioner | None = None,
    ) -> None:
        super().__init__(tol, max_iterations, preconditioner)
        self.restart, self.recycle = check_limit("restart", restart), check_limit("recycle", recycle, 0)
        if recycle >= restart:
            raise ValueError(f"recycle={recycle} must be less than restart={restart}.")

    def _iterate(self, run: Run, x: np.ndarray, r: np.ndarray, state: Any) -> tuple[np.ndarray, Status, Any]:
        if self.restart > run.a.size:
            raise ValueError(f"restart={self.restart} exceeds the {run.a.size} unknowns of the system.")
        if run.ended:
            return super()._iterate(run, x, r, state)
        x, status, kept = super()._iterate(run, x, r, self._adopted(run, state))
        return x, status, None if kept is None else RecycleSpace(kept.u)

    def _adopted(self, run: Run, state: Any) -> Deflation | None:
        """The space of an earlier system with its image under this one."""
        if not (isinstance(state, RecycleSpace) and self.recycle):
            return None
        if state.y.shape[0] != run.a.size:
            log.info("a recycled space of size %d is dropped: the system has %d", state.y.shape[0], run.a.size)
            return None
        if np.iscomplexobj(state.y) and not np.iscomplexobj(run.b):
            log.info("a complex recycled space is dropped: the system is real")
            return None
        y = state.y[:, : self.recycle].astype(run.b.dtype, copy=False)
        image = np.empty_like(y, order="F")
        for i in range(y.shape[1]):
            image[:, i] = run.apply(run.precondition(np.ascontiguousarray(y[:, i])))
        return deflation(y, image)

    def _cycle(self, run: Run, x: np.ndarray, r: np.ndarray, state: Deflation | None) -> tuple[np.ndarray, Any]:
        c, steps, h = None, self.restart, np.zeros(0)
        if state is not None:
            # The residual loses its part in the image of the space; later cycles only remove what rounding left there.
            c, steps, h = state.c, self.restart - state.c.shape[1], state.c.conj().T @ r
            r = r - c @ h
            if norm(r) <= run.tol * run.scale:
                run.residuals[-1] = norm(r) / run.scale
                return x + run.precondition(state.u @ h), state
        process = arnoldi(run, r, steps, c)
        y = process.minimizer()
        correction = process.basis[:, process.k : process.k + process.steps] @ y
        if state is not None:
            correction += state.u @ (h - process.projected[: process.k] @ y)
        x = x + run.precondition(correction)
        return x, self._renewed(process, state) if np.isfinite(y).all() else state

    def _renewed(self, process: Arnoldi, old: Deflation | None) -> Deflation | None:
        r"""The harmonic Ritz vectors nearest to zero in the span of the old space and the Krylov space.

        With $\hat V = [U D, V_j]$, $D$ scaling to unit columns, and $\hat W = [C, V_{j+1}]$: $A \hat V = \hat W G$.
        """
        if not self.recycle:
            return None
        k, j = process.k, process.steps
        overlap = np.zeros((k + j + 1, k + j), process.projected.dtype)
        overlap[k : k + j, k:] = np.eye(j)
        g = np.zeros_like(overlap)
        g[:, k:] = process.projected
        scale = np.ones(0)
        if old is not None:
            scale = 1.0 / np.linalg.norm(old.u, axis=0)
            g[:k, :k] = np.diag(scale)
            overlap[:, :k] = (process.basis.conj().T @ old.u) * scale
        p = harmonic_vectors(g, overlap, min(self.recycle, k + j))
        small = deflation(p, g @ p)
        if small is None:
            return None
        u = combined(process.basis[:, k : k + j], small.u[k:])
        if old is not None:
            u += combined(old.u, scale[:, None] * small.u[:k])
        return Deflation(combined(process.basis, small.c), u)
