"""What every public name keeps to: it is there, it is documented, and so are the arguments of its constructor."""

import inspect
import pkgutil
import re
from enum import Enum
from importlib import import_module

import pytest

import sciml

PACKAGES = [
    "sciml",
    *(f"sciml.{m.name}" for m in pkgutil.iter_modules(sciml.__path__) if m.name not in ("cli", "__main__")),
]


def public(package: str) -> list[str]:
    """`__all__`, or for a module without one the classes and functions that it defines."""
    module = import_module(package)
    defined = [k for k, v in vars(module).items() if getattr(v, "__module__", None) == package and callable(v)]
    return sorted(n for n in getattr(module, "__all__", defined) if not n.startswith("_"))


NAMES = [(package, name) for package in PACKAGES for name in public(package)]
OBJECTS = [(p, n) for p, n in NAMES if inspect.isclass(v := getattr(import_module(p), n)) or inspect.isfunction(v)]


def has_constructor(thing: type) -> bool:
    """Whether it is one of our classes that a user makes with arguments of its own."""
    foreign = issubclass(thing, (Exception, tuple, Enum)) or not thing.__module__.startswith("sciml")
    return not (foreign or inspect.isabstract(thing) or getattr(thing, "_is_protocol", False))


CLASSES = [(p, n) for p, n in OBJECTS if inspect.isclass(v := getattr(import_module(p), n)) and has_constructor(v)]


def test_there_are_names_of_every_layer() -> None:
    assert {"sciml.fields", "sciml.pdes", "sciml.data", "sciml.training", "sciml.report"} <= {p for p, _ in NAMES}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_exported_name_is_there_once_and_listed_by_dir(package: str) -> None:
    module = import_module(package)
    names = list(getattr(module, "__all__", []))
    assert len(names) == len(set(names))
    assert [n for n in names if not hasattr(module, n)] == []
    assert set(names) <= set(dir(module))


@pytest.mark.parametrize(("package", "name"), OBJECTS)
def test_every_public_name_says_what_it_is(package: str, name: str) -> None:
    thing = getattr(import_module(package), name)
    # What a class inherits, or what `dataclass` writes, says nothing about the class itself.
    text = thing.__dict__.get("__doc__") if inspect.isclass(thing) else thing.__doc__
    assert text, f"{package}.{name} has no docstring"
    assert not text.startswith(f"{name}("), f"{package}.{name} has the docstring of its signature alone"


def documented(text: str) -> set[str]:
    """Names in a section `Args:`; one line may explain several."""
    section = re.search(r"^\s*Args:\n(.*?)(?=^\s*\w+:\s*$|\Z)", text, re.MULTILINE | re.DOTALL)
    lines = section.group(1).splitlines() if section else []
    found = [re.match(r"\s+([\w*, ]+?)\s*:", line) for line in lines]
    return {word.strip(" *") for match in found if match for word in match.group(1).split(",")}


@pytest.mark.parametrize(("package", "name"), CLASSES)
def test_every_argument_of_a_public_constructor_is_explained(package: str, name: str) -> None:
    cls = getattr(import_module(package), name)
    taken = [p.name for p in inspect.signature(cls).parameters.values() if p.kind is not p.VAR_KEYWORD]
    explained = set().union(*(documented(inspect.cleandoc(c.__doc__ or "")) for c in cls.__mro__))
    assert [n for n in taken if n not in explained] == []
