"""Runs that start from stored weights, and runs that leave most of them alone."""

import functools
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from sciml.batch import Batch
from sciml.nn import LowRank
from sciml.operators import GroupedLoss, ScOT, Supervised
from sciml.optim import GroupedAdamW
from sciml.status import ConfigError

pytest_plugins = ["training_fixtures"]
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")


def network(**changes: object) -> ScOT:
    arguments = {"in_channels": 1, "out_channels": 1, "image_size": 8, "patch": 2, "width": 4, "depths": (1, 1)}
    return ScOT(**{**arguments, "heads": (1, 2), "skips": (1, 0), "window": 2, "identity_norms": True, **changes})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(5)
    network().save_pretrained(tmp_path / "weights")
    return tmp_path / "weights"


def fit(model: nn.Module, callbacks: list, steps: int = 2, **module: object):  # type: ignore[no-untyped-def]
    from lightning.pytorch import Trainer

    from sciml.training import FitModule

    channels = getattr(model, "in_channels", 1)
    generator = torch.Generator().manual_seed(0)
    u = torch.randn(4, channels, 8, 8, generator=generator)
    batch = Batch(fields=u, targets=u[:, :1].roll(1, -1), lead=torch.rand(4, generator=generator))
    trainer = Trainer(
        max_steps=steps, logger=False, accelerator="cpu", enable_progress_bar=False, enable_model_summary=False,
        enable_checkpointing=False, callbacks=callbacks,
    )  # fmt: skip
    made = FitModule(model, Supervised(GroupedLoss()), **module)  # type: ignore[arg-type]
    trainer.fit(made, DataLoader([batch] * steps, batch_size=None, collate_fn=lambda b: b))
    return made


def stored(folder: Path) -> dict[str, torch.Tensor]:
    return ScOT.from_pretrained(folder)[0].state_dict()


def test_a_run_starts_from_the_weights_of_a_folder(folder: Path) -> None:
    from sciml.training import StartFrom

    still = functools.partial(torch.optim.SGD, lr=0.0)
    torch.manual_seed(1)
    module = fit(network(), [StartFrom(str(folder))], optimizer=still)
    start = stored(folder)
    assert all(torch.equal(v, start[k]) for k, v in module.network.state_dict().items())


def test_new_channels_keep_their_initial_values(folder: Path) -> None:
    from sciml.training import StartFrom

    torch.manual_seed(1)
    model = network(in_channels=3)
    name = "embeddings.patch_embeddings.projection.weight"
    before = model.state_dict()[name].clone()
    module = fit(model, [StartFrom(str(folder))], optimizer=functools.partial(torch.optim.SGD, lr=0.0))
    start = {**stored(folder), name: before}
    assert all(torch.equal(v, start[k]) for k, v in module.network.state_dict().items())


def test_another_network_is_refused(folder: Path) -> None:
    from sciml.training import StartFrom

    with pytest.raises(ConfigError, match=r"lacks \d+ of \d+ tensors of the network"):
        fit(network(width=8), [StartFrom(str(folder))])


def test_a_network_that_reads_no_folder_is_refused(folder: Path) -> None:
    from sciml.operators import FNO
    from sciml.training import StartFrom

    with pytest.raises(ConfigError, match="FNO has no from_pretrained"):
        fit(FNO(1, 1, width=4, modes=[4, 4], depth=1), [StartFrom(str(folder))])


def test_a_frozen_backbone_does_not_move(folder: Path) -> None:
    from sciml.training import Freeze, StartFrom

    module = fit(network(), [StartFrom(str(folder)), Freeze(["embedding"])])
    start = stored(folder)
    for key, value in module.network.state_dict().items():
        assert torch.equal(value, start[key]) != key.startswith(("embeddings", "patch_recovery")), key


def test_a_group_that_is_not_there_cannot_be_trained() -> None:
    from sciml.training import Freeze

    message = "train names 'head'; ScOT has the groups backbone, embedding, norms, undecayed"
    with pytest.raises(ConfigError, match=message):
        fit(network(), [Freeze(["head"])])


def test_adapters_start_from_the_weights_of_the_plain_network(folder: Path) -> None:
    from sciml.training import StartFrom

    module = fit(LowRank(network(), rank=1), [StartFrom(str(folder))])
    start, merged = stored(folder), module.network.merged().state_dict()
    for key, value in merged.items():
        assert torch.equal(value, start[key]) != key.endswith(("query.weight", "value.weight")), key


def test_the_published_groups_cover_every_parameter_once_and_get_their_rates() -> None:
    model = network()
    rates, decays = {"embedding": 5e-4, "norms": 5e-3}, {"norms": 0.0, "undecayed": 0.0}
    optimizer = functools.partial(GroupedAdamW, lr=5e-5, rates=rates, weight_decay=1e-6, decays=decays)
    module = fit(model, [], optimizer=optimizer)
    groups = {g["name"]: g for g in module.trainer.optimizers[0].param_groups}
    found = {name: (g["lr"], g["weight_decay"]) for name, g in groups.items()}
    assert found == {
        "backbone": (5e-5, 1e-6), "embedding": (5e-4, 1e-6), "norms": (5e-3, 0.0), "undecayed": (5e-5, 0.0),
    }  # fmt: skip
    counted = [id(p) for g in groups.values() for p in g["params"]]
    assert sorted(counted) == sorted(id(p) for p in model.parameters())
    names = {id(p): n for n, p in model.named_parameters()}
    assert all("norm" in names[id(p)] for p in groups["norms"]["params"])
    assert all(names[id(p)].endswith(".bias") for p in groups["undecayed"]["params"])
    assert {names[id(p)].split(".")[0] for p in groups["embedding"]["params"]} == {"embeddings", "patch_recovery"}
