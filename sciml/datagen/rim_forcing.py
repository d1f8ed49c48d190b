"""Control of a flow from the rim of its box: forces along the four sides that follow polylines in time."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from sciml.datagen.forcing import ForcingSampler, Numbers
from sciml.datagen.samplers import Range, interval
from sciml.fields import Grid


class RimPolylines(ForcingSampler):
    r"""$g(x, t) = \sum_{s} m_s(x)\, p_s(t)$ over the four sides $s$ of a box in the plane.

    $m_s = \frac12 [1 - \tanh((d_s - r)/e)]$, with the distance $d_s$ from the side as a fraction of the box, is one on
    the rim of the width $r$ and zero inside. $p_s$ is the polyline through $n + 1$ values at equal intervals of time.
    Published (WDNO's smoke): a control of the velocity outside the central 96 of 128 cells along each axis, $r = 1/8$,
    from random polylines with noise. Our reading: it is a force, the same along a side, each value is uniform, and
    there is no noise.

    Args:
        segments: $n$.
        amplitude: ends of the values.
        rim: $r$, in (0, 1/2).
        edge: $e > 0$.

    Reference: Hu et al. (2025), Wavelet Diffusion Neural Operator, ICLR, appendix on two-dimensional fluid.
    """

    def __init__(
        self, segments: int = 8, amplitude: Range = (-1.0, 1.0), rim: float = 1 / 8, edge: float = 1 / 64
    ) -> None:
        if segments < 1:
            raise ValueError(f"segments={segments} must be at least 1.")
        if not (0 < rim < 0.5 and edge > 0):
            raise ValueError(f"rim={rim} must lie in (0, 0.5) and edge={edge} be positive.")
        self.segments, self.amplitude = segments, interval("amplitude", amplitude)
        self.rim, self.edge = rim, edge

    def draw(self, generator: np.random.Generator, grid: Grid, times: Sequence[float]) -> Numbers:
        if grid.dimensions != 2:
            raise ValueError(f"RimPolylines is meant in 2 dimensions; the grid has {grid.dimensions}.")
        return {
            "values": generator.uniform(*self.amplitude, size=(2, 2, self.segments + 1)),
            "low": np.array([axis.low for axis in grid.axes]),
            "length": np.array([axis.length for axis in grid.axes]),
            "start": np.array(times[0]),
            "end": np.array(times[-1]),
        }

    def evaluate(self, numbers: Mapping[str, Any], x: Sequence[Any], t: Any) -> Any:
        place = (t - numbers["start"]) / (numbers["end"] - numbers["start"]) * self.segments
        total: Any = 0.0
        for a, points in enumerate(x):
            apart = (points - numbers["low"][a]) / numbers["length"][a]
            for side, distance in enumerate((apart, 1.0 - apart)):
                # A polyline is a sum of hats.
                level: Any = 0.0
                for k in range(self.segments + 1):
                    level = level + numbers["values"][a, side, k] * (1.0 - (place - k).abs()).clamp(min=0.0)
                total = total + 0.5 * (1.0 - torch.tanh((distance - self.rim) / self.edge)) * level
        return total
