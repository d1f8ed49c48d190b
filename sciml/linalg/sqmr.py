"""Short recurrences for symmetric indefinite matrices."""

from typing import Any

import numpy as np

from sciml.linalg.krylov import IterativeSolver, Run
from sciml.linalg.solver import norm


class SQMR(IterativeSolver):
    r"""Symmetric QMR for $A = A^T$, real or complex, with a symmetric preconditioner; both may be indefinite.

    The Lanczos process in the bilinear form $x^T y$ without conjugation, and the quasi-minimal residual made of it: one
    product, one preconditioning and a few vectors per step, where GMRES keeps all vectors. MINRES would need a positive
    definite preconditioner. Without look-ahead: $q^T A q = 0$ ends the solve as a breakdown.

    The residual of the iterate is carried along, so that what is recorded is no bound.

    Reference: Freund & Nachtigal (1994), A new Krylov-subspace method for symmetric indefinite linear systems, Proc.
    14th IMACS World Congress, 1253-1256, algorithm 3.1.
    """

    def _cycle(self, run: Run, x: np.ndarray, r: np.ndarray, state: Any) -> tuple[np.ndarray, Any]:
        from scipy.linalg.blas import get_blas_funcs

        axpy = get_blas_funcs("axpy", (x, r))
        s, d, image = r.copy(), np.zeros_like(r), np.zeros_like(r)
        q = run.precondition(r).copy()
        rho, tau, theta, c = r @ q, norm(r), 0.0, 0.0
        while not run.ended:
            t = run.apply(q)
            sigma = q @ t
            if sigma == 0 or rho == 0:
                run.complaint = (
                    "the Lanczos process met a vector of length zero, or A or the preconditioner is singular"
                )
                break
            alpha = rho / sigma
            r = axpy(t, r, a=-alpha)
            before, theta = theta, norm(r) / tau
            c = 1.0 / (1.0 + theta**2)
            tau *= theta * np.sqrt(c)
            # The direction and its image under A; x moves along the one, its residual s along the other.
            d *= c * before**2
            image *= c * before**2
            d, image = axpy(q, d, a=c * alpha), axpy(t, image, a=c * alpha)
            x, s = axpy(d, x), axpy(image, s, a=-1.0)
            run.record(norm(s))
            if run.ended:
                break
            z = run.precondition(r)
            rho, previous = r @ z, rho
            q *= rho / previous
            q = axpy(z, q)
        return x, state
