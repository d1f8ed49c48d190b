"""A mixture against its members: channels, constants, masks, balance, statistics."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sciml.data import AllToAll, FieldDataset, Member, MixedFields, OneStep, Rollout, Windows
from sciml.describe import build, describe

pytest_plugins = ["mixture_fixtures"]

FIELDS = ("density", "velocity", "pressure")


def members(two: Path) -> list[Member]:
    return [
        Member(str(two / "gas"), shift={"pressure": 2.5}),
        Member(
            str(two / "flow"), names={"velocity": "wind"}, fill={"density": 1.0, "pressure": 0.0}, masked=["pressure"]
        ),
    ]


def mixed(two: Path, windows: Windows | None = None, split: str = "train", **options: object) -> MixedFields:
    made = members(two)
    splits = [FieldDataset(m.dataset, split) for m in made]
    return MixedFields(made, splits, FIELDS, windows or OneStep(), **options)  # type: ignore[arg-type]


def test_samples_are_those_of_the_members_in_turn(two: Path) -> None:
    fields = mixed(two)
    gas, flow = (FieldDataset(two / n, "train") for n in ("gas", "flow"))
    # Two windows in each trajectory; the flow's three trajectories make six samples, after which they begin again.
    assert len(fields) == 2 * 8
    for n in range(len(fields)):
        sample = fields[n]
        source, k = (gas, n // 2) if n % 2 == 0 else (flow, (n // 2) % 6)
        u = torch.from_numpy(source.fields([k // 2], [k % 2, k % 2 + 1])[0])
        now, then = u if n % 2 == 0 else (torch.cat([torch.ones(1, 8, 8), f[:2], torch.zeros(1, 8, 8)]) for f in u)
        if n % 2 == 0:
            now, then = (torch.cat([f[:3], f[3:] - 2.5]) for f in (now, then))
        assert torch.equal(sample.fields, now)
        assert torch.equal(sample.targets, then)
        assert sample.mask.flatten().tolist() == [True, True, True, n % 2 == 0]
        assert float(sample.lead) == 0.5


def test_a_batch_keeps_the_order_of_its_numbers(two: Path) -> None:
    fields = mixed(two, AllToAll())
    numbers = [7, 0, 3, 3, 12, 5]
    batch = fields.batch(numbers)
    for place, n in enumerate(numbers):
        for name in ("fields", "targets", "lead", "time", "mask", "index"):
            assert torch.equal(getattr(batch, name)[place], getattr(fields[n], name)), name


def test_every_member_is_drawn_equally_often(two: Path) -> None:
    mask = mixed(two).batch(range(16)).mask
    assert int(mask[:, 3].sum()) == 8


def test_several_input_frames_have_the_common_channels_each(two: Path) -> None:
    fields = mixed(two, Rollout(steps_in=2, steps_out=1))
    batch = fields.batch([0, 1])
    names = ("density", "velocity_x", "velocity_y", "pressure")
    assert fields.inputs == (*(f"{name}@-1" for name in names), *names)
    single = mixed(two, OneStep())
    assert torch.equal(batch.fields[:, :4], single.batch([0, 1]).fields)
    assert torch.equal(batch.fields[:, 4:], single.batch([0, 1]).targets)
    assert batch.targets.shape == (2, 1, 4, 8, 8)


def test_statistics_are_those_of_equal_shares_of_the_members_that_have_a_field(two: Path) -> None:
    data = mixed(two).statistics()
    gas, flow = (FieldDataset(two / n, "train").fields(range(3 + (n == "gas"))) for n in ("gas", "flow"))
    assert data["mean"]["density"] == pytest.approx(gas[:, :, 0].mean(), rel=1e-5)
    assert data["mean"]["pressure"] == pytest.approx(gas[:, :, 3].mean() - 2.5, rel=1e-4)
    assert data["std"]["pressure"] == pytest.approx(gas[:, :, 3].std(), rel=1e-5)
    assert data["max"]["pressure"] == pytest.approx(gas[:, :, 3].max() - 2.5, rel=1e-5)
    x = [gas[:, :, 1].astype(float), flow[:, :, 0].astype(float)]
    mean = np.mean([v.mean() for v in x])
    spread = np.sqrt(np.mean([np.square(v - mean).mean() for v in x]))
    assert data["mean"]["velocity"][0] == pytest.approx(mean, rel=1e-6)
    assert data["std"]["velocity"][0] == pytest.approx(spread, rel=1e-6)
    assert data["min"]["velocity"][0] == pytest.approx(min(v.min() for v in x), rel=1e-6)


def test_the_spec_is_that_of_the_common_fields(two: Path) -> None:
    spec = mixed(two, name="both").dataset.spec
    assert (spec.name, spec.channels) == ("both", ("density", "velocity_x", "velocity_y", "pressure"))


def test_fewer_trajectories_of_each_can_be_used(two: Path) -> None:
    assert len(mixed(two, limit=1)) == 4


def test_a_description_makes_a_member_again(two: Path) -> None:
    for member in members(two):
        assert vars(build(describe(member))) == vars(member)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, r"flow has no field 'density' \(it has wind, smoke\); name it, or fill it with a constant"),
        ({"fill": {"density": 1, "pressure": 0, "heat": 0}}, "names 'heat'; the common fields are density, velocity"),
    ],
)
def test_members_that_do_not_fit_are_refused_in_one_line(two: Path, change: dict, message: str) -> None:
    odd = Member(str(two / "flow"), names={"velocity": "wind"}, **change)
    with pytest.raises(ValueError, match=message):
        MixedFields([odd], [FieldDataset(two / "flow", "train")], FIELDS, OneStep())


def test_a_field_that_every_member_fills_is_a_scalar_with_the_constants_statistics(two: Path) -> None:
    names, fill = {"velocity": "wind"}, {"density": 1.5, "pressure": 0.0}
    flow = [Member(str(two / "flow"), names, fill), Member(str(two / "flow"), names, {**fill, "density": 0.5})]
    made = MixedFields(flow, [FieldDataset(two / "flow", "train")] * 2, FIELDS, OneStep())
    assert made.dataset.spec.channels == ("density", "velocity_x", "velocity_y", "pressure")
    batch = made.batch([0, 1])
    assert batch.fields is not None
    assert [u.unique().tolist() for u in batch.fields[:, 0]] == [[1.5], [0.5]]
    data = made.statistics()
    found = [data[name]["density"] for name in ("mean", "std", "min", "max")]
    assert found == pytest.approx([1.0, 0.5, 0.5, 1.5])
    assert (data["mean"]["pressure"], data["std"]["pressure"]) == (0.0, 0.0)


def test_members_on_other_grids_are_refused(two: Path, tmp_path: Path) -> None:
    from mixture_fixtures import write

    write(tmp_path, "flow", (("wind", 1), ("smoke", 0)), n=6)
    made = [members(two)[0], Member(str(tmp_path / "flow"), {"velocity": "wind"}, {"density": 1.0, "pressure": 0.0})]
    with pytest.raises(ValueError, match=r"grid of gas and flow differ: \(8, 8\) and \(6, 6\)"):
        MixedFields(made, [FieldDataset(m.dataset, "train") for m in made], FIELDS, OneStep())


def test_units_that_differ_are_refused_and_those_that_a_foreign_file_does_not_have_are_not(tmp_path: Path) -> None:
    from mixture_fixtures import write

    for name, unit in (("gas", "s"), ("flow", "h")):
        write(tmp_path / unit, name, (("velocity", 1),), time_unit=unit)
    write(tmp_path / "none", "flow", (("velocity", 1),))
    made = [FieldDataset(tmp_path / where, "train") for where in ("s/gas", "none/flow", "h/flow")]
    some = [Member(str(data.root)) for data in made]
    assert MixedFields(some[:2], made[:2], ["velocity"], OneStep()).dataset.spec.time_unit == "s"
    with pytest.raises(ValueError, match="time_unit of gas and flow differ: s and h"):
        MixedFields([some[0], some[2]], [made[0], made[2]], ["velocity"], OneStep())
