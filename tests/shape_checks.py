"""The run-time type checker of the tests: beartype, with an `int` accepted where a `float` is annotated.

Shapes that were right the first `CALLS` times are right in the thousandth step of the same test: after so many calls a
function is no longer checked until the next test, which more than halves the time of all tests together. Functions that
are made inside others are not checked: their checks would be compiled anew whenever they are made, in every step.
"""

import ast
import contextlib
import functools
import sys
from collections.abc import Callable
from inspect import getattr_static
from types import FunctionType
from typing import Any

from beartype import BeartypeConf, beartype

#: Checked calls of a function in each test.
CALLS = 8

_beartype = beartype(conf=BeartypeConf(is_pep484_tower=True))
_counts: dict[tuple[str, str], int] = {}
_resting: list[Any] = []


def check(function: Any) -> Any:
    """Checks the arguments and results of a function, or the fields of a class."""
    if not isinstance(function, FunctionType):
        return _beartype(function)
    checked, place = None, (function.__module__, function.__qualname__)

    @functools.wraps(function)
    def counted(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        nonlocal checked
        # Most functions are never called by the tests of one process: their checks are made at the first call.
        checked = checked or _beartype(function)
        _counts[place] = count = _counts.get(place, 0) + 1
        if count == 2 * CALLS:  # arguments and result are two calls
            _rest(*place)
        return checked(*args, **kwargs)

    return counted


def start_test() -> None:
    """From now on every function is checked again."""
    for function in _resting:
        del function.__no_type_check__
    _resting.clear()
    _counts.clear()


def skip_inner_functions() -> None:
    """From now on the import hook passes over functions that are made inside others."""
    # No public interface: where it has changed, the tests are slower and one of them says why.
    with contextlib.suppress(ImportError, AttributeError):
        from jaxtyping._import_hook import JaxtypingTransformer

        every = JaxtypingTransformer.visit_FunctionDef

        def outermost(self: Any, node: ast.FunctionDef) -> ast.FunctionDef:
            return node if any(isinstance(p, ast.FunctionDef) for p in self._parents) else every(self, node)

        JaxtypingTransformer.visit_FunctionDef = outermost  # type: ignore[method-assign]


def _rest(module: str, name: str) -> None:
    """Tells jaxtyping to call a function as it is."""
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr_static(found, part, None)
    function = _function_of(found)
    if function is not None:
        function.__no_type_check__ = True
        _resting.append(function)


def _function_of(found: Any) -> Callable[..., Any] | None:
    inner = getattr(found, "fget", None) or getattr(found, "__func__", None) or getattr(found, "func", None) or found
    return inner if isinstance(inner, FunctionType) and hasattr(inner, "__wrapped__") else None
