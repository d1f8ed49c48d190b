"""Compiled loops over spectra: products with tables of coefficients, and norms. Imported on use.

A spectrum is a row of numbers, real and imaginary parts in turn. Every sum has one order, whatever the batch.
"""

from typing import no_type_check

import numpy as np
from numba import njit

_jit = njit(cache=True, error_model="numpy")


@_jit
@no_type_check
def combine(tables, slots, rows, which, parts):
    r"""$\sum_j T_{s_i, m_j} x_{j, r_i}$, one row for each $i$; two, three, four or five parts.

    Args:
        tables: `(d, m, 1 or b, n)`, for each length of a step the coefficients of its maps.
        slots: $s$, which length is taken.
        rows: $r$, for which sample.
        which: map of each part.
        parts: spectra, each `(b, n)`.
    """
    size = parts[0].shape[1]
    out = np.empty((len(rows), size))
    for i in range(len(rows)):
        sample, row = rows[i], out[i]
        table = tables[slots[i], :, 0 if tables.shape[2] == 1 else sample]
        a, x, b, y = table[which[0]], parts[0][sample], table[which[1]], parts[1][sample]
        if len(parts) == 2:
            for k in range(size):
                row[k] = a[k] * x[k] + b[k] * y[k]
        else:
            c, z = table[which[2]], parts[2][sample]
            if len(parts) == 3:
                for k in range(size):
                    row[k] = a[k] * x[k] + b[k] * y[k] + c[k] * z[k]
            else:
                d, w = table[which[3]], parts[3][sample]
                if len(parts) == 4:
                    for k in range(size):
                        row[k] = a[k] * x[k] + b[k] * y[k] + c[k] * z[k] + d[k] * w[k]
                else:
                    e, v = table[which[4]], parts[4][sample]
                    for k in range(size):
                        row[k] = a[k] * x[k] + b[k] * y[k] + c[k] * z[k] + d[k] * w[k] + e[k] * v[k]
    return out


@_jit
@no_type_check
def norms(rows, weights):
    r"""$(\sum_k w_k x_{i,k}^2)^{1/2}$, `(b,)`, of rows `(b, n)`."""
    samples, size = rows.shape
    out = np.empty(samples)
    whole = size - size % 4
    for i in range(samples):
        row = rows[i]
        # Four sums at a time, whose additions do not wait for one another.
        a, b, c, d = 0.0, 0.0, 0.0, 0.0
        for k in range(0, whole, 4):
            a += weights[k] * row[k] * row[k]
            b += weights[k + 1] * row[k + 1] * row[k + 1]
            c += weights[k + 2] * row[k + 2] * row[k + 2]
            d += weights[k + 3] * row[k + 3] * row[k + 3]
        for k in range(whole, size):
            a += weights[k] * row[k] * row[k]
        out[i] = np.sqrt((a + b) + (c + d))
    return out
