"""`--dry-run`: everything is read and made, one batch goes forward and back, nothing is written."""

from typing import Any

from sciml.cli.experiments import Experiment
from sciml.cli.fit import Request
from sciml.cli.memory import KeptBytes, bytes_of
from sciml.status import DataError


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
    held = weights + sum(bytes_of(optimizer.state_dict()) for optimizer in experiment.trainer.optimizers)
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


def _size(count: int) -> str:
    power = min(3, max(0, (len(str(count)) - 1) // 3))
    return f"{count / 1000**power:.3g} {('B', 'kB', 'MB', 'GB')[power]}"
