"""Text of a right-hand side to a tree: parsed by `ast`, each part on a list of what is accepted, never run."""

import ast
import difflib
import math
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sciml.pdes import expression_tree as tree
from sciml.pdes.expression_tree import Node
from sciml.shapes import SPACE, TIME

FUNCTIONS = ("abs", "cos", "cosh", "exp", "log", "sin", "sinh", "sqrt", "tan", "tanh")
MAX_LENGTH = 2000
MAX_DEPTH = 100
MAX_EXPONENT = 16
MAX_ORDER = 8
_ACCEPTED = f"numbers, names, + - * / **, parentheses and the functions d, laplacian, {', '.join(FUNCTIONS)}"
_SHORT_DERIVATIVE = re.compile("d([xyz]+)")


@dataclass(frozen=True)
class Vocabulary:
    """The names that a right-hand side may use.

    Args:
        fields: components of the state; `u_xx` is a derivative of `u`.
        parameters: numbers per sample.
        coefficients: parameters that may vary in space.
        dimensions: number of space dimensions.
    """

    fields: tuple[str, ...]
    parameters: tuple[str, ...]
    coefficients: tuple[str, ...]
    dimensions: int

    @property
    def space(self) -> tuple[str, ...]:
        return SPACE[: self.dimensions]

    def __iter__(self) -> Iterator[str]:
        yield from (*self.fields, *self.parameters, *self.coefficients, *self.space, TIME, "pi")


def is_reserved(name: str) -> bool:
    """Whether the grammar has a meaning of its own for a name."""
    own = ("d", "laplacian", "pi", TIME, *SPACE, *FUNCTIONS)
    return name in own or _SHORT_DERIVATIVE.fullmatch(name) is not None


