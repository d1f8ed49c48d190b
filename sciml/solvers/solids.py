"""Solid bodies in a flow: whole cells that no fluid enters."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor

from sciml.fields import Grid


@dataclass(frozen=True)
class SolidBoxes:
    """Boxes along the axes; a cell is solid where its centre lies inside one. Fluid does not slip along them.

    A scalar in solid cells stays as it was; a limiter beside them sees it.

    Args:
        boxes: of each, the low and the high corner, `((x, y), (x, y))`.

    Raises:
        ValueError: corners of different lengths, or a low one that is not below the high one.
    """

    boxes: Sequence[Sequence[Sequence[float]]]

    def __post_init__(self) -> None:
        object.__setattr__(self, "boxes", tuple((tuple(low), tuple(high)) for low, high in self.boxes))
        for low, high in self.boxes:
            if len(low) != len(high) or not all(a < b for a, b in zip(low, high, strict=True)):
                raise ValueError(
                    f"boxes holds {low} to {high}; the low corner must be below the high one on every axis."
                )

    def cells(self, grid: Grid) -> Bool[Tensor, "*s"]:
        """Which cells are solid.

        Raises:
            ValueError: a box of another number of dimensions.
        """
        mesh = grid.meshgrid()
        solid = torch.zeros(grid.shape, dtype=torch.bool)
        for low, high in self.boxes:
            if len(low) != grid.dimensions:
                raise ValueError(
                    f"boxes holds a corner {low} of {len(low)} numbers; the grid has {grid.dimensions} axes."
                )
            inside = [(x > a) & (x < b) for x, a, b in zip(mesh, low, high, strict=True)]
            solid |= torch.stack(inside).all(0)
        return solid
