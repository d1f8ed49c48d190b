"""In which order systems are solved, so that neighbours have something to hand to one another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

#: Rows of the Gram matrix that are made at once.
BLOCK = 512
#: Part of the largest squared distance below which two of them count as equal: rounding must not break ties.
TIE = 1e-12


@runtime_checkable
class Ordering(Protocol):
    """Puts the samples of a shard into the order of work; their content, their index and their place do not change."""

    def order(self, parameters: np.ndarray) -> np.ndarray:
        """The samples in the order in which they are to be solved, `(n,)`.

        Args:
            parameters: of each sample, `(n, p)`.

        Raises:
            ValueError: a parameter that is not finite, with its sample.
        """
        ...


@dataclass(frozen=True)
class NearestNeighbour:
    r"""A greedy chain: from sample 0 always on to the nearest one that has not been visited.

    Distances are $\|P_i - P_j\|_2$, from $G = P P^T$ as $g_{ii} + g_{jj} - 2 g_{ij}$; among equal ones the lowest index
    wins. Work is $O(n^2 p)$, memory $O(n^2)$.

    Reference: Wang et al. (2024), Accelerating data generation for neural operators via Krylov subspace recycling,
    ICLR, section 3.
    """

    def order(self, parameters: np.ndarray) -> np.ndarray:
        squares = squared_distances(parameters)
        chain = np.zeros(len(squares), dtype=np.int64)
        slack = TIE * squares.max(initial=0.0)
        left = np.ones(len(squares), dtype=bool)
        left[:1] = False
        for k in range(1, len(chain)):
            row = np.where(left, squares[chain[k - 1]], np.inf)
            chain[k] = np.argmax(row <= row.min() + slack)
            left[chain[k]] = False
        return chain


def squared_distances(parameters: np.ndarray) -> np.ndarray:
    """Squared distances between the rows of `(n, p)`, `(n, n)`.

    Raises:
        ValueError: no matrix, or a parameter that is not finite, with its sample.
    """
    if parameters.ndim != 2:
        raise ValueError(f"parameters has shape {parameters.shape}; accepted is (n, p).")
    if bad := np.flatnonzero(~np.isfinite(parameters).all(axis=1)).tolist():
        raise ValueError(f"sample {bad[0]}: a parameter is not finite; samples are ordered by finite ones.")
    # Distances do not see the mean; without it they lose fewer digits.
    centred = parameters - parameters.mean(axis=0) if len(parameters) else parameters
    norms = np.einsum("ij,ij->i", centred, centred)
    found = np.empty((len(centred), len(centred)))
    for start in range(0, len(centred), BLOCK):
        rows = slice(start, start + BLOCK)
        found[rows] = norms[rows, None] + norms - 2.0 * (centred[rows] @ centred.T)
    return found


def weighed(parameters: Sequence[np.ndarray]) -> np.ndarray:
    """Parameters of different kinds, `(n, p)` each, side by side, scaled so that all have the same total variance."""
    centred = [values - values.mean(axis=0) if len(values) else values for values in parameters]
    return np.concatenate([values / (np.linalg.norm(values) or 1.0) for values in centred], axis=1)
