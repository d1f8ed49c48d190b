"""A value that the configuration parser refuses, as one line: file, key, value, what is accepted."""

import re
from typing import Any

from sciml.yaml_files import Document, Place

_NAMES = {"NoneType": "null", "int": "an integer", "float": "a number", "str": "a text", "bool": "true or false"}
_PARSERS_OWN = re.compile(
    r"Parser key|Expected an? |Does not validate|Subtypes?:|Errors:|Type collections|Not a valid|a |Subclass"
)
_PROBLEM = "Problem with given class_path '"


def shorten(text: str, data: dict[str, Any], documents: tuple[Document, ...]) -> str:
    """Cuts the parser's report, which lists every alternative of every annotation around the mistake.

    Args:
        text: the report, nested by indentation.
        data: the merged configuration.
        documents: its parts, to name the file.
    """
    lines = text.partition("Given value type:")[0].splitlines()
    owner, inner = _innermost(lines)
    keys = re.findall(r'Parser key "([^"]+)"', "\n".join(lines))
    place: Place = tuple(".init_args.".join(keys).split(".")) if keys else ()
    body = "\n".join(inner)
    if missing := re.search(r"the following arguments are required: (.+)", body):
        message = f"{owner or 'the configuration'} needs the arguments {missing.group(1)}"
    elif subclass := re.search(r"Import path (\S+) does not correspond to a subclass of (\w+)", body):
        message = f"{subclass.group(1)} is no {subclass.group(2)}"
    elif given := re.search(r"Not a valid subclass of (\w+)\.? Got value: (.+)", body):
        message = f"{given.group(2)} is not accepted; a {given.group(1)} as class_path and init_args is expected"
    elif (accepted := _accepted(body)) and not (said := _sentences(inner)):
        got = re.search(r"Got value: (.+)", body)
        value = got.group(1) if got else repr(_lookup(data, place))
        message = f"{value} is not accepted; {' or '.join(accepted)} is expected"
    else:
        reason = next(iter(said if accepted else _sentences(inner)), " ".join(text.split()))
        name = re.match(r"(\w+)=", reason)
        return _located(reason, _places(data, name.group(1)) if name else [], documents)
    return f"{_where(place, documents)}: {message}." if keys else f"{message[0].upper()}{message[1:]}."


def _sentences(lines: list[str]) -> list[str]:
    """What constructors say about their arguments; the parser's own lines are left out."""
    return [s for s in (line.strip(" -") for line in lines) if s and not _PARSERS_OWN.match(s)]


def _innermost(lines: list[str]) -> tuple[str, list[str]]:
    """The class whose arguments are at fault, and the lines below it; all lines where there is none."""
    number = max((i for i, line in enumerate(lines) if _PROBLEM in line), default=None)
    if number is None:
        return "", [line for line in lines if not line.lstrip(" -").startswith(("Does not", "Subtypes", "Errors"))]
    depth = _depth(lines[number])
    below = lines[number + 1 :]
    end = next((i for i, line in enumerate(below) if line.strip() and _depth(line) <= depth), len(below))
    return lines[number].partition(_PROBLEM)[2].rstrip("':"), below[:end]


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" -"))


def _accepted(body: str) -> list[str]:
    """What is accepted in the place of a value, each alternative once."""
    found = []
    for kind in re.findall(r"Expected an? (.+)", body):
        literal = re.match(r"(?:typing\.)?Literal\[(.+)\]", kind)
        cls = re.match(r"<class '(?:\w+\.)*(\w+)'>", kind)
        if literal:
            found += [word.strip(" '") for word in literal.group(1).split(",")]
        elif cls:
            found.append(_NAMES.get(cls.group(1), f"a {cls.group(1)}"))
        elif kind.startswith("dot import path"):
            found.append("a class_path with init_args")
    # Numbers may be tensors for PyTorch's optimisers; no file can hold one.
    return [
        word for word in dict.fromkeys(found) if not (word == "a class_path with init_args" and "a number" in found)
    ]


def _lookup(data: Any, place: Place) -> Any:
    for part in place:
        data = data.get(part) if isinstance(data, dict) else None
    return data


def _places(data: Any, name: str, place: Place = ()) -> list[Place]:
    """All places whose last key is `name`."""
    if not isinstance(data, dict):
        return []
    here = [(*place, name)] if name in data else []
    return here + [found for key, value in data.items() for found in _places(value, name, (*place, key))]


def _located(message: str, places: list[Place], documents: tuple[Document, ...]) -> str:
    return f"{_where(places[0], documents)}: {message}" if len(places) == 1 else message


def _where(place: Place, documents: tuple[Document, ...]) -> str:
    """`file:line: key` by the newest document that sets a place, or the deepest part of it that one sets."""
    for end in range(len(place), 0, -1):
        for document in reversed(documents):
            if _has(document.data, place[:end]):
                return (
                    document.source if document.source.startswith("--") and end == len(place) else document.where(place)
                )
    return ".".join(str(part) for part in place)


def _has(data: Any, place: Place) -> bool:
    for part in place:
        if not isinstance(data, dict) or part not in data:
            return False
        data = data[part]
    return True
