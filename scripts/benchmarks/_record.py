"""A benchmark's record: `results/<name>.json`, written after every finished cell, so that a stopped run goes on."""

import argparse
import importlib.metadata
import json
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def _commit() -> str:
    answer = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    return answer.stdout.strip() or "unknown"


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in ("torch", "numpy", "neuraloperator"):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _device() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.processor() or platform.machine()}, {os.cpu_count()} CPUs, one thread"


class Record:
    """Cells of a benchmark by key; those of the same settings are kept from an earlier run unless `fresh`.

    Args:
        name: of the benchmark and of its file.
        settings: what the cells depend on; a change of it discards them.
        table: columns of the rendered table, heading to key of a row.
        fresh: discard finished cells.
        folder: where the file lies; `results/` beside the scripts if `None`.
    """

    def __init__(
        self,
        name: str,
        settings: dict[str, Any],
        table: dict[str, str],
        fresh: bool = False,
        folder: Path | None = None,
    ) -> None:
        self.path = (folder or ROOT / "results") / f"{name}.json"
        self.content: dict[str, Any] = {
            "benchmark": name,
            "settings": settings,
            "table": table,
            "rows": [],
            "cells": {},
        }
        if not fresh and self.path.is_file():
            earlier = json.loads(self.path.read_text())
            if earlier.get("settings") == json.loads(json.dumps(settings)):
                self.content["cells"] = earlier["cells"]

    def cell(self, key: str, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The result under `key`, computed and stored unless an earlier run did."""
        cells = self.content["cells"]
        if key not in cells:
            begin = time.perf_counter()
            result = compute()
            cells[key] = {
                **result,
                "wall_s": round(time.perf_counter() - begin, 2),
                "commit": _commit(),
                "versions": _versions(),
                "device": _device(),
            }
            self.save()
        return cells[key]

    def finish(self, rows: list[dict[str, Any]], **summary: Any) -> None:
        """Stores the rows of the table and figures that sum them up."""
        cells = self.content["cells"].values()
        self.content |= {"rows": rows, "summary": summary, "seed": self.content["settings"].get("seeds", 0)}
        self.content |= {"commit": _commit(), "versions": _versions(), "device": _device()}
        self.content["wall_s"] = round(sum(c["wall_s"] for c in cells), 2)
        self.save()

    def save(self) -> None:
        """Writes a temporary file beside the record and renames it, so that no reader sees half of one."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self.path.parent, suffix=".tmp")
        with os.fdopen(handle, "w") as file:
            json.dump(self.content, file, indent=1)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, self.path)


def parser(description: str | None) -> argparse.ArgumentParser:
    """Arguments that every benchmark takes."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--fresh", action="store_true", help="repeat finished cells")
    made.add_argument("--out", type=Path, default=None, help="folder of the record (default: results/)")
    return made
