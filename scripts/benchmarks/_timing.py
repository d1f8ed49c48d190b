"""CPU times of competitors that take turns."""

import statistics
import time
from collections.abc import Callable, Mapping


def taking_turns(steps: Mapping[str, Callable[[], None]], turns: int) -> dict[str, float]:
    """Median milliseconds of process time of each step, after two that are not timed."""
    for step in steps.values():
        step()
        step()
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(turns):
        for name, step in steps.items():
            begin = time.process_time()
            step()
            times[name].append(1e3 * (time.process_time() - begin))
    return {name: statistics.median(values) for name, values in times.items()}
