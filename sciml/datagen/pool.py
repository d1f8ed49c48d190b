"""A pool of worker processes that survives the death of any of them."""

import contextlib
import json
import logging
import os
import selectors
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import sciml
from sciml.datagen.answers import raised
from sciml.datagen.shards import Shard
from sciml.status import SolveFailure

log = logging.getLogger(__name__)
#: A shard whose worker died this often is given up: it is the shard that kills, not chance.
ATTEMPTS = 3


class _Worker:
    """One process and the shard it is on."""

    def __init__(self, job: str) -> None:
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        paths = [str(Path(sciml.__file__).resolve().parent.parent), os.environ.get("PYTHONPATH", "")]
        environment = {**os.environ, **threads, "PYTHONPATH": os.pathsep.join(p for p in paths if p)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sciml.datagen.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        self.shard: Shard | None = None
        self.partial = b""
        self.send(job)

    def send(self, line: str) -> None:
        assert self.process.stdin is not None
        # One that has died says so by the end of file on its other pipe.
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()

    def give(self, shard: Shard) -> None:
        self.shard = shard
        self.send(json.dumps(asdict(shard)))

    @property
    def output(self) -> int:
        assert self.process.stdout is not None
        return self.process.stdout.fileno()

    def receive(self) -> "list[dict[str, Any]] | None":
        """Whole messages that have arrived; `None` at the end of file."""
        data = os.read(self.output, 1 << 16)
        if not data:
            return None
        *lines, self.partial = (self.partial + data).split(b"\n")
        return [json.loads(line) for line in lines]

    def close(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        try:
            self.process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def run_pool(
    recipe: dict[str, Any], root: Path, shards: Iterable[Shard], workers: int, progress: Callable[[int], None]
) -> Iterator[dict[str, Any]]:
    """Makes shards in parallel and yields their manifest entries as they are finished.

    A worker killed by a signal is replaced and its shard made again: a shard is written whole or not at all, so that
    nothing is lost or doubled.

    Args:
        recipe: `Recipe.to_dict()`.
        root: folder of the data set.
        shards: what to make.
        workers: number of processes, one thread each.
        progress: called with a number of samples done: 0 when a worker is ready, negative when a dead worker's samples
            are taken back.

    Raises:
        SolveFailure: the same shard has killed its worker three times.
    """
    queue, deaths = deque(shards), dict[Shard, int]()
    job = json.dumps({"recipe": recipe, "root": str(root)})
    counts: dict[Shard, int] = {}
    selector, busy = selectors.DefaultSelector(), list[_Worker]()

    def start() -> None:
        worker = _Worker(job)
        worker.give(queue.popleft())
        selector.register(worker.output, selectors.EVENT_READ, worker)
        busy.append(worker)

    def stop(worker: _Worker) -> None:
        selector.unregister(worker.output)
        busy.remove(worker)
        worker.close()

    try:
        for _ in range(min(workers, len(queue))):
            start()
        while busy:
            for key, _ in selector.select():
                worker: _Worker = key.data
                messages = worker.receive()
                if messages is None:
                    shard = worker.shard
                    stop(worker)
                    assert shard is not None
                    deaths[shard] = deaths.get(shard, 0) + 1
                    progress(-counts.pop(shard, 0))
                    code = worker.process.returncode
                    if deaths[shard] >= ATTEMPTS:
                        raise SolveFailure(
                            f"the worker of {shard.file} died {ATTEMPTS} times, last with exit code {code}."
                        )
                    log.warning("the worker of %s died with exit code %s; starting it again.", shard.file, code)
                    queue.appendleft(shard)
                    start()
                    continue
                for message in messages:
                    assert worker.shard is not None
                    if "error" in message:
                        raise raised(message)
                    if "ready" in message:
                        progress(0)
                    if "done" in message:
                        counts[worker.shard] = counts.get(worker.shard, 0) + message["done"]
                        progress(message["done"])
                    if "entry" in message:
                        size = worker.shard.stop - worker.shard.start
                        progress(size - counts.pop(worker.shard, 0))
                        yield message["entry"]
                        if queue:
                            worker.give(queue.popleft())
                        else:
                            stop(worker)
    finally:
        for worker in list(busy):
            worker.process.kill()
            stop(worker)
        selector.close()
