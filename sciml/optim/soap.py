"""Adam in the eigenbasis of Shampoo's preconditioner."""

import math
from collections.abc import Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim import Optimizer

#: Names of a parameter's bases, for the rows and for the columns of a matrix.
SIDES = ("rows", "columns")


class SOAP(Optimizer):
    r"""Adam on rotated gradients $Q_L^T G Q_R$.

    The bases are eigenvectors of the moving averages $L$ of $GG^T$ and $R$ of $G^TG$; every `refresh` steps one power
    iteration with a QR decomposition follows them, $Q \leftarrow \mathrm{qr}(LQ)$, and the first moment is rotated
    along. The last two axes of a parameter are its matrix, axes before them a stack of such; vectors are left to Adam,
    and so are the sides longer than `longest` and the very first step, whose gradient gives the first bases.

    Args:
        params: parameters to optimise.
        lr: rate.
        betas: decays of the two moments; the second one is also that of $L$ and $R$.
        eps: added to the root of the second moment.
        refresh: steps between two refreshes of the bases.
        longest: side of a matrix above which no basis is kept.

    Raises:
        ValueError: an argument out of range, or a complex parameter.

    Reference: Vyas et al. (2025), arXiv:2409.11321, algorithms 3 and 4.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.99, 0.999),
        eps: float = 1e-8,
        refresh: int = 2,
        longest: int = 2048,
    ) -> None:
        if not lr > 0 or not eps > 0 or not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"lr={lr} and eps={eps} must be positive and betas={betas} in [0, 1).")
        if refresh < 1 or longest < 0:
            raise ValueError(f"refresh={refresh} must be at least 1 and longest={longest} not negative.")
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "refresh": refresh, "longest": longest})
        if any(p.is_complex() for group in self.param_groups for p in group["params"]):
            raise ValueError("params hold a complex tensor; accepted are real ones.")

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One step; `closure` is called first where there is one."""
        loss = None if closure is None else torch.enable_grad()(closure)()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    _step(p, p.grad, self.state[p], group)
        return loss


def _step(p: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
    if not state:
        state.update({"step": 0, "first": torch.zeros_like(p), "second": torch.zeros_like(p)})
    state["step"] += 1
    rotated, (beta1, beta2) = rotate(gradient, state), group["betas"]
    state["first"].lerp_(rotated, 1 - beta1)
    state["second"].mul_(beta2).addcmul_(rotated, rotated, value=1 - beta2)
    correction = 1 - beta1 ** state["step"], math.sqrt(1 - beta2 ** state["step"])
    length = (state["second"].sqrt() / correction[1]).add_(group["eps"])
    p.sub_(rotate(state["first"] / length, state, back=True), alpha=group["lr"] / correction[0])
    if p.ndim < 2:
        return
    _average(gradient, state, beta2, group["longest"])
    if state["step"] == 1:
        _begin(gradient, state, beta2)
    elif state["step"] % group["refresh"] == 0:
        _refresh(state)


def rotate(matrix: Float[Tensor, "..."], state: dict[str, Any], back: bool = False) -> Float[Tensor, "..."]:
    """$Q_L^T M Q_R$, or $Q_L M Q_R^T$ on the way back; a side without a basis stays as it is."""
    left, right = (state.get(f"{side}_basis") for side in SIDES)
    if left is not None:
        matrix = (left if back else left.mT) @ matrix
    if right is not None:
        matrix = matrix @ (right.mT if back else right)
    return matrix


def _average(gradient: Tensor, state: dict[str, Any], beta: float, longest: int) -> None:
    """Moving averages of $GG^T$ and $G^TG$."""
    for side, g in zip(SIDES, (gradient, gradient.mT), strict=True):
        if g.shape[-2] <= longest:
            outer = g @ g.mT
            average = state.setdefault(f"{side}_average", torch.zeros_like(outer))
            average.lerp_(outer, 1 - beta)


def _begin(gradient: Tensor, state: dict[str, Any], beta2: float) -> None:
    """First bases; the moments of the one gradient so far are known in any basis."""
    for side in SIDES:
        if f"{side}_average" in state:
            # Largest eigenvalue first, the order in which a power iteration keeps its columns.
            state[f"{side}_basis"] = torch.linalg.eigh(state[f"{side}_average"]).eigenvectors.flip(-1).contiguous()
    state["first"] = rotate(state["first"], state)
    state["second"] = rotate(gradient, state).square_().mul_(1 - beta2)


def _refresh(state: dict[str, Any]) -> None:
    """One power iteration of both bases; the first moment is carried over to the new ones."""
    first = rotate(state["first"], state, back=True)
    for axis, side in zip((-2, -1), SIDES, strict=True):
        if f"{side}_basis" not in state:
            continue
        average, basis = state[f"{side}_average"], state[f"{side}_basis"]
        # Directions may have overtaken each other: each takes its second moment along.
        order = (basis * (average @ basis)).sum(-2).sort(dim=-1, descending=True, stable=True).indices
        state["second"] = state["second"].take_along_dim(_along(order, axis), axis)
        state[f"{side}_basis"] = torch.linalg.qr(average @ basis.take_along_dim(order.unsqueeze(-2), -1)).Q
    state["first"] = rotate(first, state)


def _along(order: Tensor, axis: int) -> Tensor:
    return order.unsqueeze(-1 if axis == -2 else -2)
