r"""Taylor jets: truncated multivariate Taylor series that any `nn.Module` can be evaluated on.

A `Jet` holds the normalised coefficients $u_\alpha = \partial^\alpha u / \alpha!$ of a `JetSpace`, stacked in one
tensor `(rows, ...)`: a linear layer is one matrix product for all of them. Products are truncated convolutions,
$(uv)_\gamma = \sum_{\alpha+\beta=\gamma} u_\alpha v_\beta$; functions are composed by series,
$f(u_0 + \delta) = \sum_m \tfrac{f^{(m)}(u_0)}{m!} \delta^m$.

Reference: Griewank & Walther, Evaluating Derivatives (2008), chapter 13.
"""

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from torch.func import debug_unwrap

from sciml.numerics import jet_functions
from sciml.numerics.derivatives import Field
from sciml.numerics.jet_space import Index, JetSpace, Laplacian, jet_space, unit
from sciml.numerics.taylor import SERIES, Series


class UnsupportedOperation(TypeError):
    """An operation that jets do not know; reverse mode does."""


class Jet:
    """A field with its derivatives at points.

    Args:
        coefficients: normalised Taylor coefficients, `(rows, ...)`, the value first; rows that are left out at the end
            are zero, so an affine function has those of degree 0 and 1, and a constant has one.
        space: what the rows mean.
    """

    def __init__(self, coefficients: Float[Tensor, "rows ..."], space: JetSpace) -> None:
        self.coefficients, self.space = coefficients, space

    @property
    def value(self) -> Tensor:
        return self.coefficients[0]

    @property
    def shape(self) -> torch.Size:
        return self.coefficients.shape[1:]

    ndim = property(lambda self: self.coefficients.ndim - 1)
    dtype = property(lambda self: self.coefficients.dtype)
    device = property(lambda self: self.coefficients.device)

    def derivative(self, counts: Index) -> "Jet":
        r"""$(\partial^\beta u)_\alpha = \frac{(\alpha+\beta)!}{\alpha!} u_{\alpha+\beta}$, on the indices that remain.

        Raises:
            ValueError: the jet was not truncated high enough to hold the derivative.
        """
        targets = {a: tuple(map(operator.add, a, counts)) for a in self.space.indices}
        targets = {a: t for a, t in targets.items() if t in self.space.position}
        if not targets:
            raise ValueError(f"the jet holds {self.space.rows}, which does not reach the derivative {counts}.")
        factors = [math.prod(math.perm(s, c) for s, c in zip(t, counts, strict=True)) for t in targets.values()]
        rows = self._rows([self.space.position[t] for t in targets.values()], factors)
        return Jet(rows, jet_space(frozenset(targets)))

    def laplacian(self, request: Laplacian) -> "Jet":
        r"""$\sum_i c_i \partial_i^2 u$, from its own row where there is one."""
        if request in self.space.position:
            rows = self._rows([self.space.position[request]], [2])
            return Jet(rows, jet_space(frozenset([(0,) * len(request.weights)])))
        parts = [self.derivative(unit(i, len(request.weights), 2)) * request.weights[i] for i in request.axes]
        return sum(parts[1:], start=parts[0])

    def on(self, space: JetSpace) -> "Jet":
        """The jet truncated to a smaller space."""
        return self if space is self.space else Jet(self._rows([self.space.position[r] for r in space.rows]), space)

    def _rows(self, chosen: list[int], factors: Sequence[int] | None = None) -> Tensor:
        """Some rows, in ascending order, times factors; missing ones stay missing."""
        c, present = self.coefficients, [i for i in chosen if i < len(self.coefficients)]
        if not present:
            return torch.zeros_like(c[:1])
        if present == list(range(present[0], present[-1] + 1)):
            rows = c[present[0] : present[-1] + 1]
        else:
            rows = torch.stack([c[i] for i in present])
        scale = (factors or [1] * len(chosen))[: len(present)]
        if set(scale) == {1}:
            return rows
        if len(scale) == 1:
            return rows * scale[0]
        return rows * torch.tensor(scale, dtype=self.dtype, device=self.device).view(-1, *[1] * self.ndim)

    def apply(self, function: Callable[[Tensor], Tensor]) -> "Jet":
        """A function that is linear in the field and acts on every coefficient alike (indexing, reshaping, sums)."""
        return Jet(function(self.coefficients), self.space)

    def compose(self, function: Series) -> "Jet":
        """$f(u)$ from the series of $f$ about the value."""
        return Jet(jet_functions.compose(self.coefficients, function, self.space), self.space)

    def __getitem__(self, key: Any) -> "Jet":
        keys = key if isinstance(key, tuple) else (key,)
        return self.apply(lambda c: c[(slice(None), *keys)])

    def sum(self, dim: int | None = None, keepdim: bool = False) -> "Jet":
        if dim is None:
            raise UnsupportedOperation("jets know sums along one axis only.")
        return self.apply(lambda c: c.sum(dim if dim < 0 else dim + 1, keepdim))

    def unsqueeze(self, dim: int) -> "Jet":
        return self.apply(lambda c: c.unsqueeze(dim if dim < 0 else dim + 1))

    def __matmul__(self, other: Tensor) -> "Jet":
        return self.apply(lambda c: c @ other)

    def __neg__(self) -> "Jet":
        return self.apply(operator.neg)

    def __add__(self, other: Any) -> "Jet":
        if isinstance(other, Jet):
            a, b = _common(self, other)
            return Jet(torch.add(*_padded(a.coefficients, b.coefficients)), a.space)
        shape = np.broadcast_shapes(self.shape, getattr(other, "shape", ()))
        c = self.coefficients.expand(len(self.coefficients), *shape)
        return Jet(torch.cat([c[:1] + other, c[1:]]), self.space)

    __radd__ = __add__

    def __sub__(self, other: Any) -> "Jet":
        return self + (-other)

    def __rsub__(self, other: Any) -> "Jet":
        return -self + other

    def __mul__(self, other: Any) -> "Jet":
        if not isinstance(other, Jet):
            return Jet(self.coefficients * other, self.space)
        a, b = _common(self, other)
        return Jet(jet_functions.product(a.coefficients, b.coefficients, a.space), a.space)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> "Jet":
        return self * (other.compose(SERIES["reciprocal"]) if isinstance(other, Jet) else 1 / other)

    def __rtruediv__(self, other: Any) -> "Jet":
        return self.compose(SERIES["reciprocal"]) * other

    def __pow__(self, exponent: float) -> "Jet":
        if exponent in (1, 2):
            return self if exponent == 1 else self * self
        return self.compose(SERIES["pow"](exponent))  # type: ignore[operator]

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        handler = _HANDLERS.get(function)
        if handler is None:
            raise UnsupportedOperation(f"jets do not know {getattr(function, '__name__', function)}.")
        return handler(*args, **(kwargs or {}))


