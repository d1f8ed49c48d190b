"""From one grid of a domain to another, axis by axis."""

import numpy as np

from sciml.fields import Axis, Grid


def resample(values: np.ndarray, source: Grid, target: Grid) -> np.ndarray:
    """Values at the points of another grid of the same domain.

    Periodic axes go through their Fourier series, which is exact for what both grids resolve; other axes are linear
    between points, and beyond the outermost ones (cells end half a cell inside the domain): second order.

    Args:
        values: `(..., *s)` on `source`.
        source, target: grids with the same ends and kinds of axes.

    Raises:
        ValueError: grids of different domains, or values of another shape.
    """
    ends = [[(a.low, a.high, a.kind == "periodic") for a in grid.axes] for grid in (source, target)]
    if ends[0] != ends[1]:
        raise ValueError(f"source and target are grids of different domains: {ends[0]} and {ends[1]}.")
    if values.shape[values.ndim - source.dimensions :] != source.shape:
        raise ValueError(f"values have shape {values.shape}; the source grid has {source.shape}.")
    for i, (old, new) in enumerate(zip(source.axes, target.axes, strict=True)):
        if old == new:
            continue
        dim = i - source.dimensions
        uniform = old.points is None and new.points is None
        along = _fourier if old.kind == "periodic" and uniform else _linear
        values = np.moveaxis(along(np.moveaxis(values, dim, -1), old, new), -1, dim)
    return values


def fourier_series(values: np.ndarray, axis: Axis, x: np.ndarray) -> np.ndarray:
    """Values at any points of the Fourier series through values on a periodic axis.

    Args:
        values: `(..., n)` on the points of `axis`.
        axis: periodic and uniform.
        x: where the values are wanted, `(m,)`.

    Returns:
        `(..., m)`.

    Raises:
        ValueError: the axis is not periodic or not uniform.
    """
    if axis.kind != "periodic" or axis.points is not None:
        raise ValueError(f"an axis of kind {axis.kind!r} has no Fourier series; a uniform periodic one has.")
    spectrum = np.fft.rfft(values, axis=-1) / axis.n
    # A coefficient stands for its conjugate too, but for the mean and, on an even axis, the Nyquist mode.
    spectrum[..., 1 : (axis.n + 1) // 2] *= 2.0
    phases = 2.0 * np.pi * np.outer(np.arange(spectrum.shape[-1]), (x - axis.low) / axis.length)
    return spectrum.real @ np.cos(phases) - spectrum.imag @ np.sin(phases)


def _fourier(values: np.ndarray, old: Axis, new: Axis) -> np.ndarray:
    spectrum = np.fft.rfft(values, axis=-1)
    keep = min(old.n, new.n)
    cut = np.zeros((*values.shape[:-1], new.n // 2 + 1), dtype=spectrum.dtype)
    # The Nyquist mode of the coarser grid is a cosine there and of no known phase elsewhere: it is left out.
    half = (keep + 1) // 2
    cut[..., :half] = spectrum[..., :half]
    return np.fft.irfft(cut, n=new.n, axis=-1) * (new.n / old.n)


def _linear(values: np.ndarray, old: Axis, new: Axis) -> np.ndarray:
    x, y = old.coords, new.coords
    if old.kind == "periodic":
        x, values = np.append(x, old.high), np.concatenate([values, values[..., :1]], axis=-1)
    left = np.clip(np.searchsorted(x, y, side="right") - 1, 0, len(x) - 2)
    weight = (y - x[left]) / (x[left + 1] - x[left])
    return (1 - weight) * values[..., left] + weight * values[..., left + 1]
