"""The stabilised bi-conjugate gradient method."""

from typing import Any

import numpy as np

from sciml.linalg.krylov import IterativeSolver, Run
from sciml.linalg.solver import norm


class BiCGStab(IterativeSolver):
    r"""BiCGStab for any regular matrix: short recurrences, two applications of $A$ and of $M^{-1}$ per iteration.

    Preconditioned from the right, so that the monitored residual is the true one. Where the two-sided recurrence
    breaks down ($\rho \approx 0$) it starts again from the present residual.

    Reference: van der Vorst (1992), SIAM J. Sci. Stat. Comput. 13:631-644; Saad (2003), algorithm 7.7.
    """

    def _cycle(self, run: Run, x: np.ndarray, r: np.ndarray, state: Any) -> tuple[np.ndarray, Any]:
        shadow, p = r.copy(), r.copy()
        size, rho = norm(shadow), np.vdot(shadow, r)
        while not run.ended:
            p_hat = run.precondition(p)
            v = run.apply(p_hat)
            sigma = np.vdot(shadow, v)
            if abs(sigma) <= 1e-14 * size * norm(v):
                break
            alpha = rho / sigma
            x += alpha * p_hat
            r -= alpha * v
            if norm(r) <= run.tol * run.scale:
                run.record(norm(r))
                break
            s_hat = run.precondition(r)
            t = run.apply(s_hat)
            omega = np.vdot(t, r) / (np.vdot(t, t) or 1.0)
            x += omega * s_hat
            r -= omega * t
            run.record(norm(r))
            rho, previous = np.vdot(shadow, r), rho
            if omega == 0 or abs(rho) <= 1e-14 * size * norm(r):
                break
            p -= omega * v
            p *= rho / previous * (alpha / omega)
            p += r
        return x, state
