"""Where shards are made: in the calling process, or in processes of this machine; `backends_dask` adds clusters."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from sciml.datagen.pool import run_pool
from sciml.datagen.recipe import Recipe
from sciml.datagen.shards import Shard, make_shard


@runtime_checkable
class Backend(Protocol):
    """Makes shards. A shard is a function of recipe and range, so that a backend decides about nothing but time."""

    @property
    def workers(self) -> int:
        """Processes that compute at the same time, for estimates."""
        ...

    def run(
        self, recipe: Recipe, root: Path, shards: Sequence[Shard], progress: Callable[[int], None]
    ) -> Iterator[dict[str, Any]]:
        """Makes shards, each once, and yields their manifest entries as they are finished, in any order.

        A worker that dies is replaced and its shard made again: it is written whole or not at all.

        Args:
            recipe: the data set.
            root: its folder.
            shards: what to make.
            progress: called with a number of samples done; with 0 when a worker is ready, with less when a dead one's
                are taken back.

        Raises:
            SolveFailure: a shard that kills its worker every time.
        """
        ...


@dataclass(frozen=True)
class SerialBackend:
    """Everything in the calling process, whose BLAS should run one thread."""

    workers = 1

    def run(
        self, recipe: Recipe, root: Path, shards: Sequence[Shard], progress: Callable[[int], None]
    ) -> Iterator[dict[str, Any]]:
        for shard in shards:
            yield make_shard(recipe, shard, root, progress)


@dataclass(frozen=True)
class ProcessBackend:
    """Processes of this machine, one thread each.

    Args:
        workers: number of processes.

    Raises:
        ValueError: less than one.
    """

    workers: int = 1

    def __post_init__(self) -> None:
        check_workers(self.workers)

    def run(
        self, recipe: Recipe, root: Path, shards: Sequence[Shard], progress: Callable[[int], None]
    ) -> Iterator[dict[str, Any]]:
        yield from run_pool(recipe.to_dict(), root, shards, self.workers, progress)


def check_workers(workers: int) -> None:
    """Raises `ValueError` for a number of processes that is none."""
    if workers < 1:
        raise ValueError(f"workers={workers} must be at least 1.")
