"""Every way a command ends badly, as one line on standard error and an exit code.

| code | meaning |
| --- | --- |
| 1 | a fault of the program itself |
| 2 | usage or configuration |
| 3 | data: damaged, hostile or missing files |
| 4 | numerical failure |
| 5 | resuming something that belongs to another configuration |
| 130 | interrupted |
| 141 | the reader of the output went away |
"""

import argparse
import os
import sys
import traceback
from typing import NoReturn

from sciml.cli.names import nearest
from sciml.status import ConfigError, SciMLError

INTERRUPTED = 130
BROKEN_PIPE = 141


def one_line(text: object) -> str:
    """A message without line breaks or control characters, so that no file content can forge a second line."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())


def report(error: BaseException, *, debug: bool, verb: str | None = None) -> int:
    """Prints one line for a failure (after the traceback with `--debug`) and returns the exit code."""
    if isinstance(error, BrokenPipeError):
        # The interpreter flushes standard output once more at exit; that flush must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    if debug:
        traceback.print_exception(error)
    code, message = _sentence(error, verb)
    hint = "" if debug or code != 1 else " (a fault of the program; run again with --debug for the traceback)"
    print(f"sciml: error: {one_line(message)}{hint}", file=sys.stderr)
    return code


_RESUME = {
    "generate": "; finished shards are kept, the same command goes on from there",
    "fit": "; sciml fit --resume runs/<name>/latest goes on from the last checkpoint",
}


def _sentence(error: BaseException, verb: str | None) -> tuple[int, str]:
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED, f"interrupted{_RESUME.get(verb or '', '')}."
    if isinstance(error, SciMLError):
        return error.exit_code, str(error)
    if isinstance(error, OSError) and error.filename is not None:
        return 3, f"{error.filename}: {error.strerror}."
    if isinstance(error, MemoryError):
        return 1, f"out of memory: {error}"
    return 1, f"{type(error).__name__}: {error}"


class Parser(argparse.ArgumentParser):
    """`ArgumentParser` that raises `ConfigError` with the nearest name instead of printing its usage."""

    def __init__(self, *args, **kwargs) -> None:
        kwargs.setdefault("allow_abbrev", False)
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(*args, **kwargs)

    def error(self, message: str) -> NoReturn:
        verb = self.prog.partition(" ")[2]
        raise ConfigError(f"{verb + ': ' if verb else ''}{message}; see {self.prog} --help.")

    def parse_args(self, args=None, namespace=None):
        parsed, unknown = self.parse_known_args(args, namespace)
        if unknown:
            verb = getattr(parsed, "verb", None)
            parser = self.verb_parser(verb) if verb else self
            near = nearest(unknown[0].split("=")[0], parser._option_string_actions)
            parser.error(f"unknown argument {unknown[0]!r}" + (f"; nearest: {near}" if near else ""))
        return parsed

    def verb_parser(self, verb: str) -> "Parser":
        """The parser of one verb."""
        actions = (a for a in self._actions if isinstance(a, argparse._SubParsersAction))
        return next((a.choices[verb] for a in actions if verb in a.choices), self)
