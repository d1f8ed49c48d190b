"""The global random streams that third-party layers draw from."""

import random

import numpy as np
import torch


def reseed(number: int, device: torch.device) -> None:
    """Seeds Python, NumPy, and PyTorch on the CPU and on `device`."""
    # `torch.manual_seed` also queues the seeds of devices that are not there, with a traceback each time.
    torch.default_generator.manual_seed(number)
    if device.type == "cuda":
        torch.cuda.manual_seed(number)
    np.random.seed(number % 2**32)  # noqa: NPY002 - the stream that cannot be passed in is the point here
    random.seed(number)
