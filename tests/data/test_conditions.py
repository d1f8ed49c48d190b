"""Boundary conditions on disk: every kind comes back, The Well's type stands beside ours, and a mismatch is a fault."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from sciml.data import DatasetSpec, FieldDataset, validate_dataset, write_shard
from sciml.data.adapters import TheWell
from sciml.data.hdf5 import BC_TYPES
from sciml.fields import Boundaries, Dirichlet, FieldSpec, Grid, Neumann, Outflow, Periodic, Robin, Wall
from sciml.fields.boundary import CONDITIONS

CONDITIONS_IN_USE = Boundaries(
    {
        "x-": Robin(1.0, 0.5, 2.0),
        "x+": Outflow(),
        ("x-", "v"): Wall(slip=False, velocity=(0.25,)),
        "y": Wall(),
        ("y+", "u"): Dirichlet(lambda x: x),
        ("y-", "u"): Neumann(3.0),
        "z": Periodic(),
    }
)


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    axes = (*Grid.cells(4, 3).axes, *Grid.periodic(2).axes)
    fields = (FieldSpec("u"), FieldSpec("v", rank=1))
    spec = DatasetSpec("walls", fields, (), (), Grid(axes), CONDITIONS_IN_USE, dtype="float64")
    u = np.ones((2, 1, 4, 3, 2))
    path = tmp_path / "walls/train/shard-00000.h5"
    write_shard(path, spec, fields={"u": u, "v": np.stack([u] * 3, axis=-1)}, index=[0, 1])
    return path


def test_every_kind_of_condition_has_a_type_of_the_well() -> None:
    assert set(BC_TYPES) == set(CONDITIONS)


def test_conditions_come_back_from_a_shard_and_functions_as_nan(shard: Path) -> None:
    assert validate_dataset(shard) == []
    found = FieldDataset(shard.parent.parent, "train").spec.boundaries
    assert found.on("x-", "u") == Robin(1.0, 0.5, 2.0)
    assert found.on("x+", "v") == Outflow()
    assert found.on("x-", "v") == Wall(slip=False, velocity=(0.25,))
    assert found.on("y-", "v") == Wall()
    assert np.isnan(found.on("y+", "u").value)
    assert TheWell().read(shard)[0].boundaries.on("x-", "u") == Robin(1.0, 0.5, 2.0)


def test_the_groups_of_a_shard_say_what_holds_for_which_field(shard: Path) -> None:
    with h5py.File(shard) as file:
        groups = {
            name: (g.attrs["bc_type"].decode(), g.attrs["condition"].decode(), g.attrs["associated_fields"].tolist())
            for name, g in file["boundary_conditions"].items()
        }
        robin, wall = (dict(file[f"boundary_conditions/{n}"].attrs) for n in ("x_low_u", "x_low_v"))
    assert groups["x_low_u"] == ("OPEN", "ROBIN", [b"u"])
    assert groups["x_low_v"] == ("WALL", "WALL", [b"v"])
    assert groups["x_high"] == ("OPEN", "OUTFLOW", [b"u", b"v"])
    assert groups["y_low_u"] == ("OPEN", "NEUMANN", [b"u"])
    assert groups["y_high_u"] == ("WALL", "DIRICHLET", [b"u"])
    assert groups["z_low"] == ("PERIODIC", "PERIODIC", [b"u", b"v"])
    assert (robin["a"], robin["b"], robin["value"]) == (1.0, 0.5, 2.0)
    assert (bool(wall["slip"]), wall["velocity"]) == (False, 0.25)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("condition", "SPONGE", "is SPONGE; known are PERIODIC, DIRICHLET"),
        ("bc_type", "WALL", "is WALL; the condition ROBIN is of type OPEN"),
    ],
)
def test_a_condition_at_odds_with_its_type_is_a_fault(shard: Path, name: str, value: str, message: str) -> None:
    with h5py.File(shard, "r+") as file:
        file["boundary_conditions/x_low_u"].attrs[name] = value
    (fault,) = validate_dataset(shard)
    assert fault.path.endswith(f":/boundary_conditions/x_low_u@{name}")
    assert message in fault.message
