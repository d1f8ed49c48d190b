"""What the package offers, read from its sources without importing them.

The sources are parsed with `ast`: exports of each package, signatures (of classes: `__init__`, the fields of a
dataclass, or what the bases take) and docstrings. Torch's and Lightning's classes are found the same way, so that a
misspelt argument of `torch.optim.AdamW` costs milliseconds. What cannot be read with certainty is left to the check
against type hints.
"""

import ast
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Parameter:
    """One argument: its annotation and default as written, `default=None` where it must be given."""

    name: str
    annotation: str = ""
    default: str | None = None

    def __str__(self) -> str:
        text = f"{self.name}: {self.annotation}" if self.annotation else self.name
        return text if self.default is None else f"{text} = {self.default}"


@dataclass(frozen=True)
class Entry:
    """A public class or function.

    Args:
        path: the name a configuration uses.
        module: where it is defined.
        kind: `class` or `function`.
        parameters: arguments after `self`; `None` if they cannot be told from the source.
        bases: paths of all classes it derives from, itself excluded, as far as they can be followed.
        abstract: whether it is a protocol or leaves a method open.
        doc: docstring.
    """

    path: str
    module: str
    kind: str
    parameters: tuple[Parameter, ...] | None
    bases: tuple[str, ...]
    abstract: bool
    doc: str

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]

    @property
    def summary(self) -> str:
        """First line of the docstring, with dots where the sentence goes on."""
        first, _, rest = self.doc.strip().partition("\n")
        return first.strip() + (" ..." if rest.strip() and not rest.startswith("\n") else "")

    def derives_from(self, path: str) -> bool:
        return path in self.bases


@cache
def source(module: str) -> Path | None:
    """File of a module, found without importing any part of it."""
    top, *rest = module.split(".")
    if top == "sciml":
        folder = _PACKAGE
    else:
        spec = PathFinder.find_spec(top)
        if spec is None or not spec.submodule_search_locations:
            return None
        folder = Path(next(iter(spec.submodule_search_locations)))
    base = folder.joinpath(*rest)
    return next((p for p in (base / "__init__.py", base.with_suffix(".py")) if p.is_file()), None)


@cache
def _tree(module: str) -> ast.Module | None:
    path = source(module)
    return None if path is None else ast.parse(path.read_text(encoding="utf-8"))


@contextmanager
def without_collection() -> Iterator[None]:
    """Suspends the search for cycles: trees are many small objects, and looking through them doubles the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements of a module, those under `if TYPE_CHECKING:` and `try:` included."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.If | ast.Try):
            yield from _statements(statement.body)
            yield from _statements(statement.orelse)


@cache
def _names(module: str) -> dict[str, tuple[str, str] | ast.ClassDef | ast.FunctionDef]:
    """Top-level names of a module: definitions, and imports as (module, name)."""
    tree = _tree(module)
    found: dict[str, tuple[str, str] | ast.ClassDef | ast.FunctionDef] = {}
    for statement in _statements(tree.body if tree else []):
        if isinstance(statement, ast.ClassDef | ast.FunctionDef):
            found[statement.name] = statement
        elif isinstance(statement, ast.ImportFrom):
            origin = _absolute(module, statement)
            for alias in statement.names:
                if alias.name == "*":
                    found.update({k: (origin, k) for k in _names(origin) if not k.startswith("_")})
                else:
                    found.setdefault(alias.asname or alias.name, (origin, alias.name))
        elif isinstance(statement, ast.Import):
            found.update({a.asname or a.name: (a.name, "") for a in statement.names})
        else:
            # The lazy form: `_EXPORTS = {"Name": "sciml.module"}`.
            for key, value in _text_dict(statement).items():
                found.setdefault(key, (f"{module}{value}" if value.startswith(".") else value, key))
    return found


def _absolute(module: str, statement: ast.ImportFrom) -> str:
    if not statement.level:
        return statement.module or ""
    path = source(module)
    package = module if path is not None and path.name == "__init__.py" else module.rpartition(".")[0]
    parts = package.split(".")[: len(package.split(".")) - statement.level + 1]
    return ".".join([*parts, *([statement.module] if statement.module else [])])


def _text_dict(statement: ast.stmt) -> dict[str, str]:
    value = getattr(statement, "value", None)
    if not isinstance(statement, ast.Assign | ast.AnnAssign) or not isinstance(value, ast.Dict):
        return {}
    pairs = zip(value.keys, value.values, strict=True)
    texts = [(k.value, v.value) for k, v in pairs if isinstance(k, ast.Constant) and isinstance(v, ast.Constant)]
    return {k: v for k, v in texts if isinstance(k, str) and isinstance(v, str) and v.startswith(("sciml.", "."))}


def exports(module: str) -> list[str]:
    """Public names of a package: its `__all__` as far as it is literal, else what it defines."""
    tree = _tree(module)
    for statement in tree.body if tree else []:
        target = statement.targets[0] if isinstance(statement, ast.Assign) else getattr(statement, "target", None)
        value = getattr(statement, "value", None)
        if tree is not None and isinstance(target, ast.Name) and target.id == "__all__":
            names = [n for n in _literal_names(tree, value) if not n.startswith("_")]
            return sorted(set(names))
    return sorted(k for k, v in _names(module).items() if not k.startswith("_") and not isinstance(v, tuple))


def _literal_names(tree: ast.Module, value: ast.expr | None) -> list[str]:
    """Text in a list; a dictionary's keys; what a name, `*name`, `list(name)` or `sorted(name)` stands for."""
    if isinstance(value, ast.List | ast.Tuple):
        return [name for element in value.elts for name in _literal_names(tree, element)]
    if isinstance(value, ast.Dict):
        return [name for key in value.keys for name in _literal_names(tree, key)]
    if isinstance(value, ast.Starred):
        return _literal_names(tree, value.value)
    if isinstance(value, ast.Call) and value.args:
        return _literal_names(tree, value.args[0])
    if isinstance(value, ast.Name):
        return next((_literal_names(tree, s.value) for s in tree.body if _assigns(s, value.id)), [])  # type: ignore[attr-defined]
    return [value.value] if isinstance(value, ast.Constant) and isinstance(value.value, str) else []


