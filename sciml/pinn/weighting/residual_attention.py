"""Residual-based attention."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sciml.objective import FixedWeights, Term, Weighting
from sciml.pinn.weighting.per_point import PointState


class ResidualAttention(Weighting):
    r"""$\lambda_i \leftarrow \gamma\lambda_i + \eta\, |r_i| / \max_j |r_j|$ per point; the loss is the mean of
    $(\lambda_i r_i)^2$.

    Args:
        decay: $\gamma$.
        rate: $\eta$; weights stay below $\eta / (1 - \gamma)$.
        weights: constant weights of the terms on top; 1 where none is given.

    Raises:
        ValueError: a decay outside [0, 1) or a rate that is not positive.

    Reference: Anagnostopoulos, Toscano, Stergiopulos & Karniadakis (2024), Comput. Methods Appl. Mech. Eng. 421:116805,
    eq. (7).
    """

    def __init__(self, decay: float = 0.999, rate: float = 0.01, weights: dict[str, float] | None = None) -> None:
        super().__init__()
        if not 0 <= decay < 1 or rate <= 0:
            raise ValueError(f"decay={decay} must be in [0, 1) and rate={rate} positive.")
        self.decay, self.rate = decay, rate
        self.state, self.sum = PointState(0.0), FixedWeights(weights)

    def forward(self, terms: dict[str, Term], network: nn.Module) -> Float[Tensor, ""]:
        weighted = {}
        for name, term in terms.items():
            factors = self.state.of(name, term)
            if self.training and torch.is_grad_enabled():
                size = term.values.detach().sqrt()
                largest = size.max().clamp_min(torch.finfo(size.dtype).tiny)
                factors.mul_(self.decay).add_(size / largest, alpha=self.rate)
            weighted[name] = Term(factors.clone().square() * term.values, term.points, term.reduce)
        return self.sum(weighted, network)
