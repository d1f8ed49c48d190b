"""Quasi-Newton methods with a dense inverse Hessian: self-scaled Broyden and BFGS."""

import logging
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim import Optimizer

from sciml.describe import describe
from sciml.optim.flat import FlatParameters
from sciml.optim.inverse_hessian import InverseHessian
from sciml.optim.line_search import StrongWolfe, Trial
from sciml.optim.transforms import LossTransform

log = logging.getLogger(__name__)

Closure = Callable[[], Any]

#: A first trial expects the decrease of the iteration before; a little more lets it come back to the full step.
LENGTHEN = 1.01


@dataclass(frozen=True)
class Member:
    r"""Which update of the family is made, $H \leftarrow (H - Hyy^TH/y^THy + \phi\,(y^THy)\,vv^T)/\tau + ss^T/y^Ts$.

    Args:
        phi: $\phi$, 1 for BFGS and 0 for DFP.
        tau: $\tau$, the self-scaling.
    """

    phi: float
    tau: float


class SSBroyden(Optimizer):
    r"""Self-scaled Broyden method with a strong Wolfe search, for small networks in float64.

    With $s = x_+ - x$, $y = g_+ - g$ and $v = s/y^Ts - Hy/y^THy$ the inverse Hessian is updated as in `Member`, where
    $\phi$ and $\tau$ follow from $h = y^THy/y^Ts$ and $b = -\alpha s^Tg/y^Ts$. One call of `step` makes `iterations`
    iterations on one and the same function; the inverse Hessian is kept between calls, so that points may be drawn anew
    there. A trial that is not finite shrinks the step, and no call ends at a higher value than it began with.

    Args:
        params: parameters to optimise, real and of one dtype.
        iterations: of the method in one call of `step`.
        lr: the longest first trial of a search; it is shorter where it would have to lower the loss by more than the
            iteration before did (Nocedal & Wright 2006, eq. 3.60).
        search: finds the step length.
        transform: of the loss, monotone; the loss itself when left out.
        memory_limit_gb: the largest inverse Hessian that is allowed.

    Raises:
        ValueError: an argument out of range, or an inverse Hessian above the limit.

    Reference: Urbán, Stefanou & Pons (2025), J. Comput. Phys. 523:113656, SSBroyden2; Al-Baali & Khalfan (2005),
    Optim. Methods Softw. 20:679-691.
    """

    #: Trials that are not finite are its own business; only the first evaluation of a call has to be finite.
    guarded = True

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        iterations: int = 50,
        lr: float = 1.0,
        search: StrongWolfe | None = None,
        transform: LossTransform | None = None,
        memory_limit_gb: float = 8.0,
    ) -> None:
        if iterations < 1 or not lr > 0:
            raise ValueError(f"iterations={iterations} must be at least 1 and lr={lr} positive.")
        self.search, self.transform = search or StrongWolfe(), transform
        super().__init__(params, {"lr": lr, "iterations": iterations})
        self._flat = FlatParameters([p for group in self.param_groups for p in group["params"]])
        size = self._flat.size
        need = size * size * self._flat.parameters[0].element_size() / 1e9
        if need > memory_limit_gb:
            raise ValueError(
                f"the inverse Hessian of {size} parameters needs {need:.3g} GB, more than "
                f"memory_limit_gb={memory_limit_gb:g}; use a smaller network, or torch.optim.LBFGS."
            )

    def settings(self) -> dict[str, Any]:
        """What the constructor was given beside numbers, as plain data."""
        transform = None if self.transform is None else describe(self.transform)
        return {"search": describe(self.search), "transform": transform}

    @property
    def inverse_hessian(self) -> Float[Tensor, "n n"]:
        """$H$, the identity before the first step."""
        return self._state()["inverse_hessian"]

    def _state(self) -> dict[str, Any]:
        # In the state of the first parameter, as torch's L-BFGS has it: the state dict then needs no code of its own.
        first = self._flat.parameters[0]
        state = self.state[first]
        if not state:
            if first.dtype != torch.float64:
                log.warning("%s works with %s; float64 reaches much smaller losses.", type(self).__name__, first.dtype)
            state["inverse_hessian"] = torch.eye(self._flat.size, dtype=first.dtype, device=first.device)
            state.update({"updates": 0, "iterations": 0, "evaluations": 0, "decrease": 0.0})
        return state

    @torch.no_grad()
    def step(self, closure: Closure) -> Any:  # type: ignore[override]
        """Makes `iterations` iterations and returns the loss at their beginning.

        Args:
            closure: clears the gradients, evaluates the loss, and calls `backward`.
        """
        state, flat = self._state(), self._flat
        evaluate, x = _Evaluation(closure, flat, self.transform), flat.vector()
        loss, value, gradient = evaluate()
        state["evaluations"] += 1
        if not (math.isfinite(value) and bool(gradient.isfinite().all())):
            return loss
        inverse = InverseHessian(state["inverse_hessian"])
        product = inverse.apply(gradient)
        for _ in range(self.param_groups[0]["iterations"]):
            accepted = self._search(evaluate, x, value, gradient, product)
            if accepted is None and state["updates"]:
                # Other points, or rounding, may have spoilt the direction: where the gradient leads on, begin anew.
                accepted = self._search(evaluate, x, value, gradient, gradient)
                if accepted is not None:
                    inverse.reset()
                    state["updates"], product = 0, gradient
            if accepted is None:
                break
            following = x.sub(product, alpha=accepted.step)
            product = self._update(inverse, accepted, following - x, gradient, product)
            state["decrease"] = value - accepted.value
            x, value, gradient = following, accepted.value, accepted.gradient
            state["iterations"] += 1
        inverse.write()
        flat.assign(x)
        return loss

    def _search(
        self, evaluate: "_Evaluation", x: Tensor, value: float, gradient: Tensor, product: Tensor
    ) -> Trial[Tensor] | None:
        r"""A lower point along $-Hg$, or nothing where this leads nowhere; `product` is $Hg$."""
        state, rate = self._state(), float(self.param_groups[0]["lr"])
        slope = -float(gradient.dot(product))
        if not (math.isfinite(slope) and slope < 0):
            return None
        if product is gradient or not state["updates"]:
            # The identity knows no length: the first trial moves the parameters by one at most.
            rate = min(rate, 1 / float(gradient.norm()))
        elif state["decrease"] > 0:
            rate = min(rate, -2 * LENGTHEN * state["decrease"] / slope)

        def along(step: float) -> Trial[Tensor]:
            self._flat.assign(x.sub(product, alpha=step))
            _, there, slope_vector = evaluate()
            return Trial(step, there, -float(slope_vector.dot(product)), slope_vector)

        found = self.search(along, Trial(0.0, value, slope, gradient), rate)
        state["evaluations"] += found.evaluations
        return found.trial if found.trial.value < value else None

    def _update(
        self, inverse: InverseHessian, trial: Trial[Tensor], s: Tensor, before: Tensor, product: Tensor
    ) -> Float[Tensor, " n"]:
        """Updates $H$ by the step $s$ to a trial and returns $H g_+$; `before` is $g$ and `product` is $Hg$."""
        state, gradient = self._state(), trial.gradient
        y = gradient - before
        fresh = inverse.apply(gradient)
        # With the curvature condition y is no small difference of the gradients in the norm of H, so that this
        # difference is as good as a second pass over the matrix.
        hy = fresh - product
        ys, yhy, sg, ss, yy = torch.stack([y.dot(s), y.dot(hy), s.dot(before), s.dot(s), y.dot(y)]).tolist()
        # Relative to the lengths, as the loss has no scale of its own.
        if not (ys > torch.finfo(s.dtype).eps * math.sqrt(ss * yy) and yhy > 0 and math.isfinite(yhy)):
            return fresh
        h, b = yhy / ys, -trial.step * sg / ys
        member = self._member(h, b, len(s), first=not state["updates"])
        columns, weights = _rank_two(s / math.sqrt(ys), hy / math.sqrt(yhy), h, member)
        inverse.change(1 / member.tau, columns, weights)
        state["updates"] += 1
        return (fresh / member.tau).addmv_(columns, weights * columns.mT.mv(gradient))

    def _member(self, h: float, b: float, size: int, first: bool) -> Member:
        # Never negative by the inequality of Cauchy and Schwarz; zero where s and Hy are parallel and v vanishes.
        a = max(abs(h * b - 1), torch.finfo(torch.float64).tiny)
        c = math.sqrt(a / (1 + a))
        low = min(1.0, h / ((1 + a) * (1 + c)))  # h (1 - c) without its cancellation
        theta = max((low - 1) / a, min(1 / low, (1 - b) / b))
        sigma, scale = max(low, 1 + theta * a), min(1.0, 1 / b)  # the bound on theta means this one, but for rounding
        power = sigma ** (-1 / max(size - 1, 1))
        if first:
            tau = h / sigma
        elif theta > 0:
            tau = scale * min(power, 1 / theta)
        else:
            tau = min(scale * power, sigma)
        return Member((1 - theta) / sigma, tau)


