"""Draws CPU time against accuracy of linear solvers from results/solver_precision.json.

python scripts/figures/work_precision.py [--out work_precision.png]
"""

import argparse
import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TITLES = {
    "darcy mild": "Darcy, mild coefficient",
    "darcy contrast": "Darcy, rough coefficient",
    "helmholtz": "Helmholtz, k = 40, standard deviation 5 %",
}


def curves(rows: list[dict[str, Any]], problem: str) -> dict[str, list[tuple[float, float]]]:
    """Points (ms, error) per method, those that solved all samples."""
    found: dict[str, list[tuple[float, float]]] = {}
    samples = max(row["solved"] for row in rows if "solved" in row)
    for row in rows:
        if row["problem"] == problem and row.get("solved") == samples:
            found.setdefault(row["method"], []).append((row["ms"], row["error"]))
    return found


def draw(record: dict[str, Any], out: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = record["rows"]
    problems = list(dict.fromkeys(row["problem"] for row in rows))
    figure, axes = pyplot.subplots(1, len(problems), figsize=(4.6 * len(problems), 4.2), sharey=True, squeeze=False)
    methods = list(dict.fromkeys(row["method"] for row in rows if "tol" in row))
    styles = {name: (f"C{i % 10}", "osD^vP*Xd<>"[i % 11]) for i, name in enumerate(methods)}
    for axis, problem in zip(axes[0], problems, strict=True):
        for name, points in curves(rows, problem).items():
            color, marker = styles[name]
            axis.plot(*zip(*points, strict=True), color=color, marker=marker, markersize=4, linewidth=1.2, label=name)
        direct = [row["ms"] for row in rows if row["problem"] == problem and row["method"] == "sparse LU"]
        axis.axvline(direct[0], color="black", linestyle=":", linewidth=1, label="sparse LU")
        axis.set(xscale="log", yscale="log", xlabel="CPU ms per system", title=TITLES.get(problem, problem))
        axis.grid(True, which="major", alpha=0.3)
    axes[0][0].set_ylabel("relative error of the solution")
    figure.suptitle(f"n = 10,000; {record['device']}", fontsize=9)
    named = {label: line for axis in axes[0] for line, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(named.values(), named.keys(), loc="lower center", ncol=6, fontsize=8, frameon=False)
    figure.tight_layout(rect=(0, 0.1, 1, 1))
    figure.savefig(out, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", type=Path, default=ROOT / "results" / "solver_precision.json")
    parser.add_argument("--out", type=Path, default=Path("work_precision.png"))
    given = parser.parse_args()
    draw(json.loads(given.record.read_text()), given.out)


if __name__ == "__main__":
    main()
