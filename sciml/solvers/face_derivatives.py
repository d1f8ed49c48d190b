"""First derivatives at the faces between cells, for viscous fluxes."""

from collections.abc import Mapping, Sequence

from jaxtyping import Float
from torch import Tensor

from sciml.numerics import Derivatives


class FaceDerivatives(Derivatives):
    """Second-order central differences at the midpoints of the faces across one axis.

    It differentiates `fields`, the means of the two cells beside a face, and nothing that is computed from them: their
    derivatives come from the cells.

    Args:
        cells: fields by name, `(b, *s)`, with one ghost cell at both ends of every axis.
        axis: number of the axis.
        names: of the axes.
        spacings: of the cells.
    """

    def __init__(
        self, cells: Mapping[str, Float[Tensor, "b *s"]], axis: int, names: Sequence[str], spacings: Sequence[float]
    ) -> None:
        super().__init__(names)
        self.axis, self.spacings = axis, spacings
        self.fields = {name: self._mean(self._inner(cell, axis)) for name, cell in cells.items()}
        self._cells = {id(self.fields[name]): cell for name, cell in cells.items()}

    def derivative(self, u: Tensor, counts: tuple[int, ...]) -> Tensor:
        """The derivative of one of `fields` along one axis.

        Raises:
            ValueError: another field, or a derivative of another order.
        """
        if sum(counts) != 1 or id(u) not in self._cells:
            raise ValueError("FaceDerivatives takes first derivatives of its own fields only.")
        cell, along = self._cells[id(u)], counts.index(1)
        inner = self._inner(cell, self.axis, along)
        n, dim = inner.shape[along + 1], along + 1
        if along == self.axis:
            return (inner.narrow(dim, 1, n - 1) - inner.narrow(dim, 0, n - 1)) / self.spacings[along]
        return self._mean((inner.narrow(dim, 2, n - 2) - inner.narrow(dim, 0, n - 2)) / (2 * self.spacings[along]))

    def coordinates(self) -> dict[str, Tensor]:
        """None: a viscous flux depends on the state and constants."""
        return {}

    def _inner(self, cell: Tensor, *whole: int) -> Tensor:
        """Without ghost cells but along the axes `whole`."""
        return cell[(slice(None), *(slice(None) if a in whole else slice(1, -1) for a in range(len(self.axes))))]

    def _mean(self, cell: Tensor) -> Tensor:
        n, dim = cell.shape[self.axis + 1], self.axis + 1
        return 0.5 * (cell.narrow(dim, 0, n - 1) + cell.narrow(dim, 1, n - 1))
