"""A finished run, measured and rendered: numbers with known answers, and a page that needs nothing else."""

import json
import re
import struct
from html.parser import HTMLParser

import pytest

from sciml.data import open_dataset
from sciml.report import evaluate_run, read_evaluation, render_page
from sciml.status import DataError


def test_a_run_is_measured_on_the_data_set_of_its_configuration(steady_run):
    evaluation = evaluate_run(steady_run)
    assert [r.name for r in evaluation.results] == ["Identity", "training mean", "nearest sample"]
    assert evaluation.results[0].values["relative_l2"].tolist() == pytest.approx([0.1] * 4, rel=1e-5)
    assert evaluation.facts["dataset"] == "copy"
    assert evaluation.facts["training_samples"] == 6
    assert evaluation.facts["same_training_data"] is False
    written = json.loads((steady_run / "metrics.json").read_text())
    assert written["methods"]["Identity"]["summary"]["relative_l2"]["mean"] == pytest.approx(0.1, rel=1e-5)
    assert (steady_run / "metrics_table.csv").read_text().startswith("method,relative L2")


def test_the_solver_is_asked_for_the_numbers_of_the_test_samples(decay_run):
    """A rollout that decays by 0.55 instead of 0.5, beside a solver that gives 0.5 exactly."""
    asked = []
    test = open_dataset(decay_run.parents[2] / "data" / "decay", "test")

    def solver(number):
        asked.append(number)
        # Samples 7 to 10 of the data set are its test split.
        return test.fields([number - 7])[0]

    evaluation = evaluate_run(decay_run, solvers={"classical solver": solver}, solver_samples=2)
    assert asked == [7, 8]
    steps = [float(evaluation["Identity"].values[f"step/{k}"].mean()) for k in (1, 2, 6)]
    assert steps == pytest.approx([0.1, 0.21, 1.1**6 - 1], rel=1e-4)
    assert evaluation["classical solver"].summary()["relative_l2"]["max"] == pytest.approx(0.0, abs=1e-7)


@pytest.fixture(autouse=True)
def coarse_pictures(monkeypatch):
    monkeypatch.setattr("sciml.report.style.DPI", 60)


class Page(HTMLParser):
    """Collects what a page would fetch or run."""

    def __init__(self):
        super().__init__()
        self.images, self.addresses, self.scripts, self.stack = [], [], 0, []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.scripts += tag == "script" or any(k.startswith("on") for k in attributes)
        self.images += [attributes["src"]] if tag == "img" else []
        self.addresses += [attributes[k] for k in ("href", "action") if k in attributes]
        if tag not in ("meta", "img"):
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag


def read_page(path):
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    assert page.stack == []
    return page


def test_the_page_holds_table_and_pictures_and_fetches_nothing(steady_run):
    path = render_page(steady_run)
    text, page = path.read_text(encoding="utf-8"), read_page(path)
    for word in ("Identity on copy", "training mean", "nearest sample", "a [m2]", "p [Pa]", "seed", "config.yaml"):
        assert word in text
    assert len(page.images) == 3
    assert all(src.startswith("data:image/png;base64,") for src in page.images)
    assert page.addresses == []
    assert page.scripts == 0
    assert not re.search(r"https?://|@import|url\(", text)


def test_figures_are_written_beside_the_page(decay_run):
    page = read_page(render_page(decay_run))
    names = sorted(p.name for p in (decay_run / "figures").iterdir())
    assert names == ["fields.png", "rollout.png", "spectrum.png", "training.png"]
    assert len(page.images) == 4
    for name in names:
        content = (decay_run / "figures" / name).read_bytes()
        assert content.startswith(b"\x89PNG\r\n\x1a\n")
        width, height = struct.unpack(">II", content[16:24])
        assert min(width, height) > 100


def test_a_page_is_rendered_from_the_metrics_at_hand_without_the_data(steady_run, steady_data):
    evaluate_run(steady_run)
    steady_data.rename(steady_data.with_name("moved"))
    path = render_page(steady_run)
    assert "No pictures of fields" in path.read_text(encoding="utf-8")
    assert len(read_page(path).images) == 1
    assert len(read_page(render_page(steady_run, dataset=steady_data.with_name("moved"))).images) == 3


def test_what_files_say_is_escaped(steady_run):
    hostile = "<script>alert(1)</script>"
    (steady_run / "environment.json").write_text(json.dumps({"commit": hostile}))
    (steady_run / "config.yaml").write_text((steady_run / "config.yaml").read_text() + f"# {hostile}\n")
    evaluate_run(steady_run)
    metrics = steady_run / "metrics.json"
    metrics.write_text(metrics.read_text().replace("nearest sample", hostile))
    path = render_page(steady_run)
    assert read_page(path).scripts == 0
    assert path.read_text(encoding="utf-8").count("&lt;script&gt;") >= 3


def test_missing_and_damaged_parts_are_refused_in_one_line(steady_run, tmp_path):
    with pytest.raises(DataError, match=r"model\.sciml"):
        evaluate_run(tmp_path)
    with pytest.raises(DataError, match="no such data set"):
        evaluate_run(steady_run, dataset="elsewhere")
    (steady_run / "metrics.json").write_text("{}")
    with pytest.raises(DataError, match=r"metrics\.json"):
        render_page(steady_run)
    with pytest.raises(DataError, match=r"metrics\.json"):
        read_evaluation(tmp_path / "metrics.json")
    (steady_run / "config.yaml").write_text("a: [")
    with pytest.raises(DataError, match=r"config\.yaml"):
        evaluate_run(steady_run)
