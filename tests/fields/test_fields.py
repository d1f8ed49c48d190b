"""Grids, boundary conditions and specs: coordinates, precedence, and what files keep."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sciml.fields import (
    Axis,
    Boundaries,
    Dirichlet,
    FieldSpec,
    Grid,
    Neumann,
    Outflow,
    ParameterSpec,
    Periodic,
    Robin,
    Wall,
    channel_names,
)


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
    assert Boundaries.from_dict(plain).to_dict() == plain


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


VELOCITY = FieldSpec("u", rank=1)


def test_a_wall_means_something_else_for_every_component() -> None:
    specs = (VELOCITY, FieldSpec("p"))
    slip = Boundaries({"all": Wall()}).by_component("y-", specs, 2)
    assert slip == {"u_x": Neumann(0.0), "u_y": Dirichlet(0.0), "p": Neumann(0.0)}
    lid = Boundaries({"all": Wall(slip=False), "z+": Wall(slip=False, velocity=(1.0, 2.0))})
    assert lid.by_component("z+", (VELOCITY,), 3) == {"u_x": Dirichlet(1.0), "u_y": Dirichlet(2.0), "u_z": Dirichlet()}
    assert lid.by_component("y-", (VELOCITY,), 3) == dict.fromkeys(("u_x", "u_y", "u_z"), Dirichlet(0.0))


def test_a_component_overrides_its_field_and_the_field_overrides_the_face() -> None:
    b = Boundaries({"all": Neumann(), ("x-", "u"): Wall(), ("x", "u_y"): Dirichlet(3.0)})
    assert b.by_component("x-", (VELOCITY,), 2) == {"u_x": Dirichlet(0.0), "u_y": Dirichlet(3.0)}
    assert b.by_component("y+", (VELOCITY,), 2) == {"u_x": Neumann(0.0), "u_y": Neumann(0.0)}
    with pytest.raises(ValueError, match="'u_x' has no boundary condition on face 'y-'"):
        Boundaries({"x": Outflow()}).by_component("y-", (VELOCITY,), 2)
    with pytest.raises(ValueError, match="tensor 's'"):
        Boundaries({"x": Wall()}).by_component("x-", (FieldSpec("s", rank=2),), 2)


def test_every_condition_survives_its_plain_form() -> None:
    b = Boundaries(
        {
            "x-": Robin(2.0, 0.5, -1.0),
            "x+": Outflow(),
            "y-": Wall(),
            "y+": Wall(slip=False, velocity=(1.0, 0.5)),
            ("z", "T"): Neumann(np.float64(0.5)),
            "z": Periodic(),
        }
    )
    with pytest.raises(ValueError, match="periodic on one face only"):
        Boundaries({"z-": Periodic(), "z+": Outflow()})
    assert Boundaries.from_dict(json.loads(json.dumps(b.to_dict()))) == b


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"kind": "ABSORBING"}, "kind='ABSORBING' of 'x' must be one of PERIODIC, DIRICHLET"),
        ({"kind": "OUTFLOW", "value": 0.0}, "OUTFLOW has no argument 'value'; it takes none"),
        ({"kind": "ROBIN", "c": 1.0}, "ROBIN has no argument 'c'; it takes a, b, value"),
        ({"kind": "ROBIN", "a": 0.0, "b": 0.0}, "a=0 and b=0"),
        ({"kind": "DIRICHLET", "value": "1"}, "value='1' must be a number"),
        ({"kind": "WALL", "slip": 1}, "slip=1 must be true or false"),
        ({"kind": "WALL", "velocity": 1.0}, "velocity=1.0 of a wall with slip"),
    ],
)
def test_a_plain_form_that_makes_no_sense_is_refused_in_one_line(entry: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        Boundaries.from_dict({"x": entry})
    assert "\n" not in str(error.value)
