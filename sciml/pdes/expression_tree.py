"""Right-hand sides as trees: the nodes, and their evaluation against `Derivatives`."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sciml.numerics import Derivatives, Field
from sciml.pdes.parameters import Parameters


@dataclass(frozen=True)
class Number:
    """A finite number."""

    value: float


@dataclass(frozen=True)
class Unknown:
    """A component of the state."""

    name: str


@dataclass(frozen=True)
class Constant:
    """A parameter that is a number per sample."""

    name: str


@dataclass(frozen=True)
class Varying:
    """A coordinate, or a parameter that may vary in space."""

    name: str


@dataclass(frozen=True)
class Add:
    left: "Node"
    right: "Node"


@dataclass(frozen=True)
class Multiply:
    left: "Node"
    right: "Node"


@dataclass(frozen=True)
class Divide:
    left: "Node"
    right: "Node"


@dataclass(frozen=True)
class Power:
    base: "Node"
    exponent: float


@dataclass(frozen=True)
class Apply:
    """An elementary function, by its name in torch."""

    function: str
    argument: "Node"


@dataclass(frozen=True)
class Derivative:
    """Derivative along the axes in `wrt`, one letter each."""

    argument: "Node"
    wrt: str


@dataclass(frozen=True)
class Laplacian:
    argument: "Node"


Node = Number | Unknown | Constant | Varying | Add | Multiply | Divide | Power | Apply | Derivative | Laplacian
ZERO, ONE = Number(0.0), Number(1.0)


# ---- making nodes: numbers among themselves are computed, neutral elements vanish ------------------------------------


def number(value: Any) -> Number:
    """A number as a node.

    Raises:
        ValueError: it is not real and finite.
    """
    try:
        real = float(value)
    except (OverflowError, TypeError):  # a very long integer; a complex number
        real = math.nan
    if not math.isfinite(real):
        raise ValueError("is no finite real number")
    return Number(real)


def add(a: Node, b: Node) -> Node:
    if isinstance(a, Number) and isinstance(b, Number):
        return number(a.value + b.value)
    return b if a == ZERO else a if b == ZERO else Add(a, b)


def multiply(a: Node, b: Node) -> Node:
    if isinstance(b, Number):
        a, b = b, a
    if not isinstance(a, Number):
        return Multiply(a, b)
    if isinstance(b, Number):
        return number(a.value * b.value)
    if isinstance(b, Multiply) and isinstance(b.left, Number):
        a, b = number(a.value * b.left.value), b.right
    return ZERO if a == ZERO else b if a == ONE else Multiply(a, b)


def divide(a: Node, b: Node) -> Node:
    if b == ZERO:
        raise ValueError("divides by zero")
    if isinstance(a, Number) and isinstance(b, Number):
        return number(a.value / b.value)
    return a if b == ONE else Divide(a, b)


def power(base: Node, exponent: float) -> Node:
    if isinstance(base, Number):
        try:
            return number(base.value**exponent)
        except (ZeroDivisionError, OverflowError):
            raise ValueError("is no finite real number") from None
    # Jets multiply out whole powers.
    exponent = int(exponent) if exponent == int(exponent) else exponent
    return ONE if exponent == 0 else base if exponent == 1 else Power(base, exponent)


def derivative(argument: Node, wrt: str) -> Node:
    match argument:
        case Derivative(inner, axes):
            return Derivative(inner, "".join(sorted(axes + wrt)))
    return ZERO if is_constant(argument) else Derivative(argument, "".join(sorted(wrt)))


def laplacian(argument: Node) -> Node:
    return ZERO if is_constant(argument) else Laplacian(argument)


def total(nodes: Iterable[Node]) -> Node:
    result: Node = ZERO
    for node in nodes:
        result = add(result, node)
    return result


# ---- looking at nodes ------------------------------------------------------------------------------------------------


def leaves(node: Node) -> "set[Number | Unknown | Constant | Varying]":
    """The numbers and names of a tree."""
    match node:
        case Add(a, b) | Multiply(a, b) | Divide(a, b):
            return leaves(a) | leaves(b)
        case Power(a) | Apply(_, a) | Derivative(a) | Laplacian(a):
            return leaves(a)
        case _:
            return {node}


def is_constant(node: Node) -> bool:
    """Whether a tree has the same value everywhere and at all times."""
    return not any(isinstance(leaf, Unknown | Varying) for leaf in leaves(node))


def order(node: Node) -> int:
    """Highest order of the derivatives that a tree takes of a component, one inside another counted together."""
    match node:
        case Add(a, b) | Multiply(a, b) | Divide(a, b):
            return max(order(a), order(b))
        case Power(a) | Apply(_, a):
            return order(a)
        case Derivative(a, wrt):
            return order(a) + len(wrt)
        case Laplacian(a):
            return order(a) + 2
        case _:
            return 0


def unknown_of(node: Node) -> str | None:
    """The component of which a tree is a derivative, or the component itself; `None` for any other tree."""
    while isinstance(node, Derivative | Laplacian):
        node = node.argument
    return node.name if isinstance(node, Unknown) else None


# ---- evaluation ------------------------------------------------------------------------------------------------------


class Evaluation:
    """Computes trees for given fields; a derivative that several trees ask for is computed once.

    Args:
        u: components by name.
        d: what differentiates; none for trees without derivatives.
        p: parameters and coordinates.
    """

    def __init__(self, u: dict[str, Field], d: Derivatives | None, p: Parameters) -> None:
        self.u, self.d, self.p = u, d, p
        self._images: dict[Node, Field] = {}

    def __call__(self, node: Node) -> Field:
        match node:
            case Number(value):
                return value
            case Unknown(name):
                return self.u[name]
            case Constant(name) | Varying(name):
                return self._given(name)
            case Add(a, b):
                left, right = _own_first(self(a), self(b))
                return left + right
            case Multiply(a, b):
                left, right = _own_first(self(a), self(b))
                return left * right
            case Divide(a, b):
                return self(a) / self(b)
            case Power(a, exponent):
                return self(a) ** exponent
            case Apply(function, a):
                return getattr(torch, function)(_tensor(self(a)))
            case Derivative() | Laplacian():
                if node not in self._images:
                    self._images[node] = self._image(node)
                return self._images[node]

    def _given(self, name: str) -> Field:
        try:
            value = getattr(self.p, name)
        except AttributeError as error:
            raise ValueError(f"the equation names {name!r}, which is not known here: {error}") from None
        # Tensors follow IEEE arithmetic where Python's numbers raise.
        return _tensor(value)

    def _image(self, node: Derivative | Laplacian) -> Field:
        argument = self(node.argument)
        if isinstance(argument, Tensor) and argument.ndim == 0:  # a coefficient that was given as a number
            return torch.zeros_like(argument)
        assert self.d is not None
        return self.d(argument, node.wrt) if isinstance(node, Derivative) else self.d.laplacian(argument)


def _tensor(value: Field) -> Field:
    return torch.tensor(value, dtype=torch.float64) if isinstance(value, int | float) else value


def _own_first(a: Field, b: Field) -> tuple[Field, Field]:
    """Jets and spectra know how a plain tensor enters a sum or a product; a tensor does not know them as well."""
    return (b, a) if isinstance(a, Tensor) and not isinstance(b, Tensor | int | float) else (a, b)