def _assigns(statement: ast.stmt, name: str) -> bool:
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return any(isinstance(t, ast.Name) and t.id == name for t in targets)


def _locate(module: str, name: str, depth: int = 0) -> tuple[str, ast.ClassDef | ast.FunctionDef] | None:
    """Follows imports to the definition of `module.name`."""
    found = _names(module).get(name)
    if isinstance(found, ast.ClassDef | ast.FunctionDef):
        return module, found
    return _locate(*found, depth + 1) if found and found[1] and depth < 16 else None


@cache
def find(path: str) -> Entry | None:
    """The class or function that a dotted path names, or `None` if the sources define none of that name."""
    module, _, name = path.rpartition(".")
    located = _locate(module, name) if module else None
    if located is None:
        return None
    home, node = located
    doc = ast.get_docstring(node) or ""
    if isinstance(node, ast.FunctionDef):
        return Entry(path, home, "function", _arguments(node, skip=0), (), False, doc)
    lineage = _lineage(home, node)
    bases = tuple(f"{m}.{n.name}" for m, n in lineage[1:])
    return Entry(path, home, "class", _constructor(lineage), bases, _is_abstract(node), doc)


def _lineage(module: str, node: ast.ClassDef, seen: frozenset[str] = frozenset()) -> list[tuple[str, ast.ClassDef]]:
    """The class and its bases, depth first, as far as their sources can be followed."""
    line = [(module, node)]
    for base in node.bases:
        located = _base(module, base)
        if located is not None and f"{located[0]}.{located[1].name}" not in seen:
            line += _lineage(*located, seen | {f"{module}.{node.name}"})
    return line


def _base(module: str, base: ast.expr) -> tuple[str, ast.ClassDef] | None:
    """Where a base is defined. From our classes foreign ones are not followed: torch's sources take long to parse."""
    if isinstance(base, ast.Subscript):
        base = base.value
    text = ast.unparse(base)
    head, _, name = text.rpartition(".")
    origin = _names(module).get(text.split(".")[0])
    if module.startswith("sciml.") and isinstance(origin, tuple) and not origin[0].startswith("sciml."):
        return None
    located = _locate(module, name) if not head else None
    if head:
        imported = _names(module).get(head.split(".")[0])
        if isinstance(imported, tuple):
            root = ".".join(part for part in imported if part)
            located = _locate(".".join([root, *head.split(".")[1:]]), name)
    if located is None or not isinstance(located[1], ast.ClassDef):
        return None
    return located[0], located[1]


