"""Resampling against functions: exact where it should be, second order elsewhere."""

import numpy as np
import pytest
from helpers import observed_order

from sciml.fields import Axis, Grid
from sciml.numerics.interpolation import fourier_series, resample


@pytest.mark.parametrize(("n", "m"), [(16, 31), (15, 32), (32, 12), (31, 13)])
def test_a_wave_that_both_grids_resolve_is_exact(n: int, m: int) -> None:
    old, new = Grid.periodic(n, low=-1.0, high=1.0), Grid.periodic(m, low=-1.0, high=1.0)

    def wave(grid: Grid) -> np.ndarray:
        return 0.5 + np.sin(3 * np.pi * grid.axes[0].coords + 0.4)

    assert np.allclose(resample(wave(old)[None], old, new), wave(new), atol=1e-13)


@pytest.mark.parametrize("kind", ["cells", "nodes"])
def test_a_linear_function_is_exact_up_to_the_ends(kind: str) -> None:
    old, new = Grid.uniform(4, 5, kind=kind), Grid.uniform(9, 7, kind=kind)

    def plane(grid: Grid) -> np.ndarray:
        x, y = (a.coords for a in grid.axes)
        return 1 + 2 * x[:, None] - 3 * y

    assert np.allclose(resample(plane(old), old, new), plane(new), atol=1e-14)


def test_cells_converge_at_second_order() -> None:
    errors, sizes, fine = [], [16, 32, 64], Grid.cells(256)
    for n in sizes:
        old = Grid.cells(n)
        u = np.sin(np.pi * old.axes[0].coords)
        errors.append(float(np.abs(resample(u, old, fine) - np.sin(np.pi * fine.axes[0].coords)).max()))
    assert observed_order(errors, sizes) == pytest.approx(2.0, abs=0.1)


def test_given_points_of_a_periodic_axis_wrap_around() -> None:
    old = Grid((Axis(4, 0.0, 1.0, "periodic"),))
    new = Grid((Axis(2, 0.0, 1.0, "periodic", (0.125, 0.875)),))
    assert np.allclose(resample(np.array([0.0, 1.0, 2.0, 3.0]), old, new), [0.5, 1.5])


def test_grids_of_different_domains_are_refused() -> None:
    with pytest.raises(ValueError, match="different domains"):
        resample(np.zeros(4), Grid.periodic(4), Grid.periodic(8, high=2.0))
    with pytest.raises(ValueError, match="shape"):
        resample(np.zeros(5), Grid.periodic(4), Grid.periodic(8))


@pytest.mark.parametrize("n", [15, 16])
def test_a_fourier_series_is_exact_at_any_point(n: int) -> None:
    axis, x = Axis(n, -1.0, 1.0), np.array([-1.0, -0.31, 0.2, 0.99, 1.0, 1.4])

    def wave(x: np.ndarray) -> np.ndarray:
        return 0.5 + np.sin(3 * np.pi * x + 0.4) + np.cos(7 * np.pi * x)

    values = fourier_series(np.stack([wave(axis.coords), axis.coords]), axis, x)[0]
    assert np.allclose(values, wave(x), rtol=0, atol=1e-13)
    assert np.allclose(fourier_series(axis.coords, axis, axis.coords), axis.coords, rtol=0, atol=1e-13)


def test_other_axes_have_no_fourier_series() -> None:
    with pytest.raises(ValueError, match="nodes"):
        fourier_series(np.zeros(4), Axis(4, kind="nodes"), np.zeros(1))
