"""`generate`: a recipe becomes a data set on disk, resumable at any point, whatever the number of workers."""

import contextlib
import fcntl
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sciml.data import write_statistics
from sciml.data.layouts import Layout, export, find_layout, folder_name
from sciml.datagen.manifest import Manifest
from sciml.datagen.pool import run_pool
from sciml.datagen.progress import progress_bar
from sciml.datagen.recipe import Recipe
from sciml.datagen.shards import BATCH, Shard, attempt, dataset_spec, make_shard, shards_of, write_samples
from sciml.status import ConfigError, DataError, SolveFailure

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """What a generation would do.

    Args:
        name: the data set.
        out: its folder.
        splits: samples per split.
        shards: number of files, and how many of them are finished already.
        finished: see `shards`.
        bytes: estimated size on disk.
        seconds: estimated time, from a timed sample or batch, for all workers together.
        residual: residual of that sample.
    """

    name: str
    out: Path
    splits: dict[str, int]
    shards: int
    finished: int
    bytes: int
    seconds: float
    residual: float

    def __str__(self) -> str:
        splits = ", ".join(f"{name} {count}" for name, count in self.splits.items())
        return (
            f"{self.name}: {sum(self.splits.values())} samples ({splits}) in {self.shards} shards"
            f" ({self.finished} finished), about {self.bytes / 1e6:.1f} MB in {self.out}, about {self.seconds:.0f} s;"
            f" residual of the first sample {self.residual:.1e}"
        )


def generate(
    recipe: "Recipe | str | Path",
    *,
    samples: int | None = None,
    train: int | None = None,
    valid: int | None = None,
    test: int | None = None,
    out: "str | Path | None" = None,
    workers: int = 1,
    seed: int | None = None,
    progress: bool = True,
    dry_run: bool = False,
    changes: Mapping[str, Any] | None = None,
    layout: Layout | str | None = None,
) -> "Path | Plan":
    """Makes a data set, or goes on with an unfinished one in the same folder.

    Shards are fixed ranges of samples; each is written under a temporary name and renamed when whole, then recorded in
    `manifest.json`. What is recorded and unchanged is never computed again. The files do not depend on `workers`.

    Args:
        recipe: a recipe, its file, or the name of a shipped one.
        samples: total number, divided in the recipe's proportions.
        train, valid, test: numbers of single splits; they override.
        out: folder of the data set; `<SCIML_DATA or ./data>/<name>` when left out.
        workers: processes, one thread each; 0 computes in the calling process (whose BLAS should run one thread).
        seed: root of the random numbers instead of the recipe's.
        progress: a bar on standard error, where that is a terminal.
        dry_run: solve one sample and return the `Plan` instead; nothing is left on disk.
        changes: other values at dotted keys of a recipe that is read, `{"parameters.viscosity": 0.001}`.
        layout: `pdebench`, `the_well`, `poseidon`, or a `Layout`: the finished data set is written in that layout too,
            into a folder of that name inside `out`.

    Returns:
        The folder, or the plan of a dry run.

    Raises:
        ConfigError: a mistake in the recipe, a layout that has no place for the data set, or another process at work in
            the folder.
        ResumeMismatch: the folder holds a data set of another recipe, seed or size.
        SolveFailure: no sample of a split could be solved.
    """
    if workers < 0:
        raise ValueError(f"workers={workers} must not be negative.")
    if isinstance(recipe, Recipe) and changes:
        raise ValueError("changes are those of a recipe that is read; change a Recipe with dataclasses.replace.")
    made = recipe if isinstance(recipe, Recipe) else Recipe.load(recipe, changes)
    made = made.resized(samples, train=train, valid=valid, test=test, seed=seed)
    root = Path(out) if out is not None else Path(os.environ.get("SCIML_DATA", "data")) / made.name
    chosen = None if layout is None else _layout_for(made, layout)
    if dry_run:
        return plan(made, root, max(workers, 1))
    root = root.resolve()
    root.mkdir(parents=True, exist_ok=True)
    with _alone(root):
        manifest = Manifest.open(root, made)
        remove_orphans(root)
        manifest.save()
        _make_all(made, manifest, workers, progress)
        _finish(made, manifest)
        if chosen is not None:
            export(root, root / folder_name(chosen), chosen)
    return root


