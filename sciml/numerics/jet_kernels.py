r"""Truncated products and compositions of stacked Taylor coefficients, `(rows, m)`, each with its adjoint.

Rows that are missing at the end are zero. The adjoint of $u \mapsto f(u)$ is that of the product with the jet of
$f'(u)$, so a composition keeps its argument (or its value, where $f'$ is a polynomial in $f$) and no intermediate rows.
"""

import torch
from torch import Tensor

from sciml.numerics.jet_space import JetSpace
from sciml.numerics.taylor import Riccati, Series


def product(a: Tensor, b: Tensor, space: JetSpace) -> Tensor:
    r"""$(uv)_k = u_0 v_k + u_k v_0 + \sum w u_i v_j$."""
    rows = space.filled(len(a), len(b))
    out = _padded(a[0] * b, rows)
    if len(a) > 1:
        out[1 : len(a)].addcmul_(a[1:], b[0])
    for k, i, j, w in space.cross:
        if i < len(a) and j < len(b):
            out[k].addcmul_(a[i], b[j], value=w)
    return out


def product_adjoint(g: Tensor, b: Tensor, rows: int, space: JetSpace) -> Tensor:
    r"""The gradient in `a`, of `rows` rows, of the product with `b` whose gradient is `g`."""
    out = b[0] * g[:rows]
    for j in range(1, min(len(b), len(g))):
        out[0].addcmul_(b[j], g[j])
    for k, i, j, w in space.cross:
        if i < rows and j < len(b) and k < len(g):
            out[i].addcmul_(b[j], g[k], value=w)
    return out


def compose(u: Tensor, function: Series, space: JetSpace) -> Tensor:
    r"""$f(u_0 + \delta) = \sum_m c_m \delta^m$ from the series of $f$ about $u_0$."""
    if isinstance(function, Riccati) and space.degree > 2:
        return _recurrence(u, function, space)
    return _powers(u, function(u[0], space.degree), space)


def slope(u: Tensor, function: Series, space: JetSpace) -> Tensor:
    r"""$f'(u_0 + \delta) = \sum_m (m + 1) c_{m+1} \delta^m$."""
    c = function(u[0], space.degree + 1)[1:]
    return _powers(u, [c[0], *(m * c[m - 1] for m in range(2, space.degree + 2))], space)


def riccati_slope(y: Tensor, f: Riccati, space: JetSpace) -> Tensor:
    r"""$f'(u) = a + b y + c y^2$, from $y = f(u)$."""
    if len(y) == 1:
        return f.a + y * (f.b + f.c * y)
    first = f.b + 2 * f.c * y[0]
    out = torch.cat([(f.a + y[0] * (f.b + f.c * y[0]))[None], first * y[1:]])
    for k, i, j, w in space.cross if f.c else ():
        out[k].addcmul_(y[i], y[j], value=f.c * w)
    return out


def _recurrence(u: Tensor, f: Riccati, space: JetSpace) -> Tensor:
    r"""$y_k = p_0 u_k + \sum w u_i p_j$ row by row, with $p = a + b y + c y^2$: each needs lower rows of $p$ only."""
    y0 = f.value(u[0])
    if len(u) == 1:
        return y0[None]
    p, first = {0: f.a + y0 * (f.b + f.c * y0)}, f.b + 2 * f.c * y0
    y = _padded(torch.cat([y0[None], p[0] * u[1:]]), len(space))
    for k in range(1, len(space)):
        for i, j, w in space.chain[k]:
            if i < len(u):
                y[k].addcmul_(u[i], p[j], value=w)
        if k in space.inner:
            p[k] = first * y[k]
            for i, j, w in space.cross_of[k]:
                p[k].addcmul_(y[i], y[j], value=f.c * w)
    return y


def _powers(u: Tensor, c: list[Tensor], space: JetSpace) -> Tensor:
    if len(u) == 1:
        return c[0][None]
    out = _padded(torch.cat([c[0][None], c[1] * u[1:]]), len(space))
    power: dict[int, Tensor] = {i: u[i] for i in range(1, len(u))}
    for coefficient in c[2:]:
        power = _times_delta(power, u, space)
        for k, row in power.items():
            out[k].addcmul_(coefficient, row)
    return out


def _times_delta(power: dict[int, Tensor], u: Tensor, space: JetSpace) -> dict[int, Tensor]:
    """The rows of $\\delta^{m+1}$ that are not zero, from those of $\\delta^m$."""
    found: dict[int, Tensor] = {}
    for k, i, j, w in space.cross:
        if i in power and j < len(u):
            if k in found:
                found[k].addcmul_(power[i], u[j], value=w)
            else:
                found[k] = power[i] * u[j] if w == 1 else (power[i] * u[j]).mul_(w)
    return found


def _padded(rows: Tensor, count: int) -> Tensor:
    missing = count - len(rows)
    return torch.cat([rows, torch.zeros_like(rows[:1]).expand(missing, *rows.shape[1:])]) if missing else rows
