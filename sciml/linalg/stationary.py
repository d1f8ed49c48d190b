"""Stationary iterations."""

from typing import Any

import numpy as np

from sciml.linalg.krylov import IterativeSolver, Run
from sciml.linalg.preconditioner import Preconditioner
from sciml.linalg.preconditioners import SOR
from sciml.linalg.solver import norm


class Stationary(IterativeSolver):
    r"""The splitting iteration $x \leftarrow x + M^{-1}(b - Ax)$: SOR with `SOR(omega)`, SSOR with `SSOR(omega)`.

    With those two it converges for Hermitian, positive definite matrices and every `omega` in (0, 2); for others only
    where the spectral radius of $I - M^{-1}A$ is below 1.

    Args:
        preconditioner: the splitting; `None` means Gauss-Seidel, `SOR(1.0)`.
        tol, max_iterations: as for all iterative methods.

    Reference: Saad (2003), sections 4.1 and 4.2.
    """

    def __init__(
        self, preconditioner: Preconditioner | None = None, tol: float = 1e-8, max_iterations: int = 10_000
    ) -> None:
        super().__init__(tol, max_iterations, preconditioner or SOR())

    def _cycle(self, run: Run, x: np.ndarray, r: np.ndarray, state: Any) -> tuple[np.ndarray, Any]:
        while not run.ended:
            x += run.precondition(r)
            r = run.b - run.apply(x)
            run.record(norm(r))
        return x, state
