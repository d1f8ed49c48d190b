"""The folder of a run: made once, never overwritten, found again as `latest`. Needs neither torch nor Lightning."""

import os
import platform
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sciml import __version__
from sciml.files import write_atomically
from sciml.status import ConfigError, DataError

PACKAGES = ("torch", "lightning", "numpy", "scipy", "h5py", "neuraloperator")


def create_run(root: Path, name: str) -> Path:
    """Makes the folder `<root>/<name>/<stamp>/`.

    The stamp is the local time; runs that start within one second are numbered.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S")
    for number in range(1, 1000):
        folder = root / name / (stamp if number == 1 else f"{stamp}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise ConfigError(f"{root / name} holds a thousand runs of the second {stamp}.")


def point_latest(folder: Path) -> None:
    """Lets `latest` beside a run's folder point to it, in one step."""
    link, target = folder.parent / "latest", folder.name
    temporary = link.with_name(f".latest.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    try:
        temporary.symlink_to(target, target_is_directory=True)
        temporary.replace(link)
    except OSError:
        # File systems without links get a text file that holds the folder's name.
        temporary.unlink(missing_ok=True)
        write_atomically(link, f"{target}\n")


def find_run(path: Path) -> Path:
    """The folder that a path means: itself, or the one that a `latest` file names.

    Raises:
        DataError: neither.
    """
    if path.is_file() and path.name == "latest":
        path = path.parent / path.read_text(encoding="utf-8").strip()
    if not path.is_dir():
        raise DataError(f"{path}: no run folder.")
    return path.resolve()


def environment(seed: int, **more: Any) -> dict[str, Any]:
    """Versions, machine and threads: the conditions under which a run can be repeated bit by bit."""
    versions = {"sciml": __version__}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    variables = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "SCIML_DATA")
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "versions": versions,
        "commit": _commit(),
        "variables": {name: os.environ[name] for name in variables if name in os.environ},
        "seed": seed,
        "command": sys.argv[1:],
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        **more,
    }


def _commit() -> str | None:
    """Commit of the checkout that the package lies in, marked where files differ from it; `None` when installed."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        words = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
        return subprocess.run(words, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
