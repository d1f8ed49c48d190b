"""How the loops of multigrid are compiled."""

import inspect
from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function in machine code, kept on disk.

    Division by zero gives infinity, which the outer iteration sees: a check per division would cost the vector loops.
    """
    # Shape checks may have wrapped the function; the compiler takes bare ones only.
    return njit(cache=True, error_model="numpy")(inspect.unwrap(function))
