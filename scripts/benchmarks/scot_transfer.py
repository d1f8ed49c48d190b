"""Fine-tuning of a pretrained operator transformer on a family it has not seen, against training from scratch.

A small ScOT is pretrained on four families of flows (all pairs of times, at most 30 CPU minutes), then fine-tuned on
rough random flows (NS-BB) with 8, 32 and 128 trajectories. The peers are the same network from scratch and an FNO that
is told the lead time, each on the same pairs of the same trajectories, with the same CPU time and the rate, of two,
that is better for it on validation trajectories. The error is the relative L1 error of one call from the first frame
to a later one, the median over 80 held-out trajectories. One thread; data are generated on the first run, and the
pretrained weights are kept beside them.

    python scripts/benchmarks/scot_transfer.py
"""

import os
import statistics
import sys
from dataclasses import replace
from functools import partial
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from _flows import (
    FOURIER,
    SCOT,
    SEEN,
    SIZES,
    UNSEEN,
    TimedFNO,
    dataset,
    direct_errors,
    learn,
    mixture,
    numbers_of,
    physical,
    pretrained,
    scot,
)
from _record import Record, parser
from _training import Budget
from torch import nn

from sciml.evaluation import accuracy_gain, efficiency_gain, power_law
from sciml.operators import ScOT

SEEDS = (0, 1, 2)
TRAJECTORIES = (8, 32, 128)
PRETRAINING = Budget(cpu_seconds=1560.0, batch=16, lr=3e-3, weight_decay=1e-6)
#: Training on the unseen family, equal for all but the rate: the one of these that is best on validation trajectories.
BUDGET = Budget(cpu_seconds=60.0, batch=16, lr=0.0, weight_decay=1e-6)
RATES = {"fine-tuned": (1e-3, 3e-3), "from scratch": (3e-3, 6e-3), "FNO": (2e-3, 5e-3)}


def network(method: str) -> nn.Module:
    if method == "fine-tuned":
        return ScOT.from_pretrained(pretrained(PRETRAINING)[0])[0]
    return scot() if method == "from scratch" else TimedFNO()


def run(method: str, count: int, seed: int, lr: float, split: str = "test") -> dict[str, Any]:
    """Trains on `count` trajectories that the seed draws; errors on the held-out ones."""
    windows = mixture((UNSEEN,))
    chosen = torch.randperm(windows.trajectories, generator=torch.Generator().manual_seed(seed))[:count]
    torch.manual_seed(seed)
    model = physical(network(method))
    used = learn(model, windows, numbers_of(windows, chosen), replace(BUDGET, lr=lr), seed)
    return {**errors_of(model, split), **used}


def errors_of(model: nn.Module, split: str) -> dict[str, float]:
    errors = direct_errors(model, dataset(UNSEEN, split))
    return {"final": errors[:, -1].median().item(), "over_time": errors.mean(dim=1).median().item()}


def pretraining() -> dict[str, Any]:
    """What pretraining took, and how far its network comes on the unseen family as it is."""
    folder, used = pretrained(PRETRAINING)
    return {**used, **errors_of(physical(ScOT.from_pretrained(folder)[0]), "test")}


def best_rate(record: Record, method: str) -> float:
    """The rate with the smallest error on the validation trajectories, with 32 trajectories."""
    found = {}
    for lr in RATES[method]:
        found[lr] = record.cell(f"select/{method}/{lr}", partial(run, method, 32, 0, lr, "valid"))["final"]
        print(f"{method:14s} lr {lr:.0e}  validation {found[lr]:.4f}", flush=True)
    return min(found, key=found.__getitem__)


def gains(medians: dict[tuple[str, int], float], count: int) -> dict[str, Any]:
    """What fine-tuning gains with as many trajectories, and how many it saves."""
    tuned = [medians["fine-tuned", n] for n in TRAJECTORIES]
    own = medians["fine-tuned", count]
    return {
        "accuracy_gain": accuracy_gain(medians["FNO", count], own),
        "over_scratch": accuracy_gain(medians["from scratch", count], own),
        "efficiency_gain": efficiency_gain(medians["FNO", count], count, TRAJECTORIES, tuned),
    }


def main() -> int:
    arguments = parser(__doc__).parse_args()
    torch.set_num_threads(1)
    columns = {
        "trajectories": "trajectories", "fine-tuned": "fine-tuned", "from scratch": "from scratch", "FNO": "FNO",
        "accuracy gain": "accuracy_gain", "efficiency gain": "efficiency_gain", "over scratch": "over_scratch",
    }  # fmt: skip
    settings = {
        "seeds": SEEDS, "seen": SEEN, "unseen": UNSEEN, "sizes": SIZES, "pretraining": vars(PRETRAINING),
        "training": vars(BUDGET), "rates": RATES, "ScOT": SCOT, "FNO": FOURIER,
    }  # fmt: skip
    record = Record("scot_transfer", settings, columns, arguments.fresh, arguments.out)
    before = record.cell("pretraining", pretraining)
    print(f"pretraining {before['cpu_s']:.0f} CPU s, as it is {before['final']:.4f}", flush=True)
    rates = {method: best_rate(record, method) for method in RATES}
    found: dict[tuple[str, int], list[float]] = {}
    for seed in SEEDS:
        for count in TRAJECTORIES:
            for method, lr in rates.items():
                cell = record.cell(f"{method}/{count}/{seed}", partial(run, method, count, seed, lr))
                found.setdefault((method, count), []).append(cell["final"])
                print(
                    f"seed {seed}  {count:3d}  {method:14s} final {cell['final']:.4f}  mean {cell['over_time']:.4f}"
                    f"  {cell['steps']} steps  {cell['cpu_s']:.0f} CPU s",
                    flush=True,
                )
    medians = {key: statistics.median(values) for key, values in found.items()}
    rows = []
    for count in TRAJECTORIES:
        row = {"trajectories": count, **{m: medians[m, count] for m in RATES}, **gains(medians, count)}
        rows.append(row)
        print("  ".join(f"{name} {value:.4g}" for name, value in row.items()))
    laws = {m: power_law(TRAJECTORIES, [medians[m, n] for n in TRAJECTORIES])[1] for m in RATES}
    record.finish(rows, rates=rates, exponents=laws, as_pretrained=before["final"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
