"""The first look at a recipe: found, sound as YAML, nothing foreign in it, classes and arguments known."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sciml.cli import catalogue
from sciml.cli.config import shipped_datasets
from sciml.cli.names import suggestion
from sciml.cli.objects import check_harmless, check_objects
from sciml.cli.paths import local
from sciml.resources import find_resource
from sciml.status import ConfigError
from sciml.yaml_files import Document, read_yaml, with_changes


def check_recipe(name: str, changes: Mapping[str, Any] | None = None) -> Path:
    """The file of a recipe, looked at.

    Args:
        name: a data set of `sciml list datasets`, a recipe file or the folder of one.
        changes: values at dotted keys that replace those of the file, looked at with it.

    Raises:
        ConfigError: no such recipe, or the first mistake in it, with file, line, key and the nearest name.
    """
    path = local(name, "recipe")
    candidates = (path, path / "recipe.yaml", find_resource("datasets", f"{name}/recipe.yaml"))
    found = next((p for p in candidates if p is not None and p.is_file()), None)
    if found is None:
        raise ConfigError(f"recipe: {name!r} is no file and no data set; {suggestion(name, shipped_recipes())}.")
    document = read_yaml(found, name if found == path else str(found))
    if changes:
        document = Document(document.source, with_changes(document.data, changes), document.lines)
    check_harmless(document)
    for place, value in _bare_names(document.data):
        if not catalogue.by_short_name(value) and (value.startswith("sciml.") or "." not in value):
            known = [e.name for e in catalogue.entries() if e.kind == "class" and not e.abstract]
            raise ConfigError(
                f"{document.where(place)}: {value!r} names no class; {suggestion(value, known, limit=4)}."
            )
    check_objects(document.data, document.where)
    return found


def shipped_recipes() -> list[str]:
    """Data sets that can be generated; others have a card only."""
    return [name for name in shipped_datasets() if find_resource("datasets", f"{name}/recipe.yaml")]


def _bare_names(data: dict[str, Any]) -> list[tuple[tuple[str, ...], str]]:
    """Classes named without arguments: `equation: Darcy`."""
    places = [(key,) for key in ("equation", "solver", "ordering")]
    return [(p, v) for p in places if isinstance(v := data.get(p[0]), str) and re.fullmatch(r"[\w.]+", v)]
