"""The part of `fit`, `validate`, `test` and `predict` that needs Lightning: made from a checked request."""

import contextlib
import math
import os
import shutil
import sys
import time
from argparse import ArgumentError
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from jsonargparse import ArgumentError as ParserError
from jsonargparse import set_parsing_settings
from lightning.pytorch import LightningDataModule, LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.utilities.exceptions import MisconfigurationException

from sciml.cli.fit import RUN_VARIABLE, Request, started_by_another
from sciml.cli.one_line import shorten
from sciml.cli.run_log import log_file, quiet
from sciml.describe import ALLOWED
from sciml.files import replacing, write_atomically, write_json
from sciml.status import ConfigError, SciMLError
from sciml.training.callbacks import EpochLog, MetricsFile, ProgressBar
from sciml.training.checkpoints import AtomicCheckpointIO, BestAndLast
from sciml.training.module import FitModule
from sciml.training.runs import create_run, environment, point_latest

#: Packages that earlier commands of this process were told to trust.
_TRUSTED: set[str] = set()


def _restrict_imports(trust: Sequence[str]) -> None:
    """The parser's own list of what a value may name: a second barrier, behind the look at the configuration.

    It is one for the whole process and remembers its entries, so those of an earlier command are taken back.

    Raises:
        ConfigError: a package to trust that is no dotted name, or the parser itself.
    """
    over = sorted(_TRUSTED - {*ALLOWED, *trust})
    try:
        set_parsing_settings(import_path_denylist=["*", *over], import_path_allowlist=[*ALLOWED, *trust])
    except ValueError as error:
        raise ConfigError(f"--trust: {error}") from None
    _TRUSTED.update(trust)


class Experiment(LightningCLI):
    """`LightningCLI` on one merged configuration: `FitModule`, any data module, one seed for both.

    Args:
        request: the checked command.
        folder: of the run; `None` to keep nothing.
        callbacks: beside those of the configuration.
    """

    def __init__(self, request: Request, folder: Path | None, callbacks: Sequence[Callback] = ()) -> None:
        self.request, self.folder, self.callbacks = request, folder, callbacks
        _restrict_imports(request.trust)
        try:
            super().__init__(
                FitModule,
                LightningDataModule,
                subclass_mode_data=True,
                run=False,
                args=request.data,
                save_config_callback=None,
                auto_configure_optimizers=False,
                load_from_checkpoint_support=False,
                seed_everything_default=0,
                parser_kwargs={"exit_on_error": False},
            )
        except SciMLError:
            raise
        except (ArgumentError, ParserError, MisconfigurationException, ValueError, TypeError) as error:
            raise ConfigError(shorten(str(error), request.data, request.documents)) from error

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        parser.link_arguments("seed_everything", "model.seed")
        if "seed" not in ((self.request.data.get("data") or {}).get("init_args") or {}):
            parser.link_arguments("seed_everything", "data.init_args.seed")

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        config = self.config_init["trainer"]
        _check_accelerator(config["accelerator"])
        keep = self.folder is not None
        settings: dict[str, Any] = {
            "default_root_dir": str(self.folder) if keep else None,
            "logger": config["logger"] if config["logger"] not in (None, True) else self._loggers() if keep else False,
            "plugins": [*_as_list(config["plugins"]), AtomicCheckpointIO()],
            "enable_model_summary": bool(config["enable_model_summary"]),
            "enable_checkpointing": keep,
            "log_every_n_steps": config["log_every_n_steps"] or 1,
            "num_sanity_val_steps": config["num_sanity_val_steps"] or 0,
        }
        settings["callbacks"] = callbacks = [*self.callbacks, *_as_list(config["callbacks"])]
        if keep:
            callbacks.append(EpochLog())
            # First, and beside whatever else saves: only these are never written with non-finite weights.
            if not any(isinstance(c, BestAndLast) for c in callbacks):
                callbacks.insert(0, BestAndLast())
        if config["enable_progress_bar"] is None:
            settings["enable_progress_bar"] = keep and sys.stderr.isatty()
        if settings.get("enable_progress_bar", config["enable_progress_bar"]):
            callbacks.append(ProgressBar())
        return super().instantiate_trainer(**settings, **kwargs)

    def _loggers(self) -> list[Any]:
        loggers: list[Any] = [MetricsFile(str(self.folder))]
        if find_spec("tensorboard") is not None:
            from lightning.pytorch.loggers import TensorBoardLogger

            loggers.append(TensorBoardLogger(str(self.folder), name="tensorboard", version=""))
        return loggers

    def resolved(self) -> str:
        """The configuration with every default written out, as YAML that the next run can read."""
        return self.parser.dump(self.config, skip_unset=False)


def _check_accelerator(name: Any) -> None:
    if name in ("gpu", "cuda", "mps"):
        at_hand = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
        if not (any(at_hand.values()) if name == "gpu" else at_hand[name]):
            raise ConfigError(
                f"trainer.accelerator={name} needs a GPU and there is none at hand; cpu or auto is accepted."
            )


def _as_list(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]