def _common(a: Jet, b: Jet) -> tuple[Jet, Jet]:
    if a.space is not b.space:
        space = jet_space(frozenset(a.space.rows) & frozenset(b.space.rows))
        a, b = a.on(space), b.on(space)
    rank = max(a.ndim, b.ndim)
    return tuple(j.apply(lambda c: c.view(len(c), *[1] * (rank + 1 - c.ndim), *c.shape[1:])) for j in (a, b))  # type: ignore[return-value]


def _padded(*stacks: Tensor) -> list[Tensor]:
    """The stacks with as many rows as the longest."""
    rows = max(map(len, stacks))
    return [s if len(s) == rows else torch.cat([s, s.new_zeros(rows - len(s), *s.shape[1:])]) for s in stacks]


def _linear(x: Jet, weight: Tensor, bias: Tensor | None = None) -> Jet:
    return Jet(jet_functions.affine(x.coefficients, weight, bias), x.space)


def _join(function: Callable[..., Tensor]) -> Callable[..., Jet]:
    def handler(tensors: Sequence[Any], dim: int = 0) -> Jet:
        space = jet_space(frozenset.intersection(*(frozenset(t.space.rows) for t in tensors if isinstance(t, Jet))))
        parts = [(t if isinstance(t, Jet) else constant(t, space)).on(space).coefficients for t in tensors]
        return Jet(function(_padded(*parts), dim=dim if dim < 0 else dim + 1), space)

    return handler


def constant(value: Tensor, space: JetSpace) -> Jet:
    """A tensor that does not depend on the coordinates."""
    return Jet(value[None], space)


def _composed(name: str) -> Callable[..., Jet]:
    return lambda x, *_, **__: x.compose(SERIES[name])


def _gelu(x: Jet, approximate: str = "none") -> Jet:
    if approximate == "none":
        return x.compose(SERIES["gelu"])
    inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
    return x * (0.5 * (1 + inner.compose(SERIES["tanh"])))


_HANDLERS: dict[Any, Callable[..., Any]] = {
    F.linear: _linear,
    torch.cat: _join(torch.cat),
    torch.stack: _join(torch.stack),
    F.gelu: _gelu,
    F.silu: _composed("silu"),
    F.softplus: lambda x, beta=1.0, threshold=20.0: (x * beta).compose(SERIES["softplus"]) * (1 / beta),
    torch.square: lambda x: x * x,
    torch.abs: lambda x: x * torch.sign(x.value),
    torch.sign: lambda x: constant(torch.sign(x.value), x.space),
    torch.matmul: operator.matmul,
    torch.neg: operator.neg,
    torch.sum: Jet.sum,
    torch.unsqueeze: Jet.unsqueeze,
    torch.pow: operator.pow,
}
for _name in set(SERIES) - {"pow", "softplus", "silu", "gelu"}:
    _HANDLERS[getattr(torch, _name)] = _composed(_name)
for _functions, _operation in (
    ((torch.add, torch.Tensor.add, torch.Tensor.__add__, torch.Tensor.__radd__), operator.add),
    ((torch.mul, torch.Tensor.mul, torch.Tensor.__mul__, torch.Tensor.__rmul__), operator.mul),
):
    for _function in _functions:
        _HANDLERS[_function] = lambda x, y, _op=_operation: _op(x, y) if isinstance(x, Jet) else _op(y, x)
for _difference in (torch.sub, torch.Tensor.sub, torch.Tensor.__sub__):
    _HANDLERS[_difference] = lambda x, y: x - y if isinstance(x, Jet) else -y + x
for _quotient in (torch.div, torch.Tensor.div, torch.Tensor.__truediv__):
    _HANDLERS[_quotient] = lambda x, y: x / y if isinstance(x, Jet) else y.__rtruediv__(x)
_HANDLERS[torch.Tensor.__rsub__] = lambda x, y: y - x if isinstance(y, Jet) else -x + y


def value(u: Field) -> Tensor:
    """The value of a field: that of a jet, or the tensor itself."""
    return u.value if isinstance(u, Jet) else u


def keepable(*tensors: Tensor) -> bool:
    """Whether tensors may be kept for later use: not in inference mode, nor those of a graph or a transform."""
    return not torch.is_inference_mode_enabled() and not any(
        t.requires_grad or t.is_inference() or debug_unwrap(t) is not t for t in tensors
    )
