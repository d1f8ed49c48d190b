"""The Python code of the guide's pages runs, page by page, in an empty folder."""

import re
from pathlib import Path

import pytest

GUIDE = Path(__file__).resolve().parents[2] / "sciml" / "guide"
PAGES = sorted(p for p in GUIDE.glob("*.md") if "```python" in p.read_text())


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_the_code_of_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCIML_DATA", str(tmp_path / "data"))
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    scope: dict[str, object] = {"__name__": "guide"}
    for block in blocks:
        exec(compile(block, str(page), "exec"), scope)


def test_the_index_names_every_page() -> None:
    named = set(re.findall(r"\]\((\w+\.md)\)", (GUIDE / "index.md").read_text()))
    assert named == {p.name for p in GUIDE.glob("*.md")} - {"index.md"}
