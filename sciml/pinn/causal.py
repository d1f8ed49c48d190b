"""Causal training: later times count once earlier ones are solved."""

import dataclasses
import logging
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sciml.objective import FixedWeights, Term, Weighting

log = logging.getLogger(__name__)

NOTICE = (
    "Causal weights: their authors state that the algorithm is protected by a patent of the University of Pennsylvania "
    "and not for commercial use; without CausalWeights nothing of it runs."
)


class CausalWeights(Weighting):
    r"""$w_i = \exp(-\epsilon \sum_{k<i} L_k)$ on the mean squared residuals $L_1, \dots, L_M$ of consecutive time
    slices.

    The points of the equation are sorted by time and split into $M$ chunks of equal size; the sum is exclusive, and
    starts with the loss of the initial condition where there is one, $L_0 = \lambda_0 L_\mathrm{initial}$. Where the
    equation has several parts, each chunk takes the smallest of their weights. Weights carry no gradient. $\epsilon$
    goes through a schedule: the next value follows as soon as $\min_i w_i > \delta$, or after `patience` steps; after
    the last one `finished` says that the same test holds. The terms so weighted go on to an inner weighting.

    Their authors state that the algorithm is protected by a patent of the University of Pennsylvania and not for
    commercial use. It is used where a configuration names this class, and nowhere else.

    Args:
        slices: $M$.
        tolerances: the values of $\epsilon$, in turn.
        threshold: $\delta$.
        patience: most steps with one $\epsilon$; unlimited when left out.
        mode: `"sum"` as published, or `"mean"`, which divides the sum by $M$ so that $\epsilon$ does not depend on it.
        equation: name of the equation's term, or what stands before the colon of its parts.
        initial: name of the initial condition's term.
        initial_weight: $\lambda_0$, of $L_0$ in the exponent.
        weighting: makes one number of the terms; their sum when left out.

    Raises:
        ValueError: no slices, no or negative tolerances, a threshold outside (0, 1), another mode, or fewer points than
            slices.

    Reference: Wang, Sankaran & Perdikaris (2024), Comput. Methods Appl. Mech. Eng. 421:116813, eqs. (14)-(16),
    algorithm 1.
    """

    weights: Tensor
    stage: Tensor
    steps: Tensor
    finished: Tensor

    def __init__(
        self,
        slices: int = 32,
        tolerances: Sequence[float] = (1e-2, 1e-1, 1.0, 10.0, 100.0),
        threshold: float = 0.99,
        patience: int | None = None,
        mode: str = "sum",
        equation: str = "pde",
        initial: str = "initial",
        initial_weight: float = 1.0,
        weighting: Weighting | None = None,
    ) -> None:
        super().__init__()
        if slices < 1 or not tolerances or min(tolerances) < 0 or not 0 < threshold < 1:
            raise ValueError(
                f"slices={slices} must be at least 1, tolerances={list(tolerances)} not negative, "
                f"threshold={threshold} in (0, 1)."
            )
        if mode not in ("sum", "mean"):
            raise ValueError(f"mode={mode!r} must be 'sum' or 'mean'.")
        self.slices, self.tolerances, self.threshold, self.patience = slices, list(tolerances), threshold, patience
        self.mode, self.equation, self.initial, self.initial_weight = mode, equation, initial, initial_weight
        self.weighting = weighting or FixedWeights()
        self.register_buffer("weights", torch.ones(slices))
        self.register_buffer("stage", torch.zeros((), dtype=torch.long))
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))
        self.register_buffer("finished", torch.zeros((), dtype=torch.bool))
        log.warning(NOTICE)

    @classmethod
    def example(cls, terms: list[str]) -> "CausalWeights":
        """One for a list of terms, the first of which is taken for the equation, for tests."""
        return cls(slices=3, tolerances=[0.1], equation=terms[0])

    @property
    def tolerance(self) -> float:
        r"""$\epsilon$ now."""
        return self.tolerances[int(self.stage)]

    def observations(self) -> dict[str, float]:
        """What the log of a run should show."""
        lowest = float(self.weights.min())
        active = int((self.weights > 1e-3).sum())
        return {"causal_min": lowest, "causal_active": float(active), "causal_tolerance": self.tolerance}

    def forward(self, terms: dict[str, Term], network: nn.Module) -> Float[Tensor, ""]:
        parts = {n: t for n, t in terms.items() if n == self.equation or n.startswith(f"{self.equation}:")}
        if not parts:
            raise ValueError(f"equation={self.equation!r} names no term; there are {', '.join(terms)}.")
        chunk = {name: _chunks(term, self.slices) for name, term in parts.items()}
        losses = torch.stack([_means(t.values.detach(), chunk[n], self.slices) for n, t in parts.items()])
        start = self.initial_weight * terms[self.initial].scalar().detach() if self.initial in terms else 0.0
        weights = causal_weights(losses, self.tolerance, start, self.mode).amin(0)
        if self.training and torch.is_grad_enabled():
            self._learn(weights)
        weighted = {n: dataclasses.replace(t, values=t.values * weights[chunk[n]]) for n, t in parts.items()}
        return self.weighting({**terms, **weighted}, network)

    def restart(self) -> None:
        """Goes back to the first tolerance."""
        self.weights.fill_(1.0)
        self.stage.zero_()
        self.steps.zero_()
        self.finished.fill_(False)
        self.weighting.restart()

    def _learn(self, weights: Tensor) -> None:
        self.weights.copy_(weights)
        self.steps += 1
        passed = bool(weights.min() > self.threshold)
        last = int(self.stage) == len(self.tolerances) - 1
        if last:
            self.finished.fill_(passed)
        elif passed or (self.patience is not None and int(self.steps) >= self.patience):
            self.stage += 1
            self.steps.zero_()


def causal_weights(
    losses: Float[Tensor, "*e m"], tolerance: float, start: Tensor | float = 0.0, mode: str = "sum"
) -> Float[Tensor, "*e m"]:
    r"""$w_i = \exp(-\epsilon (L_0 + \sum_{k<i} L_k))$, with the sum divided by their number in mode `"mean"`."""
    exclusive = losses.cumsum(-1) - losses + start
    return torch.exp(-tolerance * (exclusive / losses.shape[-1] if mode == "mean" else exclusive))


def _chunks(term: Term, slices: int) -> Tensor:
    """Number of the chunk that each point belongs to, in the order of time."""
    if term.points is None or term.points.shape[1] == 0:
        raise ValueError("causal weights need the points of the equation's term; time is their last column.")
    n = len(term.points)
    if n < slices:
        raise ValueError(f"slices={slices} is more than the {n} points of the equation.")
    order = torch.argsort(term.points[:, -1], stable=True)
    chunk = torch.empty_like(order)
    chunk[order] = torch.arange(n, device=order.device) * slices // n
    return chunk


def _means(values: Tensor, chunk: Tensor, slices: int) -> Tensor:
    total = values.new_zeros(slices).index_add_(0, chunk, values)
    return total / torch.bincount(chunk, minlength=slices)
