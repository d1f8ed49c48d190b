"""Right-hand sides that do not change in time: what stirs a flow."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from sciml.datagen.forcing import ForcingSampler, Numbers
from sciml.fields import Grid


class SineForcing(ForcingSampler):
    r"""$g(x) = \sum_i A_i \sin(2\pi n_i \cdot \xi + \phi_i)$, the same in every sample.

    $\xi \in [0, 1]$ is the coordinate along an axis as a fraction of its length. The defaults are the force of the
    flow of the operator-learning literature, $\frac{1}{10}(\sin 2\pi(x + y) + \cos 2\pi(x + y))$ on the unit square.

    Args:
        amplitude: $A_i$.
        numbers: whole $n_i$, one entry per axis each.
        phase: $\phi_i$, radians.

    Reference: Li et al. (2021), Fourier Neural Operator, section 5.3.
    """

    steady = True

    def __init__(
        self,
        amplitude: Sequence[float] = (0.1, 0.1),
        numbers: Sequence[Sequence[int]] = ((1, 1), (1, 1)),
        phase: Sequence[float] = (0.0, 0.5 * math.pi),
    ) -> None:
        self.amplitude, self.phase = tuple(map(float, amplitude)), tuple(map(float, phase))
        self.numbers = tuple(tuple(n) for n in numbers)
        if not len(self.amplitude) == len(self.numbers) == len(self.phase) >= 1:
            raise ValueError(
                f"amplitude, numbers and phase have {len(self.amplitude)}, {len(self.numbers)} and {len(self.phase)}"
                " entries; they need the same number of them, one at least."
            )

    def draw(self, generator: np.random.Generator, grid: Grid, times: Sequence[float]) -> Numbers:
        if any(len(n) != grid.dimensions for n in self.numbers):
            raise ValueError(f"numbers={self.numbers!r} must have {grid.dimensions} entries each, one per axis.")
        low, length = (np.array([getattr(a, end) for a in grid.axes]) for end in ("low", "length"))
        wave = 2 * math.pi * np.array(self.numbers, dtype=float) / length
        return {"amplitude": np.array(self.amplitude), "wave": wave.T, "phase": np.array(self.phase) - wave @ low}

    def evaluate(self, numbers: Mapping[str, Any], x: Sequence[Any], t: Any) -> Any:
        total: Any = 0.0
        for i in range(len(self.amplitude)):
            angle = numbers["phase"][i]
            for a, points in enumerate(x):
                angle = angle + numbers["wave"][a, i] * points
            total = total + numbers["amplitude"][i] * torch.sin(angle)
        return total
