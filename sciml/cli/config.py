"""The first look at a configuration: nothing heavy is imported, no class is made, and each mistake is one line.

Order of the checks: syntax and duplicate keys of each file; class paths of each file and override against the
allow-list (a file whose values are overridden later is still parsed by what comes after, so it must be harmless on
its own); then, on the layered result, top-level keys, class names, argument names and the data set's name. Types are
left to the constructors.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sciml.cli import catalogue
from sciml.cli.names import suggestion
from sciml.cli.objects import check_arguments, check_harmless, check_objects
from sciml.cli.paths import local
from sciml.resources import find_resource, resource_root
from sciml.status import ConfigError
from sciml.yaml_files import Document, Place, parse_yaml, read_yaml

TOP_LEVEL = ("seed_everything", "trainer", "model", "data", "ckpt_path")
#: Whose constructor's arguments a section holds.
OWNERS = {
    "trainer": "lightning.pytorch.trainer.trainer.Trainer",
    "model": "sciml.training.FitModule",
    "data": "sciml.training.FieldData",
}


@dataclass(frozen=True)
class Configuration:
    """A checked configuration.

    Args:
        files: the layered files, resolved.
        overrides: dotted keys and values as written.
        data: everything merged.
    """

    files: tuple[Path, ...]
    overrides: tuple[tuple[str, str], ...]
    data: dict[str, Any]


def find_config(name: str) -> Path:
    """A configuration by path, or a shipped one by its name below `configs/`.

    Raises:
        ConfigError: no such file, with the nearest shipped name.
    """
    path = local(name, "--config")
    candidates = [path, *(find_resource("configs", n) for n in (name, name.removeprefix("configs/"), f"{name}.yaml"))]
    found = next((p for p in candidates if p is not None and p.is_file()), None)
    if found is None:
        raise ConfigError(f"--config: {name}: no such file; shipped: {suggestion(name, shipped_configs())}.")
    return found


def shipped_configs() -> list[str]:
    """Names of the shipped configurations, as `--config` takes them."""
    root = resource_root() / "configs"
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*.yaml"))


def shipped_datasets() -> list[str]:
    """Names of the data sets with a recipe or a card."""
    return sorted(p.name for p in (resource_root() / "datasets").glob("*") if p.is_dir())


def check(files: list[str], overrides: list[tuple[str, str]] = [], trust: tuple[str, ...] = ()) -> Configuration:  # noqa: B006
    """Reads, layers and checks a configuration.

    Args:
        files: paths or shipped names; later ones win.
        overrides: dotted key and YAML value; win over files.
        trust: further packages whose classes may be named.

    Raises:
        ConfigError: the first mistake, as `file:line: key: what is wrong, what is accepted, the nearest name`.
    """
    paths = [find_config(name) for name in files]
    documents = [read_yaml(path, name) for path, name in zip(paths, files, strict=True)]
    documents += [_override_document(key, value) for key, value in overrides]
    layered = _Layers()
    for document in documents:
        check_harmless(document, trust, OWNERS)
        layered.add(document)
    return Configuration(tuple(paths), tuple(overrides), _check_names(layered))


def _override_document(key: str, value: str) -> Document:
    data = parse_yaml(value, f"--{key}").data
    for part in reversed(key.split(".")):
        data = {part: data}
    return Document(f"--{key}", data)


# ---- layering -------------------------------------------------------------------------------------------------------


class _Layers:
    """The merged tree, and for each place the document that set it last."""

    def __init__(self) -> None:
        self.data: dict[str, Any] = {}
        self.origin: dict[Place, Document] = {}

    def add(self, document: Document) -> None:
        self.data = self._merge(self.data, document.data, (), document)

    def _merge(self, old: Any, new: Any, place: Place, document: Document) -> Any:
        self.origin[place] = document
        if isinstance(new, list):
            return [self._merge(None, v, (*place, i), document) for i, v in enumerate(new)]
        if not isinstance(new, dict):
            return new
        old = old if isinstance(old, dict) else {}
        if "class_path" in new and _class(new["class_path"]) != _class(old.get("class_path")):
            old = {}  # arguments of another class mean nothing to this one
        merged = dict(old)
        for key, value in new.items():
            merged[key] = self._merge(old.get(key), value, (*place, key), document)
        return merged

    def where(self, place: Place) -> str:
        found = next(self.origin[place[:n]] for n in range(len(place), -1, -1) if place[:n] in self.origin)
        return found.where(place)


def _class(path: Any) -> Any:
    """Where a class is defined, whether its short name, the path of its module or that of a package is written."""
    if not isinstance(path, str):
        return path
    if "." not in path and len(full := catalogue.by_short_name(path)) == 1:
        path = full[0]
    entry = catalogue.find(path)
    return path if entry is None else f"{entry.module}.{entry.name}"


# ---- every name exists ----------------------------------------------------------------------------------------------


def _check_names(layers: _Layers) -> dict[str, Any]:
    for key in layers.data:
        if key not in TOP_LEVEL:
            raise ConfigError(f"{layers.where((key,))}: unknown key; {suggestion(key, TOP_LEVEL)}.")
    for section, path in OWNERS.items():
        value = layers.data.get(section)
        if isinstance(value, dict) and "class_path" not in value and "init_args" not in value:
            check_arguments(path, value, layers.where, (section,))
    _check_dataset(layers)
    return check_objects(layers.data, layers.where)


def _check_dataset(layers: _Layers) -> None:
    section = layers.data.get("data")
    if not isinstance(section, dict):
        return
    inner = ("data", "init_args") if "class_path" in section else ("data",)
    name = (section.get("init_args") or {} if "class_path" in section else section).get("dataset")
    if not isinstance(name, str):
        return
    local(name, "data.dataset")
    root = Path(os.environ.get("SCIML_DATA", "data"))
    if not (Path(name).exists() or (root / name).exists() or name in shipped_datasets()):
        known = {*shipped_datasets(), *(p.name for p in root.glob("*") if p.is_dir())}
        raise ConfigError(f"{layers.where((*inner, 'dataset'))}: {name!r} is no data set; {suggestion(name, known)}.")
