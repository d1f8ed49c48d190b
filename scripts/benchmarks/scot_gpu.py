"""Training of ScOT-T and -B on a GPU in bfloat16: samples per second, share of the peak, and parity with the CPU.

A sample is 4 channels on 128 x 128. A step is forward, grouped L1 loss, backward and fused AdamW, compiled; the figure
is the median of the timed steps by the device's own clock. Operations are counted by torch in the forward and backward
pass of one sample; the peak is the published dense bfloat16 rate of the device, beside what a large matrix product
reaches on it. Parity compares the outputs in float32, without TF32, with those of the CPU for the same weights.

    python scripts/benchmarks/scot_gpu.py [--batch-t N] [--batch-b N]
"""

import statistics
import sys
import time
from functools import partial
from typing import Any

import torch
from _record import Record, parser
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from sciml.operators import GroupedLoss, ScOT

STEPS = 30
#: Dense bfloat16 operations per second by a part of the device's name.
PEAKS = {"H200": 989e12, "H100": 989e12, "A100": 312e12}


def inputs(model: ScOT, batch: int, device: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    u, v = torch.randn(2, batch, model.in_channels, *model.image_size, generator=generator).to(device)
    return u, v, torch.rand(batch, generator=generator).to(device)


def operations(model: ScOT) -> float:
    """Of the forward and backward pass of one sample."""
    u, _, lead = inputs(model, 1, "cpu")
    with FlopCounterMode(display=False) as counter:
        model(u, time=lead).sum().backward()
    return float(counter.get_total_flops())


def seconds(work: Any, device: str, count: int) -> float:
    """Median time of one call, after as many that are not timed as a compiler needs."""
    for _ in range(3):
        work()
    found = []
    for _ in range(count):
        if device == "cpu":
            begin = time.perf_counter()
            work()
            found.append(time.perf_counter() - begin)
            continue
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        work()
        end.record()
        end.synchronize()
        found.append(1e-3 * begin.elapsed_time(end))
    return statistics.median(found)


def step_seconds(model: ScOT, batch: int, device: str, steps: int, compiled: bool = True) -> float:
    """Of a training step in bfloat16."""
    u, v, lead = inputs(model, batch, device)
    network: nn.Module = torch.compile(model.to(device)) if compiled else model.to(device)
    optimizer, loss = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True), GroupedLoss((1, 2, 1))

    def step() -> None:
        optimizer.zero_grad()
        with torch.autocast(device, torch.bfloat16):
            prediction = network(u, time=lead)
        loss(prediction.float(), v).mean().backward()
        optimizer.step()

    return seconds(step, device, steps)


def product_rate(device: str, n: int = 8192) -> float:
    """Operations per second of a square matrix product in bfloat16."""
    a, b = torch.randn(2, n, n, device=device, dtype=torch.bfloat16)
    return 2 * n**3 / seconds(lambda: a @ b, device, STEPS)


@torch.no_grad()
def parity(model: ScOT, device: str) -> float:
    """Largest deviation of the outputs in float32 from the CPU's, over the largest output."""
    u, _, lead = inputs(model, 2, "cpu")
    here = model.cpu()(u, time=lead)
    there = model.to(device)(u.to(device), time=lead.to(device)).cpu()
    return float((here - there).abs().max() / here.abs().max())


def measure(size: str, batch: int, device: str) -> dict[str, Any]:
    torch.manual_seed(0)
    model = ScOT.of_size(size, identity_norms=True)
    count, deviation = operations(model), parity(model, device)
    rate = batch / step_seconds(model, batch, device, STEPS)
    peak = next((p for name, p in PEAKS.items() if name in torch.cuda.get_device_name()), float("nan"))
    return {
        "size": size, "batch": batch, "samples_s": rate, "peak": rate * count / peak,
        "product": rate * count / product_rate(device), "parity": deviation, "gpu": torch.cuda.get_device_name(),
        "memory_gb": torch.cuda.max_memory_allocated() / 1e9,
    }  # fmt: skip


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--batch-t", type=int, default=256, help="samples of a step of T")
    arguments.add_argument("--batch-b", type=int, default=64, help="samples of a step of B")
    chosen = arguments.parse_args()
    if not torch.cuda.is_available():
        print("no CUDA device at hand")
        return 1
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    columns = {
        "size": "size", "batch": "batch", "samples/s": "samples_s", "share of the peak": "peak",
        "share of a matrix product": "product", "float32 against the CPU": "parity", "GPU": "gpu",
    }  # fmt: skip
    batches = {"T": chosen.batch_t, "B": chosen.batch_b}
    record = Record("scot_gpu", {"steps": STEPS, "batches": batches}, columns, chosen.fresh, chosen.out)
    rows = []
    for size, batch in batches.items():
        rows.append(record.cell(size, partial(measure, size, batch, "cuda")))
        print("  ".join(f"{name} {rows[-1][key]}" for name, key in columns.items()), flush=True)
    record.finish(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
