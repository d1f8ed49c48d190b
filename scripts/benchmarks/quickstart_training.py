"""The quick start's training, seeds 0 to 2: test error in float32, and in bfloat16 where a GPU is at hand.

Data are generated once below --work; every cell is one `sciml fit` and one `sciml test` in processes of their own. On a
GPU the error must stay within 10 % of the CPU's, whose record is compared when it is there.

    python scripts/benchmarks/quickstart_training.py [--device cpu|gpu] [--work FOLDER]
"""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from _record import ROOT, Record, parser

SEEDS = (0, 1, 2)
CONFIG = "operators/darcy_2d_fno.yaml"


def sciml(work: Path, *words: str) -> float:
    """Runs the command line in `work`; returns the wall time."""
    begin = time.perf_counter()
    environment = {**os.environ, "SCIML_DATA": str(work / "data"), "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-m", "sciml", *words], cwd=work, env=environment, check=True)
    return time.perf_counter() - begin


def run(work: Path, device: str, precision: str, seed: int) -> dict[str, Any]:
    overrides = {
        "seed_everything": seed,
        "model.seed": seed,
        "data.init_args.seed": seed,
        "trainer.accelerator": device,
        "trainer.precision": precision,
    }
    words = [w for key, value in overrides.items() for w in (f"--{key}", str(value))]
    seconds = sciml(work, "fit", "--config", CONFIG, *words)
    folder = work / "runs" / Path(CONFIG).stem / "latest"
    sciml(work, "test", str(folder))
    metrics = json.loads((folder / "metrics.json").read_text())
    learned = next(iter(metrics["methods"].values()))["summary"]
    return {"precision": precision, "seed": seed, "relative_l2": learned["relative_l2"]["mean"], "fit_s": seconds}


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--device", choices=["cpu", "gpu"], default="cpu")
    arguments.add_argument("--work", type=Path, default=ROOT / "runs" / "benchmarks" / "quickstart_training")
    chosen = arguments.parse_args()
    chosen.work.mkdir(parents=True, exist_ok=True)
    name = "quickstart_training" + ("_gpu" if chosen.device == "gpu" else "")
    columns = {"precision": "precision", "seed": "seed", "relative L2 (test)": "relative_l2", "fit, s": "fit_s"}
    settings = {"seeds": SEEDS, "config": (ROOT / "configs" / CONFIG).read_text(), "device": chosen.device}
    record = Record(name, settings, columns, chosen.fresh, chosen.out)
    sciml(chosen.work, "generate", "darcy_2d", "--train", "1000", "--valid", "50", "--test", "100", "--workers", "2")
    rows = []
    for precision in ("32-true", "bf16-mixed") if chosen.device == "gpu" else ("32-true",):
        for seed in SEEDS:
            compute = lambda p=precision, s=seed: run(chosen.work, chosen.device, p, s)  # noqa: E731
            rows.append(record.cell(f"{precision} {seed}", compute))
            print(f"{precision}, seed {seed}: relative L2 {rows[-1]['relative_l2']:.4f}", flush=True)
    medians = {
        p: statistics.median(r["relative_l2"] for r in rows if r["precision"] == p)
        for p in {r["precision"] for r in rows}
    }
    print("medians:", ", ".join(f"{p} {m:.4f}" for p, m in medians.items()))
    reference = ROOT / "results" / "quickstart_training.json"
    if chosen.device == "gpu" and reference.is_file():
        cpu = json.loads(reference.read_text())["summary"]["medians"]["32-true"]
        print("over the CPU's:", ", ".join(f"{p} {m / cpu:.3f}" for p, m in medians.items()), "(<= 1.1)")
    record.finish(rows, medians=medians)
    return 0


if __name__ == "__main__":
    sys.exit(main())
