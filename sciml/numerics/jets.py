r"""Taylor jets: truncated multivariate Taylor series that any `nn.Module` can be evaluated on.

A `Jet` holds the normalised coefficients $u_\alpha = \partial^\alpha u / \alpha!$ for a downward closed set of
multi-indices, stacked in one tensor `(S, ...)`: a linear layer is one matrix product for all of them. Products are
truncated convolutions, $(uv)_\gamma = \sum_{\alpha+\beta=\gamma} u_\alpha v_\beta$; functions are composed by series,
$f(u_0 + \delta) = \sum_m \tfrac{f^{(m)}(u_0)}{m!} \delta^m$.

Reference: Griewank & Walther, Evaluating Derivatives (2008), chapter 13.
"""

import itertools
import math
import operator
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from sciml.numerics.derivatives import Field, PointDerivatives
from sciml.numerics.taylor import SERIES

Index = tuple[int, ...]


class UnsupportedOperation(TypeError):
    """An operation that jets do not know; reverse mode does."""


class JetSpace:
    """A downward closed set of multi-indices, with the tables that products and derivatives need."""

    def __init__(self, indices: frozenset[Index]) -> None:
        self.indices = tuple(sorted(indices, key=lambda a: (sum(a), a)))
        self.position = {a: i for i, a in enumerate(self.indices)}
        self.degree = max(map(sum, self.indices))
        self.pairs: list[list[tuple[int, int]]] = [[] for _ in self.indices]
        for (i, a), (j, b) in itertools.product(enumerate(self.indices), repeat=2):
            target = self.position.get(tuple(map(operator.add, a, b)))
            if target is not None:
                self.pairs[target].append((i, j))

    def __len__(self) -> int:
        return len(self.indices)


@lru_cache(maxsize=256)
def jet_space(indices: frozenset[Index]) -> JetSpace:
    """The space of a set of multi-indices, which is closed downward first."""
    closed = {b for a in indices for b in itertools.product(*(range(n + 1) for n in a))}
    return JetSpace(frozenset(closed))


class Jet:
    """A field with its derivatives at points.

    Args:
        coefficients: normalised Taylor coefficients, `(S, ...)`, the value first.
        space: the multi-indices of the first axis.
    """

    def __init__(self, coefficients: Float[Tensor, "S ..."], space: JetSpace) -> None:
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
        remaining = [a for a in self.space.indices if tuple(map(operator.add, a, counts)) in self.space.position]
        if not remaining:
            raise ValueError(f"the jet holds {self.space.indices}, which does not reach the derivative {counts}.")
        shifted = [tuple(map(operator.add, a, counts)) for a in remaining]
        factors = [math.prod(math.perm(s, c) for s, c in zip(t, counts, strict=True)) for t in shifted]
        chosen = self.coefficients[[self.space.position[t] for t in shifted]]
        scale = torch.tensor(factors, dtype=self.dtype, device=self.device).view(-1, *[1] * self.ndim)
        return Jet(chosen * scale, jet_space(frozenset(remaining)))

    def on(self, space: JetSpace) -> "Jet":
        """The jet truncated to a smaller space."""
        if space is self.space:
            return self
        return Jet(self.coefficients[[self.space.position[a] for a in space.indices]], space)

    def apply(self, function: Callable[[Tensor], Tensor]) -> "Jet":
        """A function that is linear in the field and acts on every coefficient alike (indexing, reshaping, sums)."""
        return Jet(function(self.coefficients), self.space)

    def compose(self, series: Callable[[Tensor, int], list[Tensor]]) -> "Jet":
        """$f(u)$ from the series of $f$ about the value."""
        c = series(self.value, self.space.degree)
        delta = Jet(torch.cat([torch.zeros_like(self.coefficients[:1]), self.coefficients[1:]]), self.space)
        power, result = delta, torch.cat([c[0][None], c[1] * self.coefficients[1:]]) if len(c) > 1 else c[0][None]
        for coefficient in c[2:]:
            power = power * delta
            result = result + coefficient * power.coefficients
        return Jet(result, self.space)

    def __getitem__(self, key: Any) -> "Jet":
        keys = key if isinstance(key, tuple) else (key,)
        return self.apply(lambda c: c[(slice(None), *keys)])

    def __neg__(self) -> "Jet":
        return self.apply(operator.neg)

    def __add__(self, other: Any) -> "Jet":
        if isinstance(other, Jet):
            a, b = _common(self, other)
            return Jet(a.coefficients + b.coefficients, a.space)
        shape = np.broadcast_shapes(self.shape, getattr(other, "shape", ()))
        c = self.coefficients.expand(len(self.space), *shape)
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
        rows = [sum(a.coefficients[i] * b.coefficients[j] for i, j in pairs) for pairs in a.space.pairs]
        return Jet(torch.stack(rows), a.space)  # type: ignore[arg-type]

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> "Jet":
        return self * (other.compose(SERIES["reciprocal"]) if isinstance(other, Jet) else 1 / other)

    def __rtruediv__(self, other: Any) -> "Jet":
        return self.compose(SERIES["reciprocal"]) * other

    def __pow__(self, exponent: float) -> "Jet":
        if isinstance(exponent, int) and 1 <= exponent <= 8:
            return self * self ** (exponent - 1) if exponent > 1 else self
        return self.compose(SERIES["pow"](exponent))  # type: ignore[operator]

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        handler = _HANDLERS.get(function)
        if handler is None:
            raise UnsupportedOperation(f"jets do not know {getattr(function, '__name__', function)}.")
        return handler(*args, **(kwargs or {}))


