"""The `sciml` command: a thin front whose verbs are imported when they are called."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from sciml import __version__
from sciml.cli.errors import Parser, report
from sciml.cli.names import suggestion
from sciml.status import ConfigError

#: Verb -> module with `add_parser(subparsers)`. These modules import nothing heavy at the top.
VERBS = {
    "generate": "sciml.cli.generate",
    "fit": "sciml.cli.experiment",
    "validate": "sciml.cli.experiment",
    "test": "sciml.cli.test",
    "predict": "sciml.cli.predict",
    "rollout": "sciml.cli.rollout",
    "report": "sciml.cli.report",
    "export": "sciml.cli.export",
    "data": "sciml.cli.data",
    "list": "sciml.cli.listing",
    "show": "sciml.cli.show",
}

_EPILOG = """examples:
  sciml generate darcy_2d --samples 1000 --workers 2
  sciml fit --config operators/darcy_2d_fno.yaml --trainer.max_epochs 20
  sciml test runs/darcy_2d_fno/latest
  sciml predict runs/darcy_2d_fno/latest/model.sciml --in a.nc --out u.nc

exit codes: 0 done, 1 fault of the program, 2 usage or configuration, 3 data, 4 numerical failure, 5 resume mismatch
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        argv: the words after `sciml`; those of the process if `None`.

    Returns:
        The exit code, see `sciml.cli.errors`.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in words
    words = [w for w in words if w != "--debug"]
    verb = next((w for w in words if not w.startswith("-")), None)
    try:
        if verb is not None and verb not in VERBS:
            raise ConfigError(f"unknown verb {verb!r}; {suggestion(verb, VERBS, limit=len(VERBS))}.")
        code = _run(words, verb)
        sys.stdout.flush()
        return code
    except (Exception, KeyboardInterrupt) as error:
        return report(error, debug=debug, verb=verb)


def _run(words: list[str], verb: str | None) -> int:
    parser = build_parser(verb)
    if not words:
        parser.print_help()
        return 0
    words, overrides = split_words(words, verb)
    args = parser.parse_args(words)
    if args.verb is None:
        parser.error("a verb is needed")
    args.overrides = overrides
    return args.run(args)


def split_words(words: list[str], verb: str | None) -> tuple[list[str], list[tuple[str, str]]]:
    """Words of the parser, and overrides of the configuration for the verbs that have one."""
    if verb not in ("fit", "validate", "test", "predict"):
        return words, []
    from sciml.cli.overrides import split_overrides

    return split_overrides(words)


def build_parser(verb: str | None = None) -> Parser:
    """The parser of one verb, or of all of them for `None`."""
    parser = Parser(
        prog="sciml",
        description="Scientific machine learning for PDEs: generate data, fit networks, test them, use them.",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"sciml {__version__}")
    # Read from the words by `main`, since it concerns failures of the parser itself; here for the help.
    parser.add_argument("--debug", action="store_true", help="show the traceback of a failure, after any verb too")
    subparsers = parser.add_subparsers(dest="verb", metavar="VERB", title="verbs", parser_class=Parser)
    modules = [VERBS[verb]] if verb is not None else dict.fromkeys(VERBS.values())
    for module in modules:
        import_module(module).add_parser(subparsers)
    return parser


def add_verb(subparsers: argparse._SubParsersAction, name: str, help: str, example: str, **kwargs) -> Parser:
    """A verb's parser with its one-line help and its example."""
    return subparsers.add_parser(
        name, help=help, description=help[0].upper() + help[1:] + ".", epilog=f"example:\n  {example}", **kwargs
    )
