"""Curves of a run: training, error by wave number, error by step."""

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sciml.report import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS = ("#d1495b", "#2e86ab", "#edae49", "#66a182", "#6a4c93", "#8d99ae")


def read_metrics(path: str | Path) -> dict[str, tuple[list[float], list[float]]]:
    """Steps and values of every column of a `metrics.csv`, as the CSV logger writes it; empty cells are left out."""
    curves: dict[str, tuple[list[float], list[float]]] = {}
    with open(path, newline="", encoding="utf-8") as stream:
        for number, row in enumerate(csv.DictReader(stream)):
            step = _number(row.get("step")) if _number(row.get("step")) is not None else float(number)
            for name, cell in row.items():
                value = _number(cell)
                if name and name not in ("step", "epoch") and value is not None and step is not None:
                    steps, values = curves.setdefault(name, ([], []))
                    steps.append(step)
                    values.append(value)
    return curves


def _number(cell: Any) -> float | None:
    try:
        value = float(cell)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


def training_curve(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> "Figure":
    """Losses of training and validation over the steps, and the learning rate where it was logged.

    Args:
        curves: steps and values by name, as `read_metrics` gives them.
    """
    rates = [k for k in curves if k.startswith("lr") or k.endswith(("/lr", "learning_rate"))]
    shown = [k for k in curves if k.startswith(("train/", "val/")) and k not in rates]
    # A loss that is shown under the name of its only term needs no second curve.
    shown = [k for k in shown if not (k.endswith("/loss") and _repeated(k, curves, shown))]
    with style.styled():
        figure = style.new_figure(6.4, 3.4)
        ax = figure.subplots()
        for i, name in enumerate(sorted(shown)):
            steps, values = curves[name]
            solid = "-" if name.startswith("val/") else (0, (3, 1.5))
            marker = "o" if len(steps) <= 30 else None
            ax.plot(steps, values, color=_COLOURS[i % len(_COLOURS)], ls=solid, marker=marker, ms=2.5, label=name)
        if any(v > 0 for name in shown for v in curves[name][1]):
            ax.set_yscale("log")
        ax.set_xlabel("step")
        ax.set_ylabel("loss or error")
        ax.grid(True, which="both")
        if shown:
            ax.legend(loc="upper right")
        if rates:
            twin = ax.twinx()
            twin.plot(*curves[rates[0]], color="#bbbbbb", lw=0.9, zorder=0)
            twin.set_ylabel("learning rate", color="#888888")
            twin.set_ylim(bottom=0)
            twin.ticklabel_format(axis="y", style="sci", scilimits=(0, 0), useMathText=True)
            twin.tick_params(colors="#888888")
            # The losses and the legend lie above the learning rate.
            ax.set_zorder(twin.get_zorder() + 1)
            ax.patch.set_visible(False)
        return figure


def _repeated(name: str, curves: Mapping[str, Any], shown: Sequence[str]) -> bool:
    prefix = name.rpartition("/")[0]
    return any(k != name and k.startswith(f"{prefix}/") and curves[k] == curves[name] for k in shown)


def spectrum(truth: np.ndarray, prediction: np.ndarray, error: np.ndarray) -> "Figure":
    """Energy by wave number of truth, prediction and error.

    Args:
        truth, prediction, error: `(k,)`, as `sciml.metrics.spectra.energy_spectrum` gives them, averaged over samples.
    """
    with style.styled():
        figure = style.new_figure(6.4, 3.4)
        ax = figure.subplots()
        k = np.arange(len(truth))
        # A logarithmic axis has no place for k = 0; the mean stands at one half.
        places = np.where(k == 0, 0.5, k)
        drawn = (
            (truth, style.TRUTH, "-", "truth"),
            (prediction, style.PREDICTION, (0, (4, 2)), "prediction"),
            (error, style.ERROR, "-", "error"),
        )
        # Twelve decades below the largest energy there is rounding of single precision alone.
        floor = max(float(truth.max()) * 1e-12, 1e-300)
        for values, colour, line, name in drawn:
            ax.loglog(places, np.where(values > floor, values, np.nan), color=colour, ls=line, label=name)
        for edge in (4, 12):
            if edge < k[-1]:
                ax.axvline(edge + 0.5, color="#999999", lw=0.8, ls=":")
        ax.set_xticks([0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512])
        ax.set_xticklabels(["0", "1", "2", "4", "8", "16", "32", "64", "128", "256", "512"])
        ax.minorticks_off()
        ax.set_xlim(0.45, 1.05 * max(places[-1], 1))
        ax.set_xlabel("wave number [periods per domain length]")
        ax.set_ylabel("energy")
        ax.grid(True)
        ax.legend(loc="best")
        return figure


def error_by_step(times: Sequence[float], errors: Mapping[str, Sequence[float]], time_unit: str = "1") -> "Figure":
    """How the error of every method grows along a rollout.

    Args:
        times: of the predicted frames.
        errors: mean nRMSE at each time by method; what is infinite is not drawn.
    """
    with style.styled():
        figure = style.new_figure(6.4, 3.4)
        ax = figure.subplots()
        for i, (name, values) in enumerate(errors.items()):
            shown = np.where(np.isfinite(values) & (np.asarray(values) > 0), values, np.nan)
            ax.semilogy(times, shown, color=_COLOURS[i % len(_COLOURS)], marker="o", ms=3, label=name)
        ax.set_xlabel(style.label("time", time_unit))
        ax.set_ylabel("nRMSE")
        ax.grid(True)
        ax.legend(loc="best")
        return figure
