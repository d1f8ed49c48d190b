"""Grids, boundary conditions and specs: coordinates, precedence, and what files keep."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sciml.fields import Axis, Boundaries, Dirichlet, FieldSpec, Grid, Neumann, ParameterSpec, Periodic, channel_names


@pytest.mark.parametrize(
    ("kind", "first", "last", "h"),
    [("periodic", 0.0, 1.5, 0.5), ("nodes", 0.0, 2.0, 2 / 3), ("cells", 0.25, 1.75, 0.5)],
)
def test_an_axis_knows_where_its_points_lie(kind: str, first: float, last: float, h: float) -> None:
    axis = Axis(4, 0.0, 2.0, kind)
    assert axis.coords[0] == first
    assert axis.coords[-1] == pytest.approx(last)
    assert axis.h == pytest.approx(h)


def test_given_points_are_kept_and_have_no_spacing() -> None:
    axis = Axis(3, 0.0, 1.0, "nodes", (0.0, 0.2, 1.0))
    assert np.array_equal(axis.coords, [0.0, 0.2, 1.0])
    with pytest.raises(ValueError, match="no single spacing"):
        _ = axis.h
    with pytest.raises(ValueError, match="ascending"):
        Axis(3, points=(0.0, 2.0, 1.0))


@given(
    st.lists(
        st.builds(
            Axis,
            n=st.integers(2, 50),
            low=st.floats(-5, 0),
            high=st.floats(1, 5),
            kind=st.sampled_from(["periodic", "nodes", "cells"]),
        ),
        min_size=1,
        max_size=3,
    )
)
def test_a_grid_survives_its_plain_form(axes: list[Axis]) -> None:
    grid = Grid(tuple(axes))
    assert Grid.from_dict(grid.to_dict()) == grid


def test_meshgrid_is_indexed_by_coordinate() -> None:
    x, y = Grid.nodes(3, 4).meshgrid()
    assert x.shape == (3, 4)
    assert float(x[2, 0]) == 1.0
    assert float(y[0, 3]) == 1.0


def test_the_more_specific_condition_wins() -> None:
    b = Boundaries({"all": Dirichlet(0.0), "y": Neumann(1.0), "y+": Dirichlet(2.0), ("y+", "p"): Neumann(3.0)})
    assert b.on("x-", "u") == Dirichlet(0.0)
    assert b.on("y-", "u") == Neumann(1.0)
    assert b.on("y+", "u") == Dirichlet(2.0)
    assert b.on("y+", "p") == Neumann(3.0)
    assert Boundaries.from_dict(b.to_dict()) == b


def test_a_value_that_is_a_function_is_not_taken_for_a_number() -> None:
    plain = Boundaries({"all": Dirichlet(lambda x: x)}).to_dict()
    assert plain == {"all": {"kind": "DIRICHLET", "value": "given"}}
    assert np.isnan(Boundaries.from_dict(plain).on("x-").value)


@pytest.mark.parametrize("key", ["w", "x*", "", "xy"])
def test_an_unknown_face_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="face"):
        Boundaries({key: Periodic()})


def test_components_come_in_index_order() -> None:
    assert channel_names([FieldSpec("u", rank=1), FieldSpec("p")], 2) == ("u_x", "u_y", "p")
    assert FieldSpec("s", rank=2).components(2) == ("s_xx", "s_xy", "s_yx", "s_yy")
    with pytest.raises(ValueError, match="location"):
        FieldSpec("u", location="edge")


def test_a_parameter_out_of_range_is_named() -> None:
    with pytest.raises(ValueError, match=r"nu=-0.1"):
        ParameterSpec("nu", low=0.0).check(-0.1)
