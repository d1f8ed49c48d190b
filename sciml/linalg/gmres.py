"""The generalised minimal residual method."""

from typing import Any

import numpy as np

from sciml.linalg.arnoldi import arnoldi
from sciml.linalg.krylov import IterativeSolver, Run
from sciml.linalg.preconditioner import Preconditioner
from sciml.linalg.solver import check_limit


class GMRES(IterativeSolver):
    r"""Restarted GMRES for any regular matrix, preconditioned from the right: each cycle minimises the true residual.

    Args:
        restart: steps of a cycle, $m$; a system of fewer unknowns has shorter cycles.
        tol, max_iterations, preconditioner: as for all iterative methods; iterations are inner steps.

    Reference: Saad & Schultz (1986), SIAM J. Sci. Stat. Comput. 7:856-869; Saad (2003), algorithm 9.5.
    """

    def __init__(
        self,
        restart: int = 40,
        tol: float = 1e-8,
        max_iterations: int = 10_000,
        preconditioner: Preconditioner | None = None,
    ) -> None:
        super().__init__(tol, max_iterations, preconditioner)
        self.restart = check_limit("restart", restart)

    def _cycle(self, run: Run, x: np.ndarray, r: np.ndarray, state: Any) -> tuple[np.ndarray, Any]:
        process = arnoldi(run, r, min(self.restart, run.a.size))
        x += run.precondition(process.basis[:, : process.steps] @ process.minimizer())
        return x, state
