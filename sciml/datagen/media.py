"""Random media for waves: layers with curved interfaces, and smooth anomalies in a uniform background."""

import math

import numpy as np

from sciml.datagen.boxes import meshgrid
from sciml.datagen.profiles import bump_factors, separable_sum
from sciml.datagen.samplers import Count, FieldSampler, Integers, Range, draw_count, interval
from sciml.fields import Grid

#: The corners around which `GaussianMedium` places its anomalies, fractions of the box.
_ANCHORS = np.array([[0.25, 0.25], [0.25, 0.75], [0.75, 0.25], [0.75, 0.75]])


class LayeredMedium(FieldSampler):
    r"""$c = c_l$ between the interfaces $\eta_l(\xi)$ and $\eta_{l+1}(\xi)$, stacked along the last axis of the box.

    Published (Poseidon's Wave-Layer): three to six layers, interfaces of ten sine modes whose coefficients are uniform
    and rescaled so that they do not cross, $c_l \in [2000, 5000]$. Our reading: the mean depths $d_l$ divide the box in
    the proportion of numbers from $[1/2, 3/2]$, and $\eta_l = d_l + \frac{s}{2} \min_m (d_{m+1} - d_m) \sum_j a_{lj}
    \sin(j \pi \xi + \pi b_{lj}) / \sum_j a_{lj}$ with $a$, $b$ in $[0, 1]$, which cannot cross for $s < 1$; in three
    dimensions it is the mean of two such sums.

    Args:
        layers: number of layers, or its distribution; three to six when left out.
        speed: ends of $c_l > 0$.
        modes: number of sine modes.
        strength: $s$ in `[0, 1)`.

    Reference: Herde et al. (2024), Poseidon, arXiv:2405.19101, appendix B.2.
    """

    def __init__(
        self,
        layers: Count | None = None,
        speed: Range = (2000.0, 5000.0),
        modes: int = 10,
        strength: float = 0.9,
    ) -> None:
        if not (modes >= 1 and 0 <= strength < 1):
            raise ValueError(f"modes={modes} must be at least 1 and strength={strength} lie in [0, 1).")
        self.layers: Count = Integers(3, 6) if layers is None else layers
        self.speed, self.modes, self.strength = interval("speed", speed), modes, strength
        if self.speed[0] <= 0:
            raise ValueError(f"speed={speed!r} must be positive.")

    def draw(self, generator: np.random.Generator, grid: Grid) -> np.ndarray:
        layers = draw_count(self.layers, generator)
        speed = generator.uniform(*self.speed, size=layers)
        thickness = generator.uniform(0.5, 1.5, size=layers)
        thickness /= thickness.sum()
        *across, depth = meshgrid(grid)
        number = np.zeros(grid.shape, dtype=int)
        for mean in np.cumsum(thickness)[:-1]:
            interface = mean + 0.5 * self.strength * thickness.min() * self._shape(generator, across)
            number += depth >= interface
        return speed[number]

    def _shape(self, generator: np.random.Generator, across: list[np.ndarray]) -> np.ndarray | float:
        """A function between -1 and 1 of the coordinates along the layers."""
        waves = []
        for xi in across:
            a, b = generator.random((2, self.modes))
            j = np.arange(1, self.modes + 1)
            waves.append(np.sin(math.pi * (xi[..., None] * j + b)) @ (a / a.sum()))
        return sum(waves) / len(waves) if waves else 0.0


class GaussianMedium(FieldSampler):
    r"""$c = c_0 + \sum_{i=1}^{4} v_i \exp\left(-|\xi - a_i - \delta_i|^2 / (2 \sigma_i^2)\right)$ in two dimensions.

    Published (Poseidon's Wave-Gauss), all uniform: $c_0 \in [1500, 2500]$, $v_i \in [1000, 2500]$, $\sigma_i \in [1/12,
    1/6]$, $\delta_i \in [-0.3125, 0.3125]^2$ around the anchors $a_i \in \{1/4, 3/4\}^2$, on the unit square; here
    lengths are fractions of the box.

    Args:
        background: ends of $c_0 > 0$.
        height: ends of $v_i$, not negative.
        width: ends of $\sigma_i > 0$.
        shift: largest component of $\delta_i$.

    Reference: Herde et al. (2024), Poseidon, arXiv:2405.19101, appendix B.2.
    """

    def __init__(
        self,
        background: Range = (1500.0, 2500.0),
        height: Range = (1000.0, 2500.0),
        width: Range = (1 / 12, 1 / 6),
        shift: float = 0.3125,
    ) -> None:
        self.background, self.height = interval("background", background), interval("height", height)
        self.width, self.shift = interval("width", width), shift
        if not (self.background[0] > 0 and self.height[0] >= 0 and self.width[0] > 0):
            raise ValueError(
                f"background={background!r} and width={width!r} must be positive, height={height!r} not < 0."
            )

    def draw(self, generator: np.random.Generator, grid: Grid) -> np.ndarray:
        if grid.dimensions != 2:
            raise ValueError(f"GaussianMedium is meant in 2 dimensions; the grid has {grid.dimensions}.")
        background = generator.uniform(*self.background)
        height, width = generator.uniform(*self.height, size=4), generator.uniform(*self.width, size=4)
        centres = _ANCHORS + generator.uniform(-self.shift, self.shift, size=(4, 2))
        factors = [
            bump_factors(axis, axis.low + axis.length * c, axis.length * width)
            for axis, c in zip(grid.axes, centres.T, strict=True)
        ]
        return background + separable_sum(height, factors)
