"""One seed, independent random streams: sample `i` is a function of `(seed, i)` alone."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def sample_rng(seed: int, *key: int) -> np.random.Generator:
    """Generator of the stream `(seed, *key)`, by the counter-based rule of `numpy.random.SeedSequence`.

    Streams of different keys are independent, whatever the order, the number of workers or a restart.
    """
    return np.random.default_rng(np.random.SeedSequence([seed, *key]))


def seed_of(seed: int, *key: int) -> int:
    """A 63-bit integer seed of the stream `(seed, *key)`, for generators that want one number."""
    return int(np.random.SeedSequence([seed, *key]).generate_state(1, np.uint64)[0] >> np.uint64(1))


def torch_generator(seed: int, *key: int, device: str = "cpu") -> "torch.Generator":
    """The same as `sample_rng`, as a `torch.Generator`."""
    import torch

    return torch.Generator(device=device).manual_seed(seed_of(seed, *key))
