"""A progress bar with rate and time left, on standard error where that is a terminal."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

#: Seconds over which the rate is averaged.
PERIOD = 600.0


@contextlib.contextmanager
def progress_bar(name: str, total: int, done: int, enabled: bool = True) -> Iterator[Callable[[int], None]]:
    """Yields the function to be called with the number of samples finished since the last call; 0 starts the clock.

    Args:
        name: what is counted.
        total: number of samples.
        done: samples that were there before; they do not count for the rate.
        enabled: `False` shows nothing, and so does an output that is no terminal.
    """
    if not (enabled and sys.stderr.isatty()):
        yield lambda count: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task):  # type: ignore[no-untyped-def]
            return Text(f"{task.speed:.1f}/s" if task.speed else "-/s")

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn())
    # Whole shards may come in minutes apart.
    screen = Console(stderr=True)
    with Progress(*columns, console=screen, speed_estimate_period=PERIOD, get_time=time.monotonic) as bar:
        task = bar.add_task(name, total=total, completed=done)
        yield lambda count: bar.advance(task, count)
