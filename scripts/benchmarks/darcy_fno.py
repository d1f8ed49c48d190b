"""The FNO against neuralop's on generated two-phase Darcy flow, 32 x 32, 1000 training and 100 test samples.

Both sides get the same data, number of parameters, loss, optimiser, schedule, augmentation (the symmetries of the
square) and CPU time for training, one thread, and take turns in one run. The figure is the relative L2 error, mean over
test samples, in physical units.

    python scripts/benchmarks/darcy_fno.py
"""

import os
import statistics
import sys
import warnings
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from _record import ROOT, Record, parser
from _training import Budget, train
from torch import Tensor, nn

from sciml.data import FieldDataset
from sciml.datagen import generate
from sciml.metrics import relative_l2
from sciml.nn import parameter_count
from sciml.nn.normalization import Normalized, Normalizer
from sciml.operators import FNO, NeuralOp, Supervised

SEEDS = (0, 1, 2)
BUDGET = Budget(cpu_seconds=105.0, batch=10, lr=2e-3)
WIDTH, MODES = 32, 12


def network(side: str) -> nn.Module:
    if side == "native":
        return FNO(1, 1, width=WIDTH, modes=[MODES, MODES])
    arguments = {"n_modes": [MODES, MODES], "in_channels": 1, "out_channels": 1, "hidden_channels": WIDTH}
    return NeuralOp("neuralop.models.FNO", arguments)


def load(folder: Path, split: str) -> tuple[Tensor, Tensor]:
    data = FieldDataset(folder, split)
    everything = np.arange(len(data))
    inputs, targets = data.static(everything), data.fields(everything)[:, 0]
    return torch.as_tensor(inputs).float(), torch.as_tensor(targets).float()


def square_symmetry(inputs: Tensor, targets: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """A random symmetry of the square, exact for a scalar coefficient, a constant source and zero boundaries."""
    choice = int(torch.randint(0, 8, (1,), generator=generator))
    flips = [axis for bit, axis in ((1, 2), (2, 3)) if choice & bit]
    pair = [v.transpose(2, 3) if choice & 4 else v for v in (inputs, targets)]
    return pair[0].flip(flips), pair[1].flip(flips)


def normalizer(values: Tensor) -> Normalizer:
    made = Normalizer(1)
    made.shift.fill_(values.mean())
    made.scale.fill_(values.std())
    return made


def run(side: str, seed: int, folder: Path, held_out: str = "test") -> dict[str, Any]:
    data, test = load(folder, "train"), load(folder, held_out)
    torch.manual_seed(seed)
    inner = network(side)
    model = Normalized(inner, normalizer(data[0]), normalizer(data[1]))
    used = train(model, Supervised(), data, BUDGET, seed, square_symmetry)
    with torch.no_grad():
        error = relative_l2(model(test[0]), test[1]).mean().item()
    print(
        f"{side:9s} seed {seed}  relative L2 {error:.5f}  {used['steps']} steps  {used['cpu_s']:.1f} CPU s", flush=True
    )
    return {"relative_l2": error, "parameters": parameter_count(inner), **used}


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--data", type=Path, default=ROOT / "data" / "darcy_2d", help="folder of the data set")
    chosen = arguments.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    folder = generate("darcy_2d", out=chosen.data)
    columns = {"network": "network", "seed": "seed", "relative L2": "relative_l2", "steps": "steps", "CPU s": "cpu_s"}
    settings = {"seeds": SEEDS, "budget": vars(BUDGET), "width": WIDTH, "modes": MODES, "data": "darcy_2d"}
    record = Record("darcy_fno", settings, columns, chosen.fresh, chosen.out)
    rows = []
    for seed in SEEDS:
        for side in ("native", "neuralop"):
            cell = record.cell(f"{side}/{seed}", lambda side=side, seed=seed: run(side, seed, folder))
            rows.append({"network": side, "seed": seed, **cell})
    medians = {
        side: statistics.median(row["relative_l2"] for row in rows if row["network"] == side)
        for side in ("native", "neuralop")
    }
    ratio = medians["native"] / medians["neuralop"]
    print(f"median: native {medians['native']:.5f}, neuralop {medians['neuralop']:.5f}, ratio {ratio:.3f}")
    record.finish(rows, medians=medians, ratio=ratio)
    return 0


if __name__ == "__main__":
    sys.exit(main())
