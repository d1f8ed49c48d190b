"""Which points a condition is asked at: state in buffers, so that a resumed run has the same ones."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sciml.describe import Described
from sciml.fields.sequences import Sobol

#: Size of the residual at points, `(n, d) -> (n,)`, without gradients.
Magnitude = Callable[[Tensor], Tensor]


class Sampler(Described, nn.Module, ABC):
    r"""Holds the points of one condition and renews them.

    Args:
        points: how many.
        every: steps between renewals; drawn once when left out.
        sequence: point set of the unit cube that points are taken from; scrambled Sobol when left out.

    Raises:
        ValueError: no points, or `every` below 1.
    """

    #: The points, `(n, d)`; empty until they are drawn.
    points: Tensor

    def __init__(self, points: int = 1000, every: int | None = None, sequence: Any = None) -> None:
        super().__init__()
        if points < 1:
            raise ValueError(f"points={points} must be at least 1: a condition without points says nothing.")
        if every is not None and every < 1:
            raise ValueError(f"every={every} must be at least 1.")
        self.size, self.every, self.sequence = points, every, sequence or Sobol()
        self.register_buffer("points", torch.empty(0, 0, dtype=torch.float64))

    def weights(self) -> Float[Tensor, " n"] | None:
        """Weight of each point in the mean; `None` where all count alike."""
        return None

    def due(self, step: int) -> bool:
        """Whether the points are renewed before this step."""
        return not len(self.points) or (self.every is not None and step % self.every == 0 and step > 0)

    def forget(self) -> None:
        """Drops the points."""
        self.points = self.points[:0]

    def renew(self, region: Any, residual: Magnitude, generator: torch.Generator) -> None:
        """Draws the points of the next steps.

        Args:
            region: where they lie (`sample(n, sequence, generator)`).
            residual: size of the residual at candidates.
            generator: of the random numbers.

        Raises:
            ValueError: no point came out.
        """
        drawn = self.draw(region, residual, generator)
        if not len(drawn):
            raise ValueError(f"{type(self).__name__} found no point in the region {region}; a condition needs one.")
        self.points = drawn.to(device=self.points.device)

    @abstractmethod
    def draw(self, region: Any, residual: Magnitude, generator: torch.Generator) -> Float[Tensor, "n d"]:
        """New points."""

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        # The number of points may change during training: what is stored says how many there are.
        for name, buffer in list(self._buffers.items()):
            stored = state_dict.get(prefix + name)
            if buffer is not None and isinstance(stored, Tensor) and stored.shape != buffer.shape:
                self._buffers[name] = torch.empty_like(stored, device=buffer.device)
        super()._load_from_state_dict(state_dict, prefix, *args)


class Quasirandom(Sampler):
    """A point set of the unit cube, the same for all steps or a new one `every` so many.

    Args:
        points, every, sequence: as in `Sampler`.
    """

    def draw(self, region: Any, residual: Magnitude, generator: torch.Generator) -> Float[Tensor, "n d"]:
        return region.sample(self.size, self.sequence, generator)


class TensorProduct(Sampler):
    """All pairs of random coordinates per axis, times ascending: every time sees every place.

    Args:
        counts: number of coordinates of each free column, in the order of the axes.
        every: as in `Sampler`.
        uniform: equally spaced cell midpoints instead of random coordinates.

    Raises:
        ValueError: no counts, or one below 1.
    """

    def __init__(self, counts: list[int], every: int | None = None, uniform: bool = False) -> None:
        if not counts or min(counts) < 1:
            raise ValueError(f"counts={counts} must name at least one coordinate per column.")
        total = 1
        for count in counts:
            total *= count
        super().__init__(total, every)
        self.counts, self.uniform = list(counts), uniform

    @classmethod
    def example(cls) -> "TensorProduct":
        return cls([8, 4])

    def draw(self, region: Any, residual: Magnitude, generator: torch.Generator) -> Float[Tensor, "n d"]:
        columns = []
        for count in self.counts:
            if self.uniform:
                columns.append((torch.arange(count, dtype=torch.float64) + 0.5) / count)
            else:
                columns.append(torch.rand(count, generator=generator, dtype=torch.float64).sort().values)
        # Time is the last column; it is made the slowest, so that equal chunks of the points are its slices.
        grid = torch.cartesian_prod(*reversed(columns)).view(-1, len(columns)).flip(1)
        return region.place(grid)
