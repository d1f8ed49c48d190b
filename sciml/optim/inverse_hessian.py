"""A dense inverse Hessian that is changed by symmetric matrices of rank two."""

import torch
from jaxtyping import Float
from torch import Tensor

#: Changes that are collected before they are written into the matrix.
WINDOW = 8


class InverseHessian:
    r"""$H = \beta H_0 + W \Lambda W^T$ with a few columns $W$ that wait to be written into $H_0$.

    For thousands of parameters a pass over the matrix is what an iteration costs. A product reads it once; writing the
    changes of `WINDOW` iterations by one matrix product saves most of the passes that each of them would make.

    Args:
        matrix: $H_0$, `(n, n)`, changed in place.
    """

    def __init__(self, matrix: Float[Tensor, "n n"]) -> None:
        self.matrix = matrix
        self._scale = 1.0
        self._columns: list[Tensor] = []
        self._weights: list[Tensor] = []

    def apply(self, vector: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """$H v$."""
        product = self.matrix.mv(vector).mul_(self._scale)
        for columns, weights in zip(self._columns, self._weights, strict=True):
            product.addmv_(columns, weights * columns.mT.mv(vector))
        return product

    def change(self, scale: float, columns: Float[Tensor, "n 2"], weights: Float[Tensor, " 2"]) -> None:
        r"""$H \leftarrow \beta H + W \Lambda W^T$ with $\Lambda = \mathrm{diag}(\lambda)$."""
        self._scale *= scale
        self._weights = [scale * earlier for earlier in self._weights]
        self._columns.append(columns)
        self._weights.append(weights)
        if len(self._columns) == WINDOW:
            self.write()

    def write(self) -> None:
        """Writes what waits into the matrix."""
        if self._columns:
            weights = torch.cat(self._weights)
            # Both factors round alike up to the sign: else H would lose its symmetry, slowly but without end.
            columns = torch.cat(self._columns, dim=1) * weights.abs().sqrt()
            self.matrix.addmm_(columns * weights.sign(), columns.mT, beta=self._scale)
        self._scale, self._columns, self._weights = 1.0, [], []

    def reset(self) -> None:
        """$H = I$."""
        self._scale, self._columns, self._weights = 1.0, [], []
        self.matrix.zero_().fill_diagonal_(1.0)
