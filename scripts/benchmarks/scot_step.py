"""CPU time of one training step (forward, backward, AdamW) of ScOT-T at batch 4 against its formulas as they are
usually coded, and the memory that checkpointing saves; one thread.

The literal network has the same weights: three projections, E[x^2] - E[x]^2 in the norms, the sigmoid of the position
bias after it was gathered. The networks take turns; the figure is the median of the process time. Memory is what
autograd keeps between the forward and the backward pass, counted by storage, at batch 8.

    python scripts/benchmarks/scot_step.py
"""

import os
import sys
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from _record import Record, parser
from _timing import taking_turns
from torch import Tensor, nn

from sciml.nn.conditional_norm import ConditionalLayerNorm
from sciml.nn.window_attention import WindowAttention
from sciml.operators import ScOT

TURNS = 9


class LiteralNorm(ConditionalLayerNorm):
    """Moments, scale and shift one after another."""

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        mean = x.mean(-1, keepdim=True)
        variance = (x**2).mean(-1, keepdim=True) - mean**2
        lead = condition[:, :1]
        scale, shift = self.weight(lead)[:, None, None], self.bias(lead)[:, None, None]
        return scale * ((x - mean) / (variance + self.eps).sqrt()) + shift

    def residual(self, x: Tensor, update: Tensor, condition: Tensor) -> Tensor:
        return x + self.forward(update, condition)


class LiteralAttention(WindowAttention):
    """Separate projections, and a sigmoid of what was gathered."""

    def position_bias(self, offsets: Tensor, index: Tensor) -> Tensor:
        side = round(index.shape[0] ** 0.5)
        table = self.continuous_position_bias_mlp(offsets)
        return 16.0 * torch.sigmoid(table[index].reshape(side, side, -1).permute(2, 0, 1).contiguous())

    def _projections(self, x: Tensor) -> Tensor:
        return torch.stack([self.query(x), self.key(x), self.value(x)], dim=2)


def literal(network: nn.Module) -> nn.Module:
    """The same network and the same weights, computed as the formulas read."""
    for module in network.modules():
        for cls in (LiteralNorm, LiteralAttention):
            if type(module) is cls.__base__:
                module.__class__ = cls
    return network


def network(**changes: object) -> nn.Module:
    torch.manual_seed(0)
    return ScOT.of_size("T", identity_norms=True, **changes)


def training_step(model: nn.Module) -> Callable[[], None]:
    torch.manual_seed(1)
    inputs, targets, lead = torch.randn(4, 4, 128, 128), torch.randn(4, 4, 128, 128), torch.rand(4)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)

    def step() -> None:
        optimizer.zero_grad()
        (model(inputs, time=lead) - targets).abs().mean().backward()
        optimizer.step()

    return step


def step_times() -> dict[str, float]:
    """Median milliseconds of each network, taking turns."""
    compiled = torch.compile(network())
    steps = {
        k: training_step(m) for k, m in (("literal", literal(network())), ("eager", network()), ("compiled", compiled))
    }
    return taking_turns(steps, TURNS)


def kept_bytes(checkpointed: bool) -> float:
    """Megabytes that autograd keeps after the forward pass, parameters excluded."""
    model = network(checkpointed=checkpointed)
    own = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept: dict[int, int] = {}
    alive: list[Tensor] = []

    def pack(t: Tensor) -> Tensor:
        storage = t.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
            alive.append(t)
        return t

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        out = model(torch.randn(8, 4, 128, 128), time=torch.rand(8))
    return sum(kept.values()) / 1e6 if out.requires_grad else 0.0


def memory() -> dict[str, float]:
    return {"without": kept_bytes(False), "with": kept_bytes(True)}


def main() -> int:
    arguments = parser(__doc__).parse_args()
    torch.set_num_threads(1)
    columns = {"what": "what", "case": "case", "value": "value", "unit": "unit", "ratio": "ratio"}
    record = Record("scot_step", {"turns": TURNS, "batch": 4, "grid": 128}, columns, arguments.fresh, arguments.out)
    rows = []
    times = record.cell("step", step_times)
    for name in ("literal", "eager", "compiled"):
        rows.append(
            {
                "what": "training step",
                "case": name,
                "value": times[name],
                "unit": "CPU ms",
                "ratio": times["literal"] / times[name],
            }
        )
    kept = record.cell("memory", memory)
    for name in ("without", "with"):
        rows.append(
            {
                "what": "kept for the backward pass",
                "case": f"{name} checkpoints",
                "value": kept[name],
                "unit": "MB",
                "ratio": kept[name] / kept["without"],
            }
        )
    for row in rows:
        print(
            f"{row['what']:28s} {row['case']:20s} {row['value']:9.1f} {row['unit']:7s} {row['ratio']:.2f}", flush=True
        )
    record.finish(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
