"""A file is whole or absent, whatever happens while it is written."""

from pathlib import Path

import pytest

from sciml.files import replacing, write_atomically, write_json


def test_a_failure_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    path = write_atomically(tmp_path / "deep" / "a.txt", "old ü")

    def write_half() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        write_half()
    assert path.read_text(encoding="utf-8") == "old ü"
    assert list(path.parent.iterdir()) == [path]


def test_the_file_appears_when_the_block_ends_and_keeps_its_ending(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with replacing(path) as temporary:
        temporary.write_bytes(b"content")
        assert temporary.suffix == ".npz"
        assert not path.exists()
    assert path.read_bytes() == b"content"


def test_json_is_indented_and_ends_with_a_newline(tmp_path: Path) -> None:
    assert write_json(tmp_path / "a.json", {"b": [1]}).read_text() == '{\n  "b": [\n    1\n  ]\n}\n'
