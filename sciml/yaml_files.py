"""YAML as users mean it: `1e-3` is a number, no key counts twice, nothing is executed, nothing explodes.

The dialect is the common part of YAML 1.1 and 1.2: words that the two read differently (`no`, `010`, `1:30`) are
refused rather than guessed, because the reader that comes after this one follows the older rules.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sciml.status import ConfigError

MAX_BYTES = 1 << 20
MAX_NODES = 50_000
MAX_DEPTH = 64

#: A place in a document: keys and list positions from the top.
Place = tuple[str | int, ...]

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):
    yaml_implicit_resolvers: dict[str, list] = {}


_TAG = "tag:yaml.org,2002:"
_PLAIN = {
    "null": (r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    "bool": (r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    "int": (r"^[-+]?(?:0|[1-9][0-9_]*|0x[0-9a-fA-F]+)$", list("-+0123456789")),
    "float": (
        r"^(?:[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9]+|[0-9][0-9_]*(?=[eE]))(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$",
        list("-+0123456789."),
    ),
    # Found by their own tags, so that quoted words, which resolve to strings, pass.
    "ambiguous": (r"^(?:yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF)$", list("yYnNoO")),
    "ambiguous-number": (
        r"^[-+]?(?:0[0-9_]+|0o?[0-7_]+|0b[01_]+|[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?)$",
        list("-+0123456789"),
    ),
    "merge": (r"^<<$", ["<"]),
}
for _name, (_pattern, _first) in _PLAIN.items():
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(_pattern), _first)


@dataclass(frozen=True)
class Document:
    """A mapping read from YAML, with the line of each of its entries.

    Args:
        source: the file's name as the user wrote it.
        data: plain dictionaries, lists and scalars.
        lines: line of each place, counted from one.
    """

    source: str
    data: Any
    lines: dict[Place, int] = field(default_factory=dict)

    def where(self, place: Place) -> str:
        """`file:line: a.b.c`, the line being that of the deepest known part of the place."""
        line = next((self.lines[place[:n]] for n in range(len(place), -1, -1) if place[:n] in self.lines), None)
        head, name = f"{self.source}:{line}" if line else self.source, dotted(place)
        return head if head == f"--{name}" or not name else f"{head}: {name}"


def dotted(place: Place) -> str:
    """`("trainer", "callbacks", 0)` as `trainer.callbacks[0]`."""
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in place).removeprefix(".")


def read_yaml(path: Path, source: str | None = None) -> Document:
    """Reads a file that must hold a mapping.

    Raises:
        ConfigError: one line with file and line number: unreadable, too large, no UTF-8, bad syntax, a key given twice,
            an own tag, an ambiguous word, or anything but a mapping at the top.
    """
    source = source or str(path)
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{source}: {error.strerror}.") from None
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"{source}: larger than {MAX_BYTES} bytes, which no configuration is.")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{source}: no UTF-8 text (byte {error.start}).") from None
    document = parse_yaml(text, source)
    if document.data is None:
        return Document(source, {}, document.lines)
    if not isinstance(document.data, dict):
        raise ConfigError(f"{source}: holds a {type(document.data).__name__}; a mapping of keys to values is expected.")
    return document


def parse_yaml(text: str, source: str) -> Document:
    """Reads YAML text; see `read_yaml`."""
    try:
        _check_events(text, source)
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise ConfigError(f"{source}{line}: {error.problem or error.context}.") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{source}: {str(error).splitlines()[0]}.") from None
    builder = _Builder(source)
    return Document(source, None if node is None else builder.build(node, ()), builder.lines)


def _check_events(text: str, source: str) -> None:
    # Before any tree is made: depth and tags cost nothing to look at in the stream of events.
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = _line(event)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise ConfigError(f"{source}:{line}: nested deeper than {MAX_DEPTH} levels.")
        tag = getattr(event, "tag", None)
        if tag not in (None, "!"):
            raise ConfigError(f"{source}:{line}: tag {tag!r} is not accepted; files hold plain values only.")


def _line(marked: Any) -> int:
    return marked.start_mark.line + 1


def with_changes(data: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of plain data with other values at dotted keys, `{"parameters.viscosity": 0.001}`.

    Mappings on the way that are missing are made; a mapping that is there is replaced as a whole by its new value.

    Raises:
        ConfigError: a key that leads through something that is no mapping.
    """
    result = dict(data)
    for key, value in changes.items():
        *way, last = key.split(".")
        inner = result
        for word in way:
            found = inner.get(word, {})
            if not isinstance(found, Mapping):
                raise ConfigError(f"{key}: {word} is {found!r} and has no keys; change it as a whole.")
            inner[word] = dict(found)
            inner = inner[word]
        if not last:
            raise ConfigError(f"{key!r} is no key; dotted words are, parameters.viscosity.")
        inner[last] = value
    return result


class _Builder:
    """Node tree to plain values, keeping lines and counting what aliases repeat."""

    def __init__(self, source: str) -> None:
        self.source, self.count = source, 0
        self.lines: dict[Place, int] = {}
        self.open: set[int] = set()

    def build(self, node: Any, place: Place) -> Any:
        self.count += 1
        if self.count > MAX_NODES:
            raise ConfigError(f"{self.source}: more than {MAX_NODES} values once its aliases are written out.")
        self.lines.setdefault(place, _line(node))
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node)
        if id(node) in self.open:
            raise ConfigError(f"{self.source}:{_line(node)}: an alias contains itself.")
        self.open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.build(child, (*place, i)) for i, child in enumerate(node.value)]
            return self.mapping(node, place)
        finally:
            self.open.discard(id(node))

    def mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        result: dict[str, Any] = {}
        first: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = _line(key_node)
            if key_node.tag == _TAG + "merge":
                raise ConfigError(
                    f"{self.source}:{line}: merge keys are not accepted; layer files with a second --config."
                )
            key = self.scalar(key_node) if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, str):
                raise ConfigError(
                    f"{self.source}:{line}: a key must be a word, got {getattr(key_node, 'value', 'a list')!r}."
                )
            if key in result:
                name = dotted((*place, key))
                raise ConfigError(f"{self.source}:{line}: {name}: given twice, first on line {first[key]}; keep one.")
            first[key] = line
            self.lines[(*place, key)] = line
            result[key] = self.build(value_node, (*place, key))
        return result

    def scalar(self, node: yaml.ScalarNode) -> Any:
        kind, text = node.tag.removeprefix(_TAG), node.value
        if kind.startswith("ambiguous"):
            meant = "true or false, or quote the word" if kind == "ambiguous" else "a decimal number, or quote the word"
            line = _line(node)
            raise ConfigError(f"{self.source}:{line}: {text} is read differently by versions of YAML; write {meant}.")
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() == "true"
        if kind == "int":
            return int(text.replace("_", ""), 16 if "x" in text else 10)
        if kind == "float":
            return float(text.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))
        return text
