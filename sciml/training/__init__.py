"""Training under Lightning: one module for every family, data by the step, exact resume, checkpoints that load safely.

Names are loaded on first use: importing Lightning takes seconds.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sciml.training.checkpoints import AtomicCheckpointIO as AtomicCheckpointIO
    from sciml.training.checkpoints import BestAndLast as BestAndLast
    from sciml.training.collocation import Collocation as Collocation
    from sciml.training.datamodule import FieldData as FieldData
    from sciml.training.fine_tuning import Freeze as Freeze
    from sciml.training.fine_tuning import StartFrom as StartFrom
    from sciml.training.mixture import MixtureData as MixtureData
    from sciml.training.module import FitModule as FitModule
    from sciml.training.sampler import StepSampler as StepSampler
    from sciml.training.schedules import WarmupCosine as WarmupCosine

_EXPORTS = {
    "AtomicCheckpointIO": "checkpoints",
    "BestAndLast": "checkpoints",
    "Collocation": "collocation",
    "FieldData": "datamodule",
    "FitModule": "module",
    "Freeze": "fine_tuning",
    "MixtureData": "mixture",
    "StartFrom": "fine_tuning",
    "StepSampler": "sampler",
    "WarmupCosine": "schedules",
}
__all__ = list(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(import_module(f"sciml.training.{_EXPORTS[name]}"), name)
    raise AttributeError(f"module 'sciml.training' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
