"""CPU time of one training step (forward, backward, Adam) of the FNO against neuralop's, one thread.

Batch 8 at 64 x 64 and batch 4 at 128 x 128, width 32, 24 modes, 1,291,105 parameters on both sides. The networks take
turns, nine times; the figure is the median of the process time.

    python scripts/benchmarks/fno_step_time.py
"""

import os
import sys
import warnings
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from _record import Record, parser
from _timing import taking_turns
from torch import nn

from sciml.operators import FNO, NeuralOp

TURNS = 9
CASES = {"batch 8, 64 x 64": (8, 64), "batch 4, 128 x 128": (4, 128)}


def networks() -> dict[str, nn.Module]:
    torch.manual_seed(0)
    arguments = {"n_modes": [24, 24], "in_channels": 1, "out_channels": 1, "hidden_channels": 32}
    return {
        "neuralop": NeuralOp("neuralop.models.FNO", arguments),
        "eager": FNO(1, 1, width=32, modes=[24, 24]),
        "compiled": torch.compile(FNO(1, 1, width=32, modes=[24, 24])),
    }


def training_step(network: nn.Module, batch: int, n: int) -> Callable[[], None]:
    torch.manual_seed(1)
    inputs, targets = torch.randn(batch, 1, n, n), torch.randn(batch, 1, n, n)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)

    def step() -> None:
        optimizer.zero_grad()
        (network(inputs) - targets).square().mean().backward()
        optimizer.step()

    return step


def measure(batch: int, n: int) -> dict[str, float]:
    """Median milliseconds of each network, taking turns."""
    steps = {name: training_step(network, batch, n) for name, network in networks().items()}
    return taking_turns(steps, TURNS)


def main() -> int:
    arguments = parser(__doc__).parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    columns = {"case": "case", "network": "network", "CPU ms per step": "ms", "speed": "speed"}
    settings = {"width": 32, "modes": 24, "turns": TURNS, "cases": CASES}
    record = Record("fno_step_time", settings, columns, arguments.fresh, arguments.out)
    rows = []
    for case, (batch, n) in CASES.items():
        cell = record.cell(case, lambda batch=batch, n=n: measure(batch, n))
        for name in ("neuralop", "eager", "compiled"):
            row = {"case": case, "network": name, "ms": cell[name], "speed": cell["neuralop"] / cell[name]}
            rows.append(row)
            print(f"{case:20s} {name:10s} {row['ms']:8.1f} ms   {row['speed']:.2f} x", flush=True)
    record.finish(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
