"""Files that are whole or absent, and the checksum that tells."""

import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary name in the same folder that becomes `path` when the block ends well, and is removed when not.

    The folder is made where it is missing; the content is on disk before the file appears under its name. The name
    keeps its ending, which some writers look at, and is unique, on other machines that share the folder too.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.tmp-{os.getpid()}-{secrets.token_hex(4)}{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_atomically(path: str | Path, content: bytes | str) -> Path:
    """Writes bytes, or text as UTF-8; a failure leaves what was there before, and nothing else."""
    with replacing(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)
    return Path(path)


def file_hash(path: str | Path) -> str:
    """sha256 of a file's bytes, read piece by piece."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_json(path: str | Path, data: Any) -> Path:
    """Writes plain data as indented JSON, whole or not at all."""
    return write_atomically(path, json.dumps(data, indent=2) + "\n")
