"""Names that a user may have meant, and the sentence that offers them."""

import difflib
import re
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name closest to `name`, letter case ignored, or `None` when nothing is close."""
    names: dict[str, str] = {}
    for full in sorted(known, reverse=True):
        # "FixdWeights" is meant for "sciml.objective.FixedWeights", "darcy" for "operators/darcy_2d_fno.yaml".
        names |= {re.split(r"[./](?=.)", full.removesuffix(".yaml").lower())[-1]: full, full.lower(): full}
    found = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.6)
    if not found:
        word = name.lower()
        found = sorted((k for k in names if len(min(word, k, key=len)) > 1 and (word in k or k in word)), key=len)[:1]
    return names[found[0]] if found else None


def suggestion(name: str, known: Iterable[str], limit: int = 12) -> str:
    """The end of a message: what is accepted and, where one is close, the nearest name.

    A long list is cut at `limit` names, since the message must stay one readable line.
    """
    choices = sorted(set(known))
    if not choices:
        return "none is known"
    shown = ", ".join(choices[:limit]) + (f", ... ({len(choices)} in all)" if len(choices) > limit else "")
    near = nearest(name, choices)
    return f"accepted are {shown}" + (f"; nearest: {near}" if near else "")
