"""The first look at a configuration: nothing heavy is imported, no class is made, and each mistake is one line.

Order of the checks: syntax and duplicate keys of each file; class paths of each file and override against the
allow-list (a file whose values are overridden later is still parsed by what comes after, so it must be harmless on
its own); then, on the layered result, top-level keys, class names, argument names and the data set's name. Types are
left to the constructors.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sciml.cli import catalogue
from sciml.cli.names import suggestion
from sciml.cli.paths import local
from sciml.cli.yaml_files import Document, Place, parse_yaml, read_yaml
from sciml.describe import ALLOWED, is_allowed
from sciml.resources import find_resource, resource_root
from sciml.status import ConfigError

TOP_LEVEL = ("seed_everything", "trainer", "model", "data", "ckpt_path")
TRAINER = "lightning.pytorch.trainer.trainer.Trainer"
MODULE = "sciml.training.FitModule"
DATA = "sciml.training.FieldData"

_IMPORT_PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
#: Words of the annotations whose values are text and numbers only, never an object made from a class path.
_TEXT_TYPES = set(
    re.findall(
        r"\w+",
        "str Path PathLike _PATH os None int float bool Literal list tuple dict set Any "
        "List Tuple Dict Sequence Iterable Mapping Optional Union",
    )
)


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

    def arguments(self) -> list[str]:
        """The words that hand this configuration over, files before overrides."""
        words = [word for file in self.files for word in ("--config", str(file))]
        return words + [f"--{key}={value}" for key, value in self.overrides]


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
        _check_harmless(document, trust)
        layered.add(document)
    _check_names(layered)
    return Configuration(tuple(paths), tuple(overrides), layered.data)


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
        if "class_path" in new and new["class_path"] != old.get("class_path"):
            old = {}  # arguments of another class mean nothing to this one
        merged = dict(old)
        for key, value in new.items():
            merged[key] = self._merge(old.get(key), value, (*place, key), document)
        return merged

    def where(self, place: Place) -> str:
        found = next(self.origin[place[:n]] for n in range(len(place), -1, -1) if place[:n] in self.origin)
        return found.where(place)


# ---- nothing foreign is named ---------------------------------------------------------------------------------------


def _check_harmless(document: Document, trust: tuple[str, ...]) -> None:
    for place, key, value, is_text in _strings(document.data, (), None):
        if key == "class_path" and not is_allowed(value if "." in value else f"sciml.{value}", trust):
            raise ConfigError(f"{document.where(place)}: {value!r} is not allowed; {_allowed(trust)}.")
        if key == "class_path" or is_text:
            continue
        # Where a class is expected, a file name is read as a further configuration and a bare dotted word is imported.
        if value.endswith((".yaml", ".yml", ".json")) or (
            len(value) < 256 and "\0" not in value and Path(value).is_file()
        ):
            raise ConfigError(
                f"{document.where(place)}: {value!r} is a file; write its content, or layer it with --config."
            )
        if _IMPORT_PATH.fullmatch(value) and not is_allowed(value, trust):
            raise ConfigError(f"{document.where(place)}: {value!r} is not allowed; {_allowed(trust)}.")
        if value.lstrip()[:1] in ("{", "[") or "class_path" in value:
            raise ConfigError(
                f"{document.where(place)}: text that holds a configuration; write it as YAML, without quotes."
            )


def _allowed(trust: tuple[str, ...]) -> str:
    return f"accepted are classes of {', '.join((*ALLOWED, *trust))}; --trust PACKAGE accepts another"


def _strings(
    value: Any, place: Place, owner: catalogue.Entry | None, text: bool = False
) -> Iterator[tuple[Place, str, str, bool]]:
    """All strings with place, nearest key, value and whether their argument takes text only."""
    if isinstance(value, str):
        key = next((p for p in reversed(place) if isinstance(p, str)), "")
        yield place, key, value, text
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _strings(item, (*place, i), owner, text)
    elif isinstance(value, dict):
        path = value.get("class_path")
        here = (
            catalogue.find(path) if isinstance(path, str) else owner if place[-1:] == ("init_args",) else _owner(place)
        )
        for key, item in value.items():
            if key in ("class_path", "init_args"):
                yield from _strings(item, (*place, key), here)
            else:
                yield from _strings(item, (*place, key), None, _takes_text(here, key) or (text and here is None))


def _owner(place: Place) -> catalogue.Entry | None:
    known = {("trainer",): TRAINER, ("model",): MODULE, ("data",): DATA}
    return catalogue.find(known[place]) if place in known else None


def _takes_text(owner: catalogue.Entry | None, key: str) -> bool:
    if owner is None:
        return key in ("ckpt_path", "seed_everything")
    annotation = next((p.annotation for p in owner.parameters or () if p.name == key.removesuffix("+")), None)
    return bool(annotation) and set(re.findall(r"[A-Za-z_]\w*", re.sub(r"'[^']*'", "", str(annotation)))) <= _TEXT_TYPES


# ---- every name exists ----------------------------------------------------------------------------------------------


def _check_names(layers: _Layers) -> None:
    for key in layers.data:
        if key not in TOP_LEVEL:
            raise ConfigError(f"{layers.where((key,))}: unknown key; {suggestion(key, TOP_LEVEL)}.")
    for section, path in (("trainer", TRAINER), ("model", MODULE), ("data", DATA)):
        value = layers.data.get(section)
        if isinstance(value, dict) and "class_path" not in value and "init_args" not in value:
            _check_arguments(layers, (section,), path, value)
    _check_objects(layers, layers.data, ())
    _check_dataset(layers)


def _check_objects(layers: _Layers, value: Any, place: Place) -> None:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if isinstance(value, dict) and isinstance(value.get("class_path"), str):
        _check_object(layers, value, place)
    for key, item in items:
        _check_objects(layers, item, (*place, key))


def _check_object(layers: _Layers, value: dict[str, Any], place: Place) -> None:
    for key in value:
        if key not in ("class_path", "init_args", "dict_kwargs"):
            keys = suggestion(key, ("class_path", "init_args"))
            raise ConfigError(f"{layers.where((*place, key))}: unknown key beside class_path; {keys}.")
    path, arguments = value["class_path"], value.get("init_args") or {}
    if "." not in path or (path.startswith("sciml.") and catalogue.find(path) is None):
        raise ConfigError(f"{layers.where((*place, 'class_path'))}: {path!r} names no class; {_classes_like(path)}.")
    if not isinstance(arguments, dict):
        raise ConfigError(f"{layers.where((*place, 'init_args'))}: {arguments!r}; a mapping of arguments is expected.")
    _check_arguments(layers, (*place, "init_args"), path, arguments)


def _classes_like(path: str) -> str:
    exact = catalogue.by_short_name(path.rpartition(".")[2])
    if exact:
        return f"write {' or '.join(exact)}"
    package = path.rpartition(".")[0]
    classes = [e for e in catalogue.entries() if e.kind == "class" and not e.abstract]
    same = [e.path for e in classes if e.path.rpartition(".")[0] == package]
    return suggestion(path, same or [e.path for e in classes])


def _check_arguments(layers: _Layers, place: Place, path: str, arguments: dict[str, Any]) -> None:
    entry = catalogue.find(path)
    if entry is None or entry.parameters is None:
        return
    names = [p.name for p in entry.parameters]
    for key in arguments:
        if key.removesuffix("+") not in names:
            accepted = suggestion(key, names, limit=16)
            raise ConfigError(f"{layers.where((*place, key))}: no argument of {entry.name}; {accepted}.")


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
