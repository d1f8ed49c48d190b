"""Backends: who makes a shard decides about nothing but time."""

import os
import signal
import sys
import types

import pytest
from generation import BURGERS, hashes, loaded

from sciml.datagen import DaskBackend, ProcessBackend, Recipe, SerialBackend, generate
from sciml.datagen import backends_dask as dask
from sciml.datagen.shards import Shard, shards_of
from sciml.status import ConfigError, DataError, SolveFailure


@pytest.fixture
def recipe(tmp_path) -> Recipe:
    return loaded(tmp_path, BURGERS)


@pytest.mark.parametrize("backend", [ProcessBackend, DaskBackend])
def test_a_backend_has_workers(backend):
    with pytest.raises(ValueError, match="workers=0 must be at least 1"):
        backend(workers=0)


def test_workers_are_those_of_the_backend_that_is_given(recipe, tmp_path):
    with pytest.raises(ValueError, match="workers=2"):
        generate(recipe, out=tmp_path / "out", workers=2, backend=SerialBackend())


def test_a_plan_divides_the_time_among_the_workers_of_the_backend(recipe, tmp_path):
    one, many = (generate(recipe, out=tmp_path, dry_run=True, backend=ProcessBackend(n)) for n in (1, 1000))
    assert many.seconds < one.seconds / 10


def test_a_backend_may_yield_shards_in_any_order(recipe, tmp_path):
    class Backwards(SerialBackend):
        def run(self, recipe, root, shards, progress):
            yield from super().run(recipe, root, shards[::-1], progress)

    expected = generate(recipe, out=tmp_path / "calm", workers=0)
    root = generate(recipe, out=tmp_path / "out", backend=Backwards())
    assert hashes(root) == hashes(expected)


@pytest.mark.slow
def test_the_pool_says_when_a_worker_is_ready_and_counts_every_sample_once(recipe, tmp_path):
    told: list[int] = []
    entries = list(ProcessBackend(2).run(recipe, tmp_path, shards_of(recipe), told.append))
    assert told[0] == 0
    assert told.count(0) >= 2
    assert sum(told) == sum(e["samples"] for e in entries) == 8


def test_without_distributed_the_extra_is_named_in_one_line(recipe, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigError, match=r"pip install 'sciml\[dask\]'") as caught:
        generate(recipe, out=tmp_path / "out", backend=DaskBackend())
    assert "\n" not in str(caught.value)


class KilledWorker(Exception):
    """As `distributed.KilledWorker`."""

    def __init__(self, address: str, allowed_failures: int) -> None:
        self.last_worker, self.allowed_failures = types.SimpleNamespace(address=address), allowed_failures


class Task:
    """As a future that is done."""

    def __init__(self, outcome) -> None:
        self.outcome = outcome

    def result(self):
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.mark.parametrize(
    ("outcome", "error", "words"),
    [
        (KilledWorker("tcp://n1:1", 3), SolveFailure, "train/shard-00000.h5 died 4 times.*tcp://n1:1"),
        ({"error": "no solution", "exit_code": 4}, SolveFailure, "no solution"),
        ({"error": "full", "exit_code": 3}, DataError, "full"),
        ({"entry": {"file": "train/shard-00000.h5"}}, DataError, "not shared"),
    ],
)
def test_what_goes_wrong_on_a_cluster_is_an_error_of_ours(tmp_path, outcome, error, words):
    distributed = types.ModuleType("distributed")
    distributed.KilledWorker = KilledWorker
    with pytest.raises(error, match=words):
        dask._entry(distributed, Task(outcome), Shard("train", 0, 0, 2), tmp_path)


def test_a_scheduler_that_does_not_answer_is_told_in_one_line(recipe, tmp_path, monkeypatch):
    pytest.importorskip("distributed", reason="distributed is not installed")
    monkeypatch.setattr(dask, "PATIENCE", 0.2)
    with pytest.raises(ConfigError, match=r"address='tcp://127\.0\.0\.1:9'") as caught:
        generate(recipe, out=tmp_path / "out", backend=DaskBackend("tcp://127.0.0.1:9"))
    assert "\n" not in str(caught.value)


def test_the_workers_of_a_scheduler_are_used_and_every_sample_is_counted_once(recipe, tmp_path):
    distributed = pytest.importorskip("distributed", reason="distributed is not installed")
    expected = generate(recipe, out=tmp_path / "calm", workers=0)
    told: list[int] = []

    class Telling(DaskBackend):
        def run(self, recipe, root, shards, progress):
            yield from super().run(recipe, root, shards, told.append)

    here = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "dashboard_address": "127.0.0.1:0"}
    with distributed.LocalCluster(**here, protocol="tcp://", memory_limit=0) as cluster:
        root = generate(recipe, out=tmp_path / "out", backend=Telling(cluster.scheduler_address))
    assert hashes(root) == hashes(expected)
    assert told[0] == 0
    assert sum(told) == 8


@pytest.mark.slow
def test_a_killed_dask_worker_is_replaced_and_the_bits_are_those_of_one_process(recipe, tmp_path):
    pytest.importorskip("distributed", reason="distributed is not installed")
    import psutil

    killed: set[int] = set()

    def workers() -> list[psutil.Process]:
        children = psutil.Process().children(recursive=True)
        return [p for p in children if "spawn_main" in " ".join(p.cmdline())]

    class Deadly(DaskBackend):
        def run(self, *arguments):
            for entry in super().run(*arguments):
                if not killed:
                    for process in workers():
                        os.kill(process.pid, signal.SIGKILL)
                        killed.add(process.pid)
                yield entry

    expected = generate(recipe, out=tmp_path / "calm", workers=0)
    root = generate(recipe, out=tmp_path / "out", backend=Deadly(workers=1))
    assert killed
    assert hashes(root) == hashes(expected)
    assert not list(root.rglob("*tmp*"))
