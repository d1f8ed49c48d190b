"""Random functions of simple shape: constants, blocks, bumps, patches, and their sums."""

from collections.abc import Mapping, Sequence

import numpy as np

from sciml.datagen.boxes import block_index, shaped, unit_coordinates
from sciml.datagen.samplers import Count, FieldSampler, Range, StateSampler, draw_count, interval
from sciml.fields import Axis, Grid


class Constant(FieldSampler):
    """The same number everywhere.

    Args:
        value: the number, or `[low, high]` for one that is uniform between the two.
    """

    def __init__(self, value: float | Range = 0.0) -> None:
        self.value = interval("value", value if isinstance(value, Sequence) else (value, value))

    def draw(self, generator: np.random.Generator, grid: Grid) -> np.ndarray:
        return np.full(grid.shape, generator.uniform(*self.value))


class Sum(FieldSampler):
    """The sum of functions that are drawn one after the other.

    Args:
        terms: the samplers.
    """

    def __init__(self, terms: Sequence[FieldSampler]) -> None:
        if not len(terms) or not all(isinstance(t, FieldSampler) for t in terms):
            raise ValueError(f"terms={terms!r} must be a list of at least one FieldSampler.")
        self.terms = tuple(terms)

    def draw(self, generator: np.random.Generator, grid: Grid) -> np.ndarray:
        return sum((t.draw(generator, grid) for t in self.terms), start=np.zeros(grid.shape))


class PiecewiseConstant(FieldSampler):
    """A number per block of a box that is cut into `blocks` equal parts along each axis.

    Args:
        blocks: parts per axis.
        value: `[low, high]`, between which the numbers are uniform.
    """

    def __init__(self, blocks: int = 10, value: Range = (-1.0, 1.0)) -> None:
        if blocks < 1:
            raise ValueError(f"blocks={blocks} must be at least 1.")
        self.blocks, self.value = blocks, interval("value", value)

    def draw(self, generator: np.random.Generator, grid: Grid) -> np.ndarray:
        values = generator.uniform(*self.value, size=(self.blocks,) * grid.dimensions)
        return values[np.ix_(*(block_index(unit_coordinates(a), self.blocks) for a in grid.axes))]


class GaussianBumps(FieldSampler):
    r"""$\sum_{i=1}^n A_i \exp\left(-|x - c_i|^2 / (2 w_i^2)\right)$; periodic axes add images.

    Amplitude, centre and width of each bump are uniform between the given ends. The forced Burgers set of WDNO starts
    from the `Sum` of two of them, with $A \in [0, 2]$, $c \in [0.2, 0.4]$ and $A \in [-2, 0]$, $c \in [0.6, 0.8]$, both
    with $w \in [0.05, 0.15]$. The wave sets of Poseidon start from two to six, $A = 1$, $c \in [1/6, 5/6]$,
    $w \in [0.039, 0.156]$; its Poisson set has $\mathrm{Geom}(0.4)$ of them as source, $A = 1$, $w \in [0.025, 0.1]$.

    Args:
        count: $n$, or its distribution.
        amplitude: ends of $A$.
        centre: ends of $c$, unit of length; one pair for all axes, or one pair per axis.
        width: ends of $w > 0$, unit of length.

    Reference: Hu et al. (2025), Wavelet Diffusion Neural Operator, ICLR, appendix on Burgers' equation; Herde et al.
        (2024), Poseidon, arXiv:2405.19101, appendix B.2.
    """

    def __init__(
        self,
        count: Count = 1,
        amplitude: Range = (0.0, 1.0),
        centre: Range | Sequence[Range] = (0.0, 1.0),
        width: Range = (0.05, 0.15),
    ) -> None:
        if isinstance(count, int) and count < 1:
            raise ValueError(f"count={count} must be at least 1.")
        pairs = centre if all(isinstance(c, Sequence) for c in centre) else (centre,)
        self.count, self.amplitude, self.width = count, interval("amplitude", amplitude), interval("width", width)
        self.centre = tuple(interval("centre", c) for c in pairs)  # type: ignore[arg-type]
        if self.width[0] <= 0:
            raise ValueError(f"width={width!r} must be positive.")

    def draw(self, generator: np.random.Generator, grid: Grid) -> np.ndarray:
        ends = self.centre * grid.dimensions if len(self.centre) == 1 else self.centre
        if len(ends) != grid.dimensions:
            raise ValueError(f"centre has {len(ends)} pairs for a grid of {grid.dimensions} axes.")
        n = draw_count(self.count, generator)
        amplitude = generator.uniform(*self.amplitude, size=n)
        width = generator.uniform(*self.width, size=n)
        centres = [generator.uniform(*pair, size=n) for pair in ends]
        factors = [bump_factors(axis, c, width) for axis, c in zip(grid.axes, centres, strict=True)]
        return separable_sum(amplitude, factors)


