"""Axis letters of every public signature, and the names of the coordinate axes.

| letter | meaning | letter | meaning |
| --- | --- | --- | --- |
| `b` | batch | `k` | wave numbers |
| `t` | time | `n` | points or unknowns |
| `c` | channel | `d` | dimension |
| `*s` | space, in the order x, y, z (`ij`) | `m` | ensemble members |
"""

SPACE = ("x", "y", "z")
TIME = "t"


def multi_index(wrt: "str | tuple[int, ...]", axes: tuple[str, ...]) -> tuple[int, ...]:
    """Counts how often each axis is differentiated: `multi_index("xxt", ("x", "t")) == (2, 1)`.

    Args:
        wrt: axis names written one after another (`"xx"`), or column numbers (`(37, 37)`).
        axes: names of the axes, in column order.

    Raises:
        ValueError: an axis that is not there.
    """
    counts = [0] * len(axes)
    for axis in wrt:
        position = axis if isinstance(axis, int) else (axes.index(axis) if axis in axes else -1)
        if not 0 <= position < len(axes):
            raise ValueError(f"wrt={wrt!r} names axis {axis!r}; the axes are {', '.join(map(repr, axes))}.")
        counts[position] += 1
    return tuple(counts)
