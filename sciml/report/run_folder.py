"""What a run's folder holds, and what of it a reader looks for."""

import json
from pathlib import Path
from typing import Any

from sciml.report import html
from sciml.status import DataError

PREDICTOR, METRICS, PAGE, FIGURES = "model.sciml", "metrics.json", "report.html", "figures"


def section(folder: Path, name: str) -> dict[str, Any]:
    """One section of the run's configuration; empty without one.

    Raises:
        DataError: a configuration that cannot be read.
    """
    import yaml

    path = folder / "config.yaml"
    if not path.is_file():
        return {}
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: {str(error).splitlines()[0]}") from None
    found = content.get(name) if isinstance(content, dict) else None
    return found if isinstance(found, dict) else {}


def run_section(folder: Path) -> str:
    """The part of a page that says how the run can be repeated."""
    folds = [
        html.folded(name, (folder / name).read_text(encoding="utf-8"))
        for name in ("config.yaml", "environment.json")
        if (folder / name).is_file()
    ]
    return html.facts({"folder": folder.name, **_environment(folder / "environment.json")}) + "".join(folds)


def _environment(path: Path) -> dict[str, Any]:
    """The entries of `environment.json` that a reader looks for first."""
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(content, dict):
        return {}
    versions = content.get("versions")
    listed = ", ".join(f"{k} {v}" for k, v in versions.items()) if isinstance(versions, dict) else ""
    shown = {k: content.get(k) for k in ("started", "seed", "precision", "device", "commit", "python", "platform")}
    return {**shown, "versions": listed}
