"""`sciml list`: what there is, one line each, read from sources and resources without importing them."""

import argparse
import shutil
import sys
from collections.abc import Callable

from sciml.cli.catalogue import entries_of, without_collection
from sciml.cli.names import suggestion
from sciml.status import ConfigError

Rows = list[tuple[str, str]]


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    from sciml.cli.main import add_verb

    parser = add_verb(subparsers, "list", "show what is available, one line each", "sciml list operators")
    parser.add_argument("kind", nargs="?", metavar="KIND", help=f"one of: {', '.join(KINDS)}")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prints one kind, or all that are not empty.

    Raises:
        ConfigError: an unknown kind.
    """
    if args.kind is not None and args.kind not in KINDS:
        raise ConfigError(f"list: unknown kind {args.kind!r}; {suggestion(args.kind, KINDS, limit=len(KINDS))}.")
    with without_collection():
        _print([args.kind] if args.kind else list(KINDS), indent="" if args.kind else "  ")
    return 0


def _print(kinds: list[str], indent: str) -> None:
    limit = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for kind in kinds:
        rows = KINDS[kind]()
        if rows and indent:
            print(f"{kind}:")
        width = max((len(name) for name, _ in rows), default=0)
        for name, text in rows:
            print(f"{indent}{name:{width}}  {text}".rstrip()[:limit])


def _datasets() -> Rows:
    from sciml.cli.config import shipped_datasets
    from sciml.resources import resource_root

    root = resource_root() / "datasets"
    return [(name, _title(root / name / "card.md")) for name in shipped_datasets()]


def _title(card) -> str:
    """First heading or line of a Markdown file."""
    if not card.is_file():
        return ""
    lines = (line.strip(" #\n") for line in card.read_text(encoding="utf-8").splitlines())
    return next((line for line in lines if line), "")


def _configs() -> Rows:
    from sciml.cli.config import shipped_configs
    from sciml.resources import resource_root

    rows = []
    for name in shipped_configs():
        lines = (resource_root() / "configs" / name).read_text(encoding="utf-8").splitlines()
        rows.append((name, lines[0].strip("# ") if lines and lines[0].startswith("#") else ""))
    return rows


def _package(package: str, base: str | None = None) -> Callable[[], Rows]:
    """What a package exports, kinds of their own left out; with `base` only the classes derived from it."""

    def rows() -> Rows:
        found = [e for e in entries_of(f"sciml.{package}") if not e.abstract]
        others = [b for b in (OBJECTIVE, COORDINATES) if b != base]
        chosen = [e for e in found if base is None or e.derives_from(base)]
        chosen = [e for e in chosen if not any(e.derives_from(b) for b in others)]
        return [(e.path, e.summary) for e in chosen]

    return rows


def _derived(base: str, packages: tuple[str, ...]) -> Callable[[], Rows]:
    """Classes of some packages that derive from a base, each once."""

    def rows() -> Rows:
        found = [e for package in packages for e in entries_of(f"sciml.{package}")]
        return sorted(
            {e.module + e.name: (e.path, e.summary) for e in found if e.derives_from(base) and not e.abstract}.values()
        )

    return rows


OBJECTIVE = "sciml.objective.Objective"
COORDINATES = "sciml.nn.coordinate_network.CoordinateMap"

KINDS: dict[str, Callable[[], Rows]] = {
    "datasets": _datasets,
    "configs": _configs,
    "operators": _package("operators"),
    "networks": _derived(COORDINATES, ("nn", "pinn")),
    "objectives": _derived(OBJECTIVE, ("operators", "pinn")),
    "weightings": _derived("sciml.objective.Weighting", ("objective", "pinn")),
    "conditions": _derived("sciml.pinn.conditions.Condition", ("pinn",)),
    "points": _derived("sciml.pinn.sampling.Sampler", ("pinn",)),
    "regions": _derived("sciml.fields.domain.SpatialRegion", ("fields",)),
    "energies": _derived("sciml.pinn.deep_ritz.Energy", ("pinn",)),
    "references": _derived("sciml.pinn.reference.Reference", ("pinn",)),
    "pdes": _package("pdes", base="sciml.pdes.base.PDE"),
    "samplers": _derived("sciml.describe.Described", ("datagen",)),
    "layouts": _derived("sciml.data.layouts.base.Layout", ("data.layouts",)),
    "solvers": _package("solvers"),
    "layers": _package("nn"),
    "optimizers": _package("optim"),
    "metrics": _package("metrics"),
    "data": _package("data"),
    "training": _package("training"),
    "evaluation": _package("evaluation"),
}
