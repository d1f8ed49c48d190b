"""A training that left the finite numbers: what was seen, written down, and the run stopped."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from sciml.files import write_json
from sciml.status import SolveFailure, Status


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


def stop(module: Any, what: str, norms: dict[str, float]) -> NoReturn:
    """Writes `failure.json` into the trainer's folder, on the first process, and ends the run.

    Args:
        module: the `FitModule` that was training.
        what: the first thing that was not finite: `loss`, `gradient` or `weights`.
        norms: of the gradients, by parameter.

    Raises:
        SolveFailure: always.
    """
    trainer, index = module.trainer, None if module.batch is None else module.batch.index
    saved = [getattr(trainer.checkpoint_callback, f"{kind}_model_path", "") for kind in ("last", "best")]
    good = next((path for path in saved if path and Path(path).is_file()), None)
    step, epoch, samples = module.step - 1, module.current_epoch, [] if index is None else index.tolist()
    report = {"what": what, "step": step, "epoch": epoch, "samples": samples, "seed": module.seed}
    report |= {"losses": module.losses, "gradient_norms": norms, "last_good_checkpoint": good}
    path = Path(trainer.default_root_dir) / "failure.json"
    if trainer.is_global_zero:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, _json_value(report))
    raise SolveFailure(
        f"non-finite {what} at step {step} (epoch {epoch}, samples {samples[:8]}); last good checkpoint: "
        f"{good or 'none'}; lower the learning rate or clip gradients; see {path}.",
        Status.NON_FINITE,
    )
