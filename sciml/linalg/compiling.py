"""How loops are compiled, and what is said where they cannot be."""

import importlib
import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function in machine code, kept on disk.

    Division by zero gives infinity, which the outer iteration sees: a check per division would cost the vector loops.
    """
    from numba import njit

    # Shape checks may have wrapped the function; the compiler takes bare ones only.
    return njit(cache=True, error_model="numpy")(inspect.unwrap(function))


def load_kernels(name: str) -> ModuleType:
    """A module of compiled loops in this package, which needs numba, an optional dependency.

    Raises:
        ValueError: numba is not installed.
    """
    try:
        return importlib.import_module(f"sciml.linalg.{name}")
    except ModuleNotFoundError as error:
        if error.name != "numba":
            raise
        raise ValueError("multigrid needs numba, which is not installed: pip install 'sciml[solvers]'.") from None
