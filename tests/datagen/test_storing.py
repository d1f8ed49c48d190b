"""Storage on a coarser grid: exact where points coincide, second order where cells are averaged."""

import numpy as np
import pytest
from helpers import observed_order

from sciml.datagen.storing import check_storage, store_on
from sciml.fields import Grid


@pytest.mark.parametrize("make", [lambda n: Grid.periodic(n), lambda n: Grid.nodes(n + 1)], ids=["periodic", "nodes"])
def test_points_that_coincide_are_taken_as_they_are(make):
    fine, coarse = make(24), make(8)
    x = fine.axes[0].coords
    np.testing.assert_array_equal(store_on(np.sin(x)[None], fine, coarse), np.sin(x[::3])[None])
    np.testing.assert_allclose(x[::3], coarse.axes[0].coords, atol=1e-15)


def test_cells_keep_the_mean_and_are_second_order():
    fine, errors, sizes = Grid.cells(96, 96), [], [8, 16, 32]
    x, y = (a.numpy() for a in fine.meshgrid())
    u = np.exp(x + y)
    for n in sizes:
        coarse = Grid.cells(n, n)
        stored = store_on(u, fine, coarse)
        assert stored.mean() == pytest.approx(u.mean(), rel=1e-13)
        p, q = (a.numpy() for a in coarse.meshgrid())
        errors.append(np.abs(stored - np.exp(p + q)).max())
    assert observed_order(errors, sizes) == pytest.approx(2.0, abs=0.15)


@pytest.mark.parametrize(
    ("fine", "word"),
    [
        (Grid.cells(12, 12), "n=12"),
        (Grid.cells(16), "axes"),
        (Grid.nodes(17, 17), "kind|cover"),
        (Grid.cells(16, 16, high=2.0), "cover"),
        (Grid.cells(4, 4), "n=4"),
    ],
)
def test_grids_that_do_not_fit_are_refused(fine, word):
    with pytest.raises(ValueError, match=word):
        check_storage(fine, Grid.cells(8, 8))
