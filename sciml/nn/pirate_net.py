"""PirateNet: gated residual blocks that start as the identity, so that the network starts linear in its embedding."""

import torch
from torch import nn

from sciml.nn.coordinate_network import CoordinateMap, CoordinateNetwork, at_least_one
from sciml.nn.dense import Factorization, dense, glorot
from sciml.numerics import Field


class PirateBlock(nn.Module):
    r"""One block, with $\alpha$ trained from 0.

    $$f = \sigma(W_1 x + b_1), \; z_1 = f U + (1 - f) V, \; g = \sigma(W_2 z_1 + b_2), \; z_2 = g U + (1 - g) V,$$
    $$x \leftarrow \alpha\, \sigma(W_3 z_2 + b_3) + (1 - \alpha)\, x.$$

    Args:
        features: length of $x$.
        width: length of $U$ and $V$.
        activation: $\sigma$.
        factorized: makes the linear layers factorised ones.

    Reference: Wang, Li, Chen & Perdikaris (2024), arXiv:2402.00326, eqs. (4.2)-(4.7).
    """

    def __init__(self, features: int, width: int, activation: nn.Module, factorized: Factorization | None) -> None:
        super().__init__()
        self.activation = activation
        self.first = dense(features, width, factorized)
        self.second = dense(width, width, factorized)
        self.third = dense(width, features, factorized)
        self.alpha = nn.Parameter(torch.zeros(()))

    def forward(self, x: Field, v: Field, difference: Field) -> Field:
        """`difference` is $U - V$: each mixture is one product of jets."""
        z = v + self.activation(self.first(x)) * difference
        z = v + self.activation(self.second(z)) * difference
        return x + self.alpha * (self.activation(self.third(z)) - x)


class PirateNet(CoordinateNetwork):
    r"""Gated residual blocks over an embedding $x_0 = \Phi(z)$: $u = W x_L$, at the start $u = W \Phi(z)$.

    A last layer that is fitted to initial data (`fit_last_layer`) makes it the best linear combination of the
    embedding's features at once.

    Args:
        in_features: number of coordinates.
        out_features: number of fields.
        width: of the gates and inner layers.
        blocks: number of blocks, three layers each.
        activation: $\sigma$, tanh where none is given.
        embedding: $\Phi$; without one the network starts linear in the coordinates.
        factorized: makes the linear layers but the last factorised ones.

    Raises:
        ValueError: a number below 1, or an embedding of another number of coordinates.

    Reference: Wang, Li, Chen & Perdikaris (2024), arXiv:2402.00326, section 4.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        width: int = 256,
        blocks: int = 3,
        activation: nn.Module | None = None,
        embedding: CoordinateMap | None = None,
        factorized: Factorization | None = None,
    ) -> None:
        super().__init__(in_features, out_features, embedding)
        at_least_one(width=width, blocks=blocks)
        self.activation = nn.Tanh() if activation is None else activation
        self.first_gate = dense(self.embedded, width, factorized)
        self.second_gate = dense(self.embedded, width, factorized)
        self.blocks = nn.ModuleList(
            PirateBlock(self.embedded, width, self.activation, factorized) for _ in range(blocks)
        )
        self.last = glorot(self.embedded, out_features, bias=False)

    @classmethod
    def example(cls) -> "PirateNet":
        return cls(2, 2, width=8, blocks=2)

    def features(self, z: Field) -> Field:
        x = self.embed(z)
        u, v = self.activation(self.first_gate(x)), self.activation(self.second_gate(x))
        difference = u - v
        for block in self.blocks:
            x = block(x, v, difference)
        return x
