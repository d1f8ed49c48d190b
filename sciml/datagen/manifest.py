"""The manifest: what a data set was made of, which shards are whole, and what they hash to."""

import dataclasses
import json
import logging
import os
import platform
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy
import scipy
import torch

import sciml
from sciml.data import SCHEMA_VERSION, write_manifest
from sciml.data import Shard as FileEntry
from sciml.data.manifest import MANIFEST
from sciml.datagen.calibration import calibrated, left_open, settled
from sciml.datagen.recipe import Recipe
from sciml.datagen.shards import Shard, shards_of
from sciml.files import file_hash, write_json
from sciml.status import ConfigError, DataError, ResumeMismatch

log = logging.getLogger(__name__)

#: Folder of the files of single shards.
ENTRIES = ".entries"
#: Part of the time that rewriting the manifest may take while shards come in.
SAVING = 0.05


class Manifest:
    """`manifest.json` of a data set, and one small file per shard that has been finished since it was written.

    A shard is recorded in a file of its own, so that several processes, on several machines too, can make shards of one
    data set; whoever has the folder to himself gathers these files.

    Args:
        root: folder of the data set.
        recipe: of the data set; `self.recipe` has the method that the manifest records for one that leaves it open.
        data: content of `manifest.json`.
        shared: whether others may be at work in the folder, so that `manifest.json` is left as it is.
    """

    def __init__(self, root: Path, recipe: Recipe, data: dict[str, Any], shared: bool = False) -> None:
        self.root, self.data, self.shared = root, data, shared
        self.recipe = settled(recipe, data["choices"])
        # Shards of another method are none of this data set: their hash differs.
        self.hash = self.recipe.hash
        self.entries = {(e["split"], e["number"]): e for e in data["shards"]}
        self._order = list(recipe.splits)
        self._saved, self._cost = time.monotonic(), 0.0
        self._gather(shards_of(recipe))

    @property
    def path(self) -> Path:
        return self.root / MANIFEST

    @classmethod
    def begin(cls, root: Path, recipe: Recipe, shared: bool = False, adaptive: bool = False) -> "Manifest":
        """The manifest of a folder; where there is none, open choices are made and a new one is written.

        Of several processes that begin at the same time one writes it; all obey what it says.

        Args:
            root, recipe, shared: as for `open`.
            adaptive: whether a method that the recipe leaves open is to be learned all along.

        Raises:
            ResumeMismatch: the folder holds a data set of another recipe, or one that was begun the other way.
            ConfigError: the recipe leaves nothing to be learned, or processes that share the folder cannot agree.
            DataError: the manifest cannot be read.
        """
        if adaptive and left_open(recipe) is None:
            raise ConfigError(
                f"adaptive: {recipe.name} names its method; linear_solver: Auto leaves one to be learned."
            )
        # Looked at once: the file may appear at any time, and who saw none must not find one after he has begun.
        if (root / MANIFEST).is_file():
            manifest = cls.open(root, recipe, shared)
            if not shared:
                manifest.save()
        else:
            data = _new(recipe)
            if left_open(recipe) is not None:
                data["choices"] |= calibrated(recipe, adaptive)
            manifest = cls(root, recipe, data, shared)
            if not manifest.create():
                manifest = cls.open(root, recipe, shared)
        recorded = manifest.data["choices"].get("adaptive", False)
        if recorded != adaptive:
            there, here = ("with", "without") if recorded else ("without", "with")
            raise ResumeMismatch(f"{root} was begun {there} adaptive; it cannot go on {here}.")
        return manifest

    def create(self) -> bool:
        """Writes `manifest.json` unless there is one; whether it did.

        Raises:
            ConfigError: a file system without links, on which processes that share the folder cannot agree.
        """
        if not self.shared:
            self.save()
            return True
        with tempfile.TemporaryDirectory(dir=self.root, prefix=".manifest.tmp-") as scratch:
            self._write(Path(scratch))
            try:
                os.link(Path(scratch) / MANIFEST, self.path)
            except FileExistsError:
                return False
            except OSError as error:
                if "reason" not in self.data["choices"]:  # nothing to agree on: all write the same
                    self.save()
                    return True
                raise ConfigError(
                    f"out={str(self.root)!r}: the file system has no links ({error.strerror}), so that processes cannot"
                    f" agree; begin with one alone, start the others when {MANIFEST} is there."
                ) from None
        return True

    @classmethod
    def open(cls, root: Path, recipe: Recipe, shared: bool = False) -> "Manifest":
        """The manifest of a folder, a new one where there is none; nothing is written.

        Args:
            root: folder of the data set.
            recipe: of the data set.
            shared: whether others may be at work in the folder.

        Raises:
            ResumeMismatch: the folder holds a data set of another recipe; names the first key that differs.
            DataError: the manifest cannot be read.
        """
        path = root / MANIFEST
        if not path.is_file():
            return cls(root, recipe, _new(recipe), shared)
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            recorded = data["recipe"]
            if data["schema_version"] != SCHEMA_VERSION or not isinstance(data["shards"], list):
                raise ValueError(f"schema_version={data['schema_version']}")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{path}: no manifest of schema {SCHEMA_VERSION} made by a recipe ({error!r}); give another folder."
            ) from None
        difference = first_difference(recorded, json.loads(json.dumps(recipe.to_dict())))
        if difference:
            key, there, here = difference
            raise ResumeMismatch(
                f"{root} holds another data set: {key} is {_short(there)} there and {_short(here)} here; give another"
                " folder or remove that one."
            )
        changed = first_difference(data.get("versions", {}), versions())
        if changed:
            log.warning("%s was begun with %s %s; bits may differ from %s on.", root, *changed)
        return cls(root, recipe, data, shared)

    def _gather(self, shards: list[Shard]) -> None:
        """Takes over what the files of single shards say, where they belong to these shards of this recipe."""
        known = {(s.split, s.number): s for s in shards}
        for path in sorted((self.root / ENTRIES).glob("[!.]*.json")):
            try:
                found = json.loads(path.read_text(encoding="utf-8"))
                recipe_hash, entry = found["recipe_hash"], found["entry"]
                shard = Shard(*(entry[f.name] for f in dataclasses.fields(Shard)))
                place = (shard.split, shard.number)
            except (OSError, ValueError, KeyError, TypeError):
                continue
            if recipe_hash == self.hash and known.get(place) == shard:
                self.entries[place] = entry

    def save_alone(self) -> None:
        """`save`, unless others may be at work."""
        if not self.shared:
            self.save()

    def finished(self, shard: Shard) -> bool:
        """Whether a shard is recorded and its file is there, whole and unchanged."""
        entry = self.entries.get((shard.split, shard.number))
        if entry is None:
            return False
        if entry["file"] is None:
            return True
        path = self.root / entry["file"]
        return path.is_file() and path.stat().st_size == entry["bytes"] and file_hash(path) == entry["file_sha256"]

    def _entry_file(self, split: str, number: int) -> Path:
        return self.root / ENTRIES / f"{split}-{number:05d}.json"

    def add(self, entry: Mapping[str, Any]) -> None:
        """Records a finished shard at once, in `manifest.json` as long as that costs little.

        Rewriting it after every shard would cost the square of their number.
        """
        place = (entry["split"], entry["number"])
        write_json(self._entry_file(*place), {"recipe_hash": self.hash, "entry": entry})
        self.entries[place] = dict(entry)
        if not self.shared and self._cost <= SAVING * (time.monotonic() - self._saved):
            self.save()

    def finish(self, **more: Any) -> None:
        """Adds the totals and marks the data set as complete."""
        shards = self.shards
        counts = {
            split: sum(e["samples"] for e in shards if e["split"] == split) for split in self.data["recipe"]["splits"]
        }
        rejected = [{"split": e["split"], **r} for e in shards for r in e["rejected"]]
        self.data |= {"complete": True, "samples": counts, "rejected": rejected, **more}
        self.data["bytes"] = sum(e.get("bytes", 0) for e in shards)
        self.data["seconds"] = {
            part: sum(e["seconds"].get(part, 0.0) for e in shards)
            for part in ("order", "draw", "solve", "write", "all")
        }
        self.save()
        shutil.rmtree(self.root / ENTRIES, ignore_errors=True)

    @property
    def shards(self) -> list[dict[str, Any]]:
        """Entries of the finished shards, in order."""
        return sorted(self.entries.values(), key=lambda e: (self._order.index(e["split"]), e["number"]))

    def save(self) -> None:
        """Writes the manifest whole or not at all, in the form that readers of data sets expect."""
        begin = time.monotonic()
        self._write(self.root)
        for place in self.entries:
            self._entry_file(*place).unlink(missing_ok=True)
        self._saved = time.monotonic()
        self._cost = self._saved - begin

    def _write(self, folder: Path) -> None:
        self.data["shards"] = self.shards
        splits: dict[str, list[FileEntry]] = {split: [] for split in self.data["recipe"]["splits"]}
        for entry in self.data["shards"]:
            if entry["file"] is not None:
                splits[entry["split"]].append(
                    FileEntry(*(entry[k] for k in ("file", "samples", "bytes", "sha256", "file_sha256")))
                )
        write_manifest(folder, splits, {k: v for k, v in self.data.items() if k not in ("splits", "hashes")})


def _new(recipe: Recipe) -> dict[str, Any]:
    return {
        "name": recipe.name,
        "complete": False,
        "recipe": recipe.to_dict(),
        "recipe_hash": recipe.hash,
        "choices": recipe.choices(),
        "versions": versions(),
        "commit": commit(),
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "shards": [],
    }


def versions() -> dict[str, str]:
    """Of everything whose change may change bits."""
    return {
        "sciml": sciml.__version__,
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "scipy": scipy.__version__,
        "torch": torch.__version__,
        "h5py": h5py.__version__,
        "machine": platform.machine(),
    }


def commit() -> str | None:
    """Commit of the checkout that the package is run from; `None` for an installed package."""
    root = Path(sciml.__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return None
    done = subprocess.run(["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


def first_difference(a: Any, b: Any, key: str = "") -> tuple[str, Any, Any] | None:
    """The first entry in which two plain structures differ: `(dotted key, value in a, value in b)`."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        for name in dict.fromkeys([*a, *b]):
            found = first_difference(a.get(name), b.get(name), f"{key}.{name}" if key else str(name))
            if found:
                return found
        return None
    return None if a == b else (key, a, b)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
