r"""What pretraining is worth: how many trajectories it saves, and how much smaller the error is with equally many.

Errors are functions of the number $n$ of trajectories, given at a few sizes. Between two of them
$\log\varepsilon$ is linear in $\log n$, as for a power law $\varepsilon = C n^{-\alpha}$.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np


def accuracy_gain(peer: float, error: float) -> float:
    r"""$\mathrm{AG} = \varepsilon_\text{peer} / \varepsilon$ with equally many trajectories.

    Args:
        peer: error of the peer.
        error: of the model, with as many trajectories.

    Raises:
        ValueError: a number that is not positive.

    Reference: Herde et al. (2024), arXiv:2405.19101, section 3.
    """
    _check_positive(peer=peer, error=error)
    return peer / error


def efficiency_gain(peer: float, peer_samples: float, samples: Sequence[float], errors: Sequence[float]) -> float:
    r"""$\mathrm{EG} = S / s$, where the model needs $s$ trajectories for the error that the peer has with $S$.

    Args:
        peer: error of the peer with `peer_samples`.
        peer_samples: $S$.
        samples: numbers of trajectories at which the model was measured, increasing.
        errors: of the model.

    Returns:
        The gain; a lower bound of it where the model is better than the peer with `samples[0]` already, and 0 where it
        does not get there.

    Raises:
        ValueError: sizes or errors that are not positive, or sizes that do not increase.

    Reference: Herde et al. (2024), arXiv:2405.19101, section 3.
    """
    _check_positive(peer=peer, peer_samples=peer_samples)
    return peer_samples / samples_for(peer, samples, errors)


def samples_for(error: float, samples: Sequence[float], errors: Sequence[float]) -> float:
    """The fewest trajectories with which an error is reached; `samples[0]` at least, infinite where it is not reached.

    Args:
        error: what is to be reached.
        samples: numbers of trajectories, increasing.
        errors: with so many.

    Raises:
        ValueError: sizes or errors that are not positive, or sizes that do not increase.
    """
    _check(samples, errors)
    if errors[0] <= error:
        return float(samples[0])
    for (n, before), (m, after) in pairwise(zip(samples, errors, strict=True)):
        if after <= error:
            share = math.log(before / error) / math.log(before / after)
            return n * (m / n) ** share
    return math.inf


def power_law(samples: Sequence[float], errors: Sequence[float]) -> tuple[float, float]:
    r"""$C$ and $\alpha$ of $\varepsilon = C n^{-\alpha}$, by least squares of $\log\varepsilon$ in $\log n$.

    Args:
        samples: numbers of trajectories, increasing, two or more.
        errors: with so many.

    Raises:
        ValueError: sizes or errors that are not positive, or sizes that do not increase.
    """
    _check(samples, errors)
    slope, offset = np.polyfit(np.log(samples), np.log(errors), 1)
    return float(np.exp(offset)), float(-slope)


def _check(samples: Sequence[float], errors: Sequence[float]) -> None:
    if len(samples) != len(errors) or len(samples) < 2:
        raise ValueError(
            f"samples has {len(samples)} and errors {len(errors)} numbers; two or more of each are needed."
        )
    if not all(math.isfinite(e) and e > 0 for e in errors):
        raise ValueError(f"errors={list(errors)} must be positive numbers.")
    if samples[0] <= 0 or not all(n < m for n, m in pairwise(samples)):
        raise ValueError(f"samples={list(samples)} must be positive and increase.")


def _check_positive(**numbers: float) -> None:
    for name, value in numbers.items():
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name}={value} must be a positive number.")
