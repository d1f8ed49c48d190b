"""What the command line does with a run whose network is the solution of a problem: measure it, draw it, its page."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sciml import __version__
from sciml.describe import build
from sciml.fields import Axis, FieldSpec, Grid
from sciml.files import write_atomically, write_json
from sciml.inference import Solution
from sciml.inference.checkpoint import read_checkpoint
from sciml.report import curves, figures, html, solution_curves, solution_figures, style
from sciml.report.run_folder import FIGURES, METRICS, PAGE, PREDICTOR, run_section, section
from sciml.status import ConfigError, DataError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Drawn = dict[str, tuple["Figure", str]]


@dataclass(frozen=True)
class Compared:
    """A solution at the points of its reference.

    Args:
        points: `(n, d)`.
        truth, prediction: `(n, c)`, the components that the reference knows.
        fields: one specification per component.
    """

    points: np.ndarray
    truth: np.ndarray
    prediction: np.ndarray
    fields: tuple[FieldSpec, ...]

    def errors(self) -> dict[str, dict[str, float]]:
        """Relative L2 error and largest error by component, and of all together."""
        columns = {f.name: [i] for i, f in enumerate(self.fields)}
        if len(columns) > 1:
            columns["all"] = [*range(len(self.fields))]
        return {name: self._errors(chosen) for name, chosen in columns.items()}

    def _errors(self, columns: list[int]) -> dict[str, float]:
        truth, prediction = self.truth[:, columns], self.prediction[:, columns]
        largest = float(np.abs(prediction - truth).max())
        return {"relative_l2": figures.relative(prediction, truth), "largest": largest}


def compare(run: str | Path, solution: Solution | None = None) -> Compared:
    """The solution of a run beside the reference that its configuration names.

    Raises:
        DataError: a configuration without a problem or a reference, or a reference that is not to be had any more.
    """
    folder = Path(run)
    solution = solution or Solution.load(folder / PREDICTOR)
    given = section(folder, "data").get("init_args") or {}
    if not given.get("reference"):
        raise DataError(f"{folder / 'config.yaml'}: names no data.reference.")
    try:
        objective = build((section(folder, "model").get("objective")) or {})
        points, values = build(given["reference"]).samples(objective.statement)
    except (ConfigError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{folder / 'config.yaml'}: {' '.join(str(error).split())[:300]}") from None
    fields = _components(solution)[: values.shape[1]]
    prediction = solution(points)[:, : len(fields)].double()
    return Compared(points.numpy(), values.double().numpy(), prediction.numpy(), fields)


def measure_solution(run: str | Path) -> dict[str, dict[str, float]]:
    """Errors of a run's solution by component; writes `metrics.json` into its folder.

    Raises:
        DataError: see `compare`.
    """
    compared = compare(run)
    found = compared.errors()
    content = {"schema": 1, "kind": "solution", "points": len(compared.points), "errors": found}
    write_json(Path(run) / METRICS, content)
    return found


def render_solution(run: str | Path) -> Path:
    """Draws the pictures of a run and writes its page, one HTML file that needs nothing else.

    Args:
        run: folder with `model.sciml`; with its `config.yaml` the reference is drawn too.

    Returns:
        The path of `report.html`.
    """
    folder = Path(run)
    solution = Solution.load(folder / PREDICTOR)
    compared, missing = None, ""
    try:
        compared = compare(folder, solution)
    except DataError as error:
        missing = f"No reference: {error}"
    drawn = _alone(solution) if compared is None else _beside(solution, compared)
    drawn |= training_pictures(folder, solution.spec.units)
    images = {name: (style.png(figure), text) for name, (figure, text) in drawn.items()}
    for name, (content, _) in images.items():
        write_atomically(folder / FIGURES / f"{name}.png", content)
    return write_atomically(folder / PAGE, _document(folder, solution, compared, images, missing))


# Pictures


def _components(solution: Solution) -> tuple[FieldSpec, ...]:
    """One specification per channel."""
    dimensions = len(solution.spec.space)
    return tuple(
        dataclasses.replace(f, name=c, rank=0, long_name=f.long_name if f.rank == 0 else "")
        for f in solution.spec.fields
        for c in f.components(dimensions)
    )


def _beside(solution: Solution, compared: Compared) -> Drawn:
    spec = solution.spec
    found = lattice(compared.points, np.concatenate([compared.truth, compared.prediction], axis=1))
    if found is None or len(spec.space) > 3:
        figure = solution_figures.against(compared.truth, compared.prediction, compared.fields)
        return {"fields": (figure, "Prediction over reference at the points of the reference.")}
    columns, values = found
    times, values = _time_first(columns, values, bool(spec.times))
    truth, prediction = np.split(values, 2, axis=-1)
    if not spec.space:
        figure = solution_figures.over_time(truth, prediction, times, compared.fields, spec.time_unit)
        return {"fields": (figure, "Reference and prediction over time, and the size of the error.")}
    grid = _grid(columns[: len(spec.space)], solution)
    drawn: Drawn = {}
    for i, field in enumerate(compared.fields):
        name = "fields" if i == 0 else f"fields_{field.name}"
        drawn[name] = _pictured(truth[..., i], prediction[..., i], times, grid, field, solution)
    return drawn


def _pictured(
    truth: np.ndarray, prediction: np.ndarray, times: Sequence[float], grid: Grid, field: FieldSpec, solution: Solution
) -> tuple["Figure", str]:
    """One component, `(t, *s)`."""
    spec = solution.spec
    caption = f"{figures.name_of(field)}: relative L2 error {figures.relative(prediction, truth):.2g}."
    if grid.dimensions == 3:
        middle = grid.shape[2] // 2
        truth, prediction, grid = truth[..., middle], prediction[..., middle], Grid(grid.axes[:2])
        caption += " The middle plane."
    units = (spec.length_unit, spec.time_unit)
    if len(times) > 1:
        if grid.dimensions == 1:
            shown = figures.space_time(truth[None], prediction[None], times, grid, field, *units, "reference")
        else:
            shown = figures.frames(truth, prediction, times, grid, field, *units, "reference")
        return shown, caption
    draw = solution_figures.profile if grid.dimensions == 1 else solution_figures.panels
    return draw(truth[0], prediction[0], grid, field, spec.length_unit), caption


def _alone(solution: Solution) -> Drawn:
    """Pictures of a solution without a reference, on its own grid."""
    spec = solution.spec
    if spec.grid is None:
        return {}
    trajectory = solution.on(65 if len(spec.space) == 3 else None)
    values, times, grid = trajectory.u[0].double().numpy(), trajectory.times.tolist(), trajectory.spec.grid
    fields = _components(solution)
    if not spec.space:
        return {"fields": (solution_figures.over_time(None, values, times, fields, spec.time_unit), "The solution.")}
    if grid.dimensions == 3:
        values, grid = values[..., grid.shape[2] // 2], Grid(grid.axes[:2])
    drawn: Drawn = {}
    for i, field in enumerate(fields):
        figure = solution_figures.alone(values[:, i], times, grid, field, spec.length_unit, spec.time_unit)
        drawn["fields" if i == 0 else f"fields_{field.name}"] = figure, figures.name_of(field)
    return drawn


def lattice(points: np.ndarray, values: np.ndarray) -> tuple[list[np.ndarray], np.ndarray] | None:
    """Points `(n, d)` that are all combinations of some coordinates: those by axis, and the values `(*n, c)`."""
    columns, places = zip(*(np.unique(c, return_inverse=True) for c in points.T), strict=True)
    shape = tuple(len(c) for c in columns)
    if math.prod(shape) != len(points) or len({*zip(*(p.tolist() for p in places), strict=True)}) != len(points):
        return None
    array = np.empty((*shape, values.shape[1]))
    array[tuple(places)] = values
    return list(columns), array


def _time_first(columns: list[np.ndarray], values: np.ndarray, evolves: bool) -> tuple[list[float], np.ndarray]:
    """`(*s, t, c)` as `(t, *s, c)`; a steady solution has one time."""
    if not evolves:
        return [0.0], values[None]
    return columns[-1].tolist(), np.moveaxis(values, -2, 0)


def _grid(columns: Sequence[np.ndarray], solution: Solution) -> Grid:
    """The places of a reference as a grid of nodes."""
    ends = zip(columns, solution.spec.low, solution.spec.high, strict=False)
    return Grid(
        tuple(Axis(len(c), min(low, c[0]), max(high, c[-1]), "nodes", tuple(c.tolist())) for c, low, high in ends)
    )


def training_pictures(folder: Path, units: Mapping[str, str]) -> Drawn:
    """Loss terms and errors over the steps, causal weights, and coefficients that were found, as far as logged."""
    path = folder / "metrics.csv"
    history = curves.read_metrics(path) if path.is_file() else {}
    terms = {k.removeprefix("train/"): v for k, v in history.items() if k.startswith("train/") and k != "train/lr"}
    observed = {k: terms.pop(k) for k in [*terms] if k.startswith("causal_")}
    found = {k.partition(":")[2]: terms.pop(k) for k in [*terms] if k.startswith("coefficient:")}
    errors = {k.removeprefix("val/"): v for k, v in history.items() if k == "val/relative_l2"}
    drawn: Drawn = {}
    if terms:
        drawn["losses"] = solution_curves.losses(terms, errors), "Terms of the loss, and the error during training."
    if observed:
        weights = _causal_weights(folder)
        drawn["causal"] = solution_curves.causal(weights, observed), "Causal weights: 1 where earlier times are solved."
    if found:
        drawn["coefficients"] = solution_curves.coefficients(found, units), "Coefficients found with the solution."
    return drawn


def _causal_weights(folder: Path) -> np.ndarray | None:
    """Those of the last checkpoint, where there is one."""
    path = folder / "checkpoints" / "last.ckpt"
    if not path.is_file():
        return None
    state = read_checkpoint(path)["state_dict"]
    # Only causal weights have a stage and an end.
    prefixes = [k.removesuffix("stage") for k in state if k.startswith("weighting.") and k.endswith("stage")]
    found = next((state[f"{p}weights"] for p in prefixes if f"{p}finished" in state), None)
    return None if found is None else found.double().numpy()


# The page


def _document(
    folder: Path,
    solution: Solution,
    compared: Compared | None,
    images: Mapping[str, tuple[bytes, str]],
    missing: str,
) -> str:
    sections, lead = [], "The solution of an equation, without data."
    if compared is not None:
        errors = compared.errors()
        body = [[name, f"{e['relative_l2']:.3g}", f"{e['largest']:.3g}"] for name, e in errors.items()]
        note = f"Against the reference of the configuration, at {len(compared.points):,} points."
        sections.append(("Errors", html.table(["component", "relative L2", "largest error"], body, note)))
        whole = errors.get("all") or next(iter(errors.values()))
        lead = f"relative L2 error {whole['relative_l2']:.3g} against the reference"
    fields = [html.picture(*image) for name, image in images.items() if name.startswith("fields")]
    sections.append(("Solution", "".join(fields) + (html.paragraph(missing) if missing else "")))
    others = [html.picture(*image) for name, image in images.items() if not name.startswith("fields")]
    if others:
        sections.append(("Training", "".join(others)))
    sections.append(("Problem", html.facts(_facts(solution))))
    sections.append(("Run", run_section(folder)))
    title = f"{', '.join(solution.spec.channels)} of {folder.parent.name}"
    return html.page(title, lead, sections, f"Written by sciml {__version__}.")


def _facts(solution: Solution) -> dict[str, Any]:
    spec = solution.spec
    ends = zip(spec.axes, spec.low, spec.high, strict=True)

    def listed(values: Mapping[str, Any]) -> str:
        numbers = {k: f"{v:.6g}" if isinstance(v, float) else v for k, v in values.items()}
        return ", ".join(style.label(f"{k} = {v}", spec.units.get(k, "1")) for k, v in numbers.items())

    return {
        "equation": spec.equation,
        "components": ", ".join(style.label(f.name, f.unit) for f in _components(solution)),
        "domain": ", ".join(style.label(f"{a} in [{low:g}, {high:g}]", spec.unit_of(a)) for a, low, high in ends),
        "initial state": listed(spec.initial),
        "boundary": ", ".join(f"{face}: {c['kind'].lower()}" for face, c in spec.boundaries.to_dict().items()),
        "coefficients": listed(spec.coefficients),
        "coefficients found": listed(spec.fitted),
        "network": type(solution.network).__name__,
        "weights": f"{sum(p.numel() for p in solution.network.parameters()):,} in {solution.dtype}",
    }
