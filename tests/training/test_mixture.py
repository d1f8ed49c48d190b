"""Training on a mixture: normalisers, exact resume, and what a checkpoint says of its data."""

import functools
from pathlib import Path

import pytest
import torch

from sciml.data import AllToAll, Member
from sciml.operators import GroupedLoss, ScOT, Supervised
from sciml.status import ConfigError

pytest_plugins = ["training_fixtures", "mixture_fixtures"]
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")


def data(two: Path, **options):  # type: ignore[no-untyped-def]
    from sciml.training import MixtureData

    filled = {"density": 1.0, "pressure": 0.0}
    members = [Member(str(two / "gas")), Member(str(two / "flow"), {"velocity": "wind"}, filled, masked=["pressure"])]
    settings = {"batch_size": 6, "windows": AllToAll(), "seed": 2, **options}
    return MixtureData(members, ["density", "velocity", "pressure"], **settings)


def run(two: Path, folder: Path, epochs: int, ckpt: Path | None = None):  # type: ignore[no-untyped-def]
    from lightning.pytorch import Trainer

    from sciml.training import AtomicCheckpointIO, BestAndLast, FitModule

    torch.manual_seed(0)
    network = ScOT(4, 4, 8, 2, 4, (1, 1), (1, 2), (1, 0), 2, identity_norms=True)
    optimizer = functools.partial(torch.optim.AdamW, lr=1e-3)
    module = FitModule(network, Supervised(GroupedLoss((1, 2, 1))), optimizer=optimizer)
    trainer = Trainer(
        default_root_dir=folder, max_epochs=epochs, logger=False, accelerator="cpu", num_sanity_val_steps=0,
        enable_progress_bar=False, enable_model_summary=False, limit_train_batches=3, limit_val_batches=1,
        plugins=[AtomicCheckpointIO()], callbacks=[BestAndLast()],
    )  # fmt: skip
    trainer.fit(module, data(two), ckpt_path=ckpt)
    return module, trainer


def test_a_resumed_run_is_the_undisturbed_one_bit_by_bit(two: Path, tmp_path: Path) -> None:
    whole, _ = run(two, tmp_path / "whole", 2)
    run(two, tmp_path / "cut", 1)
    found = sorted((tmp_path / "cut").rglob("last.ckpt"))
    again, _ = run(two, tmp_path / "again", 2, found[0])
    assert all(torch.equal(v, again.state_dict()[k]) for k, v in whole.state_dict().items())


def test_constants_replace_statistics_channel_by_channel(two: Path) -> None:
    plain, given = data(two), data(two, constants={"pressure": [0.25, 0.185]})
    for one in (plain, given):
        one.setup("fit")
    before, after = plain.normalizers()[0], given.normalizers()[0]
    assert (float(after.shift[3]), float(after.scale[3])) == pytest.approx((0.25, 0.185))
    assert torch.equal(before.shift[:3], after.shift[:3])
    assert torch.equal(before.scale[:3], after.scale[:3])


def test_a_constant_for_a_channel_that_is_not_there_is_refused(two: Path) -> None:
    made = data(two, constants={"heat": [0.0, 1.0]})
    made.setup("fit")
    with pytest.raises(ConfigError, match=r"data\.constants names 'heat'; the channels of the mixture are density"):
        made.normalizers()


def test_the_description_names_the_common_channels_and_their_ranges(two: Path) -> None:
    made = data(two, name="pretraining")
    made.setup("fit")
    found = made.description()
    assert found["spec"]["name"] == "pretraining"
    assert set(found["ranges"]) == {"density", "velocity_x", "velocity_y", "pressure"}
    assert made.identity()["members"][1]["fill"] == {"density": 1.0, "pressure": 0.0}


def test_the_identity_of_the_batches_depends_on_the_constants_of_the_members(two: Path) -> None:
    one, other = data(two), data(two)
    other.members[0] = Member(other.members[0].dataset, shift={"pressure": 1.0})
    for made in (one, other):
        made.setup("fit")
    assert one.identity() != other.identity()
    assert one.identity()["hash"] == other.identity()["hash"]


def test_no_members_are_refused() -> None:
    from sciml.training import MixtureData

    with pytest.raises(ValueError, match="members is empty"):
        MixtureData([], ["u"])
