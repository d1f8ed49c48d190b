"""Conjugate gradients."""

from typing import Any

import numpy as np

from sciml.linalg.krylov import IterativeSolver, Run
from sciml.linalg.solver import norm


class CG(IterativeSolver):
    r"""Preconditioned conjugate gradients for Hermitian, positive definite matrices.

    Both $A$ and $M$ must be positive definite; a direction $p$ with $p^* A p \le 0$ ends the solve as a breakdown.

    Reference: Hestenes & Stiefel (1952), J. Res. Nat. Bur. Standards 49:409-436; Saad (2003), algorithm 9.1.
    """

    def _cycle(self, run: Run, x: np.ndarray, r: np.ndarray, state: Any) -> tuple[np.ndarray, Any]:
        from scipy.linalg.blas import get_blas_funcs

        axpy = get_blas_funcs("axpy", (x, r))
        z = run.precondition(r)
        p, rho = z.copy(), np.vdot(r, z).real
        while not run.ended:
            q = run.apply(p)
            curvature = np.vdot(p, q).real
            if curvature <= 0 or rho <= 0:
                what = "the matrix" if curvature <= 0 else "the preconditioner"
                run.complaint = f"{what} is not positive definite"
                break
            alpha = rho / curvature
            x, r = axpy(p, x, a=alpha), axpy(q, r, a=-alpha)
            run.record(norm(r))
            if run.ended:
                break
            z = run.precondition(r)
            rho, previous = np.vdot(r, z).real, rho
            p *= rho / previous
            p = axpy(z, p)
        return x, state
