"""Energy natural gradient: damped Gauss-Newton steps for sums of squared residuals."""

import logging
import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim import Optimizer

from sciml.optim.flat import FlatParameters

log = logging.getLogger(__name__)

#: Residuals (N,) and their Jacobian (N, P) at the current parameters.
Linearize = Callable[[], tuple[Tensor, Tensor]]

#: Shares of the predicted decrease, and what damping is multiplied by where a step stays below. It falls early: strong
#: damping leaves out the directions of small singular values, which the last digits are made of.
GAINS = ((0.01, 10.0), (0.1, 2.0), (0.25, 1.0), (math.inf, 1 / 3))
#: Strongest damping, in mean eigenvalues: beyond it a step is one down the gradient.
CEILING = 1e8
#: Relative difference between the loss and the sum of squares above which they cannot be the same function.
AGREEMENT = 1e-6


class NaturalGradient(Optimizer):
    r"""Gauss-Newton for $L(\theta) = \sum_i r_i(\theta)^2$ with damping and a backtracking search.

    The direction solves $(J^TJ + \mu I)\,d = J^Tr$, for fewer residuals than parameters in the form
    $d = J^T(JJ^T + \mu I)^{-1}r$, which needs a matrix of the size of the residuals alone. With the Jacobian of the
    residuals of a PDE this is the natural gradient of its energy. $\mu$ is a multiple of the mean eigenvalue of the
    matrix, and follows the gain, the decrease over the predicted one, as in the method of Levenberg and Marquardt.
    Steps are halved until that lowers the loss no further, and none ends at a higher loss than it began with.

    Args:
        params: parameters to optimise, real and of one dtype.
        lr: length of the first trial in units of the Gauss-Newton step.
        damping: $\mu$ at the beginning, in mean eigenvalues.
        floor: the smallest $\mu$.
        halvings: the most of one search.
        attempts: searches of one step, each with a damping ten times as strong as the one before.
        memory_limit_gb: the largest matrix that is allowed.

    Raises:
        ValueError: an argument out of range.

    Reference: Müller & Zeinhofer (2023), arXiv:2302.13163; Nocedal & Wright (2006), Numerical Optimization, section
    10.3, for the damping.
    """

    #: Trials that are not finite are its own business; only the first evaluation of a call has to be finite.
    guarded = True

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 1.0,
        damping: float = 1e-3,
        floor: float = 1e-14,
        halvings: int = 10,
        attempts: int = 5,
        memory_limit_gb: float = 8.0,
    ) -> None:
        if not lr > 0 or not 0 < floor <= damping:
            raise ValueError(f"lr={lr} must be positive, and floor={floor} and damping={damping} 0 < floor <= damping.")
        if halvings < 0 or attempts < 1:
            raise ValueError(f"halvings={halvings} must not be negative and attempts={attempts} be at least 1.")
        options = {"lr": lr, "damping": damping, "floor": floor, "halvings": halvings, "attempts": attempts}
        super().__init__(params, options)
        self.memory_limit_gb = memory_limit_gb
        self._flat = FlatParameters([p for group in self.param_groups for p in group["params"]])
        self._linearize: Linearize | None = None
        self._warned = False

    def bind(self, linearize: Linearize) -> None:
        """Says where residuals and Jacobian come from; the columns are in the order of the parameters."""
        self._linearize = linearize

    def _state(self) -> dict[str, Any]:
        state = self.state[self._flat.parameters[0]]
        if not state:
            state.update({"damping": self.param_groups[0]["damping"], "evaluations": 0})
        return state

    @torch.no_grad()
    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Makes one step and returns the loss at its beginning.

        Args:
            closure: evaluates the loss; the gradients that it may leave are not looked at.

        Raises:
            ValueError: nothing was bound, or a Jacobian that does not fit the parameters or the memory.
        """
        closure, state, group = torch.enable_grad()(closure), self._state(), self.param_groups[0]
        loss = closure()
        state["evaluations"] += 1
        start = float(loss.detach())
        if not math.isfinite(start):
            return loss
        residuals, matrix = self._linearization(start)
        if not bool(torch.isfinite(residuals).all() and torch.isfinite(matrix).all()):
            return loss
        x, system = self._flat.vector(), _Damped(residuals, matrix)
        for _ in range(group["attempts"]):
            solved = system.solve(state["damping"])
            gain = None if solved is None else self._search(closure, x, start, *solved)
            if gain is not None:
                factor = next(factor for share, factor in GAINS if gain < share)
                state["damping"] = min(max(group["floor"], factor * state["damping"]), CEILING)
                return loss
            state["damping"] = min(10 * state["damping"], CEILING)
        self._flat.assign(x)
        return loss

    def _linearization(self, loss: float) -> tuple[Tensor, Tensor]:
        if self._linearize is None:
            raise ValueError("NaturalGradient needs residuals and their Jacobian: call bind(linearize) first.")
        residuals, matrix = (t.detach() for t in self._linearize())
        if matrix.shape != (len(residuals), self._flat.size):
            raise ValueError(
                f"the Jacobian has shape {tuple(matrix.shape)}; {len(residuals)} residuals of {self._flat.size} "
                f"parameters need {(len(residuals), self._flat.size)}."
            )
        need = (matrix.numel() + min(matrix.shape) ** 2) * matrix.element_size() / 1e9
        if need > self.memory_limit_gb:
            raise ValueError(
                f"Jacobian and matrix of {len(residuals)} residuals and {self._flat.size} parameters need {need:.3g} "
                f"GB, more than memory_limit_gb={self.memory_limit_gb:g}; take fewer points or a smaller network."
            )
        total = float(residuals.square().sum())
        if not self._warned and abs(total - loss) > AGREEMENT * max(abs(loss), abs(total)):
            self._warned = True
            log.warning("the loss %.6g is not the sum of squared residuals %.6g: directions may be poor.", loss, total)
        return residuals, matrix

    def _search(
        self, closure: Callable[[], Any], x: Tensor, start: float, direction: Tensor, predicted: float
    ) -> float | None:
        """Gain of the best of the steps that are halved until that helps no more; nothing where none lowers the loss.

        A full step may lower the loss by next to nothing where the model is wrong: the first lower trial is not enough.
        """
        step, best, chosen = float(self.param_groups[0]["lr"]), start, 0.0
        for _ in range(self.param_groups[0]["halvings"] + 1):
            self._flat.assign(x.sub(direction, alpha=step))
            value = float(closure().detach())
            self._state()["evaluations"] += 1
            if math.isfinite(value) and value < best:
                best, chosen = value, step
            elif chosen:
                break
            step /= 2
        self._flat.assign(x.sub(direction, alpha=chosen))
        return (start - best) / predicted if chosen else None


class _Damped:
    """Normal equations of a linearisation in the smaller of their two forms."""

    def __init__(self, residuals: Float[Tensor, " n"], matrix: Float[Tensor, "n p"]) -> None:
        self.residuals, self.matrix = residuals, matrix
        self.kernel = len(residuals) < matrix.shape[1]
        self.normal = matrix @ matrix.mT if self.kernel else matrix.mT @ matrix
        self.right = residuals if self.kernel else matrix.mT @ residuals
        self.mean = float(self.normal.diagonal().mean())

    def solve(self, damping: float) -> tuple[Float[Tensor, " p"], float] | None:
        """Direction and the decrease of the sum of squares that it predicts, unless rounding spoils them."""
        shifted = self.normal.clone()
        shifted.diagonal().add_(damping * self.mean)
        factor, info = torch.linalg.cholesky_ex(shifted)
        if int(info):
            return None
        solution = torch.cholesky_solve(self.right.unsqueeze(-1), factor).squeeze(-1)
        direction = self.matrix.mT @ solution if self.kernel else solution
        change = self.matrix @ direction
        # |r|^2 - |r - Jd|^2 without its cancellation.
        predicted = float(change.dot(2 * self.residuals - change))
        return (direction, predicted) if predicted > 0 and bool(direction.isfinite().all()) else None
