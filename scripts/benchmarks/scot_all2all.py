"""All pairs of times against pairs of neighbours, at equal numbers of optimiser steps: the error at the last time.

One ScOT learns every pair of times of a trajectory and is asked for the last time at once; its peer, the same network
from the same start, learns pairs of neighbouring times and goes there in ten steps. Shear layers (NS-SL), whose last
state follows from the first, and rough random flows (NS-BB), which forget it; few and many trajectories, a short and a
long training; 80 held out, median relative L1 error. The first network's own ten steps are printed beside it.

    python scripts/benchmarks/scot_all2all.py
"""

import os
import statistics
import sys
from dataclasses import replace
from functools import partial
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from _flows import SCOT, SIZES, dataset, frames, last_errors, learn, mixture, numbers_of, physical, scot
from _record import Record, parser
from _training import Budget

from sciml.data import AllToAll

SEEDS = (0, 1, 2)
BUDGET = Budget(cpu_seconds=0.0, batch=16, lr=3e-3, weight_decay=1e-6)
#: Family, trajectories, optimiser steps.
CASES = [("ns_sl", 128, 600), ("ns_bb", 128, 600), ("ns_sl", 16, 600), ("ns_bb", 16, 600), ("ns_sl", 128, 2400)]
WINDOWS = {"all pairs": AllToAll(), "neighbours": AllToAll(gaps=[1])}
#: Where the 80 held-out trajectories of a family are; training has the first 128 ones.
HELD_OUT = {"ns_sl": ("train", slice(-80, None)), "ns_bb": ("test", slice(None))}


def run(family: str, trajectories: int, steps: int, pairs: str, seed: int) -> dict[str, Any]:
    torch.manual_seed(seed)
    model, windows = physical(scot()), mixture((family,), WINDOWS[pairs])
    used = learn(model, windows, numbers_of(windows, torch.arange(trajectories)), replace(BUDGET, steps=steps), seed)
    split, rows = HELD_OUT[family]
    return {**last_errors(model, frames(dataset(family, split), rows)), **used}


def main() -> int:
    arguments = parser(__doc__).parse_args()
    torch.set_num_threads(1)
    columns = {
        "family": "family", "trajectories": "trajectories", "steps": "steps", "seed": "seed", "all pairs": "direct",
        "its ten steps": "own_rollout", "neighbours, ten steps": "rollout", "ratio": "ratio",
    }  # fmt: skip
    settings = {"seeds": SEEDS, "cases": CASES, "sizes": SIZES, "budget": vars(BUDGET), "network": SCOT}
    record = Record("scot_all2all", settings, columns, arguments.fresh, arguments.out)
    rows, medians = [], {}
    for case in CASES:
        family, trajectories, steps = case
        name, ratios = f"{family}/{trajectories}/{steps}", []
        for seed in SEEDS:
            own, other = (record.cell(f"{name}/{pairs}/{seed}", partial(run, *case, pairs, seed)) for pairs in WINDOWS)
            errors = {"direct": own["direct"], "own_rollout": own["rollout"], "rollout": other["rollout"]}
            ratios.append(errors["rollout"] / errors["direct"])
            row = {"family": family, "trajectories": trajectories, "steps": steps, "seed": seed}
            rows.append({**row, **errors, "ratio": ratios[-1]})
            print("  ".join(f"{key} {value}" for key, value in rows[-1].items()), flush=True)
        medians[name] = statistics.median(ratios)
        print(f"{name}: median ratio {medians[name]:.2f}", flush=True)
        record.finish(rows, median_ratios=medians)
    return 0


if __name__ == "__main__":
    sys.exit(main())
