"""Shards on a dask cluster: from two processes of a laptop to the nodes of a queueing system."""

import functools
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from sciml.datagen.answers import answer, raised
from sciml.datagen.backends import check_workers
from sciml.datagen.recipe import Recipe
from sciml.datagen.shards import Shard
from sciml.status import ConfigError, DataError, SolveFailure

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DaskBackend:
    """Shards as tasks of `dask.distributed` (the extra `dask`), whose scheduler replaces dead workers.

    Workers need the same packages as the caller, one thread each (`dask worker --nthreads 1`), and the folder of the
    data set under the same path. A script that lets a local cluster be made needs `if __name__ == "__main__":`, because
    its processes import it.

    Args:
        address: of a scheduler, `tcp://host:8786`; `None` makes a cluster on this machine, which ends with the
            generation.
        workers: number of processes of that cluster; a scheduler at an address knows its own.

    Raises:
        ValueError: less than one worker.
    """

    address: str | None = None
    workers: int = 1

    def __post_init__(self) -> None:
        check_workers(self.workers)

    def run(
        self, recipe: Recipe, root: Path, shards: Sequence[Shard], progress: Callable[[int], None]
    ) -> Iterator[dict[str, Any]]:
        """See `Backend.run`; progress is told shard by shard.

        Raises:
            ConfigError: `distributed` is missing, or no scheduler answers at the address.
            DataError: a shard that a worker has written is not to be seen from here.
            SolveFailure: a shard that has killed as many workers as the scheduler allows.
        """
        distributed, job = _distributed(), json.dumps(recipe.to_dict())
        with ExitStack() as stack:
            client = self._client(distributed, stack)
            tasks = {client.submit(make, job, str(root), asdict(shard), pure=False): shard for shard in shards}
            progress(0)
            for task in distributed.as_completed(list(tasks)):
                shard = tasks.pop(task)
                yield _entry(distributed, task, shard, root)
                progress(shard.stop - shard.start)

    def _client(self, distributed: ModuleType, stack: ExitStack) -> Any:
        """A connection to the scheduler at the address, or to a cluster made here."""
        if self.address is None:
            cluster = distributed.LocalCluster(
                n_workers=self.workers,
                threads_per_worker=1,
                # Neither pages of statistics nor a limit that ends workers: the process pool has none either.
                dashboard_address=None,
                memory_limit=0,
                silence_logs=logging.ERROR,
            )
            return stack.enter_context(distributed.Client(stack.enter_context(cluster)))
        try:
            client = stack.enter_context(distributed.Client(self.address, timeout=10))
        except (OSError, ValueError) as error:
            raise ConfigError(f"address={self.address!r}: no dask scheduler answers there ({error}).") from None
        if not client.scheduler_info()["workers"]:
            log.warning("%s has no workers yet; waiting for them.", self.address)
        return client


def make(job: str, root: str, shard: dict[str, Any]) -> dict[str, Any]:
    """What a dask worker does: makes one shard and answers as a worker of the pool does."""
    import torch

    torch.set_num_threads(1)
    return answer(_recipe(job), Shard(**shard), Path(root))


@functools.lru_cache(maxsize=1)
def _recipe(job: str) -> Recipe:
    return Recipe.from_dict(json.loads(job))


def _entry(distributed: ModuleType, task: Any, shard: Shard, root: Path) -> dict[str, Any]:
    """The manifest entry that a task has come to.

    Raises:
        SciMLError: it failed.
    """
    try:
        message = task.result()
    except distributed.KilledWorker as error:
        raise SolveFailure(
            f"the worker of {shard.file} died {error.allowed_failures + 1} times; the last one was"
            f" {error.last_worker.address}."
        ) from None
    if "error" in message:
        raise raised(message)
    entry = message["entry"]
    if entry["file"] is not None and not (root / entry["file"]).is_file():
        raise DataError(
            f"{root / entry['file']}: a worker has written it and it is not here; out={root} is not shared."
        )
    return entry


def _distributed() -> ModuleType:
    try:
        import distributed
    except ImportError as error:
        raise ConfigError(f"DaskBackend needs the package distributed: pip install 'sciml[dask]' ({error}).") from None
    return distributed
