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


def check_predictor_file(text: str, option: str = "MODEL") -> tuple[Path, tuple[str, ...]]:
    """A predictor file with a sound header and the checksum it was written with, and the names of its space axes.

    Raises:
        ConfigError: a remote address.
        DataError: a missing, damaged or hostile file; a checkpoint, with the command that makes a predictor of it.
    """
    from sciml.inference import check_predictor

    path = existing(text, option, folder=False)
    if path.suffix == ".ckpt":
        raise DataError(f"{text}: a checkpoint, not a predictor; sciml export {text} --out model.sciml makes one.")
    grid = check_predictor(path)["spec"].get("grid")
    if not isinstance(grid, dict):
        raise DataError(f"{text}: is no predictor file: its specification has no grid.")
    return path, tuple(sorted(grid))


def check_run(text: str) -> Path:
    """A run folder whose predictor is sound.

    Raises:
        ConfigError: a remote address.
        DataError: no folder, or one without a sound predictor.
    """
    from sciml.training.runs import find_run

    folder = find_run(existing(text, "RUN"))
    if not (folder / "model.sciml").is_file():
        raise DataError(f"{text}: no model.sciml, so this is no finished run; sciml export makes one of a checkpoint.")
    check_predictor_file(str(folder / "model.sciml"))
    return folder
