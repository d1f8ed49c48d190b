"""Initial states of shallow water: a column that is let go."""

import numpy as np

from sciml.datagen.boxes import meshgrid
from sciml.datagen.samplers import Range, StateSampler, interval
from sciml.fields import Grid


class RadialDam(StateSampler):
    r"""Water at rest, $h = h_1$ within the distance $r$ of the middle of the box and $h_0$ outside: a dam that breaks.

    Published (PDEBench), on $(-2.5, 2.5)^2$: $h_1 = 2$, $h_0 = 1$, $r$ uniform on $[0.3, 0.7]$.

    Args:
        radius: ends of $r > 0$, unit of length.
        inside: $h_1 > 0$.
        outside: $h_0 > 0$.

    Reference: Takamoto et al. (2022), PDEBench, arXiv:2210.07182, appendix D.
    """

    def __init__(self, radius: Range = (0.3, 0.7), inside: float = 2.0, outside: float = 1.0) -> None:
        if not (inside > 0 and outside > 0):
            raise ValueError(f"inside={inside} and outside={outside} must be positive.")
        self.radius, self.inside, self.outside = interval("radius", radius), inside, outside
        if self.radius[0] <= 0:
            raise ValueError(f"radius={radius!r} must be positive.")

    def components(self, generator: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
        radius = generator.uniform(*self.radius)
        apart = sum(((xi - 0.5) * a.length) ** 2 for xi, a in zip(meshgrid(grid), grid.axes, strict=True))
        depth = np.where(apart <= radius**2, self.inside, self.outside)
        return {"depth": depth, **{f"velocity_{n}": np.zeros(grid.shape) for n in grid.names}}
