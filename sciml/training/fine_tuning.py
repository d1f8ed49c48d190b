"""How a run starts from weights that another one left, and which of them it leaves alone."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import nn

from sciml.nn import LowRank
from sciml.status import ConfigError
from sciml.training.resume import inner_network

log = logging.getLogger(__name__)


class StartFrom(Callback):
    """Starts training from weights that a network of the same kind has left in a folder.

    The network's class reads the folder, by its `from_pretrained`. Tensors are taken where names and shapes agree with
    the network of the configuration; the others keep their initial values and are named in the log. A run that is
    resumed goes on with its own weights.

    Args:
        folder: as `save_pretrained` writes it.
        rest: how many tensors may keep their initial values; more are refused, since then it is another network.
    """

    def __init__(self, folder: str, rest: int = 8) -> None:
        self.folder, self.rest = folder, rest

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if stage != "fit" or trainer.ckpt_path is not None:
            return
        network = inner_network(cast(nn.Module, pl_module.network))
        adapted = network if isinstance(network, LowRank) else None
        plain = network if adapted is None else adapted.network
        read = getattr(type(plain), "from_pretrained", None)
        if read is None:
            raise ConfigError(f"trainer.callbacks.StartFrom: {type(plain).__name__} has no from_pretrained.")
        stored = read(Path(self.folder))[0].state_dict()
        own = plain.state_dict() if adapted is None else adapted.base_state()
        fresh = sorted(k for k, v in own.items() if k not in stored or stored[k].shape != v.shape)
        if len(fresh) > self.rest:
            raise ConfigError(
                f"trainer.callbacks.StartFrom: {self.folder} lacks {len(fresh)} of {len(own)} tensors of the network, "
                f"{fresh[0]!r} first; rest={self.rest} may be missing."
            )
        taken = {k: v if k in fresh else stored[k] for k, v in own.items()}
        if adapted is None:
            plain.load_state_dict(taken)
        else:
            adapted.load_base(taken)
        log.info("started from %s; initialised anew: %s", self.folder, ", ".join(fresh) or "nothing")


class Freeze(Callback):
    """Trains the named groups of parameters and leaves all others as they are.

    Args:
        train: names among those that the network's `parameter_groups()` has, such as `embedding`.
    """

    def __init__(self, train: Sequence[str] = ("embedding",)) -> None:
        self.train = tuple(train)

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        network = inner_network(cast(nn.Module, pl_module.network))
        groups = {g["name"]: g["params"] for g in getattr(network, "parameter_groups", list)()}
        if unknown := sorted(set(self.train) - set(groups)):
            raise ConfigError(
                f"trainer.callbacks.Freeze: train names {unknown[0]!r}; {type(network).__name__} has the groups "
                f"{', '.join(groups) or 'none'}."
            )
        for name, parameters in groups.items():
            for parameter in parameters:
                parameter.requires_grad_(name in self.train)
