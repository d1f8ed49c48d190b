r"""Truncated products and compositions of stacked Taylor coefficients, `(rows, m)`, each with its adjoint.

Rows that are missing at the end are zero. The adjoint of $u \mapsto f(u)$ is that of the product with the jet of
$f'(u)$, so a composition keeps its argument (or its value, where $f'$ is a polynomial in $f$) and no intermediate rows.
Everything is written into `out`, rows first copied and then changed in place: on a CPU that is as fast as it gets, and
it works under `torch.func.vmap`.
"""

import torch
from torch import Tensor

from sciml.numerics.jet_space import JetSpace
from sciml.numerics.taylor import Riccati, Series


def product(out: Tensor, a: Tensor, b: Tensor, space: JetSpace) -> None:
    r"""$(uv)_k = u_0 v_k + u_k v_0 + \sum w u_i v_j$."""
    out[: len(b)].copy_(b).mul_(a[0])
    out[len(b) :].zero_()
    if len(a) > 1:
        out[1 : len(a)].addcmul_(a[1:], b[0])
    for k, i, j, w in space.cross:
        if i < len(a) and j < len(b):
            out[k].addcmul_(a[i], b[j], value=w)


def product_adjoint(out: Tensor, g: Tensor, b: Tensor, space: JetSpace) -> None:
    """The gradient in `a` of the product with `b` whose gradient is `g`."""
    out.copy_(g[: len(out)]).mul_(b[0])
    for j in range(1, min(len(b), len(g))):
        out[0].addcmul_(b[j], g[j])
    for k, i, j, w in space.cross:
        if i < len(out) and j < len(b) and k < len(g):
            out[i].addcmul_(b[j], g[k], value=w)


def compose(out: Tensor, u: Tensor, function: Series, space: JetSpace) -> None:
    r"""$f(u_0 + \delta) = \sum_m c_m \delta^m$ from the series of $f$ about $u_0$."""
    if isinstance(function, Riccati) and space.degree > 2:
        _recurrence(out, u, function, space)
    else:
        _powers(out, u, function(u[0], space.degree if len(u) > 1 else 0), space)


def compose_adjoint(out: Tensor, g: Tensor, kept: Tensor, function: Series, space: JetSpace) -> None:
    r"""The gradient in $u$ of $f(u)$ whose gradient is `g`.

    Args:
        out, g: rows of $u$ and of $f(u)$.
        kept: $f(u)$ for a solution of Riccati's equation, else $u$.
        function, space: as in `compose`.
    """
    p = torch.empty_like(g)
    if isinstance(function, Riccati):
        _riccati_slope(p, kept, function, space)
    else:
        c = function(kept[0], space.degree + 1 if len(kept) > 1 else 1)[1:]
        _powers(p, kept, [c[0], *(c[m - 1].mul(m) for m in range(2, len(c) + 1))], space)
    product_adjoint(out, g, p, space)


def _powers(out: Tensor, u: Tensor, c: list[Tensor], space: JetSpace) -> None:
    out[0].copy_(c[0])
    if len(u) == 1:
        return
    out[1 : len(u)].copy_(u[1:]).mul_(c[1])
    out[len(u) :].zero_()
    power = {i: u[i] for i in range(1, len(u))}
    for coefficient in c[2:]:
        power = _times_delta(power, u, space)
        for k, row in power.items():
            out[k].addcmul_(coefficient, row)


def _times_delta(power: dict[int, Tensor], u: Tensor, space: JetSpace) -> dict[int, Tensor]:
    r"""The rows of $\delta^{m+1}$ that are not zero, from those of $\delta^m$."""
    found: dict[int, Tensor] = {}
    for k, i, j, w in space.cross:
        if i in power and j < len(u):
            if k in found:
                found[k].addcmul_(power[i], u[j], value=w)
            else:
                found[k] = power[i] * u[j] if w == 1 else (power[i] * u[j]).mul_(w)
    return found


def _riccati_slope(out: Tensor, y: Tensor, f: Riccati, space: JetSpace) -> None:
    r"""$f'(u) = a + b y + c y^2$, from $y = f(u)$."""
    out[0].copy_(f.slope(y[0]))
    if len(y) > 1:
        out[1:].copy_(y[1:]).mul_(f.b + 2 * f.c * y[0])
        for k, i, j, w in space.cross if f.c else ():
            out[k].addcmul_(y[i], y[j], value=f.c * w)


def _recurrence(y: Tensor, u: Tensor, f: Riccati, space: JetSpace) -> None:
    r"""$y_k = p_0 u_k + \sum w u_i p_j$ row by row, with $p = a + b y + c y^2$: each needs lower rows of $p$ only."""
    y[0].copy_(f.value(u[0]))
    if len(u) == 1:
        return
    p, first = {0: f.slope(y[0])}, f.b + 2 * f.c * y[0]
    y[1 : len(u)].copy_(u[1:]).mul_(p[0])
    y[len(u) :].zero_()
    for k in range(1, len(y)):
        for i, j, w in space.chain[k]:
            if i < len(u):
                y[k].addcmul_(u[i], p[j], value=w)
        if k in space.inner:
            p[k] = first * y[k]
            for i, j, w in space.cross_of[k]:
                p[k].addcmul_(y[i], y[j], value=f.c * w)
