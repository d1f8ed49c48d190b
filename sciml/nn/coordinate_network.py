"""What networks of the coordinates have in common: an embedding in front, features, a linear layer at the end."""

from abc import ABC, abstractmethod

from torch import nn

from sciml.describe import Described
from sciml.nn.frozen import Frozen
from sciml.numerics import Field


class CoordinateMap(Described, nn.Module, ABC):
    """A map of points, `(..., in_features)` to `(..., out_features)`, on tensors of any leading shape and on jets.

    Args:
        in_features: number of coordinates.
        out_features: number of results at a point.

    Raises:
        ValueError: a number below 1.
    """

    #: Marks what the contract tests of coordinate networks pick up.
    of_coordinates = True

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        at_least_one(in_features=in_features, out_features=out_features)
        self.in_features, self.out_features = in_features, out_features

    @abstractmethod
    def forward(self, z: Field) -> Field: ...


class CoordinateNetwork(CoordinateMap):
    """$u(z) = W f(z) + b$: the features $f$ are what a subclass writes, `last` is the linear layer.

    Args:
        in_features: number of coordinates, in the order of `Problem.axes`.
        out_features: number of fields.
        embedding: a map of the coordinates in front of the network.

    Raises:
        ValueError: a number below 1, or an embedding of another number of coordinates.
    """

    last: nn.Module

    def __init__(self, in_features: int, out_features: int, embedding: CoordinateMap | None = None) -> None:
        super().__init__(in_features, out_features)
        if embedding is not None and embedding.in_features != in_features:
            raise ValueError(f"in_features={in_features} must be the {embedding.in_features} of the embedding.")
        self.embedding = embedding
        trained = embedding is not None and any(p.requires_grad for p in embedding.parameters())
        # The same module, not a part of its own: the names of the state dict are the embedding's.
        self.__dict__["_embedding"] = embedding if embedding is None or trained else Frozen(embedding)

    @property
    def embedded(self) -> int:
        """Number of inputs behind the embedding."""
        return self.in_features if self.embedding is None else self.embedding.out_features

    def embed(self, z: Field) -> Field:
        return z if self.embedding is None else self.__dict__["_embedding"](z)

    @abstractmethod
    def features(self, z: Field) -> Field:
        """What the last layer combines, `(..., width)`."""

    def forward(self, z: Field) -> Field:
        return self.last(self.features(z))


def at_least_one(**numbers: int) -> None:
    """Raises `ValueError` for the first number below 1."""
    for name, number in numbers.items():
        if number < 1:
            raise ValueError(f"{name}={number} must be at least 1.")
