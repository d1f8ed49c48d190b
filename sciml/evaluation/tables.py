"""An evaluation as a table, as CSV and as `metrics.json`."""

import csv
import io
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from sciml.evaluation.evaluate import Evaluation, Result
from sciml.files import write_atomically

SCHEMA = 1


def to_json(evaluation: Evaluation) -> str:
    """Facts, summaries and the values of every sample; infinity is written as the text `"inf"`, which JSON lacks."""
    methods = {
        r.name: {
            "samples": r.samples,
            "diverged": r.diverged,
            "cpu_ms_per_sample": r.milliseconds,
            "summary": r.summary(),
            "values": {k: v.tolist() for k, v in r.values.items()},
        }
        for r in evaluation.results
    }
    content = {"schema": SCHEMA, "facts": dict(evaluation.facts), "methods": methods}
    return json.dumps(_plain(content), indent=1, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value


def from_json(text: str) -> Evaluation:
    """Reads what `to_json` writes.

    Raises:
        ValueError: another schema, or entries that are missing.
    """
    content = json.loads(text)
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise ValueError(f"no metrics of schema {SCHEMA}.")
    try:
        results = [
            Result(
                name,
                {k: torch.tensor([float(x) for x in v], dtype=torch.float64) for k, v in method["values"].items()},
                float(method["cpu_ms_per_sample"]),
                int(method["samples"]),
            )
            for name, method in content["methods"].items()
        ]
        return Evaluation(results, content["facts"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the metrics cannot be read ({error}).") from None


def write_metrics(evaluation: Evaluation, path: str | Path) -> Path:
    """Writes `metrics.json` atomically."""
    return write_atomically(path, to_json(evaluation))


def rows(evaluation: Evaluation) -> tuple[list[str], list[list[str]]]:
    """Headers and rows of the table: relative L2 errors, the largest error, bands, and what a sample costs."""
    channels = list(evaluation.facts.get("units", {}))
    headers = ["method", "relative L2", "median", "nRMSE"]
    headers += [f"max |error| {c}{_unit(evaluation, c)}" for c in channels]
    headers += ["low", "mid", "high", "CPU ms/sample", "samples"]
    if stepper := "correlation_time" in evaluation.results[0].values:
        unit = evaluation.facts.get("time_unit", "1")
        headers.insert(4, "correlated until" if unit == "1" else f"correlated until [{unit}]")
    return headers, [_row(r, channels, stepper) for r in evaluation.results]


def _unit(evaluation: Evaluation, channel: str) -> str:
    unit = evaluation.facts["units"][channel]
    return "" if unit == "1" else f" [{unit}]"


def _row(result: Result, channels: list[str], stepper: bool) -> list[str]:
    summary = result.summary()
    cells = [result.name, *(_text(summary["relative_l2"][k]) for k in ("mean", "median"))]
    cells.append(_text(summary["nrmse"]["mean"]))
    if stepper:
        cells.append(f"{summary['correlation_time']['mean']:.3g}")
    cells += [_text(summary[f"max_error/{c}"]["max"]) for c in channels]
    cells += [_text(summary[f"band/{b}"]["mean"]) for b in ("low", "mid", "high")]
    note = f" ({result.diverged} diverged)" if result.diverged else ""
    return [*cells, f"{result.milliseconds:.3g}", f"{result.samples}{note}"]


def _text(value: float) -> str:
    """Three digits; small numbers as powers of ten, infinity as a sign."""
    if not math.isfinite(value):
        return "∞"
    return f"{value:.3g}" if value == 0 or 1e-3 <= abs(value) < 1e4 else f"{value:.2e}"


def to_csv(evaluation: Evaluation) -> str:
    """The table as CSV."""
    stream = io.StringIO()
    headers, body = rows(evaluation)
    csv.writer(stream, lineterminator="\n").writerows([headers, *body])
    return stream.getvalue()


def caption(evaluation: Evaluation) -> str:
    """What the numbers of the table are."""
    facts = evaluation.facts
    text = (
        f"{facts.get('dataset', '')}/{facts.get('split', '')}, {facts.get('samples', 0)} samples. Errors are means over"
        " samples; low, mid and high are the parts of the relative L2 error at wave numbers up to 4, up to 12 and"
        f" above; times are CPU times of the process on {facts.get('threads', 1)} thread."
    )
    if any("solver" in r.name for r in evaluation.results):
        text += " The solver is of the kind that made the data: what is left of its error says how it repeats itself."
    return text


def headline(evaluation: Evaluation) -> str:
    """The result in one sentence: the error, by how much it beats each baseline, and the time against a solver's."""
    first, *others = evaluation.results
    error = first.summary()["relative_l2"]["mean"]
    errors, costs = [], []
    for other in others:
        reference = other.summary()["relative_l2"]["mean"]
        if "solver" in other.name:
            ratio = other.milliseconds / max(first.milliseconds, 1e-9)
            word = "less" if ratio >= 1 else "more"
            costs.append(f"{_digits(max(ratio, 1 / max(ratio, 1e-9)))} times {word} CPU time than the {other.name}")
        elif error < reference < math.inf:
            errors.append(f"{_digits(reference / error) if error else '∞'} times below that of the {other.name}")
        else:
            errors.append(f"not below that of the {other.name}")
    parts = [f"Relative L2 error {_text(error)}", *errors]
    return "; ".join([", ".join(parts), *costs]) + "."


def _digits(factor: float) -> str:
    return f"{factor:.1f}" if factor < 10 else f"{factor:,.0f}"


def render(evaluation: Evaluation, width: int | None = None) -> str:
    """The table as text."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    headers, body = rows(evaluation)
    table = Table(caption=caption(evaluation), caption_justify="left", header_style="bold")
    for i, header in enumerate(headers):
        # Text, since a unit in brackets would be taken for a style.
        table.add_column(Text(header), justify="left" if i == 0 else "right", overflow="fold")
    for row in body:
        table.add_row(*map(Text, row))
    # As wide as its content needs: a narrow terminal would break the numbers.
    console = Console(file=io.StringIO(), width=width or 160)
    console.print(table)
    return console.file.getvalue()  # type: ignore[attr-defined]
