"""Compiled loops over compressed rows with ascending column numbers. Imported on use, since compiling costs seconds."""

from typing import no_type_check

import numpy as np
from numba import njit


@njit(cache=True)
@no_type_check
def forward(pointers, columns, values, diagonal, r):
    """Solves (D + L) x = r with the strictly lower part of the rows and another diagonal."""
    x = np.empty_like(r)
    for i in range(len(r)):
        total = r[i]
        for at in range(pointers[i], pointers[i + 1]):
            if columns[at] >= i:
                break
            total -= values[at] * x[columns[at]]
        x[i] = total / diagonal[i]
    return x


@njit(cache=True)
@no_type_check
def backward(pointers, columns, values, diagonal, r):
    """Solves (D + U) x = r with the strictly upper part of the rows and another diagonal."""
    x = np.empty_like(r)
    for i in range(len(r) - 1, -1, -1):
        total = r[i]
        for at in range(pointers[i + 1] - 1, pointers[i] - 1, -1):
            if columns[at] <= i:
                break
            total -= values[at] * x[columns[at]]
        x[i] = total / diagonal[i]
    return x


@njit(cache=True)
@no_type_check
def incomplete_lu(pointers, columns, values):
    """Overwrites the values by L (unit diagonal, not stored) and U on the same pattern; returns the pivots.

    Row by row (IKJ): Saad (2003), algorithm 10.4. The rows end at the first pivot that is zero.
    """
    n = len(pointers) - 1
    place = np.full(n, -1, np.int64)
    pivots = np.zeros(n, values.dtype)
    for i in range(n):
        for at in range(pointers[i], pointers[i + 1]):
            place[columns[at]] = at
        for at in range(pointers[i], pointers[i + 1]):
            k = columns[at]
            if k >= i:
                break
            values[at] /= pivots[k]
            for other in range(pointers[k + 1] - 1, pointers[k] - 1, -1):
                j = columns[other]
                if j <= k:
                    break
                if place[j] >= 0:
                    values[place[j]] -= values[at] * values[other]
        pivots[i] = values[place[i]] if place[i] >= 0 else 0.0
        for at in range(pointers[i], pointers[i + 1]):
            place[columns[at]] = -1
        if pivots[i] == 0:
            break
    return pivots
