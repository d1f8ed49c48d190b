"""What a worker says of a shard, as plain data: the manifest's entry, or an error that the caller raises again."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sciml.datagen.recipe import Recipe
from sciml.datagen.shards import Shard, make_shard
from sciml.status import ConfigError, DataError, ResumeMismatch, SciMLError, SolveFailure

_ERRORS: dict[int, type[SciMLError]] = {c.exit_code: c for c in (ConfigError, DataError, SolveFailure, ResumeMismatch)}


def answer(
    recipe: Recipe, shard: Shard, root: Path, progress: Callable[[int], None] = lambda n: None
) -> dict[str, Any]:
    """Makes a shard; what has come of it, the manifest's entry or an error, as plain data."""
    try:
        return {"entry": make_shard(recipe, shard, root, progress)}
    except SciMLError as error:
        return {"error": str(error), "exit_code": error.exit_code}
    except OSError as error:
        return {"error": f"{type(error).__name__}: {error}", "exit_code": DataError.exit_code}


def raised(message: Mapping[str, Any]) -> SciMLError:
    """The error of an answer as an exception."""
    return _ERRORS.get(message["exit_code"], SciMLError)(message["error"])
