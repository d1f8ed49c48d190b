import json
from pathlib import Path

import pytest

from sciml.files import write_json
from sciml.status import DataError
from sciml.training import runs


def test_runs_of_one_second_get_folders_of_their_own_and_latest_is_the_newest(tmp_path, monkeypatch):
    monkeypatch.setattr(runs.time, "strftime", lambda *args: "20300101-000000")
    first, second = runs.create_run(tmp_path, "a"), runs.create_run(tmp_path, "a")
    runs.point_latest(first)
    runs.point_latest(second)
    assert first != second
    assert runs.find_run(tmp_path / "a" / "latest") == second.resolve()
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == ["20300101-000000", "20300101-000000-2", "latest"]


def test_a_file_system_without_links_gets_a_text_file_that_is_followed(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError("no links here")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    runs.point_latest(runs.create_run(tmp_path, "a"))
    newest = runs.create_run(tmp_path, "a")
    runs.point_latest(newest)
    assert not (tmp_path / "a" / "latest").is_symlink()
    assert runs.find_run(tmp_path / "a" / "latest") == newest.resolve()


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(DataError, match="no run folder"):
        runs.find_run(tmp_path / "nothing")


def test_the_environment_is_plain_json_and_names_the_versions(tmp_path):
    write_json(tmp_path / "environment.json", runs.environment(7, device="cpu"))
    read = json.loads((tmp_path / "environment.json").read_text())
    assert read["seed"] == 7
    assert read["device"] == "cpu"
    assert {"sciml", "torch", "lightning"} <= set(read["versions"])
    assert [p.name for p in tmp_path.iterdir()] == ["environment.json"]
