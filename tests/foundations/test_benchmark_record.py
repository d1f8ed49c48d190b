"""The record of a benchmark: finished cells are kept, and a change of the settings discards them."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def module() -> ModuleType:
    file = ROOT / "scripts" / "benchmarks" / "_record.py"
    if not file.is_file():
        pytest.skip("scripts/benchmarks lies in the repository alone")
    spec = importlib.util.spec_from_file_location("_record", file)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_a_finished_cell_is_computed_once_and_again_only_when_asked(module: ModuleType, tmp_path: Path) -> None:
    calls = []

    def compute() -> dict[str, int]:
        calls.append(1)
        return {"error": len(calls)}

    def error(settings: dict[str, int], fresh: bool = False) -> int:
        return module.Record("bench", settings, {}, fresh, tmp_path).cell("a", compute)["error"]

    assert [error({"n": 1}), error({"n": 1}), error({"n": 2}), error({"n": 2}, fresh=True)] == [1, 1, 2, 3]


def test_a_record_names_commit_versions_device_and_time(module: ModuleType, tmp_path: Path) -> None:
    record = module.Record("bench", {"seeds": [0]}, {"error": "error"}, folder=tmp_path)
    record.finish([record.cell("a", lambda: {"error": 1.0})])
    content = json.loads((tmp_path / "bench.json").read_text())
    assert {"rows", "seed", "commit", "versions", "device", "wall_s"} <= content.keys()
    assert content["rows"][0]["error"] == 1.0
    assert [p.name for p in tmp_path.iterdir()] == ["bench.json"]
