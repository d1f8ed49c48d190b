"""The multilayer perceptron as a function of the coordinates."""

from itertools import pairwise

from torch import nn

from sciml.nn.coordinate_network import CoordinateMap, CoordinateNetwork, at_least_one
from sciml.nn.dense import Factorization, dense
from sciml.numerics import Field


class MLP(CoordinateNetwork):
    r"""$H_{l+1} = \sigma(W_l H_l + b_l)$ from $H_0$, the embedded coordinates; linear at the end.

    Args:
        in_features: number of coordinates.
        out_features: number of fields.
        width: of the hidden layers.
        depth: number of hidden layers.
        activation: $\sigma$, tanh where none is given.
        embedding: a map of the coordinates in front.
        factorized: makes the linear layers factorised ones.

    Raises:
        ValueError: a number below 1, or an embedding of another number of coordinates.
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
        widths = [self.embedded, *[width] * depth]
        self.hidden = nn.ModuleList(dense(a, b, factorized) for a, b in pairwise(widths))
        self.last = dense(width, out_features, factorized)

    @classmethod
    def example(cls) -> "MLP":
        return cls(2, 2, width=8, depth=2)

    def features(self, z: Field) -> Field:
        h = self.embed(z)
        for layer in self.hidden:
            h = self.activation(layer(h))
        return h
