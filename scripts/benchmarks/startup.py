"""What a command costs before it does anything: CPU seconds of a fresh process, median of several.

    python scripts/benchmarks/startup.py [--repeats 7] [--fresh]

Writes results/startup.json. The limits are 0.5 CPU-s for `sciml --help`, 0.3 CPU-s for `import sciml`, and no torch.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from _record import Record, parser

ROOT = Path(__file__).resolve().parents[2]

#: Name, words after `python`, limit in CPU seconds.
CASES = (
    ("bare interpreter", ["-c", "pass"], None),
    ("import sciml", ["-c", "import sciml"], 0.3),
    ("sciml --help", ["-m", "sciml", "--help"], 0.5),
    ("sciml --version", ["-m", "sciml", "--version"], 0.5),
    ("sciml list", ["-m", "sciml", "list"], 0.5),
    ("sciml show sciml.operators.FNO", ["-m", "sciml", "show", "sciml.operators.FNO"], 0.5),
    ("misspelt configuration", ["-m", "sciml", "fit", "--config", "CONFIG"], 0.5),
    ("hostile checkpoint", ["-m", "sciml", "export", "CHECKPOINT", "--out", "m.sciml"], 2.0),
)


def cpu_seconds(words: list[str], folder: Path) -> float:
    """User and system time of a process and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, *words], cwd=folder, env=environment, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def torch_loaded(words: list[str], folder: Path) -> bool:
    """Whether the same command leaves torch in `sys.modules`, seen from its own import log."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-X", "importtime", *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return any(line.rpartition("|")[2].strip() == "torch" for line in done.stderr.splitlines())


def measured(words: list[str], limit: float | None, repeats: int, folder: Path) -> dict[str, Any]:
    """Median time of a command and whether it loads torch."""
    cpu_seconds(words, folder)  # the first one fills the caches of files and byte code
    seconds = statistics.median(cpu_seconds(words, folder) for _ in range(repeats))
    return {"cpu_s": seconds, "limit_s": limit, "torch": "loaded" if torch_loaded(words, folder) else "absent"}


def main() -> int:
    arguments_parser = parser(__doc__)
    arguments_parser.add_argument("--repeats", type=int, default=7)
    arguments = arguments_parser.parse_args()
    columns = {"command": "command", "CPU-s": "cpu_s", "limit": "limit", "torch": "torch"}
    record = Record("startup", {"repeats": arguments.repeats}, columns, arguments.fresh, arguments.out)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "CONFIG").write_text("trainer: {max_epoch: 3}\n")
        (folder / "CHECKPOINT").write_bytes(b"\x80\x02cos\nmkdir\nX\x01\x00\x00\x00x\x85R.")
        cells = {
            what: record.cell(what, partial(measured, words, limit, arguments.repeats, folder))
            for what, words, limit in CASES
        }
    record.finish([{"command": what, **cell, "limit": cell["limit_s"] or ""} for what, cell in cells.items()])
    for what, cell in cells.items():
        print(f"{what:32} {cell['cpu_s']:6.3f} CPU-s   limit {cell['limit_s'] or '-'}   torch {cell['torch']}")
    limited = [cell for cell in cells.values() if cell["limit_s"]]
    return int(any(cell["cpu_s"] > cell["limit_s"] or cell["torch"] != "absent" for cell in limited))


if __name__ == "__main__":
    sys.exit(main())
