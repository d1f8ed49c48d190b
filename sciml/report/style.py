"""One look for all figures: sizes, colours, colour bars; and how a figure becomes a file."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sciml.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Colour maps of values, of inputs and of errors: even in lightness, and readable without colour vision.
VALUES, INPUTS, ERRORS = "viridis", "cividis", "RdBu_r"
TRUTH, PREDICTION, ERROR, INPUT = "#222222", "#d1495b", "#2e86ab", "#8d99ae"

#: Points per inch of pictures: sharp on a page, small in a file.
DPI = 150

_SETTINGS: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.fontsize": 8,
    "legend.framealpha": 0.85,
    "legend.edgecolor": "none",
    "legend.fancybox": False,
    "grid.linewidth": 0.4,
    "grid.color": "#dddddd",
    "lines.linewidth": 1.4,
    "image.interpolation": "nearest",
    "svg.hashsalt": "sciml",
}


@contextmanager
def styled() -> Iterator[None]:
    """The look, for the figures made inside; matplotlib's settings outside stay as they are."""
    import matplotlib

    with matplotlib.rc_context(_SETTINGS):
        yield


def new_figure(width: float, height: float) -> "Figure":
    """A figure that belongs to no window and no global state, in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def png(figure: "Figure", dpi: int | None = None) -> bytes:
    """The figure as PNG, at `DPI` unless said otherwise; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    with styled():
        figure.savefig(buffer, format="png", dpi=dpi or DPI, metadata={"Software": None}, facecolor="white")
    return buffer.getvalue()


def save(figure: "Figure", path: str | Path, dpi: int | None = None) -> Path:
    """Writes the figure as PNG, atomically."""
    return write_atomically(path, png(figure, dpi))


def label(name: str, unit: str) -> str:
    """A name with its unit, which is left out where there is none."""
    return name if unit in ("", "1") else f"{name} [{unit}]"


def limits(*arrays: np.ndarray) -> tuple[float, float]:
    """Common colour limits of what is finite in some arrays, never of zero width."""
    finite = np.concatenate([a[np.isfinite(a)].ravel() for a in arrays])
    if finite.size == 0:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    width = max(abs(low), abs(high), 1e-12)
    return (low, high) if high - low > 1e-9 * width else (low - 0.5 * width, high + 0.5 * width)


def colour_bar(figure: "Figure", image: Any, axes: "Axes | Sequence[Axes]", text: str = "") -> None:
    """A slim colour bar beside one or more axes, with few ticks and powers of ten written once."""
    from matplotlib.ticker import MaxNLocator, ScalarFormatter

    formatter = ScalarFormatter(useMathText=True)
    formatter.set_powerlimits((-2, 3))
    targets = axes if hasattr(axes, "get_figure") else list(axes)  # type: ignore[arg-type]
    bar = figure.colorbar(image, ax=targets, fraction=0.05, pad=0.02, aspect=25, format=formatter)  # type: ignore[arg-type]
    bar.locator = MaxNLocator(5)
    bar.update_ticks()
    bar.outline.set_linewidth(0.4)  # type: ignore[operator]
    bar.ax.tick_params(length=2, width=0.4)
    bar.ax.yaxis.get_offset_text().set_fontsize(7)
    if text:
        bar.set_label(text)
