"""`generate`: a recipe becomes a data set on disk, resumable at any point, whatever the number of workers."""

import contextlib
import errno
import fcntl
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from sciml.data import write_statistics
from sciml.data.layouts import Layout, export, find_layout, folder_name
from sciml.datagen.backends import Backend, ProcessBackend, SerialBackend
from sciml.datagen.calibration import with_linear_solver
from sciml.datagen.manifest import Manifest
from sciml.datagen.progress import progress_bar
from sciml.datagen.recipe import Recipe
from sciml.datagen.shards import BATCH, Shard, attempt, dataset_spec, shards_of, write_samples
from sciml.linalg import LinearSolver
from sciml.status import ConfigError, DataError, SolveFailure

log = logging.getLogger(__name__)

#: Seconds after which a folder that is locked counts as taken.
PATIENCE = 1.0


@dataclass(frozen=True)
class Plan:
    """What a generation would do.

    Args:
        name: the data set.
        out: its folder.
        splits: samples per split, of the shards in question.
        shards: number of files, and how many of them are finished already.
        finished: see `shards`.
        bytes: estimated size on disk.
        seconds: estimated time, from a timed sample or batch, for all workers together.
        residual: residual of that sample.
        part: which shards of how many, `"2:5 of 12"`; empty for the whole data set.
    """

    name: str
    out: Path
    splits: dict[str, int]
    shards: int
    finished: int
    bytes: int
    seconds: float
    residual: float
    part: str = ""

    def __str__(self) -> str:
        splits = ", ".join(f"{name} {count}" for name, count in self.splits.items())
        shards = f"{self.shards} shards" + (f", {self.part}," if self.part else "")
        return (
            f"{self.name}: {sum(self.splits.values())} samples ({splits}) in {shards} ({self.finished} finished), about"
            f" {self.bytes / 1e6:.1f} MB in {self.out}, about {self.seconds:.0f} s; residual of the first sample"
            f" {self.residual:.1e}"
        )


def generate(
    recipe: "Recipe | str | Path",
    *,
    samples: int | None = None,
    train: int | None = None,
    valid: int | None = None,
    test: int | None = None,
    out: "str | Path | None" = None,
    workers: int | None = None,
    seed: int | None = None,
    progress: bool = True,
    dry_run: bool = False,
    changes: Mapping[str, Any] | None = None,
    layout: Layout | str | None = None,
    backend: Backend | None = None,
    shard_range: tuple[int, int] | None = None,
    linear_solver: LinearSolver | None = None,
    adaptive: bool = False,
) -> "Path | Plan":
    """Makes a data set, or goes on with an unfinished one in the same folder.

    Shards are fixed ranges of samples; each is written under a temporary name and renamed when whole, then recorded.
    What is recorded and unchanged is never computed again. The files do not depend on `workers`, `backend` or
    `shard_range`.

    Where the recipe leaves the linear solver to `Auto`, one is chosen before the first shard by timing a few methods,
    and written into the manifest with its reason; every shard, process and resume obeys it. Another folder may get
    another method: its inputs are the same bits, its outputs agree to ten times the tolerance of `Auto`. For equal
    bits, name the method (`linear_solver`).

    Args:
        recipe: a recipe, its file, or the name of a shipped one.
        samples: total number, divided in the recipe's proportions.
        train, valid, test: numbers of single splits; they override.
        out: folder of the data set; `<SCIML_DATA or ./data>/<name>` when left out.
        workers: processes, one thread each, 1 when left out; 0 computes in the calling process (whose BLAS should run
            one thread).
        seed: root of the random numbers instead of the recipe's.
        progress: a bar on standard error, where that is a terminal.
        dry_run: solve one sample and return the `Plan` instead; nothing is left on disk.
        changes: other values at dotted keys of a recipe that is read, `{"parameters.viscosity": 0.001}`.
        layout: `pdebench`, `the_well`, `poseidon`, or a `Layout`: the finished data set is written in that layout too,
            into a folder of that name inside `out`.
        backend: where shards are made, instead of `workers` processes of this machine.
        shard_range: `(first, stop)` among all shards of the data set, train, valid and test: only these are made. So
            several processes, on several machines too, may share the folder; a call without it completes the data set.
        linear_solver: what solves the systems of a steady equation, instead of the recipe's.
        adaptive: where the recipe leaves its linear solver to `Auto`, learn all along which method is the quickest.
            Workers learn on their own and times decide, so that outputs are equal to the tolerance only, not bit by
            bit; the manifest says so, and what each shard was solved by.

    Returns:
        The folder, or the plan of a dry run.

    Raises:
        ConfigError: a mistake in the recipe, a layout that has no place for the data set, a range without shards,
            nothing to be learned, or another process at work in the folder.
        ResumeMismatch: the folder holds a data set of another recipe, seed or size.
        SolveFailure: no sample of a split could be solved.
    """
    if workers is not None and (workers < 0 or backend is not None):
        raise ValueError(f"workers={workers} must not be negative, and left out with a backend, which has its own.")
    if shard_range is not None and layout is not None:
        raise ConfigError("layout: a part of a data set has none; leave shard_range or layout out.")
    if isinstance(recipe, Recipe) and changes:
        raise ValueError("changes are those of a recipe that is read; change a Recipe with dataclasses.replace.")
    made = recipe if isinstance(recipe, Recipe) else Recipe.load(recipe, changes)
    made = made.resized(samples, train=train, valid=valid, test=test, seed=seed)
    if linear_solver is not None:
        made = with_linear_solver(made, linear_solver)
    root = Path(out) if out is not None else Path(os.environ.get("SCIML_DATA", "data")) / made.name
    chosen = None if layout is None else _layout_for(made, layout)
    backend = backend or (SerialBackend() if workers == 0 else ProcessBackend(workers or 1))
    if dry_run:
        return plan(made, root, backend.workers, shard_range)
    wanted, whole = in_range(shards_of(made), shard_range), shard_range is None
    root = root.resolve()
    root.mkdir(parents=True, exist_ok=True)
    with _at_work(root, alone=whole):
        manifest = Manifest.begin(root, made, shared=not whole, adaptive=adaptive)
        if whole:
            remove_orphans(root)
        _make(manifest, wanted, backend, progress)
        if whole:
            _finish(made, manifest)
        if chosen is not None:
            export(root, root / folder_name(chosen), chosen)
    return root


