"""Packages of the extra `solvers`, imported on use."""

import importlib
from types import ModuleType

from sciml.status import ConfigError


def optional(module: str, package: str, who: str) -> ModuleType:
    """A module that needs an optional package.

    Raises:
        ConfigError: the package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ConfigError(f"{who} needs the package {package}: pip install 'sciml[solvers]' ({error}).") from None
