"""The modified multilayer perceptron: every layer mixes two encodings of the coordinates."""

from itertools import pairwise

from torch import nn

from sciml.nn.coordinate_network import CoordinateMap, CoordinateNetwork, at_least_one
from sciml.nn.dense import Factorization, dense
from sciml.numerics import Field


class ModifiedMLP(CoordinateNetwork):
    r"""$H_{l+1} = Z \odot U + (1 - Z) \odot V$ with $Z = \sigma(W_l H_l + b_l)$.

    The gates are $U, V = \sigma(W_{U,V} H_0 + b_{U,V})$.

    Args:
        in_features: number of coordinates.
        out_features: number of fields.
        width: of the hidden layers and of $U$, $V$.
        depth: number of hidden layers.
        activation: $\sigma$, tanh where none is given.
        embedding: a map of the coordinates in front, which gives $H_0$.
        factorized: makes the linear layers factorised ones.

    Raises:
        ValueError: a number below 1, or an embedding of another number of coordinates.

    Reference: Wang, Teng & Perdikaris (2021), SIAM J. Sci. Comput. 43:A3055, section 2.6.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        width: int = 128,
        depth: int = 4,
        activation: nn.Module | None = None,
        embedding: CoordinateMap | None = None,
        factorized: Factorization | None = None,
    ) -> None:
        super().__init__(in_features, out_features, embedding)
        at_least_one(width=width, depth=depth)
        self.activation = nn.Tanh() if activation is None else activation
        self.first_encoder = dense(self.embedded, width, factorized)
        self.second_encoder = dense(self.embedded, width, factorized)
        widths = [self.embedded, *[width] * depth]
        self.hidden = nn.ModuleList(dense(a, b, factorized) for a, b in pairwise(widths))
        self.last = dense(width, out_features, factorized)

    @classmethod
    def example(cls) -> "ModifiedMLP":
        return cls(2, 2, width=8, depth=2)

    def features(self, z: Field) -> Field:
        h = self.embed(z)
        u, v = self.activation(self.first_encoder(h)), self.activation(self.second_encoder(h))
        difference = u - v
        for layer in self.hidden:
            # V + Z (U - V): one product of jets for each layer instead of two.
            h = v + self.activation(layer(h)) * difference
        return h
