"""Weights from the traces of the neural tangent kernel."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sciml.objective import Term, Weighting


class NTKWeights(Weighting):
    r"""$\hat\lambda_k = \sum_j \operatorname{tr} K_j / \operatorname{tr} K_k$ with $\operatorname{tr} K_k =
    \overline{\|\partial r_k/\partial\theta\|^2}$.

    The mean is taken over `points` evenly spaced points of a term. Weights are renewed every `every` calls, smoothed by
    $\lambda_k \leftarrow \gamma\lambda_k + (1-\gamma)\hat\lambda_k$; the first renewal is taken whole.

    Args:
        terms: names of the terms, in a fixed order; they must have `residuals`.
        every: number of calls between renewals.
        smoothing: $\gamma$.
        points: number of points per term whose gradients are computed.

    Raises:
        ValueError: `every` or `points` below 1, smoothing outside [0, 1), or terms that do not match.

    Reference: Wang, Yu & Perdikaris (2022), J. Comput. Phys. 449:110768, algorithm 1; Wang, Sankaran, Wang & Perdikaris
    (2023),
    arXiv:2308.08468, section 5.2.
    """

    weights: Tensor
    calls: Tensor

    def __init__(self, terms: list[str], every: int = 1000, smoothing: float = 0.9, points: int = 64) -> None:
        super().__init__()
        if every < 1 or points < 1 or not 0 <= smoothing < 1:
            raise ValueError(f"every={every} and points={points} must be at least 1, smoothing={smoothing} in [0, 1).")
        self.terms, self.every, self.smoothing, self.points = list(terms), every, smoothing, points
        self.register_buffer("weights", torch.ones(len(terms)))
        self.register_buffer("calls", torch.zeros((), dtype=torch.long))

    @classmethod
    def example(cls, terms: list[str]) -> "NTKWeights":
        """One for these terms that renews often, for tests."""
        return cls(terms, every=2)

    def forward(self, terms: dict[str, Term], network: nn.Module) -> Float[Tensor, ""]:
        if set(terms) != set(self.terms):
            raise ValueError(f"terms={self.terms} do not match the objective's {sorted(terms)}.")
        if self.training and torch.is_grad_enabled():
            if self.calls % self.every == 0:
                self._renew(terms, network)
            self.calls += 1
        return (self.weights * torch.stack([terms[name].scalar() for name in self.terms])).sum()

    def _renew(self, terms: dict[str, Term], network: nn.Module) -> None:
        parameters = [p for p in network.parameters() if p.requires_grad]
        traces = torch.stack([mean_trace(terms[name], parameters, self.points) for name in self.terms])
        target = traces.sum() / traces.clamp_min(torch.finfo(traces.dtype).tiny ** 0.5)
        first = bool(self.calls == 0)
        self.weights.copy_(target if first else self.smoothing * self.weights + (1 - self.smoothing) * target)


def mean_trace(term: Term, parameters: list[nn.Parameter], points: int) -> Float[Tensor, ""]:
    r"""$\overline{\|\partial r/\partial\theta\|^2}$ over evenly spaced points of a term.

    Raises:
        ValueError: the term has no residuals.
    """
    if term.residuals is None:
        raise ValueError("NTK weights need terms that are made of residuals.")
    chosen = torch.linspace(0, len(term.residuals) - 1, min(points, len(term.residuals))).round().long()
    total = term.residuals.new_zeros(())
    for residual in term.residuals[chosen.to(term.residuals.device)]:
        gradients = torch.autograd.grad(residual, parameters, retain_graph=True, allow_unused=True)
        total = total + torch.stack([g.square().sum() for g in gradients if g is not None]).sum()
    return total.detach() / len(chosen)
