"""Separable networks: sums of products of functions of one coordinate each, cheap on tensor grids."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from sciml.nn.coordinate_network import CoordinateMap, at_least_one
from sciml.numerics import Field, TaylorMode, value


class SeparableNetwork(CoordinateMap):
    r"""$u_c(z) = \sum_{r=1}^R \prod_i f^{(i)}_{rc}(z_i)$.

    On a tensor grid of $N^d$ points the factors are evaluated at $dN$ points only.

    Args:
        factors: a network of one coordinate for each, `(..., 1) -> (..., R * out_features)`.
        out_features: number of fields.

    Raises:
        ValueError: no factor, one of several coordinates, or results that are no multiple of `out_features` or differ.

    Reference: Cho, Nam, Yang, Yun, Hong & Park (2023), arXiv:2306.15969, eq. (3).
    """

    summing: Tensor

    def __init__(self, factors: Sequence[CoordinateMap], out_features: int = 1) -> None:
        at_least_one(out_features=out_features)
        sizes = {f.out_features for f in factors}
        if len(sizes) != 1 or any(f.in_features != 1 for f in factors) or min(sizes) % out_features:
            raise ValueError(
                f"factors must be networks of one coordinate with equally many results, a multiple of {out_features}; "
                f"they map {[(f.in_features, f.out_features) for f in factors]}."
            )
        super().__init__(len(factors), out_features)
        self.rank = min(sizes) // out_features
        self.factors = nn.ModuleList(factors)
        self.register_buffer("summing", torch.eye(out_features).repeat(1, self.rank), persistent=False)

    @classmethod
    def example(cls) -> "SeparableNetwork":
        from sciml.nn.mlp import MLP

        return cls([MLP(1, 6, width=8, depth=1), MLP(1, 6, width=8, depth=1)], out_features=2)

    def forward(self, z: Field) -> Field:
        product = self.factors[0](z[..., :1])
        for i, factor in enumerate(self.factors[1:], start=1):
            product = product * factor(z[..., i : i + 1])
        return functional.linear(product, self.summing)

    def on_grid(
        self, coordinates: Sequence[Float[Tensor, " _"]], orders: Sequence[int] | None = None
    ) -> Float[Tensor, "..."]:
        r"""The fields, or one of their derivatives $\partial^{\beta} u$, on the tensor grid of the coordinates.

        Args:
            coordinates: those of each axis.
            orders: $\beta$, the order of the derivative along each axis; 0 without.

        Returns:
            `(n_1, ..., n_d, c)`.

        Raises:
            ValueError: another number of axes than the network has.
        """
        orders = [0] * self.in_features if orders is None else list(orders)
        if not len(coordinates) == len(orders) == self.in_features:
            raise ValueError(f"coordinates and orders must have {self.in_features} entries, one for each axis.")
        columns = [_factor(f, x, k) for f, x, k in zip(self.factors, coordinates, orders, strict=True)]
        parts = [c.reshape(len(c), self.rank, self.out_features) for c in columns]
        axes = range(self.in_features)
        # Operands with their axes by number: 0..d-1 are the grid, then rank and field.
        operands = [x for i, part in enumerate(parts) for x in (part, [i, self.in_features, self.in_features + 1])]
        return torch.einsum(*operands, [*axes, self.in_features + 1])


def _factor(network: nn.Module, x: Tensor, order: int) -> Tensor:
    """The derivative of a network of one coordinate at points, `(n, R * c)`."""
    engine = TaylorMode(x[:, None], ("x",), [(order,)])
    return value(engine.derivative(network(engine.coords), (order,)))
