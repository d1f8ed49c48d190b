"""Renders the tables of README.md from the records in results/: `python scripts/figures/tables.py [--check]`.

A table stands between `<!-- table: NAME -->` and `<!-- end -->`; NAME is a record, results/NAME.json, whose `table`
entry holds the columns (heading and key of a row) and whose `rows` are its lines.
"""

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def cell(value: Any) -> str:
    """Numbers to three significant digits, everything else as it is."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def table(record: dict[str, Any]) -> str:
    """A Markdown table of a record, with a line that says where its figures come from."""
    columns = record["table"]
    lines = ["| " + " | ".join(columns) + " |", "| " + " | ".join("---" for _ in columns) + " |"]
    lines += ["| " + " | ".join(cell(row[key]) for key in columns.values()) + " |" for row in record["rows"]]
    return "\n".join(lines) + "\n"


def render(text: str) -> str:
    """The text with every table made anew from its record."""

    def replace(match: re.Match[str]) -> str:
        record = json.loads((ROOT / "results" / f"{match[2]}.json").read_text())
        return match[1] + "\n" + table(record) + "\n" + match[3]

    return BLOCK.sub(replace, text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 if a table differs from its record"
    )
    arguments = parser.parse_args()
    readme = ROOT / "README.md"
    text = readme.read_text()
    rendered = render(text)
    if arguments.check:
        print("README.md agrees with results/" if rendered == text else "README.md differs from results/")
        return int(rendered != text)
    readme.write_text(rendered)
    return 0


if __name__ == "__main__":
    sys.exit(main())
