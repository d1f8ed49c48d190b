"""The progress bar: on a terminal only, with rate and time left, also where samples come shard by shard."""

import io
import re
import sys
import time

# Before a test replaces the clock: the library binds it when it is imported.
import rich.progress  # noqa: F401

from sciml.datagen.progress import progress_bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(monkeypatch, steps: list[tuple[float, int]], enabled: bool = True) -> str:
    """What is on a terminal at the end; steps are times and numbers of samples."""
    screen, now = Terminal(), [0.0]
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with progress_bar("tiny", 100, 20, enabled=enabled) as advance:
        for when, count in steps:
            now[0] = when
            advance(count)
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen.getvalue())


def test_rate_and_time_left_count_from_the_first_worker_that_is_ready(monkeypatch):
    # 40 samples in 200 s since the clock was started, a shard at a time; 40 are left.
    text = shown(monkeypatch, [(50.0, 0), (150.0, 20), (250.0, 20)])
    assert "60/100" in text
    assert "0.2/s" in text
    assert "0:03:20" in text


def test_samples_that_are_taken_back_are_not_counted(monkeypatch):
    assert "25/100" in shown(monkeypatch, [(1.0, 10), (2.0, -10), (3.0, 5)])


def test_nothing_is_shown_when_it_is_not_wanted_or_nobody_looks(monkeypatch, capsys):
    assert shown(monkeypatch, [(1.0, 10)], enabled=False) == ""
    monkeypatch.undo()
    with progress_bar("tiny", 100, 0) as advance:
        advance(10)
    assert capsys.readouterr().err == ""
