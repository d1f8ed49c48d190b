"""Shared by the tests: where third-party data lie, and the slope of a convergence study."""

import math
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def data_file(folder: str, name: str) -> Path:
    """A third-party file below `shared/data` beside the checkout; the test is skipped where it is absent."""
    base = ROOT.parent / "shared" / "data" / folder
    if folder == "benchmarks" and "SCIML_BENCHMARKS" in os.environ:
        base = Path(os.environ["SCIML_BENCHMARKS"])
    elif "SCIML_BENCHMARKS" in os.environ:
        base = Path(os.environ["SCIML_BENCHMARKS"]).parent / folder
    if not (base / name).is_file():
        pytest.skip(f"third-party file {folder}/{name} is not at hand (SCIML_BENCHMARKS names its folder)")
    return base / name


def benchmark_file(name: str) -> Path:
    """A file of the public benchmark data."""
    return data_file("benchmarks", name)


def observed_order(errors: Sequence[float], steps: Sequence[float]) -> float:
    """Slope of `-log(error)` over `log(steps)` by least squares."""
    x = [math.log(n) for n in steps]
    y = [-math.log(e) for e in errors]
    mx, my = sum(x) / len(x), sum(y) / len(y)
    return sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True)) / sum((a - mx) ** 2 for a in x)
