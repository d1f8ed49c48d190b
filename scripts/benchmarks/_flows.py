"""Flows on a torus for the benchmarks of operator transformers: data, networks, training and errors.

Five of Poseidon's families at 32 x 32 with eleven frames: generated with `--layout poseidon`, which makes velocities of
the vorticity, and read back by `sciml.data.adapters.convert`.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from _record import ROOT
from _training import Budget, descend, shuffled
from torch import Tensor, nn

import sciml
from sciml.batch import Batch
from sciml.data import AllToAll, FieldDataset, Member, MixedFields, Windows
from sciml.data.adapters import convert
from sciml.files import write_json
from sciml.nn.normalization import Normalized, Normalizer
from sciml.operators import FNO, GroupedLoss, ScOT, Supervised
from sciml.optim import GroupedAdamW

N = 32
FRAMES = 11
#: Time step of the solver by family: velocities differ.
SOLVER_STEPS = {"ns_sines": 0.01, "ns_gauss": 0.005, "ns_sl": 0.01, "ns_svs": 0.01, "ns_bb": 0.005}
SEEN = ("ns_sines", "ns_gauss", "ns_sl", "ns_svs")
UNSEEN = "ns_bb"
#: Trajectories of train, valid and test.
SIZES = {**dict.fromkeys(SEEN, (640, 1, 1)), UNSEEN: (128, 16, 80)}
#: The published constants of both velocities.
SCALE = (0.391, 0.356)
SCOT: dict[str, Any] = {
    "patch": 4, "width": 32, "depths": (2, 2, 2), "heads": (2, 4, 8), "skips": (1, 1, 0), "window": 8,
}  # fmt: skip
FOURIER: dict[str, Any] = {"width": 32, "modes": (16, 16), "depth": 4, "coordinates": False}


def root() -> Path:
    return Path(os.environ.get("SCIML_DATA", ROOT / "data"))


def dataset(family: str, split: str) -> FieldDataset:
    """A split with velocities; generated first where it is not there."""
    folder = root() / f"{family}_velocity"
    if not folder.is_dir():
        train, valid, test = SIZES[family]
        axes = {f"{grid}.{axis}.n": n for grid, n in (("grid", N), ("solution_grid", 2 * N)) for axis in "xy"}
        changes = {**axes, "times.count": FRAMES, "solver.init_args.dt": SOLVER_STEPS[family]}
        made = sciml.generate(
            f"poseidon_{family}", train=train, valid=valid, test=test, out=root() / f"poseidon_{family}", workers=0,
            changes=changes, layout="poseidon", progress=False,
        )  # fmt: skip
        assert isinstance(made, Path)
        convert(made / "poseidon" / f"poseidon_{family}.nc", folder)
    return FieldDataset(folder, split)


class TimedFNO(nn.Module):
    """The FNO with the lead time as one more channel, constant in space."""

    accepts = frozenset({"time"})

    def __init__(self) -> None:
        super().__init__()
        self.network = FNO(3, 2, **FOURIER)

    def forward(self, u: Tensor, *, time: Tensor) -> Tensor:
        lead = time.to(u.dtype)[:, None, None, None].expand(-1, 1, *u.shape[2:])
        return self.network(torch.cat([u, lead], dim=1))


def scot() -> ScOT:
    return ScOT(2, 2, N, identity_norms=True, **SCOT)


def physical(network: nn.Module) -> Normalized:
    """The network in physical units, by the published constants."""
    sides = Normalizer(2), Normalizer(2)
    for side in sides:
        side.scale.copy_(torch.tensor(SCALE))
    return Normalized(network, *sides)


def mixture(families: tuple[str, ...], windows: Windows | None = None) -> MixedFields:
    """Pairs of times of the training splits, all if not said otherwise, each family as often as another."""
    members = [Member(f"{family}_velocity") for family in families]
    return MixedFields(members, [dataset(family, "train") for family in families], ["velocity"], windows or AllToAll())


def numbers_of(windows: MixedFields, trajectories: Tensor) -> Tensor:
    """Numbers of all windows of these trajectories."""
    each = len(windows) // windows.trajectories
    return (trajectories[:, None] * each + torch.arange(each)).flatten()


def learn(
    network: nn.Module, windows: MixedFields, numbers: Tensor, budget: Budget, seed: int, **rates: Any
) -> dict[str, float]:
    """Trains a network of physical units on windows of these numbers with the published loss, clip and decays."""
    generator = torch.Generator().manual_seed(seed)
    inner = network.network
    groups = inner.parameter_groups() if isinstance(inner, ScOT) else inner.parameters()
    decays = {"norms": 0.0, "undecayed": 0.0} if isinstance(inner, ScOT) else {}
    optimizer = GroupedAdamW(groups, lr=budget.lr, weight_decay=budget.weight_decay, decays=decays, **rates)
    loss = GroupedLoss(groups=(2,), scale=SCALE)

    def batches() -> Iterator[Batch]:
        for chosen in shuffled(numbers, budget.batch, generator):
            yield windows.batch(chosen).replace(mask=None)

    return descend(network, Supervised(loss), optimizer, batches(), budget, clip=5.0)


def relative_l1(prediction: Tensor, target: Tensor) -> Tensor:
    """Sum of |error| over that of |target|, over channels and space."""
    error = (prediction - target).abs().flatten(-3).sum(dim=-1)
    return error / target.abs().flatten(-3).sum(dim=-1)


@torch.no_grad()
def direct_errors(network: nn.Module, data: FieldDataset) -> Tensor:
    """Relative L1 error `(trajectory, time)` of one call from the first frame to every later one."""
    fields = torch.from_numpy(data.fields(range(len(data)), names=["velocity"]))
    lead = torch.tensor(data.spec.times[1:]) - data.spec.times[0]
    found = [network(fields[:, 0], time=dt.expand(len(fields)).float()) for dt in lead]
    return relative_l1(torch.stack(found, dim=1), fields[:, 1:])


@torch.no_grad()
def rollout_errors(network: nn.Module, data: FieldDataset) -> Tensor:
    """The same of repeated calls over one frame each."""
    fields = torch.from_numpy(data.fields(range(len(data)), names=["velocity"]))
    lead = torch.full((len(fields),), data.spec.times[1] - data.spec.times[0])
    u, found = fields[:, 0], []
    for _ in data.spec.times[1:]:
        u = network(u, time=lead)
        found.append(u)
    return relative_l1(torch.stack(found, dim=1), fields[:, 1:])


def pretrained(budget: Budget) -> tuple[Path, dict[str, Any]]:
    """Folder of weights trained on the four families, and what that took; kept from an earlier call."""
    folder = root() / "scot_pretrained"
    report = folder / "pretraining.json"
    settings = json.loads(json.dumps({"budget": vars(budget), "network": SCOT, "families": SEEN, "sizes": SIZES}))
    if not report.is_file():
        torch.manual_seed(0)
        network, windows = scot(), mixture(SEEN)
        used = learn(physical(network), windows, torch.arange(len(windows)), budget, seed=0)
        network.save_pretrained(folder)
        write_json(report, {"settings": settings, **used})
    found = json.loads(report.read_text())
    if found.pop("settings") != settings:
        raise SystemExit(f"{folder} holds weights of other settings; remove it to train anew.")
    return folder, found