def _common(a: Jet, b: Jet) -> tuple[Jet, Jet]:
    if a.space is not b.space:
        space = jet_space(frozenset(a.space.indices) & frozenset(b.space.indices))
        a, b = a.on(space), b.on(space)
    rank = max(a.ndim, b.ndim)
    return tuple(j.apply(lambda c: c.view(len(c), *[1] * (rank + 1 - c.ndim), *c.shape[1:])) for j in (a, b))  # type: ignore[return-value]


def _linear(x: Jet, weight: Tensor, bias: Tensor | None = None) -> Jet:
    result = x.apply(lambda c: F.linear(c, weight))
    return result if bias is None else result + bias


def _join(function: Callable[..., Tensor]) -> Callable[..., Jet]:
    def handler(tensors: Sequence[Any], dim: int = 0) -> Jet:
        space = jet_space(frozenset.intersection(*(frozenset(t.space.indices) for t in tensors if isinstance(t, Jet))))
        parts = [(t if isinstance(t, Jet) else constant(t, space)).on(space).coefficients for t in tensors]
        return Jet(function(parts, dim=dim if dim < 0 else dim + 1), space)

    return handler


def constant(value: Tensor, space: JetSpace) -> Jet:
    """A tensor that does not depend on the coordinates."""
    return Jet(torch.cat([value[None], value.new_zeros(len(space) - 1, *value.shape)]), space)


def _composed(name: str) -> Callable[..., Jet]:
    return lambda x, *_, **__: x.compose(SERIES[name])


def _gelu(x: Jet, approximate: str = "none") -> Jet:
    if approximate == "none":
        return x * (0.5 * (1 + (x * math.sqrt(0.5)).compose(SERIES["erf"])))
    inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
    return x * (0.5 * (1 + inner.compose(SERIES["tanh"])))


_HANDLERS: dict[Any, Callable[..., Any]] = {
    F.linear: _linear,
    torch.cat: _join(torch.cat),
    torch.stack: _join(torch.stack),
    F.gelu: _gelu,
    F.silu: lambda x, inplace=False: x * x.compose(SERIES["sigmoid"]),
    F.softplus: lambda x, beta=1.0, threshold=20.0: (x * beta).compose(SERIES["softplus"]) * (1 / beta),
    torch.square: lambda x: x * x,
    torch.abs: lambda x: x * torch.sign(x.value),
    torch.sign: lambda x: constant(torch.sign(x.value), x.space),
    torch.matmul: lambda x, y: x.apply(lambda c: torch.matmul(c, y)),
    torch.pow: operator.pow,
}
for _name in set(SERIES) - {"pow", "softplus"}:
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


class TaylorMode(PointDerivatives):
    """Forward propagation of Taylor jets.

    Args:
        coords: points, `(n, d)`, columns in the order of `axes`.
        axes: names of the columns.
        indices: multi-indices of the derivatives to come (`required` finds them); closed downward here.
    """

    def __init__(self, coords: Float[Tensor, "n d"], axes: Sequence[str], indices: Iterable[Index]) -> None:
        super().__init__(axes)
        self.space_of_jets = jet_space(frozenset(indices))
        first = [tuple(int(i == j) for i in range(len(self.axes))) for j in range(len(self.axes))]
        rows = [coords, *(self._row(a, first, coords) for a in self.space_of_jets.indices[1:])]
        self.coords = Jet(torch.stack(rows), self.space_of_jets)

    @staticmethod
    def _row(index: Index, first: list[Index], coords: Tensor) -> Tensor:
        row = torch.zeros_like(coords)
        if index in first:
            row[:, first.index(index)] = 1
        return row

    def evaluate(self, network: nn.Module, names: Sequence[str]) -> dict[str, Field]:
        """As in `PointDerivatives`.

        Raises:
            UnsupportedOperation: the network uses an operation that jets do not know.
        """
        u = network(self.coords)
        return {name: u[..., i] for i, name in enumerate(names)}

    def coordinates(self) -> dict[str, Jet]:
        return {name: self.coords[..., i] for i, name in enumerate(self.axes)}

    def derivative(self, u: Field, counts: Index) -> Field:
        return u.derivative(counts) if isinstance(u, Jet) else torch.zeros_like(u)


def value(u: Field) -> Tensor:
    """The value of a field: that of a jet, or the tensor itself."""
    return u.value if isinstance(u, Jet) else u
