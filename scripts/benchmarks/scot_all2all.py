"""All pairs of times against pairs of neighbours, at equal numbers of optimiser steps: the error at the last time.

One ScOT learns every pair of times of a trajectory and is asked for the last time at once; its peer, the same network
from the same start, learns pairs of neighbouring times and goes there in ten steps. Rough random flows (NS-BB), 128
trajectories, 80 held out; median relative L1 error. The first network's own ten steps are printed beside it.

    python scripts/benchmarks/scot_all2all.py
"""

import os
import statistics
import sys
from functools import partial
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from _flows import SCOT, SIZES, UNSEEN, dataset, direct_errors, learn, mixture, physical, rollout_errors, scot
from _record import Record, parser
from _training import Budget

from sciml.data import AllToAll

SEEDS = (0, 1, 2)
BUDGET = Budget(cpu_seconds=float("inf"), batch=16, lr=3e-3, weight_decay=1e-6, steps=800)
WINDOWS = {"all pairs": AllToAll(), "neighbours": AllToAll(gaps=[1])}


def run(pairs: str, seed: int) -> dict[str, Any]:
    torch.manual_seed(seed)
    model, windows = physical(scot()), mixture((UNSEEN,), WINDOWS[pairs])
    used = learn(model, windows, torch.arange(len(windows)), BUDGET, seed)
    data = dataset(UNSEEN, "test")
    found = {"rollout": rollout_errors(model, data)[:, -1].median().item()}
    if pairs == "all pairs":
        found["direct"] = direct_errors(model, data)[:, -1].median().item()
    return {**found, **used}


def main() -> int:
    arguments = parser(__doc__).parse_args()
    torch.set_num_threads(1)
    columns = {"seed": "seed", "all pairs": "direct", "its ten steps": "own_rollout"}
    columns |= {"neighbours, ten steps": "rollout", "ratio": "ratio"}
    settings = {
        "seeds": SEEDS,
        "family": UNSEEN,
        "sizes": SIZES,
        "budget": {**vars(BUDGET), "cpu_seconds": None},
        "network": SCOT,
    }
    record = Record("scot_all2all", settings, columns, arguments.fresh, arguments.out)
    rows = []
    for seed in SEEDS:
        own, other = (record.cell(f"{pairs}/{seed}", partial(run, pairs, seed)) for pairs in WINDOWS)
        ratio = other["rollout"] / own["direct"]
        rows.append(
            {
                "seed": seed,
                "direct": own["direct"],
                "own_rollout": own["rollout"],
                "rollout": other["rollout"],
                "ratio": ratio,
            }
        )
        print("  ".join(f"{name} {value:.4g}" for name, value in rows[-1].items()), flush=True)
    median = statistics.median(row["ratio"] for row in rows)
    print(f"median ratio {median:.2f}")
    record.finish(rows, median_ratio=median)
    return 0


if __name__ == "__main__":
    sys.exit(main())
