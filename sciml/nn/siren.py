"""Sinusoidal networks with the start that keeps the distribution of activations through the depth."""

import math
from itertools import pairwise

import torch
from torch import nn

from sciml.nn.coordinate_network import CoordinateMap, CoordinateNetwork, at_least_one
from sciml.numerics import Field


class SIREN(CoordinateNetwork):
    r"""$H_{l+1} = \sin(\omega_0 (W_l H_l + b_l))$, linear at the end.

    The first weights are uniform in $\pm 1/n$, the others in $\pm \sqrt{6/n} / \omega_0$, with $n$ inputs of a layer.

    Args:
        in_features: number of coordinates, best scaled to $[-1, 1]$.
        out_features: number of fields.
        width: of the hidden layers.
        depth: number of hidden layers.
        frequency: $\omega_0$; 30 suits images, equations are happier with less.
        embedding: a map of the coordinates in front.

    Raises:
        ValueError: a number below 1, a frequency that is not positive, or an embedding of another number of
            coordinates.

    Reference: Sitzmann, Martel, Bergman, Lindell & Wetzstein (2020), arXiv:2006.09661, section 3.2.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        width: int = 128,
        depth: int = 4,
        frequency: float = 30.0,
        embedding: CoordinateMap | None = None,
    ) -> None:
        super().__init__(in_features, out_features, embedding)
        at_least_one(width=width, depth=depth)
        if not frequency > 0:
            raise ValueError(f"frequency={frequency} must be positive.")
        self.frequency = frequency
        widths = [self.embedded, *[width] * depth, out_features]
        bounds = [1 / widths[0], *(math.sqrt(6 / n) / frequency for n in widths[1:-1])]
        layers = [_uniform(*size, bound) for size, bound in zip(pairwise(widths), bounds, strict=True)]
        self.hidden, self.last = nn.ModuleList(layers[:-1]), layers[-1]

    @classmethod
    def example(cls) -> "SIREN":
        return cls(2, 2, width=8, depth=2, frequency=3.0)

    def features(self, z: Field) -> Field:
        h = self.embed(z)
        for layer in self.hidden:
            h = torch.sin(layer(h) * self.frequency)
        return h


def _uniform(inputs: int, outputs: int, bound: float) -> nn.Linear:
    """A linear layer with weights in +-bound; torch's own start of the bias, +-1/sqrt(inputs), spreads the phases."""
    layer = nn.Linear(inputs, outputs)
    nn.init.uniform_(layer.weight, -bound, bound)
    return layer
