"""Path arguments: local only, and present when they are to be read."""

import re
from pathlib import Path

from sciml.status import ConfigError, DataError

_ADDRESS = re.compile(r"^[A-Za-z][A-Za-z0-9+.\-]+:/|^\\\\|^//")


def local(text: str, option: str) -> Path:
    """A path of this machine, not looked at.

    Raises:
        ConfigError: an empty path or a remote address (`http://`, `s3://`, `file://`, `\\\\host`).
    """
    if not text or "\0" in text:
        raise ConfigError(f"{option}: {text!r} is no path.")
    if _ADDRESS.search(text):
        raise ConfigError(f"{option}: {text!r} is a remote address; accepted are paths of this machine.")
    return Path(text)


def existing(text: str, option: str, *, folder: bool | None = None) -> Path:
    """A local path that exists; with `folder` also of that kind.

    Raises:
        ConfigError: see `local`.
        DataError: nothing there, or a file where a folder is expected (and the reverse).
    """
    path = local(text, option)
    if not path.exists():
        raise DataError(f"{text}: no such file or folder ({option}).")
    if folder is not None and path.is_dir() != folder:
        raise DataError(
            f"{text}: is a {'file' if folder else 'folder'}; {option} takes a {'folder' if folder else 'file'}."
        )
    return path


def folder_to_make(path: Path, option: str) -> Path:
    """A folder that is there or can be made: what is there of its path is folders.

    Raises:
        ConfigError: a file, or a file above it.
    """
    there = next(p for p in (path.absolute(), *path.absolute().parents) if p.exists() or p.is_symlink())
    if not there.is_dir():
        raise ConfigError(f"{option}: {str(path)!r} cannot be a folder, since {there} is a file.")
    return path


def writable(text: str, option: str, suffixes: tuple[str, ...] = ()) -> Path:
    """A local path to write to: its folder exists, its ending is one of `suffixes`.

    Raises:
        ConfigError: see `local`; an ending that is not offered; a missing folder.
    """
    path = local(text, option)
    if suffixes and path.suffix not in suffixes:
        raise ConfigError(
            f"{option}: {text!r} ends in {path.suffix or 'nothing'!r}; accepted are {', '.join(suffixes)}."
        )
    if not path.absolute().parent.is_dir():
        raise ConfigError(f"{option}: the folder of {text!r} does not exist.")
    return path
