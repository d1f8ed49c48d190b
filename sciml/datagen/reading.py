"""Reads a recipe's entries one by one; every complaint is one line with file, key, value and what is accepted."""

import difflib
import inspect
import math
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, NoReturn, TypeVar

from sciml.describe import resolve
from sciml.status import ConfigError

T = TypeVar("T")


def nearest(name: str, accepted: Iterable[str]) -> str:
    """`"; did you mean 'x'?"`, or nothing when no accepted name is close."""
    folded = {a.lower(): a for a in accepted}
    near = difflib.get_close_matches(name.lower(), folded, 1)
    return f"; did you mean {folded[near[0]]!r}?" if near else ""


class Entries:
    """A mapping of a file, with the place it has there.

    Args:
        data: what the file holds at `place`.
        source: name of the file.
        place: dotted keys that lead to it; empty for the top.

    Raises:
        ConfigError: `data` is no mapping.
    """

    def __init__(self, data: Any, source: str, place: str = "") -> None:
        self.source, self.place, self.data = source, place, data
        if not isinstance(data, Mapping):
            raise ConfigError(f"{source}: {place or 'the file'}={data!r} must be a mapping.")

    def key(self, name: str) -> str:
        return f"{self.place}.{name}" if self.place else name

    def fail(self, name: str, accepted: str) -> NoReturn:
        value = self.data.get(name)
        raise ConfigError(f"{self.source}: {self.key(name)}={value!r}: {accepted}")

    def only(self, accepted: Iterable[str]) -> None:
        """Refuses keys that nobody would read."""
        names = tuple(accepted)
        for name in self.data:
            if name not in names:
                known = ", ".join(names) or "none"
                raise ConfigError(
                    f"{self.source}: {self.key(name)} is no key here; accepted are {known}{nearest(name, names)}"
                )

    def require(self, name: str) -> Any:
        if name not in self.data:
            raise ConfigError(f"{self.source}: {self.key(name)} is missing.")
        return self.data[name]

    def inner(self, name: str) -> "Entries":
        return Entries(self.require(name), self.source, self.key(name))

    def text(self, name: str, default: str | None = None, choices: Iterable[str] | None = None) -> str:
        value = self.require(name) if default is None else self.data.get(name, default)
        if not isinstance(value, str):
            self.fail(name, "must be text.")
        if choices is not None and value not in (names := tuple(choices)):
            self.fail(name, f"accepted are {', '.join(names)}{nearest(value, names)}")
        return value

    def integer(self, name: str, default: int | None = None, low: int = 0) -> int:
        value = self.require(name) if default is None else self.data.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < low:
            self.fail(name, f"must be an integer of at least {low}.")
        return value

    def truth(self, name: str, default: bool) -> bool:
        value = self.data.get(name, default)
        if not isinstance(value, bool):
            self.fail(name, "must be true or false.")
        return value

    def number(self, name: str, default: float | None = None) -> float:
        value = self.require(name) if default is None else self.data.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self.fail(name, "must be a finite number.")
        return float(value)

    def instance(self, name: str, kind: type[T] | tuple[type, ...], packages: Iterable[ModuleType], what: str) -> T:
        """The object that a class path (or a bare class name) describes.

        Args:
            name: the key.
            kind: what the object must be.
            packages: where a short class name is looked for, in this order.
            what: the kind in words, for the message.
        """
        value = self.require(name)
        found = self._make({"class_path": value} if isinstance(value, str) else value, self.key(name), tuple(packages))
        if not isinstance(found, kind):
            raise ConfigError(f"{self.source}: {self.key(name)}={type(found).__name__} is no {what}.")
        return found  # type: ignore[return-value]

    def _make(self, description: Any, place: str, packages: tuple[ModuleType, ...]) -> Any:
        entries = Entries(description, self.source, place)
        entries.only(("class_path", "init_args"))
        path = full_path(entries.text("class_path"), packages)
        try:
            cls = resolve(path)
        except ConfigError as error:
            known = [n for package in packages for n in package.__all__ if isinstance(getattr(package, n), type)]
            hint = "" if "." in path else f" Short names are {', '.join(sorted(known))}{nearest(path, known)}"
            raise ConfigError(f"{self.source}: {place}.class_path: {error}{hint}") from None
        arguments = {}
        accepted = [n for n in inspect.signature(cls).parameters if n not in ("args", "kwargs")]
        given = Entries(entries.data.get("init_args") or {}, self.source, f"{place}.init_args")
        given.only(accepted)
        for key, value in given.data.items():
            arguments[key] = self._argument(value, given.key(key), packages)
        try:
            inspect.signature(cls).bind(**arguments)
            return cls(**arguments)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"{self.source}: {place}: {error}") from None

    def _argument(self, value: Any, place: str, packages: tuple[ModuleType, ...]) -> Any:
        """An argument of a constructor: descriptions become objects, within lists and mappings too."""
        if isinstance(value, Mapping):
            if "class_path" in value:
                return self._make(value, place, packages)
            return {k: self._argument(v, f"{place}.{k}", packages) for k, v in value.items()}
        if isinstance(value, list):
            return [self._argument(v, f"{place}[{i}]", packages) for i, v in enumerate(value)]
        return value


def full_path(name: str, packages: Iterable[ModuleType]) -> str:
    """A short class name means the class of the first package that exports it; other names stay as they are."""
    if "." in name:
        return name
    for package in packages:
        if name in package.__all__:
            return f"{package.__name__}.{name}"
    return name
