"""`--dry-run`: everything is read and made, one batch goes forward and back, nothing is written."""

from collections import Counter
from functools import partial
from typing import Any

import torch
from torch import Tensor

from sciml.cli.experiments import Experiment
from sciml.cli.fit import Request
from sciml.status import DataError


class KeptBytes:
    """Counts the memory that the derivatives of an objective keep at one time at most, each storage once.

    Hooks see what the backward pass of its terms holds on to; `torch.func`, which makes the Jacobian of `linearize`,
    knows no hooks, and the Jacobian itself is counted.
    """

    def __init__(self, objective: Any) -> None:
        self.holders: Counter[int] = Counter()
        self.current = self.peak = self.jacobian = 0
        self._terms, objective.terms = objective.terms, self._watched_terms
        if hasattr(objective, "linearize"):
            self._linearize, objective.linearize = objective.linearize, self._watched_linearize

    @property
    def total(self) -> int:
        return self.peak + self.jacobian

    def _watched_terms(self, *args: Any) -> Any:
        with torch.autograd.graph.saved_tensors_hooks(partial(_Held, self), lambda held: held.tensor):
            return self._terms(*args)

    def _watched_linearize(self, *args: Any) -> Any:
        result = self._linearize(*args)
        self.jacobian = max(self.jacobian, _bytes(result))
        return result

    def count(self, storage: torch.UntypedStorage, change: int) -> None:
        """One tensor more or less that is kept within a storage."""
        before = self.holders[storage.data_ptr()]
        self.holders[storage.data_ptr()] = after = before + change
        self.current += storage.nbytes() * (bool(after) - bool(before))
        self.peak = max(self.peak, self.current)


class _Held:
    """A tensor for as long as a backward pass may need it: autograd drops this with the graph."""

    def __init__(self, owner: KeptBytes, tensor: Tensor) -> None:
        self.owner, self.tensor = owner, tensor
        owner.count(tensor.untyped_storage(), 1)

    def __del__(self) -> None:
        self.owner.count(self.tensor.untyped_storage(), -1)


def rehearse(request: Request) -> int:
    """Sets a run up, makes one step if the data are there, and prints what the run would be.

    Raises:
        ConfigError: a configuration that does not fit itself or its data.
    """
    limits = {"fast_dev_run": 1, "logger": False, "enable_progress_bar": False}
    trainer = {**(request.data.get("trainer") or {}), **limits}
    experiment = Experiment(_with_trainer(request, trainer), None)
    module, data = experiment.model, experiment.datamodule
    count = sum(p.numel() for p in module.parameters() if p.requires_grad)
    print(f"network {type(module.network).__name__}: {count:,} trainable parameters")
    try:
        if data is not None:
            data.prepare_data()
            data.setup("fit")
    except (DataError, FileNotFoundError) as error:
        print(f"data: not at hand ({error}); the configuration is sound as far as it can be told without them")
        return 0
    _describe(data, (request.data.get("trainer") or {}))
    kept = KeptBytes(module.objective)
    experiment.trainer.fit(module, data)
    # Weights, gradients, and their average: each as large as the weights.
    copies = 2 + (module.average is not None)
    weights = copies * sum(p.numel() * p.element_size() for p in module.parameters())
    held = weights + sum(_bytes(optimizer.state_dict()) for optimizer in experiment.trainer.optimizers)
    print(f"memory: {_size(held + kept.total)} (weights and optimiser {_size(held)}, "
          f"kept for derivatives {_size(kept.total)})")  # fmt: skip
    print(f"one step: loss {module.losses['loss']:.4g}; nothing was written")
    return 0


def _with_trainer(request: Request, trainer: dict[str, Any]) -> Request:
    import dataclasses

    return dataclasses.replace(request, data={**request.data, "trainer": trainer})


def _describe(data: Any, trainer: dict[str, Any]) -> None:
    spec = getattr(data, "spec", None)
    if spec is None:
        return
    shape = " x ".join(str(n) for n in spec.grid.shape)
    print(f"data set {spec.name}: {len(data.train)} training samples on {shape}; "
          f"{', '.join(data.inputs)} -> {', '.join(data.outputs)}")  # fmt: skip
    steps = -(-len(data.train_dataloader()) // int(trainer.get("accumulate_grad_batches") or 1))
    epochs = trainer.get("max_epochs")
    print(f"steps: {steps} per epoch" + (f", {steps * epochs} in {epochs} epochs" if isinstance(epochs, int) else ""))


def _bytes(state: Any) -> int:
    """Of all tensors in nested dictionaries and lists."""
    if isinstance(state, Tensor):
        return state.numel() * state.element_size()
    parts = state.values() if isinstance(state, dict) else state if isinstance(state, list | tuple) else ()
    return sum(_bytes(part) for part in parts)


def _size(count: int) -> str:
    power = min(3, max(0, (len(str(count)) - 1) // 3))
    return f"{count / 1000**power:.3g} {('B', 'kB', 'MB', 'GB')[power]}"
