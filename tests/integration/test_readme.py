"""The README: its lines run, its tables are those of the records."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def test_tables_are_rendered_from_the_records() -> None:
    render = runpy.run_path(str(ROOT / "scripts" / "figures" / "tables.py"))["render"]
    assert render(README) == README


def test_every_record_has_a_script_of_its_name_and_says_where_it_comes_from() -> None:
    import json

    for path in sorted((ROOT / "results").glob("*.json")):
        record = json.loads(path.read_text())
        names = {path.stem, path.stem.removesuffix("_gpu")}
        assert any((ROOT / "scripts" / "benchmarks" / f"{name}.py").is_file() for name in names), path.name
        assert {"rows", "commit", "versions", "device", "wall_s"} <= set(record), path.name


def test_the_work_precision_figure_has_a_curve_for_every_method_that_solved_all(tmp_path: Path) -> None:
    import json

    script = runpy.run_path(str(ROOT / "scripts" / "figures" / "work_precision.py"))
    record = json.loads((ROOT / "results" / "solver_precision.json").read_text())
    found = script["curves"](record["rows"], "darcy mild")
    assert {"CG, fast Poisson", "CG, multigrid", "GMRES(40)"} <= set(found)
    assert all(error < 0.1 for points in found.values() for _, error in points)
    script["draw"](record, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 10_000


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


@pytest.mark.slow
def test_the_command_lines_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sciml.cli.main import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SCIML_DATA", raising=False)
    lines = [line.split()[1:] for line in re.findall(r"^sciml .*$", README, re.MULTILINE)]
    assert [line[0] for line in lines] == ["generate", "fit", "test", "report"]
    smaller = {"1000": "24", "2": "1", "20": "1"}
    for line in lines:
        # The same words with fewer samples and epochs.
        assert main([smaller.get(word, word) for word in line]) == 0, line
    assert (tmp_path / "runs/darcy_2d_fno/latest/report.html").is_file()


@pytest.mark.slow
def test_the_python_lines_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sciml import Surrogate
    from sciml.fields import Boundaries, Grid
    from sciml.inference import SurrogateSpec
    from sciml.nn import Normalized, Normalizer
    from sciml.operators import FNO
    from sciml.pdes import Burgers

    monkeypatch.chdir(tmp_path)
    spec = SurrogateSpec(Burgers.fields, Grid.periodic(256), Boundaries.periodic(), dt=0.02)
    network = Normalized(FNO(1, 1, width=8, modes=[8], depth=1), Normalizer(1), Normalizer(1))
    Surrogate(network, spec).save("burgers.sciml")
    scope: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
        exec(
            compile(block.replace("samples=1000", "samples=3").replace("workers=2", "workers=0"), "README", "exec"),
            scope,
        )
    assert scope["pred"]["u"].sizes == scope["truth"]["u"].sizes  # type: ignore[index]
    assert (tmp_path / "data/burgers_1d/manifest.json").is_file()
