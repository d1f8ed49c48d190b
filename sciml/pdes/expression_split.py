"""The linear part of constant coefficients of a right-hand side, found by multiplying out."""

import functools
import itertools
from collections.abc import Callable

from sciml.pdes.expression_tree import (
    ONE,
    ZERO,
    Add,
    Derivative,
    Divide,
    Laplacian,
    Multiply,
    Node,
    Power,
    derivative,
    divide,
    is_constant,
    laplacian,
    multiply,
    total,
    unknown_of,
)

#: A constant factor, and what it multiplies; `None` for the number one.
Term = tuple[Node, Node | None]

#: Linear terms, as pairs of a constant and a derivative of one component, and the sum of all others.
Split = tuple[list[tuple[Node, Node]], Node]

#: A product that multiplies out into more terms is left as it is written.
MAX_TERMS = 64


def split(node: Node) -> Split:
    """The linear terms of a tree, and the rest.

    Raises:
        ValueError: a coefficient that is too large for a number.
    """
    terms = _expand(node)
    linear = [(c, body) for c, body in terms if body is not None and unknown_of(body)]
    rest = [(c, body) for c, body in terms if body is None or not unknown_of(body)]
    return linear, total(multiply(c, body or ONE) for c, body in rest)


def _has_linear(terms: list[Term]) -> bool:
    return any(body is not None and unknown_of(body) for _, body in terms)


def _expand(node: Node) -> list[Term]:
    """A tree as a sum of terms: multiplied out where that makes a linear one, else left as it is written."""
    if is_constant(node):
        return [(node, None)]
    match node:
        case Add(a, b):
            return _expand(a) + _expand(b)
        case Multiply(a, b):
            terms = _products(_expand(a), _expand(b))
            return terms if _has_linear(terms) or is_constant(a) or is_constant(b) else [(ONE, node)]
        case Divide(a, b) if is_constant(b):
            return [(divide(c, b), body) for c, body in _expand(a)]
        case Power(base, exponent) if exponent in range(2, 9):
            terms = functools.reduce(_products, [_expand(base)] * int(exponent))
            return terms if _has_linear(terms) else [(ONE, node)]
        case Derivative(a, wrt):
            return _through(_expand(a), lambda body: derivative(body, wrt), node)
        case Laplacian(a):
            return _through(_expand(a), laplacian, node)
    return [(ONE, node)]


def _products(left: list[Term], right: list[Term]) -> list[Term]:
    """All products of two sums; none where there would be too many, which then stay as they are written."""
    if min(len(left), len(right)) > 1 and len(left) * len(right) > MAX_TERMS:
        return []
    return [
        (multiply(c, k), body if other is None else other if body is None else multiply(body, other))
        for (c, body), (k, other) in itertools.product(left, right)
    ]


def _through(terms: list[Term], operator: Callable[[Node], Node], node: Node) -> list[Term]:
    """A linear operator on a sum: constants vanish, and what is not linear in the components stays together."""
    if not _has_linear(terms):
        return [(ONE, node)]
    varying = [(c, body) for c, body in terms if body is not None]
    images: list[Term] = [(c, operator(body)) for c, body in varying if unknown_of(body)]
    rest = total(multiply(c, body) for c, body in varying if not unknown_of(body))
    return images if rest == ZERO else [*images, (ONE, operator(rest))]
