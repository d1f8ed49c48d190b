"""A trained network in use: the predictor file, the surrogate that reads it, and exports. Needs no Lightning.

- `Surrogate(network, spec)`, `Surrogate.load(path)`, `.save(path)`, `surrogate(x)`, `surrogate.rollout(initial, times)`
- `Solution.of(network, problem)`, `Solution.load(path)`, `.save(path)`, `solution(points)`, `solution.on(grid, times)`
- `check_predictor(path) -> dict`: looks at a file without importing torch
- `from_checkpoint(path) -> Surrogate | Solution`; `export_program(surrogate, path)` for `torch.export`
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sciml.inference.file import check_predictor

_EXPORTS = {
    "Solution": "solution",
    "Surrogate": "surrogate",
    "SurrogateSpec": "spec",
    "export_program": "export",
    "from_checkpoint": "checkpoint",
    "valid_until": "surrogate",
}
__all__ = [*_EXPORTS, "check_predictor"]

if TYPE_CHECKING:
    from sciml.inference.checkpoint import from_checkpoint as from_checkpoint
    from sciml.inference.export import export_program as export_program
    from sciml.inference.solution import Solution as Solution
    from sciml.inference.spec import SurrogateSpec as SurrogateSpec
    from sciml.inference.surrogate import Surrogate as Surrogate
    from sciml.inference.surrogate import valid_until as valid_until


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(import_module(f"sciml.inference.{_EXPORTS[name]}"), name)
    raise AttributeError(f"module 'sciml.inference' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
