"""A flow that was solved by its vorticity as a member of a mixture of velocities: exported, converted, mixed."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sciml.data import AllToAll, FieldDataset, Member, MixedFields
from sciml.data.adapters import convert
from sciml.data.layouts import PoseidonLayout, export

pytest_plugins = ["mixture_fixtures"]


@pytest.fixture(scope="module")
def flow(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Folders of the vorticity and of the velocity."""
    from mixture_fixtures import write

    root = tmp_path_factory.mktemp("flow")
    made = write(root, "flow", (("vorticity", 0), ("tracer", 0)))
    return made, convert(export(made, root / "files", PoseidonLayout()) / "flow.nc", root / "velocity")


def test_the_velocity_has_the_vorticity_and_no_divergence(flow: tuple[Path, Path]) -> None:
    vorticity, velocity = (FieldDataset(f, "train") for f in flow)
    w = vorticity.fields([0, 1, 2], names=["vorticity"])[:, :, 0].astype("float64")
    u, v = np.moveaxis(velocity.fields([0, 1, 2], names=["velocity"]).astype("float64"), 2, 0)
    k = np.fft.fftfreq(8, 1 / 8)
    # The wave number half the grid's has no derivative on it.
    x, y = (2j * np.pi * np.where(np.abs(q) == 4, 0, q) for q in (k[:, None], k[None]))
    u, v, w = (np.fft.fft2(f) for f in (u, v, w))
    assert np.abs(x * u + y * v).max() < 1e-4 * np.abs(w).max()
    inside = (np.abs(k[:, None]) < 4) & (np.abs(k[None]) < 4)
    # Nor is there a flow on a torus whose vorticity has a mean.
    inside[0, 0] = False
    assert np.abs((x * v - y * u - w) * inside).max() < 1e-4 * np.abs(w).max()


def test_times_splits_and_tracer_are_those_of_what_was_exported(flow: tuple[Path, Path]) -> None:
    from mixture_fixtures import TIMES

    for split, count in (("train", 3), ("valid", 2), ("test", 2)):
        own, again = (FieldDataset(f, split) for f in flow)
        assert len(own) == len(again) == count
        assert again.spec.times == own.spec.times == TIMES
        tracers = (data.fields(range(count), names=["tracer"]) for data in (own, again))
        np.testing.assert_array_equal(*tracers)


def test_it_is_mixed_with_a_gas(flow: tuple[Path, Path], tmp_path: Path) -> None:
    from mixture_fixtures import write

    gas = write(tmp_path, "gas", (("density", 0), ("velocity", 1), ("pressure", 0)), time_unit="s", length_unit="m")
    members = [Member(str(gas)), Member(str(flow[1]), fill={"density": 1.0, "pressure": 0.0}, masked=["pressure"])]
    splits = [FieldDataset(m.dataset, "train") for m in members]
    batch = MixedFields(members, splits, ["density", "velocity", "pressure"], AllToAll()).batch([1])
    assert batch.fields is not None
    assert batch.mask is not None
    assert torch.equal(batch.fields[0, 1:3], torch.from_numpy(splits[1].fields([0], names=["velocity"])[0, 0]))
    assert batch.fields[0, 0].eq(1).all()
    assert batch.mask.flatten().tolist() == [True, True, True, False]
