"""Pieces of a self-contained page: everything is escaped, pictures are inside, nothing is fetched and nothing runs."""

import base64
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

_STYLE = """
:root { --ink: #1f2933; --soft: #627080; --line: #e1e5ea; --accent: #2e86ab; }
* { box-sizing: border-box; }
body { margin: 0; background: #f6f7f9; color: var(--ink); font: 15px/1.55 system-ui, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 2.2rem 1.4rem 4rem; }
h1 { font-size: 1.7rem; margin: 0 0 .2rem; letter-spacing: -.01em; }
h2 { font-size: 1.1rem; margin: 0 0 .8rem; }
p.lead { font-size: 1.05rem; margin: .3rem 0 1.6rem; color: var(--soft); }
section { background: #fff; border: 1px solid var(--line); border-radius: 8px; padding: 1.2rem 1.3rem; margin: 1rem 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .92rem; }
th, td { padding: .42rem .7rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { font-weight: 600; color: var(--soft); font-size: .82rem; }
th:first-child, td:first-child { text-align: left; }
tr.first td { font-weight: 600; background: #f0f7fa; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.4rem; margin: 0; font-size: .92rem; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
figure { margin: 0 0 1rem; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(400px, 1fr)); gap: 1rem 1.6rem; }
figure img { max-width: 100%; height: auto; display: block; }
figcaption, p.note { color: var(--soft); font-size: .86rem; margin: .5rem 0 0; }
details { margin-top: .6rem; }
summary { cursor: pointer; color: var(--accent); }
pre { background: #f6f7f9; border: 1px solid var(--line); border-radius: 6px; padding: .8rem; overflow-x: auto; }
pre { font-size: .82rem; }
footer { color: var(--soft); font-size: .82rem; margin-top: 1.6rem; }
"""


def page(title: str, lead: str, sections: Sequence[tuple[str, str]], footer: str = "") -> str:
    """A complete document.

    Args:
        title, lead, footer: plain text.
        sections: heading in plain text, and content made by the functions below.
    """
    body = "\n".join(f"<section><h2>{escape(heading)}</h2>\n{content}</section>" for heading, content in sections)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body><main>
<h1>{escape(title)}</h1>
<p class="lead">{escape(lead)}</p>
{body}
<footer>{escape(footer)}</footer>
</main></body>
</html>
"""


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], note: str = "") -> str:
    """A table whose first row is set apart."""
    head = "".join(f"<th>{escape(h)}</th>" for h in headers)
    body = "\n".join(
        f"<tr{' class=first' if i == 0 else ''}>" + "".join(f"<td>{escape(str(c))}</td>" for c in row) + "</tr>"
        for i, row in enumerate(rows)
    )
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div>{_note(note)}'
    )


def facts(entries: Mapping[str, Any]) -> str:
    """Names and values; empty values are left out."""
    shown = {k: v for k, v in entries.items() if v not in (None, "", [], {})}
    return "<dl>" + "".join(f"<dt>{escape(str(k))}</dt><dd>{escape(str(v))}</dd>" for k, v in shown.items()) + "</dl>"


def picture(png: bytes, caption: str) -> str:
    """A picture inside the page."""
    data = base64.b64encode(png).decode()
    text = escape(caption)
    return f'<figure><img alt="{text}" src="data:image/png;base64,{data}"><figcaption>{text}</figcaption></figure>'


def side_by_side(pictures: Sequence[str]) -> str:
    """Pictures beside one another where the window is wide enough."""
    return f'<div class="pair">{"".join(pictures)}</div>'


def folded(summary: str, text: str) -> str:
    """Text that is shown on a click."""
    return f"<details><summary>{escape(summary)}</summary><pre>{escape(text)}</pre></details>"


def _note(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>' if text else ""


def paragraph(text: str) -> str:
    """A remark."""
    return _note(text)
