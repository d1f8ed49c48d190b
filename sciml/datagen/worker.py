"""A worker process: reads shards to make from its standard input, answers on its standard output, a JSON line each.

Run as a module, so that it needs neither the caller's `__main__` nor pickling, and its threads are set before numerical
libraries load. It ends when its input does, hence with its parent.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from sciml.datagen.answers import answer
from sciml.datagen.recipe import Recipe
from sciml.datagen.shards import Shard


def main() -> None:
    import torch

    torch.set_num_threads(1)
    # Whatever a library prints goes to the log, not into the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    job = json.loads(sys.stdin.readline())
    recipe = Recipe.from_dict(job["recipe"])
    _send(answers, {"ready": os.getpid()})
    for line in sys.stdin:
        _send(answers, answer(recipe, Shard(**json.loads(line)), Path(job["root"]), _Ticker(answers)))


class _Ticker:
    """Tells the parent how many samples were done, a few times per second."""

    def __init__(self, answers: Any) -> None:
        self.answers, self.count, self.last = answers, 0, time.monotonic()

    def __call__(self, done: int) -> None:
        self.count += done
        if time.monotonic() - self.last > 0.2:
            _send(self.answers, {"done": self.count})
            self.count, self.last = 0, time.monotonic()


def _send(answers: Any, message: dict[str, Any]) -> None:
    answers.write(json.dumps(message) + "\n")
    answers.flush()


if __name__ == "__main__":
    try:
        main()
    except (BrokenPipeError, KeyboardInterrupt):
        # The parent is gone: nobody is left to tell.
        os._exit(1)
    # All is written and told; taking the libraries down would keep the parent waiting for half a second.
    os._exit(0)
