"""Where the shipped recipes and configurations lie: in a checkout beside the package, in a wheel inside it."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def resource_root() -> Path:
    """Folder that holds `datasets/` and `configs/`."""
    checkout = _PACKAGE.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / "datasets").is_dir():
        return checkout
    return _PACKAGE / "_resources"


def find_resource(kind: str, name: str) -> Path | None:
    """A shipped file by name: `find_resource("configs", "operators/darcy_2d_fno.yaml")`, or `None`.

    Names that leave the resource folder (`..`, absolute paths) are not resources.
    """
    root = (resource_root() / kind).resolve()
    path = (root / name).resolve()
    return path if path.is_relative_to(root) and path.exists() else None
