"""What a checkpoint says about its run, and whether another run may continue it."""

from collections.abc import Iterator, Mapping
from typing import Any

from torch import nn
from torch.optim import Optimizer

from sciml.describe import class_path, describe
from sciml.nn import Normalized
from sciml.status import ConfigError, ResumeMismatch

#: Layout of the entry `sciml` of a checkpoint.
SCHEMA = 1


def described(module: nn.Module | None) -> dict[str, Any] | None:
    """Description of a module; `None` for one that does not record its arguments.

    Such a module can be trained and resumed, but nothing can rebuild it from a file.
    """
    if module is None:
        return None
    try:
        return describe(module)
    except (TypeError, ValueError):
        return None


def inner_network(network: nn.Module) -> nn.Module:
    """The network that the configuration names, without the normalisation around it."""
    return network.network if isinstance(network, Normalized) else network


def module_settings(module: Any) -> dict[str, Any]:
    """What a `FitModule` trains, as plain data."""
    return {
        "network": described(inner_network(module.network)),
        "objective": described(module.objective),
        "weighting": described(module.weighting),
        "ema": None if module.average is None else module.average.decay,
        "seed": module.seed,
    }


def run_settings(module: Any) -> dict[str, Any]:
    """What a run that continues this one must share with it, beside network and objective."""
    trainer = module.trainer
    identity = getattr(getattr(trainer, "datamodule", None), "identity", None)
    return {
        "model": module.settings,
        "data": None if identity is None else identity(),
        "trainer": {
            "accumulate_grad_batches": trainer.accumulate_grad_batches,
            "gradient_clip_val": trainer.gradient_clip_val,
            "gradient_clip_algorithm": str(trainer.gradient_clip_algorithm or "norm"),
            "precision": str(trainer.precision),
            "processes": trainer.world_size,
        },
    }


def optimizer_settings(optimizer: Optimizer) -> dict[str, Any]:
    """Class and plain options of an optimiser as it is before its first step."""
    options = {k: v for k, v in optimizer.defaults.items() if v is None or isinstance(v, bool | int | float | str)}
    lists = {k: list(v) for k, v in optimizer.defaults.items() if isinstance(v, list | tuple)}
    named = {
        g["name"]: {"lr": g.get("initial_lr", g["lr"]), "weight_decay": g.get("weight_decay")}
        for g in optimizer.param_groups
        if "name" in g
    }
    own = optimizer.settings() if hasattr(optimizer, "settings") else {}
    # A schedule of optimisers is described by all of them, before the first step of any.
    inner = {str(k): optimizer_settings(o) for k, o in enumerate(getattr(optimizer, "optimizers", []))}
    nested = {**({"groups": named} if named else {}), **({"optimizers": inner} if inner else {})}
    return {"class": class_path(type(optimizer)), **options, **lists, **own, **nested}


def scheduler_settings(scheduler: Any) -> dict[str, Any] | None:
    """Class and plain state of a schedule as it is before its first step."""
    if scheduler is None:
        return None
    state = {k: v for k, v in scheduler.state_dict().items() if v is None or isinstance(v, bool | int | float | str)}
    return {"class": class_path(type(scheduler)), **{k: v for k, v in state.items() if not k.startswith("_")}}


def differences(saved: Any, current: Any, name: str = "") -> Iterator[str]:
    """`key: saved -> current` for every leaf that differs."""
    if isinstance(saved, Mapping) and isinstance(current, Mapping):
        for key in sorted({*saved, *current}, key=str):
            yield from differences(saved.get(key), current.get(key), f"{name}.{key}" if name else str(key))
    elif _plain(saved) != _plain(current):
        yield f"{name}: {saved!r} in the checkpoint, {current!r} now"


def _plain(value: Any) -> Any:
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value


def check_same(saved: Mapping[str, Any], current: Mapping[str, Any]) -> None:
    """Compares what a checkpoint says with this run.

    Raises:
        ResumeMismatch: naming the first entries that differ.
    """
    found = list(differences(saved, current))
    if found:
        more = f" (and {len(found) - 3} more)" if len(found) > 3 else ""
        raise ResumeMismatch(
            f"the checkpoint belongs to another run: {'; '.join(found[:3])}{more}; continue it with its own config."
        )


def sciml_entry(checkpoint: Mapping[str, Any]) -> Mapping[str, Any]:
    """The entry `sciml` of a checkpoint.

    Raises:
        ConfigError: there is none, or one of a newer layout.
    """
    entry = checkpoint.get("sciml")
    if not isinstance(entry, Mapping):
        raise ConfigError("the checkpoint has no entry 'sciml'; only those written by FitModule can be loaded.")
    if entry.get("schema") != SCHEMA:
        raise ConfigError(f"the checkpoint has schema {entry.get('schema')!r}; this version reads {SCHEMA}.")
    return entry