def parse(text: str, vocabulary: Vocabulary) -> Node:
    """The tree of a right-hand side.

    Args:
        text: as in Python, for example `"-u*u_x - u_xx - nu*u_xxxx"`; derivatives of expressions are `d(u**2/2, 'x')`
            or `dx(u**2/2)`, and `laplacian(u)`.
        vocabulary: the names there are.

    Raises:
        ValueError: one line that names the part at fault and what is accepted.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError(f"the text has {len(text)} characters; at most {MAX_LENGTH} are accepted.")
    for character in text:
        # A comment would swallow the lines after it, which are joined here.
        if character in "#\\" or not (character.isascii() and (character.isprintable() or character.isspace())):
            raise ValueError(f"{character!r} is no character of an equation; accepted are {_ACCEPTED}.")
    text = " ".join(text.split())
    body = _expression(text)
    _check_depth(body)
    return _Reader(text, vocabulary).node(body)


def _expression(text: str) -> ast.expr:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about texts that are refused anyway
            return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        start = max((error.offset or 1) - 1, 0)
        near = f"near {_shorten(text[start:])!r}" if text[start:] else "at its end"
        raise ValueError(f"{_shorten(text)!r} is no expression, {near}; accepted are {_ACCEPTED}.") from None
    except (ValueError, MemoryError, RecursionError):
        raise ValueError(f"{_shorten(text)!r} is nested too deeply; at most {MAX_DEPTH} levels are accepted.") from None


def _check_depth(body: ast.expr) -> None:
    level: list[ast.AST] = [body]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return
    raise ValueError(f"the text is nested deeper than {MAX_DEPTH} levels (every further term of a sum is one).")


def _shorten(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."


class _Reader:
    """Turns nodes of Python's grammar into ours, and refuses those that have no counterpart."""

    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        self.text, self.names = text, vocabulary

    def fail(self, node: ast.expr, reason: str) -> "ValueError":
        part = ast.get_source_segment(self.text, node) or self.text
        return ValueError(f"{_shorten(part)!r} {reason}")

    def node(self, node: ast.expr) -> Node:
        match node:
            case ast.Constant(value) if type(value) in (int, float):
                return self._made(node, tree.number, value)
            case ast.Name(name):
                return self._name(node, name)
            case ast.UnaryOp(ast.USub(), operand):
                return tree.multiply(tree.Number(-1.0), self.node(operand))
            case ast.UnaryOp(ast.UAdd(), operand):
                return self.node(operand)
            case ast.BinOp():
                return self._operation(node)
            case ast.Call():
                return self._call(node)
        raise self.fail(node, f"is no part of an equation; accepted are {_ACCEPTED}.")

    def _made(self, node: ast.expr, make: Callable[..., Node], *parts: Any) -> Node:
        """A node whose numbers have to come out finite."""
        try:
            return make(*parts)
        except ValueError as error:
            raise self.fail(node, f"{error}.") from None

    def _operation(self, node: ast.BinOp) -> Node:
        match node.op:
            case ast.Add():
                return self._made(node, tree.add, self.node(node.left), self.node(node.right))
            case ast.Sub():
                right = tree.multiply(tree.Number(-1.0), self.node(node.right))
                return self._made(node, tree.add, self.node(node.left), right)
            case ast.Mult():
                return self._made(node, tree.multiply, self.node(node.left), self.node(node.right))
            case ast.Div():
                return self._made(node, tree.divide, self.node(node.left), self.node(node.right))
            case ast.Pow():
                exponent = self.node(node.right)
                if not isinstance(exponent, tree.Number) or abs(exponent.value) > MAX_EXPONENT:
                    raise self.fail(node, f"has an exponent that is no number of at most {MAX_EXPONENT} in size.")
                return self._made(node, tree.power, self.node(node.left), exponent.value)
            case ast.BitXor():
                raise self.fail(node, "has the operator ^; powers are written **.")
        raise self.fail(node, f"has an operator that is not accepted; accepted are {_ACCEPTED}.")

    def _name(self, node: ast.Name, name: str) -> Node:
        names = self.names
        if name in names.fields:
            return tree.Unknown(name)
        if name in names.parameters:
            return tree.Constant(name)
        if name in names.coefficients or name in (*names.space, TIME):
            return tree.Varying(name)
        if name == "pi":
            return tree.Number(math.pi)
        field, _, axes = name.rpartition("_")
        if field in names.fields and axes and set(axes) <= {*SPACE, TIME}:
            return self._derivative(node, tree.Unknown(field), axes)
        raise self.fail(node, f"is not known; known are {', '.join(names)}{self._hint(name)}")

    def _hint(self, name: str) -> str:
        field, _, axes = name.rpartition("_")
        if axes and set(axes) <= {*self.names.space}:
            near = [f"{n}_{axes}" for n in difflib.get_close_matches(field, self.names.fields, 1)]
        else:
            near = difflib.get_close_matches(name, [*self.names, "d", "laplacian", *FUNCTIONS], 1)
        return f"; did you mean {near[0]!r}?" if near else "."

    def _derivative(self, node: ast.expr, argument: Node, axes: str) -> Node:
        if TIME in axes:
            raise self.fail(node, "is a derivative in time; a right-hand side has derivatives in space only.")
        if strange := [a for a in axes if a not in self.names.space]:
            here = ", ".join(self.names.space)
            raise self.fail(node, f"differentiates along {strange[0]!r}; in this many dimensions there is {here}.")
        return self._within_order(node, tree.derivative(argument, axes))

    def _within_order(self, node: ast.expr, made: Node) -> Node:
        if (order := tree.order(made)) > MAX_ORDER:
            raise self.fail(node, f"is a derivative of order {order}; at most {MAX_ORDER} is accepted.")
        return made

    def _call(self, node: ast.Call) -> Node:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        short = _SHORT_DERIVATIVE.fullmatch(name)
        if name not in ("d", "laplacian", *FUNCTIONS) and short is None:
            hint = self._hint(name) if name else "."
            raise self.fail(node, f"calls what is no function here; accepted are {_ACCEPTED}{hint}")
        if node.keywords or len(node.args) != (2 if name == "d" else 1):
            form = "d(u, 'xx')" if name == "d" else f"{name}(u)"
            raise self.fail(node, f"has other arguments than {form}.")
        if name == "d":
            axes = node.args[1].value if isinstance(node.args[1], ast.Constant) else None
            if not isinstance(axes, str) or not axes:
                raise self.fail(node, "must name the axes as text, as in d(u, 'xx').")
            return self._derivative(node, self.node(node.args[0]), axes)
        argument = self.node(node.args[0])
        if short:
            return self._derivative(node, argument, short[1])
        if name == "laplacian":
            return self._within_order(node, tree.laplacian(argument))
        return tree.Apply(name, argument)