def _layout_for(recipe: Recipe, layout: Layout | str) -> Layout:
    """The layout, asked before anything is solved whether it has a place for the data set."""
    spec = dataset_spec(recipe)
    try:
        found = find_layout(layout, spec) if isinstance(layout, str) else layout
    except DataError as error:
        raise ConfigError(f"layout: {error}") from None
    if reason := found.refuses(spec):
        raise ConfigError(f"layout: {recipe.name}: {reason}")
    return found


def plan(recipe: Recipe, root: Path, workers: int = 1) -> Plan:
    """Solves a sample (a batch where that is quick), writes to a scratch folder, and estimates the rest from it."""
    shards = shards_of(recipe)
    finished = 0
    if (root / "manifest.json").is_file():
        manifest = Manifest.open(root, recipe)
        finished = sum(manifest.finished(s) for s in shards)
    indices = shards[0].indices
    attempt(recipe, indices[:1])  # the first one also pays for caches and imports
    begin = time.perf_counter()
    (sample,) = attempt(recipe, indices[:1])
    spent = time.perf_counter() - begin
    if spent < 1.0:  # a batch is what generation solves; where samples are dear, one has to do
        begin, timed = time.perf_counter(), indices[:BATCH]
        attempt(recipe, timed)
        spent = (time.perf_counter() - begin) / len(timed)
    if not sample.status.ok:
        raise SolveFailure(f"the first sample of {recipe.name} failed: {sample.reason}", sample.status)
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        one = write_samples(recipe, [sample], Path(scratch) / "one.h5")["bytes"]
        two = write_samples(recipe, [sample] * 2, Path(scratch) / "two.h5")["bytes"]
    spent += (time.perf_counter() - begin) / min(2 * BATCH, len(indices))
    count = sum(recipe.splits.values())
    size = len(shards) * (2 * one - two) + count * (two - one)
    return Plan(
        recipe.name, root, dict(recipe.splits), len(shards), finished, size, count * spent / workers, sample.residual
    )


def _make_all(recipe: Recipe, manifest: Manifest, workers: int, progress: bool) -> None:
    shards = shards_of(recipe)
    missing = [s for s in shards if not manifest.finished(s)]
    kept = sum(s.stop - s.start for s in shards) - sum(s.stop - s.start for s in missing)
    if kept:
        log.info("%s: %d of %d shards are finished already.", manifest.root, len(shards) - len(missing), len(shards))
    with progress_bar(recipe.name, sum(recipe.splits.values()), kept, enabled=progress) as advance:
        for entry in _entries(recipe, manifest.root, missing, workers, advance):
            manifest.add(entry)


def _entries(
    recipe: Recipe, root: Path, shards: list[Shard], workers: int, advance: Callable[[int], None]
) -> Iterator[dict]:
    if workers:
        yield from run_pool(recipe.to_dict(), root, shards, workers, advance)
    else:
        for shard in shards:
            yield make_shard(recipe, shard, root, advance)


def _finish(recipe: Recipe, manifest: Manifest) -> None:
    for split, count in recipe.splits.items():
        entries = [e for e in manifest.data["shards"] if e["split"] == split]
        if count and not any(e["samples"] for e in entries):
            reason = entries[0]["rejected"][0]["reason"]
            raise SolveFailure(
                f"{manifest.root}: every sample of split {split!r} failed, the first one because: {reason}"
            )
    manifest.finish()
    if manifest.data["rejected"]:
        log.warning("%s: %d samples were rejected; see manifest.json.", manifest.root, len(manifest.data["rejected"]))
    if recipe.splits.get("train"):
        write_statistics(manifest.root)


def remove_orphans(root: Path) -> None:
    """Removes temporary files and unfinished exports that a killed process left behind."""
    for path in [*root.glob(".*.tmp-*"), *root.glob("*/.*.tmp-*")]:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def _alone(root: Path) -> Iterator[None]:
    """One generation per folder; the lock ends with the process that holds it, however it ends."""
    with (root / ".lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(f"out={str(root)!r}: another process is generating into this folder.") from None
        yield
