"""What an optimiser that evaluates the loss many times in one step asks of its trainer."""

from typing import Any

from torch.optim import LBFGS, Optimizer

from sciml.status import ConfigError


def searching(optimizer: Optimizer) -> list[str]:
    """Names of the optimisers that evaluate the loss more than once per step: the given one, or some of its phases."""
    members = getattr(optimizer, "optimizers", [optimizer])
    return [type(o).__name__ for o in members if getattr(o, "guarded", False) or isinstance(o, LBFGS)]


def check(optimizer: Optimizer, trainer: Any, scheduled: bool) -> None:
    """Refuses what a search over several evaluations, or a schedule of optimisers, cannot work with.

    Raises:
        ConfigError: naming the entry of the configuration.
    """
    if scheduled and hasattr(optimizer, "optimizers"):
        raise ConfigError("model.lr_scheduler is set beside Phases; give every phase a rate of its own instead.")
    clip, batches, processes = trainer.gradient_clip_val, trainer.accumulate_grad_batches, trainer.world_size
    refused = {
        f"gradient_clip_val={clip} would bend its gradients": bool(clip),
        f"accumulate_grad_batches={batches} would change the loss between them": batches > 1,
        f"world_size={processes} would let every process search for itself": processes > 1,
    }
    for name in searching(optimizer):
        for reason in (reason for reason, applies in refused.items() if applies):
            raise ConfigError(f"{name} evaluates the loss many times in one step; trainer.{reason}.")
