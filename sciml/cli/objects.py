"""Objects in files, `{class_path, init_args}`: nothing foreign is named, every class and argument exists.

Nothing is imported here: what the classes take is read from their sources.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sciml.cli import catalogue
from sciml.cli.names import suggestion
from sciml.describe import ALLOWED, SENDING, is_allowed
from sciml.status import ConfigError
from sciml.yaml_files import Document, Place

#: `file:line: key` of a place.
Where = Callable[[Place], str]

_IMPORT_PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
#: Words of annotations whose values are text and numbers only, never an object made from a class path.
_TEXT_TYPES = frozenset(
    (
        "str",
        "Path",
        "PathLike",
        "_PATH",
        "os",
        "None",
        "int",
        "float",
        "bool",
        "Literal",
        "list",
        "tuple",
        "dict",
        "set",
    )
) | frozenset(("Any", "List", "Tuple", "Dict", "Sequence", "Iterable", "Mapping", "Optional", "Union"))


# ---- nothing foreign is named ---------------------------------------------------------------------------------------


def check_harmless(document: Document, trust: tuple[str, ...] = (), owners: Mapping[str, str] | None = None) -> None:
    """Refuses whatever could make a later reader import a module off the allow-list.

    Args:
        document: one file or override; each must be harmless on its own, since each is parsed on its own.
        trust: further packages.
        owners: class whose arguments the keys below a top-level key are.

    Raises:
        ConfigError: a class path off the list; where a class may stand, a dotted word, a file or text with YAML in it.
    """
    for place, value, is_text in _strings(document.data, (), None, owners or {}):
        is_path = place[-1:] == ("class_path",)
        full = value if "." in value else f"sciml.{value}"
        if (is_path and not is_allowed(full, trust)) or (not is_text and _names_foreign(value, trust)):
            raise ConfigError(f"{document.where(place)}: {value!r} is not allowed; {_accepted(trust)}.")
        # Where a class is expected, the name of a file is read as a further configuration, and so is quoted YAML.
        if not is_text and _is_file(value):
            advice = "write its content, or layer it with --config"
            raise ConfigError(f"{document.where(place)}: {value!r} is a file; {advice}.")
        if not is_text and (value.lstrip()[:1] in ("{", "[") or "class_path" in value):
            advice = "write it as YAML, without quotes"
            raise ConfigError(f"{document.where(place)}: text that holds a configuration; {advice}.")


def _names_foreign(value: str, trust: tuple[str, ...]) -> bool:
    # The type check of an argument knows Lightning's classes by their short names too.
    if value in SENDING:
        return True
    return bool(_IMPORT_PATH.fullmatch(value)) and not _is_file(value) and not is_allowed(value, trust)


def _is_file(value: str) -> bool:
    return value.endswith((".yaml", ".yml", ".json")) or (
        len(value) < 256 and "\0" not in value and Path(value).is_file()
    )


def _accepted(trust: tuple[str, ...]) -> str:
    names = ", ".join((*ALLOWED, *trust))
    return f"accepted are classes of {names}, no logger that sends to a server; --trust PACKAGE accepts another"


def _strings(
    value: Any, place: Place, owner: catalogue.Entry | None, owners: Mapping[str, str], text: bool = False
) -> Iterator[tuple[Place, str, bool]]:
    """All strings with their place, and whether the argument takes text only; `owner` is the class of the arguments."""
    if isinstance(value, str):
        yield place, value, text
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _strings(item, (*place, i), owner, owners, text)
    elif isinstance(value, dict):
        path = value.get("class_path")
        if isinstance(path, str):
            owner = catalogue.find(path)
        elif len(place) == 1 and place[0] in owners:
            owner = catalogue.find(owners[str(place[0])])
        elif place[-1:] != ("init_args",):
            owner = None
        for key, item in value.items():
            if key in ("class_path", "init_args") and owner is not None and key not in _parameters(owner):
                yield from _strings(item, (*place, key), owner, owners)
            else:
                is_text = _takes_text(owner, key) and key != "class_path"
                yield from _strings(item, (*place, key), None, owners, is_text)


def _parameters(entry: catalogue.Entry) -> dict[str, str]:
    return {p.name: p.annotation for p in entry.parameters or ()}


def _takes_text(owner: catalogue.Entry | None, key: str) -> bool:
    if owner is None:
        return key == "ckpt_path"
    annotation = re.sub(r"'[^']*'", "", _parameters(owner).get(key.removesuffix("+"), ""))
    return bool(annotation) and set(re.findall(r"[A-Za-z_]\w*", annotation)) <= _TEXT_TYPES


# ---- every name exists ----------------------------------------------------------------------------------------------


def check_objects(value: Any, where: Where, place: Place = ()) -> Any:
    """Checks every object below a place against the sources.

    Returns:
        The same value with short class names written out.

    Raises:
        ConfigError: an unknown class, key or argument, with the nearest name.
    """
    if isinstance(value, list):
        return [check_objects(item, where, (*place, i)) for i, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("class_path"), str):
        value = _check_object(value, where, place)
    return {key: check_objects(item, where, (*place, key)) for key, item in value.items()}


def _check_object(value: dict[str, Any], where: Where, place: Place) -> dict[str, Any]:
    for key in value:
        if key not in ("class_path", "init_args", "dict_kwargs"):
            keys = suggestion(key, ("class_path", "init_args"))
            raise ConfigError(f"{where((*place, key))}: unknown key beside class_path; {keys}.")
    path, arguments = value["class_path"], value.get("init_args") or {}
    if "." not in path and len(full := catalogue.by_short_name(path)) == 1:
        path = full[0]
    if "." not in path or (path.startswith("sciml.") and catalogue.find(path) is None):
        raise ConfigError(f"{where((*place, 'class_path'))}: {path!r} names no class; {_classes_like(path)}.")
    if not isinstance(arguments, dict):
        raise ConfigError(f"{where((*place, 'init_args'))}: {arguments!r}; a mapping of arguments is expected.")
    check_arguments(path, arguments, where, (*place, "init_args"))
    return {**value, "class_path": path}


def _classes_like(path: str) -> str:
    exact = catalogue.by_short_name(path.rpartition(".")[2])
    if exact:
        return f"write {' or '.join(exact)}"
    package = path.rpartition(".")[0]
    classes = [e for e in catalogue.entries() if e.kind == "class" and not e.abstract]
    same = [e.path for e in classes if e.path.rpartition(".")[0] == package]
    return suggestion(path, same or [e.path for e in classes])


def check_arguments(path: str, arguments: Mapping[str, Any], where: Where, place: Place) -> None:
    """Compares argument names with the constructor's; one whose source does not tell is left to the type check.

    Raises:
        ConfigError: a name that the constructor does not have, with the nearest one.
    """
    entry = catalogue.find(path)
    if entry is None or entry.parameters is None:
        return
    for key in arguments:
        if key.removesuffix("+") not in _parameters(entry):
            accepted = suggestion(key, _parameters(entry), limit=16)
            raise ConfigError(f"{where((*place, key))}: no argument of {entry.name}; {accepted}.")
