"""A type error of the configuration as one line: file, key, value, what is accepted."""

import re
from typing import Any

from sciml.cli.yaml_files import Document, Place

#: Lines of the parser's report that name neither a mistake nor what is accepted.
_FRAME = re.compile(
    r"^(?:Parser key|Problem with given class_path|Does not validate against|Subtypes:|Errors:|Given value|"
    r"Expected a <class 'NoneType'>|Expected a path but|Type collections\.abc|Expected a dot import path)"
)


def shorten(text: str, data: dict[str, Any], documents: tuple[Document, ...]) -> str:
    """Cuts the report of the configuration parser.

    Args:
        text: several lines, nested as the annotations are.
        data: the merged configuration.
        documents: its parts, to name the file.
    """
    keys = re.findall(r'Parser key "([^"]+)"', text)
    place: Place = tuple(".init_args.".join(keys).split(".")) if keys else ()
    where = f"{_source(place, documents)}: " if place else ""
    lines = [line.strip().lstrip("- ").strip() for line in text.splitlines()]
    required = re.search(r"the following arguments are required: (.+)", text)
    if required:
        return f"{where}{_class(place, data)}needs the arguments {required.group(1)}."
    subclass = re.search(r"Import path (\S+) does not correspond to a subclass of (\w+)", text)
    if subclass:
        return f"{where}{subclass.group(1)} is no {subclass.group(2)}."
    types = [_type(t) for t in re.findall(r"Expected an? ([^.\n]+(?:'[^']*')?)", text)]
    accepted = list(dict.fromkeys(t for t in types if t))
    reasons = [line for line in lines if line and not _FRAME.match(line) and not line.startswith("Expected a")]
    if accepted and not reasons:
        return f"{where}{_lookup(data, place)!r} is not accepted; {' or '.join(accepted)} is expected."
    if accepted and place and not any("=" in r or "must" in r for r in reasons):
        return f"{where}{_lookup(data, place)!r} is not accepted; {' or '.join(accepted)} is expected."
    return f"{where}{reasons[0] if reasons else lines[0]}"


def _type(text: str) -> str:
    found = re.search(r"<class '(?:\w+\.)*(\w+)'>", text)
    names = {"NoneType": "null", "int": "an integer", "float": "a number", "str": "a text", "bool": "true or false"}
    return names.get(found.group(1), found.group(1)) if found else ""


def _lookup(data: Any, place: Place) -> Any:
    for part in place:
        data = data.get(part) if isinstance(data, dict) else None
    return data


def _class(place: Place, data: dict[str, Any]) -> str:
    found = _lookup(data, place)
    return f"{found['class_path']} " if isinstance(found, dict) and "class_path" in found else ""


def _source(place: Place, documents: tuple[Document, ...]) -> str:
    """`file:line: key` of the newest document that sets a place, or the deepest known part of it."""
    for end in range(len(place), 0, -1):
        for document in reversed(documents):
            value: Any = document.data
            for part in place[:end]:
                value = value.get(part, _NOTHING) if isinstance(value, dict) else _NOTHING
            if value is not _NOTHING:
                return document.where(place)
    return ".".join(str(p) for p in place)


_NOTHING = object()
