r"""Truncated products and compositions of stacked Taylor coefficients, `(rows, ...)`, each with its adjoint.

Rows that are missing at the end are zero. The adjoint of $u \mapsto f(u)$ is that of the product with the jet of
$f'(u)$, so a composition keeps its argument (or its value, where $f'$ is a polynomial in $f$) and no intermediate rows.
Results are written into `out` where it is given.
"""

import torch
from torch import Tensor
from torch.func import debug_unwrap

from sciml.numerics.compiled import recording
from sciml.numerics.jet_space import JetSpace
from sciml.numerics.taylor import Riccati, Series


def apart(*tensors: Tensor) -> bool:
    """Whether operations on tensors are differentiated, batched (`torch.func`) or recorded: none is in place then."""
    return recording() or torch.is_grad_enabled() or any(debug_unwrap(t) is not t for t in tensors)


class Stack:
    """Rows that are written one after the other into one tensor, or, where nothing may be in place, stay apart.

    Args:
        like: a row, which depends on all that the rows depend on.
        count: of rows.
        out: where the rows are written, if there is a place for them.
    """

    def __init__(self, like: Tensor, count: int, out: Tensor | None = None) -> None:
        self.whole = out if out is not None or apart(like) else like.new_empty(count, *like.shape)
        self.rows = [torch.zeros_like(like)] * count if self.whole is None else list(self.whole.unbind(0))

    def __getitem__(self, k: int) -> Tensor:
        return self.rows[k]

    def __len__(self) -> int:
        return len(self.rows)

    def put(self, k: int, a: Tensor, b: Tensor | None = None) -> None:
        """Row `k` becomes `a`, or `a b`."""
        if self.whole is None:
            self.rows[k] = a if b is None else a * b
        else:
            row = self.rows[k].copy_(a)
            if b is not None:
                row.mul_(b)

    def add(self, k: int, a: Tensor, b: Tensor, w: float = 1.0) -> None:
        """Row `k` gains `w a b`."""
        if self.whole is None:
            self.rows[k] = torch.addcmul(self.rows[k], a, b, value=w)
        else:
            self.rows[k].addcmul_(a, b, value=w)

    def clear(self, first: int) -> None:
        """The rows from `first` on become zero."""
        if self.whole is not None:
            self.whole[first:].zero_()

    def stacked(self) -> Tensor:
        return torch.stack(self.rows) if self.whole is None else self.whole


def product(a: Tensor, b: Tensor, space: JetSpace, out: Tensor | None = None) -> Tensor:
    r"""$(uv)_k = u_0 v_k + u_k v_0 + \sum w u_i v_j$."""
    rows = Stack(a[0] * b[0], space.filled(len(a), len(b)), out)
    for k in range(len(b)):
        rows.put(k, b[k], a[0])
    rows.clear(len(b))
    for k in range(1, len(a)):
        rows.add(k, a[k], b[0])
    for k, i, j, w in space.cross:
        if i < len(a) and j < len(b):
            rows.add(k, a[i], b[j], w)
    return rows.stacked()


def product_adjoint(g: Tensor, b: Stack | Tensor, count: int, space: JetSpace, out: Tensor | None = None) -> Tensor:
    """The gradient in `a`, which has `count` rows, of the product with `b` whose gradient is `g`."""
    rows = Stack(g[0] * b[0], count, out)
    for k in range(count):
        rows.put(k, g[k], b[0])
    for j in range(1, min(len(b), len(g))):
        rows.add(0, b[j], g[j])
    for k, i, j, w in space.cross:
        if i < count and j < len(b) and k < len(g):
            rows.add(i, b[j], g[k], w)
    return rows.stacked()


def compose(u: Tensor, function: Series, space: JetSpace, out: Tensor | None = None) -> Tensor:
    r"""$f(u_0 + \delta) = \sum_m c_m \delta^m$ from the series of $f$ about $u_0$."""
    rows = Stack(u[0], len(space) if len(u) > 1 else 1, out)
    if isinstance(function, Riccati) and space.degree > 2:
        _recurrence(rows, u, function, space)
    else:
        _powers(rows, u, function(u[0], space.degree if len(u) > 1 else 0), space)
    return rows.stacked()


def compose_adjoint(
    g: Tensor, kept: Tensor, count: int, function: Series, space: JetSpace, out: Tensor | None = None
) -> Tensor:
    r"""The gradient in $u$ of $f(u)$ whose gradient is `g`.

    Args:
        g: rows of the gradient.
        kept: $f(u)$ for a solution of Riccati's equation, else $u$.
        count: of rows of $u$.
        function, space, out: as in `compose`.
    """
    p = Stack(kept[0], len(g))
    if isinstance(function, Riccati):
        _riccati_slope(p, kept, function, space)
    else:
        c = function(kept[0], space.degree + 1 if len(kept) > 1 else 1)[1:]
        _powers(p, kept, [c[0], *(m * c[m - 1] for m in range(2, len(c) + 1))], space)
    return product_adjoint(g, p, count, space, out)


def _powers(out: Stack, u: Tensor, c: list[Tensor], space: JetSpace) -> None:
    out.put(0, c[0])
    if len(u) == 1:
        return
    for k in range(1, len(u)):
        out.put(k, u[k], c[1])
    out.clear(len(u))
    power = {i: u[i] for i in range(1, len(u))}
    for coefficient in c[2:]:
        power = _times_delta(power, u, space)
        for k, row in power.items():
            out.add(k, coefficient, row)


def _times_delta(power: dict[int, Tensor], u: Tensor, space: JetSpace) -> dict[int, Tensor]:
    r"""The rows of $\delta^{m+1}$ that are not zero, from those of $\delta^m$."""
    found: dict[int, Tensor] = {}
    for k, i, j, w in space.cross:
        if i in power and j < len(u):
            if k in found:
                found[k] = torch.addcmul(found[k], power[i], u[j], value=w)
            else:
                found[k] = power[i] * u[j] if w == 1 else w * power[i] * u[j]
    return found


def _riccati_slope(out: Stack, y: Tensor, f: Riccati, space: JetSpace) -> None:
    r"""$f'(u) = a + b y + c y^2$, from $y = f(u)$."""
    out.put(0, f.slope(y[0]))
    if len(y) > 1:
        first = f.b + 2 * f.c * y[0]
        for k in range(1, len(y)):
            out.put(k, y[k], first)
        for k, i, j, w in space.cross if f.c else ():
            out.add(k, y[i], y[j], f.c * w)


def _recurrence(y: Stack, u: Tensor, f: Riccati, space: JetSpace) -> None:
    r"""$y_k = p_0 u_k + \sum w u_i p_j$ row by row, with $p = a + b y + c y^2$: each needs lower rows of $p$ only."""
    y.put(0, f.value(u[0]))
    if len(u) == 1:
        return
    p, first = {0: f.slope(y[0])}, f.b + 2 * f.c * y[0]
    for k in range(1, len(u)):
        y.put(k, u[k], p[0])
    y.clear(len(u))
    for k in range(1, len(y)):
        for i, j, w in space.chain[k]:
            if i < len(u):
                y.add(k, u[i], p[j], w)
        if k in space.inner:
            p[k] = first * y[k]
            for i, j, w in space.cross_of[k] if f.c else ():
                p[k] = torch.addcmul(p[k], y[i], y[j], value=f.c * w)
