"""Conditions as constraints."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sciml.objective import Term, Weighting
from sciml.pinn.weighting.per_point import PointState


class AugmentedLagrangian(Weighting):
    r"""$\sum_\text{others} L_k + \sum_\text{constraints} \overline{\lambda_i r_i} + \tfrac{\mu}{2} \overline{r_i^2}$
    with one multiplier per point.

    Every `every` calls the multipliers rise by $\mu r_i$ and the penalty grows, $\mu \leftarrow \min(\kappa\mu,
    \mu_\max)$. The constraints' points must stay the same; multipliers start anew with new points.

    Args:
        constraints: names of the terms that are constraints; they must have `residuals`.
        penalty: $\mu$ at the start.
        growth: $\kappa \ge 1$.
        most: $\mu_\max$.
        every: number of calls between updates.

    Raises:
        ValueError: no constraints, numbers out of range, a name that is no term, or a term without residuals.

    Reference: Nocedal & Wright (2006), Numerical Optimization, framework 17.3; Basir & Senocak (2022), J. Comput. Phys.
    463:111301.
    """

    penalty: Tensor
    calls: Tensor

    def __init__(
        self, constraints: list[str], penalty: float = 1.0, growth: float = 1.2, most: float = 1e4, every: int = 100
    ) -> None:
        super().__init__()
        if not constraints or penalty <= 0 or growth < 1 or most < penalty or every < 1:
            raise ValueError(
                f"constraints={constraints} must name a term, penalty={penalty} be positive, growth={growth} at least "
                f"1, most={most} not below penalty, every={every} at least 1."
            )
        self.constraints, self.growth, self.most, self.every = list(constraints), growth, most, every
        self.multipliers = PointState(0.0)
        self.register_buffer("penalty", torch.tensor(float(penalty)))
        self.register_buffer("calls", torch.zeros((), dtype=torch.long))

    @classmethod
    def example(cls, terms: list[str]) -> "AugmentedLagrangian":
        """One that takes the last term for a constraint and learns often, for tests."""
        return cls(terms[-1:], every=2)

    def forward(self, terms: dict[str, Term], network: nn.Module) -> Float[Tensor, ""]:
        if unknown := set(self.constraints) - set(terms):
            raise ValueError(f"constraints names {sorted(unknown)}; the objective's terms are {sorted(terms)}.")
        learning = self.training and torch.is_grad_enabled()
        due = learning and bool(self.calls % self.every == 0) and bool(self.calls > 0)
        total: Tensor = sum((t.scalar() for n, t in terms.items() if n not in self.constraints), start=torch.zeros(()))
        for name in self.constraints:
            term = terms[name]
            if term.residuals is None:
                raise ValueError(f"constraints: the term {name!r} is not made of residuals.")
            multipliers = self.multipliers.of(name, term)
            if due:
                multipliers.add_(self.penalty.to(multipliers) * term.residuals.detach())
            penalty = self.penalty.to(term.values)
            total = total + (multipliers.clone() * term.residuals).mean() + 0.5 * penalty * term.values.mean()
        if learning:
            if due:
                self.penalty.mul_(self.growth).clamp_(max=self.most)
            self.calls += 1
        return total
