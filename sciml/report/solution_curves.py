"""How a network without data was trained: terms of the loss, errors, causal weights, coefficients."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sciml.report import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = ("#d1495b", "#2e86ab", "#edae49", "#66a182", "#6a4c93", "#8d99ae", "#00798c", "#b56576")
#: Steps and values of a logged number.
Curve = tuple[Sequence[float], Sequence[float]]


def losses(terms: Mapping[str, Curve], errors: Mapping[str, Curve]) -> "Figure":
    """The terms of the loss over the steps, and what was measured against the reference where there is one.

    Args:
        terms: by name; `loss` is drawn as the sum of the others.
        errors: by name.
    """
    with style.styled():
        figure = style.new_figure(9.6 if errors else 6.4, 3.4)
        axes = figure.subplots(1, 1 + bool(errors), squeeze=False)[0]
        for i, name in enumerate(sorted(terms, key=lambda n: (n != "loss", n))):
            colour = style.TRUTH if name == "loss" else _COLOURS[(i - 1) % len(_COLOURS)]
            _curve(axes[0], terms[name], colour, name, ls="-" if name != "loss" or len(terms) == 1 else (0, (4, 2)))
        for i, (name, curve) in enumerate(sorted(errors.items())):
            _curve(axes[1], curve, _COLOURS[(i + 1) % len(_COLOURS)], name.replace("_l2", " L2"))
        for ax, label in zip(axes, ("loss", "error"), strict=False):
            # An energy may be negative: then no logarithm.
            shown = [v for line in ax.lines for v in np.asarray(line.get_ydata(), dtype=float)]
            ax.set_yscale("log" if shown and min(shown) > 0 else "linear")
            ax.set_xlabel("step")
            ax.set_ylabel(label)
            ax.grid(True)
            ax.legend(loc="best")
        return figure


def _curve(ax: "Axes", curve: Curve, colour: str, name: str, ls: str | tuple[int, tuple[int, int]] = "-") -> None:
    steps, values = curve
    ax.plot(steps, values, color=colour, ls=ls, marker="o" if len(steps) <= 30 else None, ms=2.5, lw=1.2, label=name)


def causal(weights: np.ndarray | None, observed: Mapping[str, Curve]) -> "Figure":
    r"""Causal weights over the slices of time as training left them, and over the steps their smallest and $\epsilon$.

    Args:
        weights: `(m,)`, earliest slice first; missing where no checkpoint holds them.
        observed: `causal_min`, `causal_active` and `causal_tolerance`.
    """
    with style.styled():
        figure = style.new_figure(9.6, 3.2)
        left, right = figure.subplots(1, 2)
        if weights is not None:
            left.bar(np.arange(1, len(weights) + 1), weights, width=0.85, color=style.ERROR)
            left.set_xlim(0.4, len(weights) + 0.6)
        left.set_ylim(0, 1.05)
        left.set_xlabel("time slice, earliest first")
        left.set_ylabel("causal weight at the end")
        if (curve := observed.get("causal_min")) is not None:
            _curve(right, curve, style.PREDICTION, "smallest weight")
        right.set_ylim(0, 1.05)
        right.set_xlabel("step")
        right.set_ylabel("smallest weight", color=style.PREDICTION)
        if (curve := observed.get("causal_tolerance")) is not None:
            twin = right.twinx()
            twin.step(*curve, where="post", color="#888888", lw=1.0)
            twin.set_yscale("log")
            twin.set_ylabel(r"$\epsilon$", color="#888888")
            twin.tick_params(colors="#888888")
            twin.spines["right"].set_visible(True)
            # The weights lie above the schedule.
            right.set_zorder(twin.get_zorder() + 1)
            right.patch.set_visible(False)
        return figure


def coefficients(curves: Mapping[str, Curve], units: Mapping[str, str]) -> "Figure":
    """Coefficients that are found with the solution, over the steps, one panel each.

    Args:
        curves: by name.
        units: by name.
    """
    with style.styled():
        figure = style.new_figure(3.6 * len(curves) + 0.6, 3.0)
        axes = figure.subplots(1, len(curves), squeeze=False)[0]
        for ax, (name, curve) in zip(axes, sorted(curves.items()), strict=True):
            _curve(ax, curve, style.PREDICTION, name)
            ax.set_title(f"{name} = {curve[1][-1]:.5g}")
            ax.set_xlabel("step")
            ax.set_ylabel(style.label(name, units.get(name, "1")))
            ax.grid(True)
        return figure