def _constructor(lineage: list[tuple[str, ast.ClassDef]]) -> tuple[Parameter, ...] | None:
    """Arguments of the constructor; `None` where `**kwargs` or a foreign base hides them."""
    for position, (_, node) in enumerate(lineage):
        init = next((s for s in node.body if isinstance(s, ast.FunctionDef) and s.name == "__init__"), None)
        if init is not None:
            return _arguments(init, skip=1)
        if _is_dataclass(node):
            fields: dict[str, Parameter] = {}
            for _, ancestor in reversed(lineage[position:]):
                if _is_dataclass(ancestor):
                    fields.update(_fields(ancestor))
                    # A field that a subclass takes out of the constructor.
                    for name in _left_out(ancestor):
                        fields.pop(name, None)
            return tuple(fields.values())
    # No constructor in sight: certain only if every base was followed up to a class without bases.
    names = {node.name for _, node in lineage}
    complete = all(
        _last_name(b) in names | {"ABC", "Protocol", "Generic", "object"} for _, n in lineage for b in n.bases
    )
    return () if complete else None


def _last_name(base: ast.expr) -> str:
    return ast.unparse(base.value if isinstance(base, ast.Subscript) else base).rpartition(".")[2]


def _is_dataclass(node: ast.ClassDef) -> bool:
    return any(_last_name(d.func if isinstance(d, ast.Call) else d) == "dataclass" for d in node.decorator_list)


def _is_abstract(node: ast.ClassDef) -> bool:
    open_method = any(
        isinstance(s, ast.FunctionDef) and any(_last_name(d) == "abstractmethod" for d in s.decorator_list)
        for s in node.body
    )
    return open_method or any(_last_name(b) in ("ABC", "Protocol") for b in node.bases)


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, Parameter]]:
    for statement in node.body:
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        annotation, value = ast.unparse(statement.annotation), statement.value
        if annotation.startswith("ClassVar") or _keyword(value, "init") == "False":
            continue
        if isinstance(value, ast.Call) and _last_name(value.func) == "field":
            default = _keyword(value, "default") or _keyword(value, "default_factory")
        else:
            default = None if value is None else ast.unparse(value)
        yield statement.target.id, Parameter(statement.target.id, annotation, default)


def _left_out(node: ast.ClassDef) -> Iterator[str]:
    for statement in node.body:
        named = isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
        if named and _keyword(statement.value, "init") == "False":  # type: ignore[attr-defined]
            yield statement.target.id  # type: ignore[attr-defined]


def _keyword(value: ast.expr | None, name: str) -> str | None:
    if not isinstance(value, ast.Call):
        return None
    return next((ast.unparse(k.value) for k in value.keywords if k.arg == name), None)


def _arguments(node: ast.FunctionDef, skip: int) -> tuple[Parameter, ...] | None:
    arguments = node.args
    if arguments.kwarg is not None or arguments.vararg is not None:
        return None
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults)) + list(arguments.defaults)
    pairs = [*zip(positional, defaults, strict=True)][skip:]
    pairs += zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return tuple(
        Parameter(a.arg, ast.unparse(a.annotation) if a.annotation else "", None if d is None else ast.unparse(d))
        for a, d in pairs
    )


@cache
def packages() -> tuple[str, ...]:
    """Packages and modules of `sciml` that a configuration may name classes of; the command line is not among them."""
    found = [
        p.parent.name if p.name == "__init__.py" else p.stem
        for p in (*_PACKAGE.glob("*/__init__.py"), *_PACKAGE.glob("*.py"))
    ]
    return tuple(sorted(f"sciml.{n}" for n in found if not n.startswith("_") and n not in ("cli", "sciml")))


@cache
def entries() -> tuple[Entry, ...]:
    """Everything that packages of `sciml` export."""
    return tuple(e for package in packages() for e in entries_of(package))


@cache
def entries_of(package: str) -> tuple[Entry, ...]:
    """Classes and functions that one package exports."""
    found = (find(f"{package}.{name}") for name in exports(package))
    return tuple(e for e in found if e is not None)


def by_short_name(name: str) -> tuple[str, ...]:
    """Paths of the exported classes of that name, one for each definition."""
    return tuple({e.module: e.path for e in reversed(entries()) if e.name == name and e.kind == "class"}.values())
