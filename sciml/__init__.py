"""Scientific machine learning for PDEs: generate, train, evaluate, predict.

Names are loaded on first use, so that `import sciml` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_EXPORTS = {
    "Surrogate": "sciml.inference",
    "generate": "sciml.datagen",
    "rollout": "sciml.solvers",
    "solve": "sciml.solvers",
}
__all__ = [*_EXPORTS, "__version__"]

if TYPE_CHECKING:
    from sciml.datagen import generate as generate
    from sciml.inference import Surrogate as Surrogate
    from sciml.solvers import rollout as rollout
    from sciml.solvers import solve as solve


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module 'sciml' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