class BFGS(SSBroyden):
    """BFGS with a dense inverse Hessian: the member of the same family with no scaling but that of the first update.

    Reference: Nocedal & Wright (2006), Numerical Optimization, algorithm 6.1, eqs. (6.17) and (6.20).
    """

    def _member(self, h: float, b: float, size: int, first: bool) -> Member:
        return Member(1.0, h if first else 1.0)


class _Evaluation:
    """Calls a closure; gives what it returned, the transformed value, and the gradient of that value."""

    def __init__(self, closure: Closure, flat: FlatParameters, transform: LossTransform | None) -> None:
        self.closure, self.flat, self.transform = torch.enable_grad()(closure), flat, transform

    def __call__(self) -> tuple[Any, float, Tensor]:
        loss = self.closure()
        value, gradient = float(loss.detach()), self.flat.gradient()
        if self.transform is None:
            return loss, value, gradient
        value, factor = self.transform(value)
        return loss, value, gradient.mul_(factor)


def _rank_two(s: Tensor, hy: Tensor, h: float, member: Member) -> tuple[Float[Tensor, "n 2"], Float[Tensor, " 2"]]:
    r"""What is added to $H/\tau$, as $W \Lambda W^T$; takes $s/\sqrt{y^Ts}$ and $Hy/\sqrt{y^THy}$."""
    corner = -member.phi * math.sqrt(h) / member.tau
    small = [[1 + member.phi * h / member.tau, corner], [corner, (member.phi - 1) / member.tau]]
    # Two by two: not worth a device other than the CPU.
    weights, axes = torch.linalg.eigh(torch.tensor(small, dtype=s.dtype))
    return torch.stack([s, hy], dim=1) @ axes.to(s.device), weights.to(s.device)
