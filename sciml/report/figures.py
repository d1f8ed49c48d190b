"""Pictures of fields: input, truth, prediction and error side by side."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sciml.fields import FieldSpec, Grid
from sciml.report import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def comparison(
    inputs: np.ndarray,
    truth: np.ndarray,
    prediction: np.ndarray,
    grid: Grid,
    given: FieldSpec,
    field: FieldSpec,
    length_unit: str = "1",
) -> "Figure":
    """A steady map on some samples, one per row: curves in one dimension, images in two, the middle plane in three.

    Truth and prediction share a colour scale in every row, the error has its own, symmetric about zero.

    Args:
        inputs, truth, prediction: one channel each, `(n, *s)`.
        grid: where they live.
        given, field: name and unit of the input and of the other two.
        length_unit: of the coordinates.

    Raises:
        ValueError: shapes that differ from `(n, *grid.shape)`.
    """
    for name, array in (("inputs", inputs), ("truth", truth), ("prediction", prediction)):
        if array.shape != (len(truth), *grid.shape):
            raise ValueError(f"{name} has shape {array.shape}; accepted is {(len(truth), *grid.shape)}.")
    if grid.dimensions == 1:
        return _curves(inputs, truth, prediction, grid, given, field, length_unit)
    if grid.dimensions == 3:
        middle = grid.shape[2] // 2
        inputs, truth, prediction = (a[..., middle] for a in (inputs, truth, prediction))
        grid = Grid(grid.axes[:2])
    return _images(inputs, truth, prediction, grid, given, field, length_unit)


def _images(
    inputs: np.ndarray,
    truth: np.ndarray,
    prediction: np.ndarray,
    grid: Grid,
    given: FieldSpec,
    field: FieldSpec,
    length_unit: str,
) -> "Figure":
    n = len(truth)
    with style.styled():
        height = panel_height(grid, 2.35)
        figure = style.new_figure(11.0, n * height + 0.55)
        axes = figure.subplots(n, 4, squeeze=False, sharex=True, sharey=True)
        for row in range(n):
            low, high = style.limits(truth[row], prediction[row])
            error = prediction[row] - truth[row]
            bound = max(abs(x) for x in style.limits(error, np.zeros(1)))
            ranges = (style.limits(inputs[row]), (low, high), (low, high), (-bound, bound))
            maps = (style.INPUTS, style.VALUES, style.VALUES, style.ERRORS)
            arrays = (inputs[row], truth[row], prediction[row], error)
            images = [
                image(ax, a, grid, cmap, r) for ax, a, cmap, r in zip(axes[row], arrays, maps, ranges, strict=True)
            ]
            style.colour_bar(figure, images[0], axes[row, 0], style.label(name_of(given), given.unit))
            style.colour_bar(figure, images[2], list(axes[row, 1:3]), style.label(name_of(field), field.unit))
            style.colour_bar(figure, images[3], axes[row, 3], style.label("error", field.unit))
            axes[row, 3].annotate(
                f"relative L2 {relative(prediction[row], truth[row]):.2g}",
                (0.5, 0.02), xycoords="axes fraction", ha="center", va="bottom", fontsize=7.5,
                bbox={"boxstyle": "round,pad=0.2", "fc": "white", "ec": "none", "alpha": 0.85},
            )  # fmt: skip
        for ax, title in zip(axes[0], ("input", "truth", "prediction", "prediction − truth"), strict=True):
            ax.set_title(title)
        label_axes(axes, grid, length_unit)
        return figure


def panel_height(grid: Grid, width: float) -> float:
    """Of a panel with equal scales on both axes, within bounds."""
    return min(max(width * grid.axes[1].length / grid.axes[0].length, 1.0), 2 * width)


def name_of(spec: FieldSpec) -> str:
    """What a field is called in a picture."""
    return spec.long_name or spec.name


def relative(prediction: np.ndarray, truth: np.ndarray) -> float:
    """Relative L2 error of one picture."""
    return float(np.linalg.norm(prediction - truth) / max(float(np.linalg.norm(truth)), 1e-300))


def image(ax: "Axes", values: np.ndarray, grid: Grid, cmap: str, limits: tuple[float, float]) -> Any:
    """A field `(nx, ny)` with x to the right and y upwards; every value covers the cell around its point."""
    x, y = (edges_of(axis.coords, axis) for axis in grid.axes)
    ax.set_aspect("equal")
    ax.spines[:].set_visible(True)
    return ax.pcolormesh(x, y, values.T, cmap=cmap, vmin=limits[0], vmax=limits[1], rasterized=True)


def edges_of(points: np.ndarray, axis: Any) -> np.ndarray:
    """Ends of the cells around the points of an axis."""
    if len(points) == 1:
        return np.array([axis.low, axis.high])
    middle = 0.5 * (points[1:] + points[:-1])
    return np.concatenate([[2 * points[0] - middle[0]], middle, [2 * points[-1] - middle[-1]]])


def label_axes(axes: np.ndarray, grid: Grid, length_unit: str) -> None:
    """Few ticks, and names with units at the left and below."""
    from matplotlib.ticker import MaxNLocator

    for ax in axes.flat:
        ax.xaxis.set_major_locator(MaxNLocator(2, steps=[1, 2, 5, 10]))
        ax.yaxis.set_major_locator(MaxNLocator(2, steps=[1, 2, 5, 10]))
        ax.tick_params(length=2)
    for ax in axes[-1]:
        ax.set_xlabel(style.label(grid.names[0], length_unit))
    for ax in axes[:, 0]:
        ax.set_ylabel(style.label("y", length_unit))


def _curves(
    inputs: np.ndarray,
    truth: np.ndarray,
    prediction: np.ndarray,
    grid: Grid,
    given: FieldSpec,
    field: FieldSpec,
    length_unit: str,
) -> "Figure":
    n, x = len(truth), grid.axes[0].coords
    with style.styled():
        figure = style.new_figure(3.6 * n + 0.2, 4.4)
        axes = figure.subplots(2, n, squeeze=False, sharex=True, height_ratios=(3, 1))
        for column in range(n):
            top, bottom = axes[:, column]
            if given.unit == field.unit:
                top.plot(x, inputs[column], color=style.INPUT, lw=1.0, label="input")
            top.plot(x, truth[column], color=style.TRUTH, label="truth")
            top.plot(x, prediction[column], color=style.PREDICTION, ls=(0, (4, 2)), label="prediction")
            top.set_title(f"relative L2 {relative(prediction[column], truth[column]):.2g}")
            bottom.axhline(0, color="#999999", lw=0.6)
            bottom.plot(x, prediction[column] - truth[column], color=style.ERROR, lw=1.1)
            bottom.set_xlabel(style.label("x", length_unit))
            bottom.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3), useMathText=True)
            top.margins(x=0)
            bottom.margins(x=0)
        axes[0, 0].set_ylabel(style.label(name_of(field), field.unit))
        axes[1, 0].set_ylabel("error")
        axes[0, 0].legend(loc="best")
        return figure


def space_time(
    truth: np.ndarray,
    prediction: np.ndarray,
    times: Sequence[float],
    grid: Grid,
    field: FieldSpec,
    length_unit: str = "1",
    time_unit: str = "1",
    given: str = "truth",
) -> "Figure":
    """A rollout in one dimension: truth, prediction and error over space and time, one sample per row.

    Args:
        truth, prediction: one channel, `(n, t, x)`, the initial state first.
        times: of the frames.
        grid: one axis.
        field: name and unit.
        given: what the truth is called.
    """
    if truth.shape != prediction.shape or truth.shape[1:] != (len(times), *grid.shape):
        raise ValueError(f"truth has shape {truth.shape}; accepted is (n, {len(times)}, {grid.shape[0]}) for both.")
    n, x, t = len(truth), edges_of(grid.axes[0].coords, grid.axes[0]), np.asarray(times, dtype=float)
    edges = np.concatenate([[t[0]], 0.5 * (t[1:] + t[:-1]), [t[-1]]])
    with style.styled():
        figure = style.new_figure(10.0, 2.3 * n + 0.5)
        axes = figure.subplots(n, 3, squeeze=False, sharex=True, sharey=True)
        for row in range(n):
            error = prediction[row] - truth[row]
            bound = max(abs(v) for v in style.limits(error, np.zeros(1)))
            low, high = style.limits(truth[row], prediction[row])
            arrays = ((truth[row], style.VALUES, low, high), (prediction[row], style.VALUES, low, high))
            drawn = [
                ax.pcolormesh(edges, x, a.T, cmap=cmap, vmin=vmin, vmax=vmax, rasterized=True)
                for ax, (a, cmap, vmin, vmax) in zip(
                    axes[row], (*arrays, (error, style.ERRORS, -bound, bound)), strict=True
                )
            ]
            style.colour_bar(figure, drawn[1], list(axes[row, :2]), style.label(name_of(field), field.unit))
            style.colour_bar(figure, drawn[2], axes[row, 2], style.label("error", field.unit))
            axes[row, 0].set_ylabel(style.label("x", length_unit))
        for ax, title in zip(axes[0], (given, "prediction", f"prediction − {given}"), strict=True):
            ax.set_title(title)
        for ax in axes[-1]:
            ax.set_xlabel(style.label("time", time_unit))
        for ax in axes.flat:
            ax.spines[:].set_visible(True)
        return figure


def frames(
    truth: np.ndarray,
    prediction: np.ndarray,
    times: Sequence[float],
    grid: Grid,
    field: FieldSpec,
    length_unit: str = "1",
    time_unit: str = "1",
    given: str = "truth",
) -> "Figure":
    """A rollout of one sample in two dimensions: up to five times as columns, truth, prediction and error as rows.

    Args:
        truth, prediction: one channel, `(t, x, y)`.
        times: of the frames.
        given: what the truth is called.
    """
    if truth.shape != prediction.shape or truth.shape != (len(times), *grid.shape):
        raise ValueError(f"truth has shape {truth.shape}; accepted is {(len(times), *grid.shape)} for both.")
    columns = np.unique(np.linspace(0, len(times) - 1, min(5, len(times))).round().astype(int))
    error = prediction - truth
    bound = max(abs(v) for v in style.limits(error[columns], np.zeros(1)))
    common = style.limits(truth[columns], prediction[columns])
    rows = (
        (given, truth, style.VALUES, common),
        ("prediction", prediction, style.VALUES, common),
        ("error", error, style.ERRORS, (-bound, bound)),
    )
    with style.styled():
        height = panel_height(grid, 2.0)
        figure = style.new_figure(2.1 * len(columns) + 1.0, 3 * height + 0.6)
        axes = figure.subplots(3, len(columns), squeeze=False, sharex=True, sharey=True)
        for row, (name, values, cmap, limits) in enumerate(rows):
            drawn = [image(ax, values[k], grid, cmap, limits) for ax, k in zip(axes[row], columns, strict=True)]
            text = name if row == 2 else name_of(field)
            style.colour_bar(figure, drawn[-1], list(axes[row]), style.label(text, field.unit))
        for ax, k in zip(axes[0], columns, strict=True):
            ax.set_title(f"t = {times[k]:.3g}" + ("" if time_unit == "1" else f" {time_unit}"))
        label_axes(axes, grid, length_unit)
        for row, (name, *_) in enumerate(rows):
            axes[row, 0].set_ylabel(f"{name}\n{style.label('y', length_unit)}")
        return figure
