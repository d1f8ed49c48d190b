"""Pictures of a solution beside its reference: curves, images over space and time, frames."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sciml.fields import FieldSpec, Grid
from sciml.report import style
from sciml.report.figures import edges_of, image, label_axes, name_of, panel_height

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = ("#d1495b", "#2e86ab", "#edae49", "#66a182", "#6a4c93", "#8d99ae")


def over_time(
    truth: np.ndarray | None, prediction: np.ndarray, times: Sequence[float], fields: Sequence[FieldSpec],
    time_unit: str = "1",
) -> "Figure":  # fmt: skip
    """Components without space over time, one below the other, and the size of their errors on a logarithmic axis.

    Args:
        truth, prediction: `(t, c)`; the reference may be missing.
        times: of the rows.
        fields: names and units, one per component.
        time_unit: of the times.
    """
    rows = len(fields) + (truth is not None)
    with style.styled():
        figure = style.new_figure(8.4, 1.35 * rows + 0.7)
        axes = figure.subplots(rows, 1, squeeze=False, sharex=True)[:, 0]
        for i, (ax, field) in enumerate(zip(axes, fields, strict=False)):
            if truth is not None:
                ax.plot(times, truth[:, i], color=style.TRUTH, label="reference")
            ax.plot(times, prediction[:, i], color=style.PREDICTION, ls=(0, (4, 2)), label="prediction")
            ax.set_ylabel(style.label(name_of(field), field.unit))
        if truth is not None:
            for i, field in enumerate(fields):
                size = np.abs(prediction[:, i] - truth[:, i])
                shown = np.where(size > 0, size, np.nan)
                axes[-1].semilogy(times, shown, color=_COLOURS[i % len(_COLOURS)], lw=1.1, label=name_of(field))
            axes[-1].set_ylabel("|error|")
            axes[-1].grid(True)
            axes[-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        axes[0].legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2)
        axes[-1].set_xlabel(style.label("time", time_unit))
        for ax in axes:
            ax.margins(x=0)
        return figure


def profile(
    truth: np.ndarray | None, prediction: np.ndarray, grid: Grid, field: FieldSpec, length_unit: str = "1"
) -> "Figure":
    """A steady solution along one axis, and its error below.

    Args:
        truth, prediction: `(x,)`; the reference may be missing.
        grid: one axis.
        field: name and unit.
        length_unit: of the coordinate.
    """
    x, rows = grid.axes[0].coords, 1 if truth is None else 2
    with style.styled():
        figure = style.new_figure(6.4, 2.9 if truth is None else 4.2)
        axes = figure.subplots(rows, 1, squeeze=False, sharex=True, height_ratios=(3, 1)[:rows])[:, 0]
        if truth is not None:
            axes[0].plot(x, truth, color=style.TRUTH, label="reference")
            axes[1].axhline(0, color="#999999", lw=0.6)
            axes[1].plot(x, prediction - truth, color=style.ERROR, lw=1.1)
            axes[1].set_ylabel(style.label("error", field.unit))
            axes[1].ticklabel_format(axis="y", style="sci", scilimits=(-2, 3), useMathText=True)
        axes[0].plot(x, prediction, color=style.PREDICTION, ls=(0, (4, 2)), label="prediction")
        axes[0].set_ylabel(style.label(name_of(field), field.unit))
        axes[0].legend(loc="best")
        axes[-1].set_xlabel(style.label(grid.names[0], length_unit))
        axes[0].margins(x=0)
        return figure


def panels(truth: np.ndarray, prediction: np.ndarray, grid: Grid, field: FieldSpec, length_unit: str = "1") -> "Figure":
    """A steady solution in two dimensions: reference, prediction and their difference.

    Args:
        truth, prediction: `(x, y)`.
        grid: two axes.
        field: name and unit.
        length_unit: of the coordinates.
    """
    error, common = prediction - truth, style.limits(truth, prediction)
    bound = max(abs(v) for v in style.limits(error, np.zeros(1)))
    drawn = (
        ("reference", truth, style.VALUES, common),
        ("prediction", prediction, style.VALUES, common),
        ("prediction − reference", error, style.ERRORS, (-bound, bound)),
    )
    with style.styled():
        figure = style.new_figure(9.6, panel_height(grid, 2.6) + 0.8)
        axes = figure.subplots(1, 3, squeeze=False, sharex=True, sharey=True)
        for ax, (title, values, cmap, limits) in zip(axes[0], drawn, strict=True):
            shown = image(ax, values, grid, cmap, limits)
            ax.set_title(title)
            if title == "prediction":
                style.colour_bar(figure, shown, list(axes[0, :2]), style.label(name_of(field), field.unit))
        style.colour_bar(figure, shown, axes[0, 2], style.label("error", field.unit))
        label_axes(axes, grid, length_unit)
        return figure


def alone(
    prediction: np.ndarray, times: Sequence[float], grid: Grid, field: FieldSpec, length_unit: str, time_unit: str
) -> "Figure":
    """A solution without a reference: over space and time in one dimension, up to five times in two.

    Args:
        prediction: `(t, *s)`; one time of a steady solution.
        times: of the frames.
        grid: one or two axes.
        field: name and unit.
        length_unit, time_unit: of the coordinates.
    """
    limits, bar = style.limits(prediction), style.label(name_of(field), field.unit)
    if grid.dimensions == 1 and len(times) == 1:
        return profile(None, prediction[0], grid, field, length_unit)
    with style.styled():
        if grid.dimensions == 1:
            figure = style.new_figure(6.0, 2.8)
            ax = figure.subplots()
            _space_time(figure, ax, prediction, times, grid, limits, bar)
            ax.set_xlabel(style.label("time", time_unit))
            ax.set_ylabel(style.label(grid.names[0], length_unit))
            return figure
        columns = np.unique(np.linspace(0, len(times) - 1, min(5, len(times))).round().astype(int))
        figure = style.new_figure(2.1 * len(columns) + 1.4, panel_height(grid, 2.0) + 0.8)
        axes = figure.subplots(1, len(columns), squeeze=False, sharex=True, sharey=True)
        for ax, k in zip(axes[0], columns, strict=True):
            shown = image(ax, prediction[k], grid, style.VALUES, limits)
            if len(times) > 1:
                ax.set_title(f"t = {times[k]:.3g}" + ("" if time_unit == "1" else f" {time_unit}"))
        style.colour_bar(figure, shown, list(axes[0]), bar)
        label_axes(axes, grid, length_unit)
        return figure


def _space_time(
    figure: "Figure", ax: "Axes", values: np.ndarray, times: Sequence[float], grid: Grid,
    limits: tuple[float, float], bar: str,
) -> None:  # fmt: skip
    t = np.asarray(times, dtype=float)
    edges = np.concatenate([[t[0]], 0.5 * (t[1:] + t[:-1]), [t[-1]]])
    x = edges_of(grid.axes[0].coords, grid.axes[0])
    shown = ax.pcolormesh(edges, x, values.T, cmap=style.VALUES, vmin=limits[0], vmax=limits[1], rasterized=True)
    ax.spines[:].set_visible(True)
    style.colour_bar(figure, shown, ax, bar)


def against(truth: np.ndarray, prediction: np.ndarray, fields: Sequence[FieldSpec]) -> "Figure":
    """Predicted over known values at points that are no grid, one panel per component.

    Args:
        truth, prediction: `(n, c)`.
        fields: names and units, one per component.
    """
    with style.styled():
        figure = style.new_figure(3.4 * len(fields), 3.3)
        axes = figure.subplots(1, len(fields), squeeze=False)[0]
        for i, (ax, field) in enumerate(zip(axes, fields, strict=True)):
            low, high = style.limits(truth[:, i], prediction[:, i])
            ax.plot([low, high], [low, high], color="#999999", lw=0.8)
            ax.plot(truth[:, i], prediction[:, i], ".", color=style.PREDICTION, ms=2, alpha=0.5, rasterized=True)
            ax.set_aspect("equal")
            ax.set_xlabel(style.label(f"{name_of(field)}, reference", field.unit))
            ax.set_ylabel(style.label(f"{name_of(field)}, prediction", field.unit))
        return figure
