"""Linear layers as networks of the coordinates start with them: Glorot weights, zero biases, optionally factorised."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from sciml.numerics import Field


def glorot(in_features: int, out_features: int, bias: bool = True) -> nn.Linear:
    r"""A linear layer with $W_{ij} \sim N(0, 2 / (n_{in} + n_{out}))$ and $b = 0$."""
    layer = nn.Linear(in_features, out_features, bias=bias)
    nn.init.xavier_normal_(layer.weight)
    if bias:
        nn.init.zeros_(layer.bias)
    return layer


class FactorizedLinear(nn.Module):
    r"""$z \mapsto \mathrm{diag}(e^s) V z + b$, in which $s$ and $V$ are trained.

    At the start $s \sim N(\mu, \sigma^2)$, and $V$ is such that the product is a Glorot matrix: the map is that of a
    plain layer, the geometry in which it is trained is not.

    Args:
        in_features: length of $z$.
        out_features: length of the result.
        mean: $\mu$.
        spread: $\sigma$.

    Reference: Wang, Wang, Seidman & Perdikaris (2022), arXiv:2210.01274, algorithm 1.
    """

    def __init__(self, in_features: int, out_features: int, mean: float = 1.0, spread: float = 0.1) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.scale = nn.Parameter(torch.normal(mean, spread, (out_features,)))
        self.direction = nn.Parameter(nn.init.xavier_normal_(torch.empty(out_features, in_features)))
        self.bias = nn.Parameter(torch.zeros(out_features))
        with torch.no_grad():
            self.direction.div_(torch.exp(self.scale)[:, None])

    @property
    def weight(self) -> torch.Tensor:
        """The matrix of the map, `(out_features, in_features)`."""
        return torch.exp(self.scale)[:, None] * self.direction

    def forward(self, z: Field) -> Field:
        return functional.linear(z, self.weight, self.bias)


@dataclass(frozen=True)
class Factorization:
    r"""Makes every linear layer of a network a `FactorizedLinear`.

    Args:
        mean: of the logarithmic row scales; 0.5 to 1 is usual.
        spread: their standard deviation, at least 0.

    Raises:
        ValueError: a negative spread.
    """

    mean: float = 1.0
    spread: float = 0.1

    def __post_init__(self) -> None:
        if not self.spread >= 0:
            raise ValueError(f"spread={self.spread} must be at least 0.")


def dense(in_features: int, out_features: int, factorized: Factorization | None) -> nn.Module:
    """A linear layer at its start, factorised where that is asked for."""
    if factorized is None:
        return glorot(in_features, out_features)
    return FactorizedLinear(in_features, out_features, factorized.mean, factorized.spread)
