"""The physics-informed configurations in the size for a GPU (`configs/pinn/*_gpu.yaml`): error and time of whole runs.

The error is relative L2 on the whole reference grid, all times, of the worst component; seeds 0 to 2.

    python scripts/benchmarks/pinn_gpu.py [--device cpu --seconds 60]
"""

import math
import statistics
import sys

import torch
from _pinn import run
from _record import Record, parser
from pinn_accuracy import SEEDS, chaotic, own

TURBULENCE = "navier_stokes_turbulence_gpu.yaml"
PROBLEMS = {
    "kuramoto_sivashinsky_chaotic_gpu.yaml": ("Kuramoto-Sivashinsky, chaotic, t = 1", lambda: chaotic(1.0)),
    TURBULENCE: ("Navier-Stokes, decaying turbulence", lambda: own(TURBULENCE)),
}


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    arguments.add_argument("--problems", nargs="+", choices=PROBLEMS, default=list(PROBLEMS))
    arguments.add_argument("--seconds", type=float, help="process time after which a run is cut")
    arguments.add_argument("--device", choices=("gpu", "cpu"), default="gpu")
    args = arguments.parse_args()
    table = {"problem": "problem", "seeds": "seeds", "median error": "median", "worst": "worst", "wall s": "wall_s"}
    if args.device == "gpu" and not torch.cuda.is_available():
        sys.exit("--device=gpu needs a CUDA device, and there is none at hand; cpu is accepted.")
    name = torch.cuda.get_device_name() if args.device == "gpu" else "one CPU thread"
    settings = {"seeds": list(SEEDS), "device": name, "seconds": args.seconds}
    record, marks = Record("pinn_gpu", settings, table, args.fresh, args.out), (args.seconds or math.inf,)
    for seed in args.seeds:
        for config in args.problems:
            reference = PROBLEMS[config][1]
            record.cell(
                f"{config}/{seed}",
                lambda c=config, s=seed, r=reference: run(c, s, marks, *r(), accelerator=args.device),
            )
            record.finish(rows(record))
    for row in rows(record):
        print(row)


def rows(record: Record) -> list[dict[str, object]]:
    """One row per problem, of the seeds that are finished."""
    found: list[dict[str, object]] = []
    for config, (title, _) in PROBLEMS.items():
        cells = [record.content["cells"].get(f"{config}/{seed}") for seed in SEEDS]
        done = [cell for cell in cells if cell]
        if done:
            errors = [max(cell["marks"][-1]["errors"]) for cell in done]
            summary = {"median": f"{statistics.median(errors):.2e}", "worst": f"{max(errors):.2e}"}
            wall = round(statistics.median(cell["wall_s"] for cell in done))
            found.append({"problem": title, "seeds": len(done), **summary, "wall_s": wall})
    return found


if __name__ == "__main__":
    main()
