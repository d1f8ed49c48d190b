"""What training minimises: an `Objective` names its terms, a `Weighting` makes one number of them."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sciml.batch import Batch
from sciml.describe import Described

#: Keyword arguments that a network may take beside its first one.
NETWORK_ARGUMENTS = ("time", "params", "coords", "mask", "edges")


@dataclass(frozen=True)
class Term:
    """One named part of a loss, not yet reduced.

    Args:
        values: one number per sample or point, `(n, ...)`, so that weightings may look at each.
        points: where the values were taken, `(n, d)`, for terms that know.
        reduce: to one number.
        residuals: what was squared, with its sign, `(n,)`, for terms that are made of residuals.
    """

    values: Float[Tensor, "n ..."]
    points: Float[Tensor, "n d"] | None = None
    reduce: Callable[[Tensor], Tensor] = torch.mean
    residuals: Float[Tensor, " n"] | None = None

    def scalar(self) -> Float[Tensor, ""]:
        return self.reduce(self.values)


class Objective(Described, nn.Module, ABC):
    """Network and batch in, named terms out. State is kept in buffers, so that checkpoints carry it."""

    #: Whether it takes empty batches and a network of the coordinates, and holds its own points.
    without_data = False

    #: Whether the newest `advance` has begun something new, for which weightings start afresh.
    begins = False

    @abstractmethod
    def terms(self, network: nn.Module, batch: Batch) -> dict[str, Term]:
        """The terms of one batch, in physical units."""

    def advance(self, step: int, epoch: int, network: nn.Module | None = None) -> None:
        """Called before every training step: curricula, time windows, bandits, points where the network errs.

        An optimiser may evaluate the objective many times in one step; between two calls it has to stay the same
        function of the network.
        """


class Weighting(Described, nn.Module, ABC):
    """Makes one number of the terms. Weightings compose; state is kept in buffers."""

    @abstractmethod
    def forward(self, terms: dict[str, Term], network: nn.Module) -> Float[Tensor, ""]: ...

    def restart(self) -> None:
        """Forgets what was learned, where the objective has begun something new."""


class FixedWeights(Weighting):
    r"""$\sum_k \lambda_k L_k$ with constant weights.

    Args:
        weights: $\lambda_k$ by the name of the term; 1 where none is given.

    Raises:
        ValueError: a weight for a term that the objective does not have.
    """

    def __init__(self, weights: dict[str, float] | None = None) -> None:
        super().__init__()
        self.weights = dict(weights or {})

    def forward(self, terms: dict[str, Term], network: nn.Module) -> Float[Tensor, ""]:
        if unknown := set(self.weights) - set(terms):
            raise ValueError(f"weights names {sorted(unknown)}; the objective's terms are {sorted(terms)}.")
        return torch.stack([self.weights.get(name, 1.0) * term.scalar() for name, term in terms.items()]).sum()


class GradNormWeights(Weighting):
    r"""Weights that give every term a gradient of the same length.

    $\hat\lambda_k = \sum_j \lVert\nabla_\theta L_j\rVert / \lVert\nabla_\theta L_k\rVert$, renewed every `every` calls
    and smoothed by $\lambda_k \leftarrow \gamma\lambda_k + (1-\gamma)\hat\lambda_k$; the first renewal is taken whole.

    Args:
        terms: names of the terms, in a fixed order.
        every: number of calls between renewals.
        smoothing: $\gamma$.

    Reference: Wang, Sankaran, Wang & Perdikaris (2023), arXiv:2308.08468, algorithm 1.
    """

    weights: Tensor
    calls: Tensor

    def __init__(self, terms: list[str], every: int = 1000, smoothing: float = 0.9) -> None:
        super().__init__()
        if every < 1 or not 0 <= smoothing < 1:
            raise ValueError(f"every={every} must be at least 1 and smoothing={smoothing} in [0, 1).")
        self.terms, self.every, self.smoothing = list(terms), every, smoothing
        self.register_buffer("weights", torch.ones(len(terms)))
        self.register_buffer("calls", torch.zeros((), dtype=torch.long))

    @classmethod
    def example(cls, terms: list[str]) -> "GradNormWeights":
        """One for these terms that renews often, for tests."""
        return cls(terms, every=2)

    def forward(self, terms: dict[str, Term], network: nn.Module) -> Float[Tensor, ""]:
        if set(terms) != set(self.terms):
            raise ValueError(f"terms={self.terms} do not match the objective's {sorted(terms)}.")
        losses = [terms[name].scalar() for name in self.terms]
        if self.training and torch.is_grad_enabled():
            if self.calls % self.every == 0:
                self._renew(losses, network)
            self.calls += 1
        return (self.weights * torch.stack(losses)).sum()

    def _renew(self, losses: list[Tensor], network: nn.Module) -> None:
        parameters = [p for p in network.parameters() if p.requires_grad]
        norms = torch.stack([_gradient_norm(loss, parameters) for loss in losses])
        # A term at its minimum has no gradient to balance: the clamp keeps its weight finite.
        target = norms.sum() / norms.clamp_min(torch.finfo(norms.dtype).tiny ** 0.5)
        first = bool(self.calls == 0)
        self.weights.copy_(target if first else self.smoothing * self.weights + (1 - self.smoothing) * target)


def _gradient_norm(loss: Tensor, parameters: list[nn.Parameter]) -> Tensor:
    gradients = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
    return torch.stack([g.detach().square().sum() for g in gradients if g is not None]).sum().sqrt()


def accepts(network: nn.Module) -> frozenset[str]:
    """Names of the keyword arguments that a network takes: its attribute `accepts`, else its signature."""
    declared = getattr(network, "accepts", None)
    if declared is not None:
        return frozenset(declared)
    return frozenset(inspect.signature(network.forward).parameters) & frozenset(NETWORK_ARGUMENTS)


def evaluate(network: nn.Module, batch: Batch) -> Tensor:
    """Calls a network on a batch with what it accepts and nothing else.

    Static fields are appended to `fields` along the channels; `time` is the lead time where there is one.
    """
    if batch.fields is None:
        raise ValueError("batch.fields is None; this objective needs fields on a grid.")
    fields = batch.fields if batch.static is None else torch.cat([batch.fields, batch.static], dim=1)
    offered = {
        "time": batch.lead if batch.lead is not None else batch.time,
        "params": batch.params,
        "coords": batch.coords,
        "mask": batch.mask,
    }
    taken = accepts(network)
    return network(fields, **{k: v for k, v in offered.items() if k in taken and v is not None})
