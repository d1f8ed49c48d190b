"""Self-adaptive weights: a network that descends, against weights that climb."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sciml.objective import FixedWeights, Term, Weighting
from sciml.pinn.weighting.per_point import PointState


class SelfAdaptive(Weighting):
    r"""$\min_\theta \max_\lambda \sum_k \overline{m(\lambda_i)\, r_i^2}$ with the mask $m(\lambda) = \lambda^q$; ascent
    in $\lambda$ once per step.

    Args:
        rate: length of an ascent step, $\lambda_i \leftarrow \lambda_i + \rho\, m'(\lambda_i)\, r_i^2 /
            \overline{r^2}$: squared residuals enter relative to their mean, so that $\rho$ does not depend on the scale
            of the problem.
        power: $q \ge 1$.
        limit: largest weight.
        weights: constant weights of the terms on top; 1 where none is given.

    Raises:
        ValueError: a rate that is not positive, a power below 1, or a limit that is not above 1.

    Reference: McClenny & Braga-Neto (2023), J. Comput. Phys. 474:111722, eqs. (8)-(14).
    """

    def __init__(
        self, rate: float = 1e-2, power: float = 1.0, limit: float = 1e3, weights: dict[str, float] | None = None
    ) -> None:
        super().__init__()
        if rate <= 0 or power < 1 or limit <= 1:
            raise ValueError(f"rate={rate} must be positive, power={power} at least 1 and limit={limit} above 1.")
        self.rate, self.power, self.limit = rate, power, limit
        self.state, self.sum = PointState(1.0), FixedWeights(weights)

    def forward(self, terms: dict[str, Term], network: nn.Module) -> Float[Tensor, ""]:
        weighted = {}
        for name, term in terms.items():
            climbing = self.state.of(name, term)
            if self.training and torch.is_grad_enabled():
                values = term.values.detach()
                relative = values / values.mean().clamp_min(torch.finfo(values.dtype).tiny)
                slope = self.power * climbing ** (self.power - 1)
                climbing.add_(slope * relative, alpha=self.rate).clamp_(max=self.limit)
            weighted[name] = Term(climbing**self.power * term.values, term.points, term.reduce)
        return self.sum(weighted, network)
