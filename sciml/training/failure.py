"""A training that left the finite numbers: what was seen, written down, and the run stopped."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sciml.status import SolveFailure, Status
from sciml.training.runs import write_json


def all_finite(tensors: Iterable[Tensor]) -> bool:
    """Whether every floating-point entry is a finite number."""
    return all(bool(torch.isfinite(t).all()) for t in tensors if t.is_floating_point() or t.is_complex())


def gradient_norms(module: nn.Module, loss: Tensor | None = None) -> dict[str, float]:
    """Norm of the gradient of every parameter: the stored one, or that of `loss`."""
    named = [(name, p) for name, p in module.named_parameters() if p.requires_grad]
    gradients: Iterable[Tensor | None] = [p.grad for _, p in named]
    if loss is not None and loss.requires_grad:
        gradients = torch.autograd.grad(loss, [p for _, p in named], allow_unused=True)
    pairs = zip(named, gradients, strict=True)
    return {name: float(g.detach().norm()) for (name, _), g in pairs if g is not None}


def _json_value(value: Any) -> Any:
    # JSON has no NaN; a reader in another language must not stumble over the report.
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {str(k): _json_value(v) for k, v in value.items()}
    return [_json_value(v) for v in value] if isinstance(value, list | tuple) else value


def stop(path: Path | None, what: str, report: dict[str, Any]) -> None:
    """Writes the report (on the process that has a path) and ends the run.

    Raises:
        SolveFailure: always.
    """
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, _json_value({"what": what, **report}))
    good = report.get("last_good_checkpoint")
    raise SolveFailure(
        f"non-finite {what} at step {report['step']} (epoch {report['epoch']}, samples {report['samples'][:8]}); "
        f"last good checkpoint: {good or 'none'}; lower the learning rate or clip gradients"
        f"{f'; see {path}' if path else ''}.",
        Status.NON_FINITE,
    )
