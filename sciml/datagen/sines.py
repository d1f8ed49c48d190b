"""Sums of sine waves with random amplitudes and phases."""

import math

import numpy as np

from sciml.datagen.boxes import meshgrid, shaped, unit_coordinates
from sciml.datagen.samplers import Count, FieldSampler, Integers, Range, draw_count, interval
from sciml.fields import Axis, Grid

#: Points per axis on which a function's largest value is looked for, whatever the grid that it is wanted on.
_REFERENCE = {1: 1024, 2: 128, 3: 32}


class SineSum(FieldSampler):
    r"""$u_0 = \sum_{i=1}^{N} A_i \sin(k_i \cdot (x - x_\mathrm{low}) + \phi_i)$, $k_i = 2\pi n_i / L$, $n_i$ whole.

    Published (PDEBench, advection and Burgers): one dimension, $N = 2$, $n_i \in \{1, ..., 8\}$, $A_i \in [0, 1]$,
    $\phi_i \in [0, 2\pi)$, all uniform; then with a probability of 0.1 each the absolute value with a random sign, and
    a window. Its reaction-diffusion set takes the absolute value always and divides by the maximum (`folded=1`,
    `signed=False`, `normalized=True`). Our reading: the window is $\frac12[\tanh\frac{\xi - a}{0.01} - \tanh\frac{\xi -
    b}{0.01}]$ along every axis, $\xi \in [0, 1]$, with $a \in [0.1, 0.45]$ and $b \in [0.55, 0.9]$; in more than one
    dimension $n_i$ has one entry per axis, all but the first with a random sign; the maximum is that over 1024 points
    (128 per axis in two dimensions, 32 in three), so that it does not depend on the grid.

    Args:
        waves: $N$.
        largest: bound of $n_i$.
        amplitude: ends of $A_i$.
        folded: probability of the absolute value.
        signed: whether a folded function gets a random sign.
        windowed: probability of the window.
        normalized: whether the function is divided by the maximum of its absolute value.

    Reference: Takamoto et al. (2022), PDEBench, arXiv:2210.07182, eq. (8) and appendix D.
    """

    def __init__(
        self,
        waves: int = 2,
        largest: int = 8,
        amplitude: Range = (0.0, 1.0),
        folded: float = 0.0,
        signed: bool = True,
        windowed: float = 0.0,
        normalized: bool = False,
    ) -> None:
        if waves < 1 or largest < 1:
            raise ValueError(f"waves={waves} and largest={largest} must be at least 1.")
        if not (0 <= folded <= 1 and 0 <= windowed <= 1):
            raise ValueError(f"folded={folded} and windowed={windowed} must lie in [0, 1].")
        self.waves, self.largest, self.amplitude = waves, largest, interval("amplitude", amplitude)
        self.folded, self.signed, self.windowed, self.normalized = folded, signed, windowed, normalized

    def draw(self, generator: np.random.Generator, grid: Grid) -> np.ndarray:
        shape = (self.waves, grid.dimensions)
        numbers = generator.integers(1, self.largest + 1, size=shape)
        numbers[:, 1:] *= generator.choice((-1, 1), size=shape)[:, 1:]
        amplitude = generator.uniform(*self.amplitude, size=self.waves)
        phase = 2 * math.pi * generator.random(self.waves)
        # Every number is drawn whether it is used or not: one option does not change what the others draw.
        fold, window = generator.random(2) < (self.folded, self.windowed)
        sign = generator.choice((-1.0, 1.0)) if self.signed else 1.0
        low, high = generator.uniform(0.1, 0.45), generator.uniform(0.55, 0.9)

        def function(where: Grid) -> np.ndarray:
            u = sine_waves(numbers, amplitude, phase, where)
            u = sign * np.abs(u) if fold else u
            for i, axis in enumerate(where.axes if window else ()):
                u = u * shaped(_window(axis, low, high), i, where.dimensions)
            return u

        if not self.normalized:
            return function(grid)
        n = _REFERENCE[grid.dimensions]
        reference = Grid(tuple(Axis(n, a.low, a.high, "cells") for a in grid.axes))
        return function(grid) / np.abs(function(reference)).max()


def sine_waves(numbers: np.ndarray, amplitude: np.ndarray, phase: np.ndarray, grid: Grid) -> np.ndarray:
    r"""$\sum_i A_i \sin(2\pi n_i \cdot \xi + \phi_i)$ at the points of a grid; `numbers` is `(i, d)`."""
    result = np.zeros(grid.shape)
    coordinates = meshgrid(grid)
    for n, a, p in zip(numbers, amplitude, phase, strict=True):
        result += a * np.sin(2 * math.pi * sum(k * xi for k, xi in zip(n, coordinates, strict=True)) + p)
    return result


def _window(axis: Axis, low: float, high: float) -> np.ndarray:
    xi = unit_coordinates(axis)
    return 0.5 * (np.tanh((xi - low) / 0.01) - np.tanh((xi - high) / 0.01))


class SineSeries(FieldSampler):
    r"""$u_0 = K^{-d} \sum_{k_1, ..., k_d = 1}^{K} a_k |k|^{-2r} \prod_a \sin(\pi k_a \xi_a)$, zero at its boundary.

    Published (the Allen-Cahn set of Poseidon, two dimensions): $K$ uniform on $\{16, ..., 32\}$, $r \in [0.7, 1]$,
    $a_k \in [-1, 1]$. $\xi_a \in [0, 1]$ is the coordinate along an axis as a fraction of its length.

    Args:
        count: $K$, or its distribution; the default is the published one.
        decay: ends of $r$.
        amplitude: ends of $a_k$.

    Reference: Herde et al. (2024), Poseidon, arXiv:2405.19101, appendix B.2.
    """

    def __init__(
        self,
        count: Count | None = None,
        decay: Range = (0.7, 1.0),
        amplitude: Range = (-1.0, 1.0),
    ) -> None:
        self.count: Count = Integers(16, 32) if count is None else count
        self.decay, self.amplitude = interval("decay", decay), interval("amplitude", amplitude)

    def draw(self, generator: np.random.Generator, grid: Grid) -> np.ndarray:
        count, d = draw_count(self.count, generator), grid.dimensions
        decay = generator.uniform(*self.decay)
        k = np.arange(1, count + 1)
        squares = sum(shaped(k**2, i, d) for i in range(d))
        values = generator.uniform(*self.amplitude, size=(count,) * d) * squares**-decay / count**d
        for axis in grid.axes:
            values = np.tensordot(values, np.sin(math.pi * np.outer(unit_coordinates(axis), k)), axes=(0, 1))
        return values
