"""The viscosity of Burgers' equation from 2000 values of its solution, without noise and with 1 %: its relative error.

Points and noise have the seed of the run; the reference solution is that of the classical solver.
"""

import statistics

from _pinn import run
from _record import Record, parser
from pinn_accuracy import PROBLEMS

from sciml.training import FitModule

SEEDS = (0, 1, 2)
#: Relative noise, and the relative error of the viscosity that must be reached.
NOISES = {0.0: 1e-3, 0.01: 1e-2}
BUDGET = 150.0
TRUTH = 0.0031830988618379067


def measured(noise: float, seed: int) -> dict[str, object]:
    """One run; the relative error of what was found."""

    def prepare(module: FitModule) -> None:
        twin = module.objective.conditions[1]
        twin.noise, twin.seed = noise, seed
        twin.measure(module.objective.statement)

    result = run("burgers_inverse.yaml", seed, (BUDGET,), *PROBLEMS["burgers"].reference(), prepare=prepare)
    found = result["coefficients"]["viscosity"]
    return {**result, "viscosity": found, "error": abs(found / TRUTH - 1)}


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    args = arguments.parse_args()
    table = {"noise": "noise", "CPU-s": "cpu_s", "median error": "median", "worst": "worst", "must": "must"}
    settings = {"seeds": list(SEEDS), "points": 2000, "cpu_s": BUDGET}
    record = Record("pinn_inverse", settings, table, args.fresh, args.out)
    for seed in args.seeds:
        for noise in NOISES:
            record.cell(f"{noise}/{seed}", lambda n=noise, s=seed: measured(n, s))
    rows = []
    for noise, must in NOISES.items():
        errors = [c["error"] for s in SEEDS if (c := record.content["cells"].get(f"{noise}/{s}"))]
        figures = {"median": f"{statistics.median(errors):.2e}", "worst": f"{max(errors):.2e}"}
        rows.append({"noise": f"{noise:.0%}", "cpu_s": BUDGET, **figures, "must": f"{must:.0e}"})
    record.finish(rows)
    for row in rows:
        print(row)


if __name__ == "__main__":
    main()