def bump_factors(axis: Axis, centre: np.ndarray, width: np.ndarray) -> np.ndarray:
    r"""$\exp(-(x - c_i)^2 / (2 w_i^2))$ at the points of an axis, `(i, n)`; periodic axes add two images."""
    images = (-axis.length, 0.0, axis.length) if axis.kind == "periodic" else (0.0,)
    apart = axis.coords - centre[:, None]
    return sum(np.exp(-((apart + shift) ** 2) / (2 * width[:, None] ** 2)) for shift in images)


def separable_sum(amplitude: np.ndarray, factors: Sequence[np.ndarray]) -> np.ndarray:
    """`sum_i amplitude_i * factors[0]_i (x) factors[1]_i ...`, `(*s)`."""
    first, *others = factors
    result = amplitude[:, None] * first
    for factor in others[:-1]:
        result = result[..., None] * factor.reshape(len(factor), *[1] * (result.ndim - 1), -1)
    return result.sum(axis=0) if not others else np.tensordot(result, others[-1], axes=(0, 0))


class Plume(FieldSampler):
    r"""Smoke, $A \prod_a \frac12\left[\tanh\frac{\xi_a - c_a + s/2}{e} - \tanh\frac{\xi_a - c_a - s/2}{e}\right]$.

    $\xi_a \in [0, 1]$ is the coordinate along an axis as a fraction of its length. The defaults are the block of
    11 of 128 cells of WDNO's smoke, whose place is not published: here it is uniform over the lower middle of the box.

    Args:
        centre: ends of $c_a$ per axis, fractions of the box.
        size: $s$, fraction of the box.
        edge: $e > 0$, thickness of its edge, fraction of the box.
        amplitude: ends of $A$.

    Reference: Hu et al. (2025), Wavelet Diffusion Neural Operator, ICLR, appendix on two-dimensional fluid.
    """

    def __init__(
        self,
        centre: Sequence[Range] = ((0.3, 0.7), (0.15, 0.35)),
        size: float = 11 / 128,
        edge: float = 1 / 128,
        amplitude: Range = (1.0, 1.0),
    ) -> None:
        if not (size > 0 and edge > 0):
            raise ValueError(f"size={size} and edge={edge} must be positive.")
        self.centre = tuple(interval("centre", c) for c in centre)
        self.size, self.edge, self.amplitude = size, edge, interval("amplitude", amplitude)

    def draw(self, generator: np.random.Generator, grid: Grid) -> np.ndarray:
        if len(self.centre) != grid.dimensions:
            raise ValueError(f"centre has {len(self.centre)} pairs for a grid of {grid.dimensions} axes.")
        result = np.full([1] * grid.dimensions, generator.uniform(*self.amplitude))
        for i, (axis, ends) in enumerate(zip(grid.axes, self.centre, strict=True)):
            apart = unit_coordinates(axis) - generator.uniform(*ends)
            inside = np.tanh((apart + self.size / 2) / self.edge) - np.tanh((apart - self.size / 2) / self.edge)
            result = result * shaped(0.5 * inside, i, grid.dimensions)
        return result


class Patches(StateSampler):
    r"""Patches of one mixture in another: $u = u_0 + (u_1 - u_0)\,s$ with $s = 1 - \prod_i (1 - g_i)$, per component.

    $g_i$ are Gaussian bumps of height one, the same for all components, so that $0 \le s \le 1$ however they overlap.
    The defaults are those of the Gray-Scott model, where patches of $(1/2, 1/4)$ lie in the state $(1, 0)$.

    Args:
        background: $u_0$ by component.
        inside: $u_1$ by component.
        count: number of patches, or its distribution.
        width: ends of the bumps' width, unit of length.

    Reference: Pearson (1993), Science 261:189-192, for the two mixtures.
    """

    def __init__(
        self,
        background: Mapping[str, float] | None = None,
        inside: Mapping[str, float] | None = None,
        count: Count = 8,
        width: Range = (0.02, 0.05),
    ) -> None:
        self.background = dict(background or {"u": 1.0, "v": 0.0})
        self.inside = dict(inside or {"u": 0.5, "v": 0.25})
        if set(self.background) != set(self.inside):
            raise ValueError(f"inside has {sorted(self.inside)}; background has {sorted(self.background)}.")
        self.count, self.width = count, interval("width", width)
        if self.width[0] <= 0:
            raise ValueError(f"width={width!r} must be positive.")

    def components(self, generator: np.random.Generator, grid: Grid) -> dict[str, np.ndarray]:
        n = draw_count(self.count, generator)
        width = generator.uniform(*self.width, size=n)
        outside = np.ones(grid.shape)
        centres = [axis.low + axis.length * generator.random(n) for axis in grid.axes]
        for i in range(n):
            one = [bump_factors(a, c[i : i + 1], width[i : i + 1]) for a, c in zip(grid.axes, centres, strict=True)]
            outside *= 1.0 - np.clip(separable_sum(np.ones(1), one), 0.0, 1.0)
        return {k: v + (self.inside[k] - v) * (1.0 - outside) for k, v in self.background.items()}
