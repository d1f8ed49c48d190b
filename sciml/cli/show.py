"""`sciml show NAME`: signature and documentation of a class, the card of a data set, the text of a configuration."""

import argparse
import inspect

from sciml.status import ConfigError


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    from sciml.cli.main import add_verb

    parser = add_verb(
        subparsers, "show", "show a class, a data set's card or a configuration", "sciml show sciml.operators.FNO"
    )
    parser.add_argument("name", metavar="NAME", help="a name from sciml list; short class names do")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prints the text.

    Raises:
        ConfigError: a name that nothing has.
    """
    print(_describe(args.name).rstrip())
    return 0


def _describe(name: str) -> str:
    from sciml.cli import catalogue
    from sciml.cli.config import shipped_configs, shipped_datasets
    from sciml.cli.names import nearest
    from sciml.resources import resource_root

    if name in shipped_datasets():
        folder = resource_root() / "datasets" / name
        files = [folder / "card.md", folder / "recipe.yaml"]
        return "\n\n".join(_text(f) if f.suffix == ".md" else f"# {f.name}\n{_text(f)}" for f in files if f.is_file())
    configs = shipped_configs()
    for candidate in (name, name.removeprefix("configs/"), f"{name}.yaml"):
        if candidate in configs:
            return _text(resource_root() / "configs" / candidate)
    paths = [name] if "." in name else catalogue.by_short_name(name)
    shown = [entry for path in paths if path.startswith("sciml.") and (entry := catalogue.find(path)) is not None]
    if not shown:
        known = [e.path for e in catalogue.entries()] + shipped_datasets() + configs
        near = nearest(name, known)
        raise ConfigError(
            f"show: {name!r} is not known; sciml list names all" + (f"; nearest: {near}." if near else ".")
        )
    return "\n\n".join(_signature(entry) for entry in {e.module + e.name: e for e in shown}.values())


def _text(path) -> str:
    return path.read_text(encoding="utf-8").rstrip()


def _signature(entry) -> str:
    if entry.parameters is None:
        head = f"{entry.path}(...)"
    else:
        lines = [f"    {p}," for p in entry.parameters]
        head = "\n".join([f"{entry.path}(", *lines, ")"]) if lines else f"{entry.path}()"
    return f"{head}\n\n{inspect.cleandoc(entry.doc)}"
