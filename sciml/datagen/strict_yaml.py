"""YAML as people mean it: a key stands once, and `1e-3` is a number."""

import re
from pathlib import Path
from typing import Any

import yaml

from sciml.status import ConfigError


class _Loader(yaml.SafeLoader):
    """The safe loader, which makes plain values only, with YAML 1.2's floats and without repeated keys."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            # A few nested aliases can stand for gigabytes.
            raise yaml.composer.ComposerError(None, None, "aliases are not accepted", self.peek_event().start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is no text", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} stands twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


_TAG = "tag:yaml.org,2002:"
#: Null, and nothing else that YAML 1.1 guesses: `on`, `1:30` and `2020-01-01` stay text.
_Loader.yaml_implicit_resolvers = {
    first: [rule for rule in rules if rule[0] == f"{_TAG}null"]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _kind, _first, _pattern in (
    ("bool", "tTfF", r"^(true|True|TRUE|false|False|FALSE)$"),
    ("int", "-+0123456789", r"^[-+]?(0|[1-9][0-9]*)$"),
    (
        "float",
        "-+.0123456789",
        r"^[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?$|^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$",
    ),
):
    _Loader.add_implicit_resolver(f"{_TAG}{_kind}", re.compile(_pattern), list(_first))


def load_yaml(path: Path) -> Any:
    """Reads one document of plain values.

    Raises:
        ConfigError: an unreadable file, no YAML, a tag, an alias or a repeated key; the message names file and line.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or "not valid YAML"
        raise ConfigError(f"{path}{line}: {problem}.") from None