def in_range(shards: list[Shard], shard_range: tuple[int, int] | None) -> list[Shard]:
    """The shards from `first` to before `stop`; a range may end beyond the last one, but not begin there.

    Raises:
        ConfigError: a range without shards.
    """
    if shard_range is None:
        return shards
    first, stop = shard_range
    if not 0 <= first < min(stop, len(shards)):
        raise ConfigError(
            f"shard_range={first}:{stop} must be FIRST:STOP with 0 <= FIRST < STOP; there are {len(shards)} shards."
        )
    return shards[first:stop]


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


def plan(recipe: Recipe, root: Path, workers: int = 1, shard_range: tuple[int, int] | None = None) -> Plan:
    """Solves a sample (a batch where that is quick), writes to a scratch folder, and estimates the rest from it."""
    every = shards_of(recipe)
    shards = in_range(every, shard_range)
    finished = 0
    if (root / "manifest.json").is_file():
        manifest = Manifest.open(root, recipe)
        finished, recipe = sum(manifest.finished(s) for s in shards), manifest.recipe
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
    splits = {name: sum(len(s.indices) for s in shards if s.split == name) for name in recipe.splits}
    count = sum(splits.values())
    size = len(shards) * (2 * one - two) + count * (two - one)
    part = "" if shard_range is None else f"{shard_range[0]}:{shard_range[0] + len(shards)} of {len(every)}"
    seconds = count * spent / workers
    return Plan(recipe.name, root, splits, len(shards), finished, size, seconds, sample.residual, part)


def _make(manifest: Manifest, shards: list[Shard], backend: Backend, progress: bool) -> None:
    """Makes the shards that are not finished yet."""
    missing = [s for s in shards if not manifest.finished(s)]
    samples = sum(len(s.indices) for s in shards)
    kept = samples - sum(len(s.indices) for s in missing)
    if kept:
        log.info("%s: %d of %d shards are finished already.", manifest.root, len(shards) - len(missing), len(shards))
    with progress_bar(manifest.recipe.name, samples, kept, enabled=progress) as advance:
        try:
            for entry in backend.run(manifest.recipe, manifest.root, missing, advance) if missing else ():
                manifest.add(entry)
        finally:
            manifest.save_alone()


def _finish(recipe: Recipe, manifest: Manifest) -> None:
    for split, count in recipe.splits.items():
        entries = [e for e in manifest.shards if e["split"] == split]
        if count and not any(e["samples"] for e in entries):
            reason = entries[0]["rejected"][0]["reason"]
            raise SolveFailure(
                f"{manifest.root}: every sample of split {split!r} failed, the first one because: {reason}"
            )
    manifest.finish()
    # Workers that were killed while they wrote have left something too.
    remove_orphans(manifest.root)
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


def _locked(stream: IO[str], kind: int) -> bool:
    """Whether the lock was to be had: the children of a process that was killed may hold it for a moment longer."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(stream, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
        else:
            return True


@contextlib.contextmanager
def _at_work(root: Path, alone: bool) -> Iterator[None]:
    """Whole data sets alone, ranges of shards together; the lock ends with the process that holds it, however it ends.

    Where the file system has no locks, nothing but time is lost: shards and entries are whole under any name, and two
    processes that make the same one write the same.
    """
    with (root / ".lock").open("a+") as stream:
        try:
            if not _locked(stream, fcntl.LOCK_EX if alone else fcntl.LOCK_SH):
                raise ConfigError(f"out={str(root)!r}: another process is generating into this folder.")
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP):
                raise
            log.warning("%s: the file system has no locks (%s); start one whole generation only.", root, error.strerror)
        yield
