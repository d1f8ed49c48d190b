"""What a training run prints, what goes into its log file, and what Lightning says that nobody needs."""

import contextlib
import logging
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

from lightning.pytorch.utilities.exceptions import MisconfigurationException

from sciml.status import ConfigError

log = logging.getLogger("sciml")


@contextlib.contextmanager
def log_file(path: Path) -> Iterator[None]:
    """Everything that the library and Lightning log goes into a file; off a terminal, epochs are shown as well."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    shown = logging.StreamHandler(sys.stdout)
    shown.setFormatter(logging.Formatter("%(message)s"))
    shown.setLevel(logging.WARNING if sys.stderr.isatty() else logging.INFO)
    # Of Lightning's lines the warnings alone: the others are advertisements and repetitions.
    wanted = {"sciml": logging.INFO, "lightning.pytorch": logging.WARNING, "py.warnings": logging.WARNING}
    loggers = [logging.getLogger(name) for name in wanted]
    levels = [logger.level for logger in loggers]
    logging.captureWarnings(True)
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(wanted[logger.name])
    log.addHandler(shown)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)
        log.removeHandler(shown)
        logging.captureWarnings(False)
        handler.close()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Lightning's own lines go to the log file alone: its handlers of the terminal are set aside."""
    kept = {}
    for name in ("lightning", "lightning.pytorch", "lightning.fabric"):
        logger = logging.getLogger(name)
        kept[name] = (list(logger.handlers), logger.propagate)
        logger.handlers, logger.propagate = [logging.NullHandler()], False
    with warnings.catch_warnings():
        # Advice on loaders and logging that a configuration has decided on already.
        warnings.filterwarnings("ignore", module=r"lightning\..*")
        try:
            yield
        except MisconfigurationException as error:
            raise ConfigError(str(error).strip().splitlines()[0]) from error
        finally:
            for name, (handlers, propagate) in kept.items():
                logging.getLogger(name).handlers, logging.getLogger(name).propagate = handlers, propagate