def execute(request: Request) -> int:
    """Carries out a request; returns the exit code."""
    with quiet():
        if request.dry_run:
            from sciml.cli.dry_run import rehearse

            with arguments_at_fault():
                return rehearse(request)
        return _fit(request) if request.verb == "fit" else _use(request)


@contextlib.contextmanager
def arguments_at_fault() -> Iterator[None]:
    """A bad argument that shows only when it meets the data is still one of the configuration's."""
    try:
        yield
    except ValueError as error:
        raise ConfigError(str(error)) from error


def _fit(request: Request) -> int:
    folder = started_by_another() or create_run(request.root, request.name)
    os.environ[RUN_VARIABLE] = str(folder)
    started = Started(request, folder)
    try:
        with log_file(folder / "log.txt"):
            _train(request, folder, started)
    except BaseException as error:
        if not started.yet or (isinstance(error, ConfigError) and not started.stepped):
            # A mistake in the configuration is no run.
            shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        os.environ.pop(RUN_VARIABLE, None)
    return 0


def _train(request: Request, folder: Path, started: "Started") -> None:
    experiment = Experiment(request, folder, [started])
    trainer, module = experiment.trainer, experiment.model
    started.config = experiment.resolved()
    start = time.perf_counter()
    checkpoint = None if request.checkpoint is None else str(request.checkpoint)
    try:
        trainer.fit(module, experiment.datamodule, ckpt_path=checkpoint, weights_only=True)
    except (ValueError, RuntimeError) as error:
        # What fails before the first step is done, or asks for a metric that is not logged, was configured so.
        if started.stepped and "conditioned on metric" not in str(error):
            raise
        raise ConfigError(" ".join(str(error).split())[:400]) from error
    except SystemExit:
        # Lightning ends the program by itself when it is interrupted; how it ends is for the command line to say.
        raise KeyboardInterrupt from None
    if not started.yet:
        reached = "nothing to train" if checkpoint is None else f"{checkpoint} is at the end of its run"
        raise ConfigError(f"{reached} ({trainer.global_step} steps); raise trainer.max_epochs={trainer.max_epochs}.")
    if trainer.is_global_zero:
        _finish(trainer, folder, time.perf_counter() - start)


class Started(Callback):
    """Writes down what the run is when training begins, and lets `latest` point to it after the first step.

    Args:
        request: the checked command.
        folder: of the run.
    """

    def __init__(self, request: Request, folder: Path) -> None:
        self.request, self.folder, self.config = request, folder, ""
        self.yet = self.stepped = False

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.yet = True
        if trainer.is_global_zero:
            write_atomically(self.folder / "config.yaml", self.config)
            write_json(self.folder / "environment.json", _environment(self.request, trainer))
            print(f"run {self.folder}: {_count(pl_module):,} parameters, {pl_module.device}", flush=True)

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:
        if not self.stepped and trainer.is_global_zero:
            point_latest(self.folder)
        self.stepped = True


def _environment(request: Request, trainer: Trainer) -> dict[str, Any]:
    return environment(
        request.data["seed_everything"],
        threads=torch.get_num_threads(),
        device=str(trainer.strategy.root_device),
        devices=trainer.world_size,
        gpu=torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        precision=str(trainer.precision),
        resumed=None if request.checkpoint is None else str(request.checkpoint),
    )


def _count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def _finish(trainer: Trainer, folder: Path, seconds: float) -> None:
    """Exports the predictor of the best checkpoint and says where everything is."""
    saver = trainer.checkpoint_callback
    best = Path(getattr(saver, "best_model_path", "") or getattr(saver, "last_model_path", ""))
    # Infinite where no validation was reached.
    score = getattr(saver, "best_score", math.inf)
    monitor = getattr(trainer.lightning_module, "monitor", "")
    shown = f"; best {monitor} {score:.4g}" if math.isfinite(score) else ""
    print(f"{trainer.global_step} steps in {seconds:.1f} s{shown}")
    if best.is_file() and trainer.lightning_module.exportable:
        from sciml.inference import from_checkpoint

        from_checkpoint(best).save(folder / "model.sciml")
        print(f"predictor {folder / 'model.sciml'}")


def _use(request: Request) -> int:
    """Measures or applies a checkpoint; keeps nothing but predictions."""
    experiment = Experiment(request, None)
    call = getattr(experiment.trainer, request.verb)
    keywords = {"verbose": False} if request.verb != "predict" else {}
    with arguments_at_fault():
        result = call(
            experiment.model,
            datamodule=experiment.datamodule,
            ckpt_path=str(request.checkpoint),
            weights_only=True,
            **keywords,
        )
    if request.verb == "predict":
        print(f"predictions {_save_predictions(result, request)}")
    else:
        for name, value in sorted(result[0].items()):
            print(f"{name} {value:.6g}")
    return 0


def _save_predictions(parts: list[torch.Tensor], request: Request) -> Path:
    import numpy as np

    assert request.checkpoint is not None
    folder = request.checkpoint.resolve().parent
    folder = folder.parent if folder.name == "checkpoints" else folder
    path = folder / f"predictions-{time.strftime('%Y%m%d-%H%M%S')}.npz"
    with replacing(path) as temporary:
        np.savez(temporary, fields=torch.cat(parts).float().numpy())
    return path
