"""The pictures of a surrogate on a data set's split, chosen by what it predicts."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from sciml.evaluation import Case, Cases, Evaluation, Learned
from sciml.fields import FieldSpec
from sciml.metrics.spectra import energy_spectrum
from sciml.report import curves, figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Trajectories with fewer frames are shown at their last time instead of over time.
FEW_FRAMES = 5


def field_pictures(surrogate: Any, dataset: Any, samples: int = 3) -> dict[str, tuple["Figure", str]]:
    """Figures with captions by name: the fields of the first samples, and their energy by wave number.

    Args:
        surrogate: a `sciml.Surrogate`.
        dataset: a `sciml.data.FieldDataset`.
        samples: how many.
    """
    cases = Cases(dataset, surrogate.spec)
    case = cases.block(range(min(samples, len(cases))))
    prediction = Learned(surrogate)(case).double().cpu()
    target = case.targets.double()
    shown: dict[str, tuple[Figure, str]] = {}
    spec, start = surrogate.spec, 0
    for field in spec.fields:
        for i, channel in enumerate(field.components(spec.grid.dimensions)):
            one = FieldSpec(channel, field.unit, long_name=field.long_name if field.rank == 0 else "")
            name = "fields" if start + i == 0 else f"fields_{channel}"
            shown[name] = _fields(surrogate, case, prediction[:, :, start + i], target[:, :, start + i], start + i, one)
        start += len(field.components(spec.grid.dimensions))
    shown["spectrum"] = _spectrum(prediction, target, spec)
    return shown


def _fields(
    surrogate: Any, case: Case, prediction: torch.Tensor, target: torch.Tensor, channel: int, field: FieldSpec
) -> tuple["Figure", str]:
    spec = surrogate.spec
    truth, predicted = target.numpy(), prediction.numpy()
    given = spec.inputs[0]
    if spec.dt is None or (spec.grid.dimensions == 1 and len(case.times) < FEW_FRAMES):
        column = 0 if spec.dt is None else channel
        first = case.inputs[:, column].double().numpy()
        source = FieldSpec(spec.input_channels[column], given.unit, long_name=given.long_name)
        figure = figures.comparison(first, truth[:, -1], predicted[:, -1], spec.grid, source, field, spec.length_unit)
        when = "" if spec.dt is None else f" at the last time, {float(case.times[-1]):g}"
        return figure, f"The first {len(case)} samples{when}: input, truth, prediction, and their difference."
    initial = case.inputs[:, channel].double().numpy()[:, None]
    truth, predicted = (np.concatenate([initial, a], axis=1) for a in (truth, predicted))
    units = (spec.length_unit, spec.time_unit)
    if spec.grid.dimensions == 1:
        figure = figures.space_time(truth, predicted, case.times.tolist(), spec.grid, field, *units)
        return figure, f"The first {len(case)} samples over space and time, rolled out from their initial state."
    grid = spec.grid
    if grid.dimensions == 3:
        middle = grid.shape[2] // 2
        truth, predicted, grid = truth[..., middle], predicted[..., middle], type(grid)(grid.axes[:2])
    figure = figures.frames(truth[0], predicted[0], case.times.tolist(), grid, field, *units)
    return figure, "The first sample, rolled out from its initial state."


def _spectrum(prediction: torch.Tensor, target: torch.Tensor, spec: Any) -> tuple["Figure", str]:
    kinds = [axis.kind for axis in spec.grid.axes]
    energies = [
        energy_spectrum(u[:, -1].nan_to_num(posinf=0.0, neginf=0.0), kinds).mean(dim=0).numpy()
        for u in (target, prediction, prediction - target)
    ]
    when = "" if spec.dt is None else " at the last time"
    return curves.spectrum(*energies), f"Energy by wave number{when}; dotted lines separate low, middle and high."


def run_pictures(evaluation: Evaluation, history: Mapping[str, Any]) -> dict[str, tuple["Figure", str]]:
    """The training curve, and for a stepper the error of every method along the rollout."""
    shown: dict[str, tuple[Figure, str]] = {}
    if any(k.startswith(("train/", "val/")) for k in history):
        shown["training"] = curves.training_curve(history), "Loss and error during training."
    steps = sorted((k for k in evaluation.results[0].values if k.startswith("step/")), key=lambda k: int(k[5:]))
    if len(steps) > 1:
        # The error of a solver against data of its own is rounding: its curve would press the others together.
        shown_results = [r for r in evaluation.results if "solver" not in r.name]
        errors = {r.name: [float(r.values[k].mean()) for k in steps] for r in shown_results}
        times = list(evaluation.facts["times"])[1:]
        figure = curves.error_by_step(times, errors, str(evaluation.facts.get("time_unit", "1")))
        shown["rollout"] = figure, "Mean nRMSE along the rollout."
    return shown
