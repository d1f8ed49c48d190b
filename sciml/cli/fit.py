"""`fit`, `validate`, `test` and `predict` on a configuration: hands it to `LightningCLI` and keeps the run's folder.

Nothing heavy is imported before the configuration and the checkpoint have been looked at.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sciml.cli.checkpoints import check_checkpoint
from sciml.cli.config import check, find_config
from sciml.cli.data_sets import check_configured
from sciml.cli.errors import Parser
from sciml.cli.overrides import split_overrides
from sciml.cli.paths import folder_to_make, local
from sciml.status import ConfigError, DataError
from sciml.training.runs import find_run
from sciml.yaml_files import Document, parse_yaml, read_yaml

#: Set for the processes that a run starts, which share its folder.
RUN_VARIABLE = "SCIML_RUN"


@dataclass(frozen=True)
class Request:
    """What a command line asks for.

    Args:
        verb: `fit`, `validate`, `test` or `predict`.
        name: of the run, from its configuration's file name.
        data: the merged configuration, without `ckpt_path`.
        documents: its parts, later ones win.
        checkpoint: to load before anything else.
        resumed: folder of the run that this one continues.
        dry_run: set everything up, then stop.
        trust: further packages whose classes may be named.
    """

    verb: str
    name: str
    data: dict[str, Any]
    documents: tuple[Document, ...]
    checkpoint: Path | None = None
    resumed: Path | None = None
    dry_run: bool = False
    trust: tuple[str, ...] = ()

    @property
    def root(self) -> Path:
        """Folder of all runs: `trainer.default_root_dir`, else `runs`."""
        return local(
            str((self.data.get("trainer") or {}).get("default_root_dir") or "runs"), "trainer.default_root_dir"
        )


def run(verb: str, argv: list[str]) -> int:
    """Trains, or measures or applies a checkpoint.

    Args:
        verb: `fit`, `validate`, `test` or `predict`.
        argv: `--config FILE` (repeatable), `--KEY.SUBKEY VALUE`, `--resume RUN`, `--trust PACKAGE`, `--dry-run`.

    Raises:
        ConfigError, DataError, SolveFailure, ResumeMismatch: see `sciml.status`.
    """
    request = read_request(verb, argv)
    check_configured(request.data.get("data") or {}, may_be_absent=request.dry_run)
    from sciml.cli import experiments

    return experiments.execute(request)


def read_request(verb: str, argv: list[str]) -> Request:
    """Reads and checks the words of a command and the files that they name, without importing anything heavy."""
    words, overrides = split_overrides(argv)
    parser = Parser(prog=f"sciml {verb}")
    parser.add_argument("--config", action="append", default=[])
    parser.add_argument("--trust", action="append", default=[])
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--resume")
    args = parser.parse_args(words)
    resumed = _resumed(verb, args.resume, args.config)
    files = [str(resumed / "config.yaml")] if resumed else args.config
    if not files:
        raise ConfigError(f"{verb}: --config FILE is needed.")
    data = dict(check(files, overrides, tuple(args.trust)).data)
    seed = data.setdefault("seed_everything", 0)
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise ConfigError(
            f"seed_everything={seed} must be an integer from 0 to 2^32 - 1, so that a run can be repeated."
        )
    documents = [read_yaml(find_config(name), name) for name in files]
    documents += [Document(f"--{key}", _nested(key, parse_yaml(value, key).data)) for key, value in overrides]
    name = resumed.parent.name if resumed else Path(files[0]).stem
    request = Request(verb, name, data, tuple(documents), resumed=resumed, dry_run=args.dry_run)
    folder_to_make(request.root, "trainer.default_root_dir")
    checkpoint = resumed / "checkpoints" / "last.ckpt" if resumed else _checkpoint(request, data.pop("ckpt_path", None))
    data.pop("ckpt_path", None)
    if checkpoint is not None:
        check_checkpoint(str(checkpoint), "--resume" if resumed else "ckpt_path")
    elif verb != "fit" and not args.dry_run:
        raise ConfigError(f"{verb}: --ckpt_path FILE is needed; without it the network is untrained.")
    return Request(verb, name, data, tuple(documents), checkpoint, resumed, args.dry_run, tuple(args.trust))


def _resumed(verb: str, folder: str | None, files: list[str]) -> Path | None:
    if folder is None:
        return None
    if verb != "fit" or files:
        raise ConfigError(f"{verb}: --resume goes with fit and without --config; the run has its own.")
    found = find_run(Path(folder))
    for part in ("config.yaml", "checkpoints/last.ckpt"):
        if not (found / part).is_file():
            raise DataError(f"{folder}: no {part}, so there is nothing to continue.")
    return found


def _checkpoint(request: Request, word: Any) -> Path | None:
    """`best` and `last` mean those of the newest run of this configuration."""
    if word is None:
        return None
    if word in ("best", "last"):
        return find_run(request.root / request.name / "latest") / "checkpoints" / f"{word}.ckpt"
    return local(str(word), "ckpt_path")


def _nested(key: str, value: Any) -> Any:
    for part in reversed(key.split(".")):
        value = {part: value}
    return value


def started_by_another() -> Path | None:
    """Folder of the run whose first process started this one, in data-parallel training."""
    return Path(os.environ[RUN_VARIABLE]) if RUN_VARIABLE in os.environ and _local_rank() > 0 else None


def _local_rank() -> int:
    return int(os.environ.get("LOCAL_RANK", "0"))
