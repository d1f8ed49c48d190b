"""Objects as plain data: `describe(obj)` gives `{"class_path", "init_args"}`, `build` makes the object again.

The description is what checkpoints, predictor files and resolved configurations hold; no module is ever pickled.
"""

import dataclasses
import functools
import importlib
import inspect
import math
import sys
import typing
from collections.abc import Callable, Mapping
from typing import Any

from sciml.status import ConfigError

#: Packages whose classes a file may name. Longer lists are given by the caller, never by a file.
ALLOWED = (
    "sciml",
    "torch.nn",
    "torch.optim",
    "lightning.pytorch.callbacks",
    "lightning.pytorch.loggers",
    "lightning.pytorch.strategies",
    "lightning.pytorch.profilers",
    "neuralop.models",
)
#: Lightning's loggers that send a run to a server: never started from a file.
SENDING = frozenset({"CometLogger", "LitLogger", "MLFlowLogger", "NeptuneLogger", "WandbLogger"})

Description = dict[str, Any]


def is_allowed(class_path: str, trust: tuple[str, ...] = ()) -> bool:
    """Whether a file may name `class_path`: public names below an allowed package, the package itself excluded."""
    parts = class_path.split(".")
    if not all(part.isidentifier() and not part.startswith("_") for part in parts):
        return False
    if parts[-1] in SENDING and class_path.startswith("lightning."):
        return False
    return any(class_path.startswith(f"{package}.") for package in (*ALLOWED, *trust))


class Described:
    """Mixin that remembers the arguments of its constructor, for `describe`.

    Subclasses need nothing but an `__init__` with plain values and describable objects as arguments.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" in cls.__dict__:
            cls.__init__ = _recording(cls.__init__)  # type: ignore[method-assign]


def _recording(init: Callable[..., None]) -> Callable[..., None]:
    signature = inspect.signature(init)

    @functools.wraps(init)
    def recorded(self: Any, *args: Any, **kwargs: Any) -> None:
        # A subclass calls the constructors of its bases: only the outermost call is the one to repeat.
        if "_arguments" not in self.__dict__:
            bound = signature.bind(self, *args, **kwargs).arguments
            arguments = {k: v for k, v in list(bound.items())[1:] if k != "kwargs"}
            object.__setattr__(self, "_arguments", {**arguments, **bound.get("kwargs", {})})
        init(self, *args, **kwargs)

    return recorded


def class_path(cls: type) -> str:
    """The shortest public path of a class: that of the package which exports it, else that of its module."""
    module = cls.__module__
    for end in range(1, module.count(".") + 1):
        package = ".".join(module.split(".")[:end])
        if getattr(sys.modules.get(package), cls.__name__, None) is cls:
            return f"{package}.{cls.__name__}"
    return f"{module}.{cls.__qualname__}"


def describe(obj: Any) -> Description:
    """Class and constructor arguments of an object, as plain data that JSON can hold.

    Raises:
        TypeError: an object whose arguments were not recorded, or an argument that is no plain value.
    """
    return {"class_path": class_path(type(obj)), "init_args": {k: _plain(v, k) for k, v in _arguments(obj).items()}}


def _arguments(obj: Any) -> Mapping[str, Any]:
    if "_arguments" in getattr(obj, "__dict__", {}):
        return obj._arguments
    if dataclasses.is_dataclass(obj) and not isinstance(obj, type):
        return {f.name: getattr(obj, f.name) for f in dataclasses.fields(obj) if f.init}
    names = [n for n in inspect.signature(type(obj)).parameters if n not in ("args", "kwargs", "device", "dtype")]
    # Plain torch modules (activations, norms) keep each argument as an attribute of the same name; containers do not.
    plain = type(obj).__module__.startswith("torch.nn") and not getattr(obj, "_modules", None)
    if plain and all(hasattr(obj, n) for n in names):
        return {n: getattr(obj, n) for n in names}
    raise TypeError(f"{type(obj).__qualname__} does not record its constructor's arguments; derive it from Described.")


def _plain(value: Any, name: str) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, list | tuple):
        return [_plain(v, name) for v in value]
    if isinstance(value, Mapping):
        return {str(k): _plain(v, name) for k, v in value.items()}
    if callable(value) and not hasattr(value, "__dict__"):
        raise TypeError(f"argument {name!r} is {value!r}, which is no plain value.")
    return describe(value)


def resolve(path: str, trust: tuple[str, ...] = ()) -> type:
    """The class that `path` names; short names mean `sciml`'s own, others need the full path.

    Raises:
        ConfigError: a path off the allow-list, or one that names no class defined in an allowed package.
    """
    full = path if "." in path else f"sciml.{path}"
    if not is_allowed(full, trust):
        raise ConfigError(
            f"class_path {path!r} is not allowed; accepted are classes of {', '.join((*ALLOWED, *trust))}."
        )
    module, _, name = full.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError as error:
        raise ConfigError(f"class_path {path!r} names no class: {error}.") from None
    # A public module may hold foreign names (`sciml.x.subprocess`): what counts is where the class was defined.
    if not isinstance(found, type) or not is_allowed(f"{found.__module__.replace('._', '.')}.{name}", trust):
        raise ConfigError(f"class_path {path!r} names no class of {', '.join((*ALLOWED, *trust))}.")
    return found


def build(description: Description, trust: tuple[str, ...] = ()) -> Any:
    """Makes the object that a description names. Only classes on the allow-list are imported.

    Raises:
        ConfigError: a class off the allow-list, an unknown argument, or a value that the class refuses.
    """
    cls = resolve(description["class_path"], trust)
    accepted = inspect.signature(cls).parameters
    given = description.get("init_args") or {}
    open_ended = any(p.kind is p.VAR_KEYWORD for p in accepted.values())
    if not open_ended and (unknown := [k for k in given if k not in accepted]):
        raise ConfigError(f"{description['class_path']}: no argument {unknown[0]!r}; it takes {', '.join(accepted)}.")
    arguments = {k: _as_annotated(_unplain(v, trust), accepted.get(k)) for k, v in given.items()}
    try:
        return cls(**arguments)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{description['class_path']}: {error}") from error


def _as_annotated(value: Any, parameter: inspect.Parameter | None) -> Any:
    """JSON and YAML know no tuples: a list becomes one where the constructor asks for one."""
    if parameter is None or not isinstance(value, list):
        return value
    hint = parameter.annotation
    options = [hint] if typing.get_origin(hint) is tuple else list(typing.get_args(hint))
    return tuple(value) if any(typing.get_origin(option) is tuple for option in options) else value


def _unplain(value: Any, trust: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        if "class_path" in value:
            return build(value, trust)
        if set(value) == {"float"}:
            return float(value["float"])
        return {k: _unplain(v, trust) for k, v in value.items()}
    if isinstance(value, list):
        return [_unplain(v, trust) for v in value]
    return value
