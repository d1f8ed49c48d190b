"""Compiled product of a stencil of two axes with a vector. Imported on use, since compiling costs seconds."""

from typing import no_type_check

from sciml.linalg.compiling import compiled


@compiled
@no_type_check
def five_point(diagonal, up, down, right, left, u, result):
    """`result` becomes `A u`; terms are added in the order of `Stencil.apply`, so that the bits are the same."""
    nx, ny = u.shape
    for i in range(nx):
        here, out, d = u[i], result[i], diagonal[i]
        for j in range(ny):
            out[j] = d[j] * here[j]
        if i < nx - 1:
            t, behind = up[i], u[i + 1]
            for j in range(ny):
                out[j] -= t[j] * behind[j]
        if i > 0:
            t, before = down[i - 1], u[i - 1]
            for j in range(ny):
                out[j] -= t[j] * before[j]
        t, s = right[i], left[i]
        for j in range(ny - 1):
            out[j] -= t[j] * here[j + 1]
        for j in range(1, ny):
            out[j] -= s[j - 1] * here[j - 1]
