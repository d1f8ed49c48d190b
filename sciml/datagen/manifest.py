"""The manifest: what a data set was made of, which shards are whole, and what they hash to."""

import json
import logging
import platform
import subprocess
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
from sciml.datagen.recipe import Recipe
from sciml.datagen.shards import Shard
from sciml.files import file_hash
from sciml.status import DataError, ResumeMismatch

log = logging.getLogger(__name__)


class Manifest:
    """`manifest.json` of a data set, rewritten as a whole after every shard.

    Args:
        root: folder of the data set.
        data: its content.
    """

    def __init__(self, root: Path, data: dict[str, Any]) -> None:
        self.root, self.data = root, data

    @property
    def path(self) -> Path:
        return self.root / "manifest.json"

    @classmethod
    def open(cls, root: Path, recipe: Recipe) -> "Manifest":
        """The manifest of a folder, a new one where there is none.

        Raises:
            ResumeMismatch: the folder holds a data set of another recipe; names the first key that differs.
            DataError: the manifest cannot be read.
        """
        path = root / "manifest.json"
        if not path.is_file():
            return cls(root, _new(recipe))
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
        return cls(root, data)

    def finished(self, shard: Shard) -> bool:
        """Whether a shard is recorded and its file is there, whole and unchanged."""
        entry = self._entry(shard)
        if entry is None:
            return False
        if entry["file"] is None:
            return True
        path = self.root / entry["file"]
        return path.is_file() and path.stat().st_size == entry["bytes"] and file_hash(path) == entry["file_sha256"]

    def _entry(self, shard: Shard) -> dict[str, Any] | None:
        same = [e for e in self.data["shards"] if (e["split"], e["number"]) == (shard.split, shard.number)]
        return same[0] if same else None

    def add(self, entry: Mapping[str, Any]) -> None:
        """Records a finished shard and saves."""
        others = [e for e in self.data["shards"] if (e["split"], e["number"]) != (entry["split"], entry["number"])]
        order = list(self.data["recipe"]["splits"])
        self.data["shards"] = sorted([*others, dict(entry)], key=lambda e: (order.index(e["split"]), e["number"]))
        self.save()

    def finish(self, **more: Any) -> None:
        """Adds the totals and marks the data set as complete."""
        shards = self.data["shards"]
        counts = {
            split: sum(e["samples"] for e in shards if e["split"] == split) for split in self.data["recipe"]["splits"]
        }
        rejected = [{"split": e["split"], **r} for e in shards for r in e["rejected"]]
        self.data |= {"complete": True, "samples": counts, "rejected": rejected, **more}
        self.data["bytes"] = sum(e.get("bytes", 0) for e in shards)
        self.data["seconds"] = {
            part: sum(e["seconds"][part] for e in shards) for part in ("draw", "solve", "write", "all")
        }
        self.save()

    def save(self) -> None:
        """Writes the manifest whole or not at all, in the form that readers of data sets expect."""
        splits: dict[str, list[FileEntry]] = {split: [] for split in self.data["recipe"]["splits"]}
        for entry in self.data["shards"]:
            if entry["file"] is not None:
                splits[entry["split"]].append(
                    FileEntry(*(entry[k] for k in ("file", "samples", "bytes", "sha256", "file_sha256")))
                )
        write_manifest(self.root, splits, {k: v for k, v in self.data.items() if k not in ("splits", "hashes")})


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
