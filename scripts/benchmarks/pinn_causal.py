"""Allen-Cahn with and without causal weights at equal steps: relative L2 error on the whole reference grid.

Both train `configs/pinn/allen_cahn_causal.yaml`, one of them without the weights: network, points, optimiser and weight
of the initial condition are the same. The factor is that between the errors of the two.

    python scripts/benchmarks/pinn_causal.py
"""

import os
import statistics

os.environ.setdefault("OMP_NUM_THREADS", "1")

from typing import Any

from _pinn import run
from _record import Record, parser
from pinn_accuracy import stored

SEEDS, STEPS = (0, 1, 2), (2500, 5000, 7500)
CONFIG = "allen_cahn_causal.yaml"
PLAIN = '{"class_path": "sciml.objective.FixedWeights", "init_args": {"weights": {"initial": 100.0}}}'
#: What the configuration is changed by.
VARIANTS: dict[str, list[str]] = {"causal": [], "plain": [f"--model.weighting={PLAIN}"]}


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    args = arguments.parse_args()
    table = {"steps": "steps", "causal": "causal", "plain": "plain", "times better": "factor", "seeds": "seeds"}
    record = Record("pinn_causal", {"seeds": list(SEEDS), "steps": list(STEPS)}, table, args.fresh, args.out)
    for seed in args.seeds:
        for name in VARIANTS:
            record.cell(f"{name}/{seed}", lambda n=name, s=seed: trained(n, s))
            record.finish(rows(record))
    for row in rows(record):
        print(row)


def trained(name: str, seed: int) -> dict[str, Any]:
    points, values = (v.float() for v in stored("allen_cahn_ref.npz", "t", "x"))
    return run(CONFIG, seed, STEPS, points, values, VARIANTS[name], in_steps=True)


def rows(record: Record) -> list[dict[str, object]]:
    """One row per number of steps, medians over the seeds that both have finished."""
    cells = record.content["cells"]
    seeds = [s for s in SEEDS if all(f"{name}/{s}" in cells for name in VARIANTS)]
    found: list[dict[str, object]] = []
    for i, steps in enumerate(STEPS):
        errors = {n: [cells[f"{n}/{s}"]["marks"][i]["errors"][0] for s in seeds] for n in VARIANTS}
        if seeds:
            median = {name: statistics.median(values) for name, values in errors.items()}
            shown = {name: f"{value:.2e}" for name, value in median.items()}
            factor = f"{median['plain'] / median['causal']:.1f}"
            found.append({"steps": steps, **shown, "factor": factor, "seeds": len(seeds)})
    return found


if __name__ == "__main__":
    main()
