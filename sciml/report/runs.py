"""What the command line does with a finished run: measure it, draw it, and write its page."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sciml import __version__
from sciml.evaluation import (
    Cases,
    Classical,
    Evaluation,
    default_baselines,
    evaluate,
    from_json,
    headline,
    write_metrics,
)
from sciml.evaluation.tables import caption, rows, to_csv
from sciml.files import write_atomically
from sciml.inference import Surrogate, check_predictor
from sciml.report import curves, html, style
from sciml.report.pictures import field_pictures, run_pictures
from sciml.report.run_folder import FIGURES, METRICS, PAGE, PREDICTOR, run_section, section
from sciml.report.solutions import render_solution
from sciml.status import DataError

if TYPE_CHECKING:
    from sciml.data import FieldDataset


def evaluate_run(
    run: str | Path,
    *,
    dataset: str | Path | None = None,
    split: str = "test",
    samples: int | None = None,
    solvers: Mapping[str, Callable[[int], Any]] | None = None,
    solver_samples: int = 20,
    batch_size: int = 32,
) -> Evaluation:
    """Measures a run's predictor beside its baselines; writes `metrics.json` and `metrics_table.csv` into its folder.

    Args:
        run: folder with `model.sciml`.
        dataset: name or path of the data set; that of the run's configuration when left out.
        split: to measure on.
        samples: use the first so many; all when left out.
        solvers: classical solvers by the name that tables show; called with a sample's number in the data set
            (`FieldDataset.samples["index"]`), one solves its problem and gives the fields on the data set's grid.
        solver_samples: how many samples a solver is measured on.
        batch_size: samples predicted at once.

    Raises:
        DataError: no predictor, no data set, or one without the predictor's fields.
    """
    folder = Path(run)
    surrogate = Surrogate.load(folder / PREDICTOR)
    test, train = (_open(folder, dataset, surrogate, s) for s in (split, "train"))
    try:
        baselines = list(default_baselines(Cases(train, surrogate.spec)))
        numbers = test.samples["index"]
        count = min(solver_samples, len(test) if samples is None else samples)
        for name, solve in (solvers or {}).items():
            baselines.append(Classical(_by_position(solve, numbers), name, samples=count))
        evaluation = evaluate(surrogate, test, baselines, samples=samples, batch_size=batch_size, name=_name(surrogate))
    except ValueError as error:
        raise DataError(f"{folder / PREDICTOR} on {test.spec.name}/{split}: {error}") from error
    facts = {**evaluation.facts, "training_samples": len(train), "same_training_data": _same(surrogate, train)}
    evaluation = Evaluation(evaluation.results, facts)
    write_metrics(evaluation, folder / METRICS)
    write_atomically(folder / "metrics_table.csv", to_csv(evaluation))
    return evaluation


def _by_position(solve: Callable[[int], Any], numbers: Any) -> Callable[[int], Any]:
    return lambda position: solve(int(numbers[position]))


def render_page(run: str | Path, *, dataset: str | Path | None = None, samples: int = 3) -> Path:
    """Draws a run's figures and writes its page, one HTML file that needs nothing else.

    A run without `metrics.json` is measured first. The page of a run whose network is the solution of a problem is that
    of `render_solution`.

    Args:
        run: folder with `model.sciml`.
        dataset: as for `evaluate_run`; without it and without the data set of the run the page has no field pictures.
        samples: how many samples are drawn.

    Returns:
        The path of `report.html`.
    """
    folder = Path(run)
    if check_predictor(folder / PREDICTOR)["kind"] == "solution":
        return render_solution(folder)
    evaluation = (
        read_evaluation(folder / METRICS) if (folder / METRICS).is_file() else evaluate_run(folder, dataset=dataset)
    )
    surrogate = Surrogate.load(folder / PREDICTOR)
    history = curves.read_metrics(folder / "metrics.csv") if (folder / "metrics.csv").is_file() else {}
    drawn: dict[str, Any] = {}
    missing = ""
    try:
        test = _open(folder, dataset, surrogate, str(evaluation.facts.get("split") or "test"))
        drawn |= field_pictures(surrogate, test, samples)
    except DataError as error:
        missing = f"No pictures of fields: {error}"
    drawn |= run_pictures(evaluation, history)
    images = {name: (style.png(figure), text) for name, (figure, text) in drawn.items()}
    for name, (content, _) in images.items():
        write_atomically(folder / FIGURES / f"{name}.png", content)
    return write_atomically(folder / PAGE, _document(folder, evaluation, surrogate, images, missing))


def read_evaluation(path: Path) -> Evaluation:
    """Reads `metrics.json`.

    Raises:
        DataError: a file that `evaluate_run` did not write.
    """
    try:
        return from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: {' '.join(str(error).split())}") from None


def _name(surrogate: Surrogate) -> str:
    network = getattr(surrogate.network, "network", surrogate.network)
    return type(network).__name__


def _same(surrogate: Surrogate, train: "FieldDataset") -> bool:
    return surrogate.spec.data_hash == train.hash


def _open(folder: Path, dataset: str | Path | None, surrogate: Surrogate, split: str) -> "FieldDataset":
    from sciml.data import open_dataset

    arguments = section(folder, "data")
    arguments = arguments.get("init_args", arguments)
    name = arguments.get("dataset") if isinstance(arguments, dict) else None
    configured = name if isinstance(name, str) else None
    return open_dataset(dataset or configured or surrogate.spec.dataset, split)


def _document(
    folder: Path,
    evaluation: Evaluation,
    surrogate: Surrogate,
    images: Mapping[str, tuple[bytes, str]],
    missing: str,
) -> str:
    headers, body = rows(evaluation)
    sections = [("Results", html.table(headers, body, caption(evaluation)))]
    fields = [html.picture(*image) for name, image in images.items() if name.startswith("fields")]
    if fields or missing:
        sections.append(("Predictions", "".join(fields) or html.paragraph(missing)))
    others = [html.picture(*image) for name, image in images.items() if not name.startswith("fields")]
    if others:
        sections.append(("Curves", html.side_by_side(others)))
    sections.append(("Predictor", html.facts(_predictor_facts(evaluation, surrogate))))
    sections.append(("Run", run_section(folder)))
    title = f"{evaluation.results[0].name} on {evaluation.facts.get('dataset', '')}"
    return html.page(title, headline(evaluation), sections, f"Written by sciml {__version__}.")


def _predictor_facts(evaluation: Evaluation, surrogate: Surrogate) -> dict[str, Any]:
    spec, facts = surrogate.spec, evaluation.facts
    dimensions = spec.grid.dimensions
    names = {c: f.unit for f in (*spec.inputs, *spec.static, *spec.fields) for c in f.components(dimensions)}
    return {
        "kind": "steady map" if spec.dt is None else f"stepper, dt = {spec.dt:g} {_unit(spec.time_unit)}",
        "inputs": ", ".join(style.label(c, names[c]) for c in (*spec.input_channels, *spec.static_channels)),
        "outputs": ", ".join(style.label(c, names[c]) for c in spec.channels),
        "parameters of the equation": ", ".join(style.label(p.name, p.unit) for p in spec.parameters),
        "grid": " × ".join(f"{a.n} {a.kind} on [{a.low:g}, {a.high:g}]" for a in spec.grid.axes),
        "resolution": "any of the same domain" if spec.any_resolution else "this one alone",
        "weights": f"{facts.get('parameters', 0):,}",
        "trained on": f"{spec.dataset}, {facts.get('training_samples', '?')} trajectories",
        "hash of the training data": spec.data_hash,
        "measured on the same data set": "yes" if facts.get("same_training_data") else "no",
        "device of the measurement": f"{facts.get('device', '')}, {facts.get('threads', '')} thread",
    }


def _unit(unit: str) -> str:
    return "" if unit == "1" else unit
