"""Foreign files, looked at before torch is imported: each refusal is one line that names the file."""

from pathlib import Path

from sciml.cli.paths import existing
from sciml.status import DataError


def check_checkpoint(text: str, option: str) -> Path:
    """A checkpoint whose pickle names tensors and plain values only.

    Raises:
        ConfigError: a remote address.
        DataError: a missing, damaged or hostile file.
    """
    from sciml.data import check_torch_file

    path = existing(text, option, folder=False)
    check_torch_file(path)
    return path


def check_predictor_file(text: str, option: str = "MODEL") -> tuple[Path, str, tuple[str, ...]]:
    """A predictor file with a sound header and the checksum it was written with, its kind, and its space axes.

    Raises:
        ConfigError: a remote address.
        DataError: a missing, damaged or hostile file; a checkpoint, with the command that makes a predictor of it.
    """
    from sciml.inference import check_predictor

    path = existing(text, option, folder=False)
    if path.suffix == ".ckpt":
        raise DataError(f"{text}: a checkpoint, not a predictor; sciml export {text} --out model.sciml makes one.")
    content = check_predictor(path)
    grid = content["spec"].get("grid")
    if not isinstance(grid, dict) and not (grid is None and content["kind"] == "solution"):
        raise DataError(f"{text}: is no predictor file: its specification has no grid.")
    return path, content["kind"], tuple(sorted(grid or ()))


def check_run(text: str) -> tuple[Path, str]:
    """A run folder whose predictor is sound, and the predictor's kind.

    Raises:
        ConfigError: a remote address.
        DataError: no folder, or one without a sound predictor.
    """
    from sciml.training.runs import find_run

    folder = find_run(existing(text, "RUN"))
    if not (folder / "model.sciml").is_file():
        raise DataError(f"{text}: no model.sciml, so this is no finished run; sciml export makes one of a checkpoint.")
    _, kind, _ = check_predictor_file(str(folder / "model.sciml"))
    return folder, kind
