"""The one Lightning module, for every family: network and batch go into an objective, named terms come out."""

import logging
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.strategies import DDPStrategy, SingleDeviceStrategy
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

import sciml
from sciml.batch import Batch
from sciml.data import AllToAll
from sciml.nn import Normalized
from sciml.objective import FixedWeights, Objective, Term, Weighting, accepts, evaluate
from sciml.rng import seed_of
from sciml.status import ConfigError
from sciml.training import closures, failure, resume
from sciml.training.average import WeightAverage
from sciml.training.resume import inner_network
from sciml.training.streams import reseed

log = logging.getLogger(__name__)

#: Steps in a row that a gradient scaler of half precision may skip while it looks for its scale.
SCALER_PATIENCE = 20


def adamw(parameters: Iterable[Any]) -> Optimizer:
    """The optimiser of a configuration that names none; as a class its options would be taken over by another's."""
    return AdamW(parameters)


class FitModule(LightningModule):
    r"""Trains a network on an objective, $\min_\theta \sum_k \lambda_k L_k(\theta)$.

    With a data module that knows its fields (`spec`, `inputs`, `outputs`, `normalizers()`, `description()`) the network
    is wrapped so that it takes and gives physical units; without one it is trained as it is. The global random streams
    are seeded anew at every step from `(seed, step)`, which together with `FieldData` makes a resumed run bit-identical
    to an undisturbed one on one thread.

    Args:
        network: `f(x, *, time=None, params=None, coords=None, ...)` on normalised fields.
        objective: names the terms. Where the network is the solution of a problem, its `solution()` says what is known
            of it.
        weighting: makes one number of them; their sum when left out. One that is `finished` ends the training. Numbers
            in the `observations()` of both are logged with the losses.
        optimizer: called with the parameters. One that has `bind` is given `objective.linearize`, where there
            is one: residuals and Jacobian, by the parameters of the network and then those of the objective.
        lr_scheduler: called with the optimiser; one with an attribute `interval = "step"` advances after every step.
        ema: decay of the moving average of the weights, which validation, test and predictors then use.
        monitor: metric that decides which checkpoint is the best, the smaller the better.
        seed: of the random streams during training.
        compile: compile the network's forward and backward pass.
    """

    def __init__(
        self,
        network: nn.Module,
        objective: Objective,
        weighting: Weighting | None = None,
        optimizer: Callable[[Iterable], Optimizer] = adamw,
        lr_scheduler: Callable[[Optimizer], LRScheduler] | None = None,
        ema: float | None = None,
        monitor: str = "val/relative_l2",
        seed: int = 0,
        compile: bool = False,
    ) -> None:
        super().__init__()
        self.network = network
        self.objective = objective
        self.weighting = FixedWeights() if weighting is None else weighting
        self.make_optimizer, self.make_scheduler = optimizer, lr_scheduler
        self.average = None if ema is None else WeightAverage(ema)
        self.monitor, self.seed, self.compiled = monitor, seed, compile
        #: Batches trained on so far, over all epochs and restarts.
        self.step = 0
        #: Optimiser and schedule as plain data, once they are made.
        self.settings: dict[str, Any] = {}
        self._saved: Mapping[str, Any] | None = None
        #: Loss and terms of the newest training step.
        self.losses: dict[str, float] = {}
        #: The batch that they belong to.
        self.batch: Batch | None = None
        self._skipped = self._evaluations = 0
        self._sums: dict[str, float] = {}
        self._seen = 0

    # Set-up: what the data say about the network.

    def setup(self, stage: str) -> None:
        if not isinstance(self.trainer.strategy, DDPStrategy | SingleDeviceStrategy):
            name = type(self.trainer.strategy).__name__
            raise ConfigError(f"trainer.strategy={name} is not supported; accepted are one device and ddp.")
        # Lightning's conversion of a batch (64-true) walks into data classes and refuses frozen ones; `_cast` does it.
        self.trainer.precision_plugin.convert_input = lambda data: data  # type: ignore[method-assign]
        clip = self.trainer.gradient_clip_val
        if clip is not None and clip < 0:
            raise ConfigError(f"trainer.gradient_clip_val={clip} must not be negative; nothing would be clipped.")
        data = self._fields
        if data is not None:
            self._check_channels(data)
            self._check_lead(data)
            if not isinstance(self.network, Normalized):
                self.network = Normalized(self.network, *data.normalizers())
        # Before a checkpoint is read: one in double precision must not pass through single precision.
        self.trainer.precision_plugin.convert_module(self)
        if self.compiled:
            self.network.compile()
        if resume.described(inner_network(self.network)) is None:
            name = type(inner_network(self.network)).__name__
            log.warning("%s does not record its arguments: checkpoints can be resumed, but not exported.", name)

    @property
    def _fields(self) -> Any:
        """The data module, if it knows what its fields are."""
        data = getattr(self.trainer, "datamodule", None)
        return data if getattr(data, "spec", None) is not None else None

    def _check_channels(self, data: Any) -> None:
        network = inner_network(self.network)
        for side, names in (("in_channels", data.inputs), ("out_channels", data.outputs)):
            written = getattr(network, side, None)
            if isinstance(written, int) and written != len(names):
                raise ConfigError(
                    f"model.network.{side}={written} (configuration), but data set {data.spec.name!r} has {len(names)} "
                    f"{'input' if side == 'in_channels' else 'output'} channels: {', '.join(names)}."
                )

    def _check_lead(self, data: Any) -> None:
        windows, network = getattr(data, "windows", None), inner_network(self.network)
        if isinstance(windows, AllToAll) and len(set(windows.gaps or (0, 1))) > 1 and "time" not in accepts(network):
            raise ConfigError(
                f"data.windows=AllToAll has several lead times, which {type(network).__name__} does not take; accepted "
                "are a network that takes time, OneStep, Rollout, and AllToAll with a single gap."
            )

    def configure_optimizers(self) -> Any:
        optimizer = _called("optimizer", self.make_optimizer, self._trained_parameters())
        closures.check(optimizer, self.trainer, scheduled=self.make_scheduler is not None)
        linearize = getattr(self.objective, "linearize", None)
        if linearize is not None and hasattr(optimizer, "bind"):
            optimizer.bind(lambda: linearize(self.network, self.weighting))
        if self.make_scheduler is None:
            self.settings = {"optimizer": resume.optimizer_settings(optimizer)}
            return optimizer
        scheduler = _called("lr_scheduler", self.make_scheduler, optimizer)
        if isinstance(scheduler, ReduceLROnPlateau):
            raise ConfigError("model.lr_scheduler=ReduceLROnPlateau cannot be resumed exactly; use WarmupCosine.")
        if hasattr(scheduler, "set_total"):
            steps = self.trainer.estimated_stepping_batches
            if math.isinf(steps):
                raise ConfigError(
                    f"trainer.max_epochs={self.trainer.max_epochs} has no end, on which "
                    f"model.lr_scheduler={type(scheduler).__name__} depends; accepted are positive numbers."
                )
            scheduler.set_total(int(steps))
        self.settings = {
            "optimizer": resume.optimizer_settings(optimizer),
            "lr_scheduler": resume.scheduler_settings(scheduler),
        }
        interval = getattr(scheduler, "interval", "epoch")
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": interval}}

    def _trained_parameters(self) -> list[Any]:
        """Parameters that need gradients, in the groups that the network makes of them, where it does."""
        grouped: list[dict[str, Any]] = getattr(inner_network(self.network), "parameter_groups", list)()
        groups = [{**g, "params": [p for p in g["params"] if p.requires_grad]} for g in grouped]
        known = {id(p) for g in groups for p in g["params"]}
        others = [p for p in self.parameters() if p.requires_grad and id(p) not in known]
        if not groups:
            return others
        return [g for g in (*groups, {"params": others, "name": "others"}) if g["params"]]

    def on_fit_start(self) -> None:
        if self._saved is not None:
            resume.check_same(self._saved["run"], resume.run_settings(self))
        if self.average is not None:
            self.average.start(self.network)

    # Training.

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        reseed(seed_of(self.seed, self.step, self.global_rank), self.device)
        self.objective.advance(self.step, self.current_epoch, self.network)
        if self.objective.begins:
            self.weighting.restart()
        self._evaluations = 0
        # Counted here, since callbacks save checkpoints before the hooks of this module that come after the step.
        self.step += 1

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Loss of one batch; an optimiser with closures asks for it many times in one step.

        All evaluations of a step are of one function: the weighting learns at the first one, and a search draws the
        same random numbers every time. The losses that are recorded are those of the first, before the step.
        """
        self._evaluations += 1
        first, guarded = self._evaluations == 1, self._guarded
        if guarded:
            reseed(seed_of(self.seed, self.step - 1, self.global_rank, 1), self.device)
        self.batch = batch = self._cast(batch)
        terms = self.objective.terms(self.network, batch)
        loss = self.weighting.train(first)(terms, self.network)
        if not first and guarded:
            return loss
        self.losses = {"loss": float(loss.detach()), **{k: float(t.scalar().detach()) for k, t in terms.items()}}
        if not self._agreed(bool(np.isfinite(self.losses["loss"]))):
            self.fail("loss", failure.gradient_norms(self, loss))
        if first:
            self._add(batch)
        return loss

    @property
    def _guarded(self) -> bool:
        """Whether the optimiser sees to trials that are not finite; the point where it starts is never one."""
        return getattr(self.trainer.optimizers[0], "guarded", False)

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        if self._evaluations > 1 and self._guarded:
            return
        gradients = [p.grad for p in self.parameters() if p.grad is not None]
        if self._agreed(bool(torch.isfinite(torch.nn.utils.get_total_norm(gradients)))):
            self._skipped = 0
            return
        self._skipped += 1
        if getattr(self.trainer.precision_plugin, "scaler", None) is None or self._skipped > SCALER_PATIENCE:
            self.fail("gradient", failure.gradient_norms(self))

    def on_train_batch_end(self, *args: Any) -> None:
        # A weighting that has reached its end says so; an objective may have more to come (a window of time).
        if getattr(self.weighting, "finished", False) and not getattr(self.objective, "goes_on", False):
            log.info("%s has finished: the training ends.", type(self.weighting).__name__)
            self.trainer.should_stop = True

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        super().optimizer_step(*args, **kwargs)
        if self.average is not None:
            self.average.update(self.network, self.trainer.global_step)

    def on_train_epoch_start(self) -> None:
        self._sums, self._seen = {}, 0

    def _add(self, batch: Batch) -> None:
        # Lightning's own averages cost a millisecond per step, as much as a small network does.
        size = _size(batch)
        self._seen += size
        for name, value in self.losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + size * value

    def on_train_epoch_end(self) -> None:
        parts = (self.weighting, self.objective)
        seen = {f"train/{k}": v for part in parts for k, v in getattr(part, "observations", dict)().items()}
        values = {**self.train_means(), **seen, "train/lr": self._rate()}
        self.log_dict(values, sync_dist=self.trainer.world_size > 1)

    def train_means(self) -> dict[str, float]:
        """Means of loss and terms over the samples of this epoch so far, on this process."""
        return {f"train/{name}": value / self._seen for name, value in self._sums.items()}

    def _rate(self) -> float:
        return float(self.trainer.optimizers[0].param_groups[0]["lr"])

    def fail(self, what: str, norms: dict[str, float] | None = None) -> None:
        """Writes `failure.json` into the trainer's folder and ends the run with `SolveFailure`."""
        failure.stop(self, what, norms or {})

    def _agreed(self, finite: bool) -> bool:
        # All processes stop together: one that stopped alone would leave the others waiting for its gradients.
        if self.trainer.world_size == 1:
            return finite
        return self.trainer.strategy.reduce_boolean_decision(finite, all=True)

    # Evaluation, with the averaged weights where there are some.

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self._evaluate("val", batch)

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        self._evaluate("test", batch)

    def predict_step(self, batch: Batch, batch_idx: int) -> Tensor:
        return evaluate(self.network, self._cast(batch))

    def _evaluate(self, split: str, batch: Batch) -> None:
        batch = self._cast(batch)
        terms = self.objective.terms(self.network, batch)
        losses = {"loss": self.weighting(terms, self.network), **{k: t.scalar() for k, t in terms.items()}}
        losses.update({k: v.mean() for k, v in self._metrics(batch, terms).items()})
        self._log(split, losses, batch)

    def _metrics(self, batch: Batch, terms: dict[str, Term]) -> dict[str, Tensor]:
        """Relative L2 error of what the network predicts, per sample, where the batch has targets for it."""
        if batch.targets is None or "relative_l2" in terms:
            return {}
        from sciml.metrics import relative_l2

        prediction = evaluate(self.network, batch)
        if self.objective.without_data:
            # What the state determines (a pressure) comes last; references know the state alone.
            prediction = prediction[..., : batch.targets.shape[-1]]
        return (
            {"relative_l2": relative_l2(prediction, batch.targets)} if prediction.shape == batch.targets.shape else {}
        )

    def _log(self, split: str, values: Mapping[str, Tensor | float], batch: Batch) -> None:
        # Lightning averages the sizes over the processes and cuts the result to an integer: times their number, it is
        # one already, also where the processes have different numbers of samples.
        processes = self.trainer.world_size
        named = {f"{split}/{name}": value for name, value in values.items()}
        self.log_dict(named, on_step=False, on_epoch=True, batch_size=_size(batch) * processes, sync_dist=processes > 1)

    def _cast(self, batch: Batch) -> Batch:
        dtype = next(self.network.parameters()).dtype
        return batch.to(dtype if dtype.is_floating_point else dtype.to_real())

    def _swap_in(self) -> None:
        if self.average is not None:
            self.average.swap_in(self.network)

    def _swap_out(self) -> None:
        if self.average is not None:
            self.average.swap_out(self.network)

    on_validation_epoch_start = on_test_epoch_start = on_predict_epoch_start = _swap_in
    on_validation_epoch_end = on_test_epoch_end = on_predict_epoch_end = _swap_out

    # Checkpoints: plain data beside the tensors.

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        data = self._fields
        checkpoint["sciml"] = {
            "schema": resume.SCHEMA,
            "version": sciml.__version__,
            "step": self.step,
            "module": resume.module_settings(self),
            "data": None if data is None else data.description(),
            "solution": None if (known := self._known) is None else known().to_dict(),
            "run": resume.run_settings(self),
        }
        if self.average is not None:
            checkpoint["ema_state_dict"] = {f"network.{k}": v for k, v in self.average.weights.items()}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        entry = resume.sciml_entry(checkpoint)
        fitting = self.trainer.training or self.trainer.state.fn == "fit"
        current = resume.module_settings(self)
        resume.check_same(
            {"model": entry["module"] if fitting else {"network": entry["module"]["network"]}},
            {"model": current if fitting else {"network": current["network"]}},
        )
        self.step = entry["step"]
        self._saved = entry if fitting else None
        if "ema_state_dict" in checkpoint:
            self.average = self.average or WeightAverage(entry["module"]["ema"])
            self.average.load({k.removeprefix("network."): v for k, v in checkpoint["ema_state_dict"].items()})

    @property
    def exportable(self) -> bool:
        """Whether a checkpoint says enough to rebuild the network and to name its fields."""
        named = self._fields is not None or self._known is not None
        return named and resume.described(inner_network(self.network)) is not None

    @property
    def _known(self) -> Callable[[], Any] | None:
        """What the objective knows of the solution that the network becomes, where that is what it trains."""
        return getattr(self.objective, "solution", None)


def _called(name: str, maker: Callable[[Any], Any], argument: Any) -> Any:
    """What the configuration makes only now; its mistakes are the configuration's."""
    try:
        return maker(argument)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"model.{name}: {error}") from error


def _size(batch: Batch) -> int:
    """Number of samples; a cloud of points counts as one."""
    return next((len(v) for v in (batch.fields, batch.targets) if v is not None), 1)
