"""A user's own equation, given as text."""

import keyword
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from sciml.describe import Described
from sciml.fields import FieldSpec, ParameterSpec
from sciml.numerics import Derivatives
from sciml.pdes.base import Fields, SemilinearPDE
from sciml.pdes.expression_parser import Vocabulary, is_reserved, parse
from sciml.pdes.expression_split import Split, split
from sciml.pdes.expression_tree import (
    ZERO,
    Evaluation,
    Multiply,
    Node,
    Unknown,
    add,
    leaves,
    multiply,
    total,
    unknown_of,
)
from sciml.pdes.parameters import Parameters
from sciml.shapes import SPACE, TIME


class Equation(Described, SemilinearPDE):
    r"""$u_t = F(u)$ from the text of $F$: `Equation({"u": "-u*u_x - u_xx - nu*u_xxxx"}, {"nu": 1.0})`.

    The text is parsed, never run. It holds numbers, `+ - * / **` with numbers as exponents, parentheses, the names of
    fields, parameters and coordinates (`x`, `y`, `z`, `t`), `pi`, derivatives in space (`u_x`, `u_xxy`), derivatives of
    expressions (`d(u**2/2, 'x')` or `dx(u**2/2)`, `laplacian(u)`), and the functions `abs`, `cos`, `cosh`, `exp`,
    `log`, `sin`, `sinh`, `sqrt`, `tan`, `tanh`. Terms that are, also after multiplying out, a constant times a
    derivative of one field make up the linear part $L$; the rest is $N$.

    Args:
        equations: right-hand side by field, `{"u": "nu*u_xx"}`, or whole equations, `["u_t = nu*u_xx"]`.
        parameters: defaults of the parameters that are numbers, by name.
        coefficients: defaults of the parameters that may vary in space, by name.
        dimensions: number of space dimensions, or several for an equation without a preferred one.
        units: UDUNITS strings by field or parameter; "1" for those left out.

    Raises:
        ValueError: one line: a text that is none of the above, with the part at fault; an unknown name, with the
            nearest known one; a name that cannot be one; a parameter that no equation uses.
    """

    #: Whether terms of another field than the equation's own count as linear.
    couples = True

    def __init__(
        self,
        equations: dict[str, str] | list[str],
        parameters: dict[str, float] | None = None,
        coefficients: dict[str, float] | None = None,
        dimensions: int | list[int] | tuple[int, ...] = 1,
        units: dict[str, str] | None = None,
    ) -> None:
        texts, space = _right_sides(equations), _dimensions(dimensions)
        numbers, varying = _numbers("parameters", parameters), _numbers("coefficients", coefficients)
        names = Vocabulary(tuple(texts), tuple(numbers), tuple(varying), min(space))
        _check_names(names, type(self))
        parts = {name: _parts(name, text, names) for name, text in texts.items()}
        words = set(re.findall(r"\w+", " ".join(texts.values())))
        if unused := [n for n in (*numbers, *varying) if n not in words]:
            raise ValueError(f"the parameter {unused[0]!r} occurs in no equation.")
        units = _units(units, names)
        scalars = tuple(ParameterSpec(n, units.get(n, "1")) for n in numbers)
        functions = tuple(ParameterSpec(n, units.get(n, "1"), field=True) for n in varying)
        # What other equations keep on the class is the instance's own here, and so is the default of each parameter.
        vars(self).update(
            fields=tuple(FieldSpec(n, units.get(n, "1")) for n in texts),
            parameters=scalars + functions,
            dimensions=space,
            **numbers,
            **varying,
        )
        self._meaning = (texts, self.fields, self.parameters, space, numbers, varying)
        self._text = "; ".join(f"{name}_t = {text}" for name, text in texts.items())
        self._linear, self._rest = self._divide(parts)

    @classmethod
    def example(cls) -> "Equation":
        """The FitzHugh-Nagumo equations, in any number of dimensions."""
        right = {"u": "D*laplacian(u) + u - u**3 - v", "v": "eps*(u - a*v)"}
        return cls(right, {"D": 0.01, "eps": 0.1, "a": 0.5}, dimensions=[1, 2, 3])

    @property
    def text(self) -> str:
        return self._text

    def linear(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        value = Evaluation(u, d, p)
        return {name: value(tree) for name, tree in self._linear.items()}

    def nonlinear(self, u: Fields, d: Derivatives, p: Parameters) -> Fields:
        value = Evaluation(u, d, p)
        return {name: value(tree) for name, tree in self._rest.items()}

    def _divide(self, parts: Mapping[str, Split]) -> tuple[dict[str, Node], dict[str, Node]]:
        """Linear part and rest by component, each left out where it is empty."""
        linear: dict[str, Node] = {}
        others: dict[str, Node] = {}
        for name, (terms, rest) in parts.items():
            nothing = Multiply(ZERO, Unknown(name))
            mine = [self.couples or unknown_of(image) == name for _, image in terms]
            if any(mine):
                linear[name] = total(multiply(*term) for term, own in zip(terms, mine, strict=True) if own)
            rest = add(rest, total(multiply(*term) for term, own in zip(terms, mine, strict=True) if not own))
            if rest != ZERO:
                # A source alone takes the shape of its component.
                others[name] = rest if any(isinstance(leaf, Unknown) for leaf in leaves(rest)) else add(rest, nothing)
            elif name not in linear:
                linear[name] = nothing
        return linear, others

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Equation) and self._meaning == other._meaning

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._text})"


def _right_sides(equations: Mapping[str, str] | Iterable[str]) -> dict[str, str]:
    """Right-hand sides by field, on one line each."""
    if isinstance(equations, Mapping):
        pairs = list(equations.items())
    elif isinstance(equations, list | tuple):
        found = [re.match(r"\s*(\w+)_t\s*=(?!=)", text) if isinstance(text, str) else None for text in equations]
        pairs = [(m[1] if m else "", text) for m, text in zip(found, equations, strict=True)]
    else:
        raise ValueError(f"equations={equations!r} must be texts by field, or a list of texts 'u_t = ...'.")
    texts: dict[str, str] = {}
    for name, text in pairs:
        if not isinstance(text, str) or not name:
            raise ValueError(f"equations: {text!r} must be the text of an equation, as in 'u_t = nu*u_xx'.")
        if name in texts:
            raise ValueError(f"equations: {name!r} has two equations.")
        left, equals, right = text.partition("=")
        if equals and left.strip() != f"{name}_t":
            raise ValueError(f"equation of {name!r}: the left side {left.strip()!r} must be '{name}_t'.")
        texts[name] = " ".join((right if equals else text).split())
    if not texts:
        raise ValueError("equations is empty; it needs one for each field.")
    return texts


def _dimensions(given: int | Iterable[int]) -> tuple[int, ...]:
    numbers = (given,) if isinstance(given, int) else tuple(given)
    if not numbers or any(n not in (1, 2, 3) or isinstance(n, bool) for n in numbers):
        raise ValueError(f"dimensions={given!r} must be 1, 2, 3, or a list of those.")
    return numbers


def _numbers(argument: str, given: Mapping[str, Any] | None) -> dict[str, float]:
    for name, value in (given or {}).items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"{argument}: {name}={value!r} must be a finite number.")
    return {name: float(value) for name, value in (given or {}).items()}


def _units(given: Mapping[str, str] | None, names: Vocabulary) -> dict[str, str]:
    known = (*names.fields, *names.parameters, *names.coefficients)
    if unknown := [n for n in given or {} if n not in known]:
        raise ValueError(f"units: {unknown[0]!r} is not known; known are {', '.join(known)}.")
    return dict(given or {})


def _check_names(names: Vocabulary, cls: type) -> None:
    declared = (*names.fields, *names.parameters, *names.coefficients)
    for position, name in enumerate(declared):
        field, _, axes = name.rpartition("_")
        if not re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII) or "__" in name or keyword.iskeyword(name):
            raise ValueError(f"the name {name!r} must be made of letters, digits and single underscores.")
        if is_reserved(name) or (hasattr(cls, name) and name not in names.fields):
            raise ValueError(f"the name {name!r} has a meaning of its own; choose another.")
        if field in names.fields and axes and set(axes) <= {*SPACE, TIME}:
            raise ValueError(f"the name {name!r} is a derivative of {field!r}; choose another.")
        if name in declared[:position]:
            raise ValueError(f"the name {name!r} is given twice.")


def _parts(name: str, text: str, names: Vocabulary) -> Split:
    """The linear terms of a right-hand side, and its rest."""
    try:
        tree = parse(text, names)
    except ValueError as error:
        raise ValueError(f"equation of {name!r}: {error}") from None
    try:
        return split(tree)
    except ValueError as error:
        raise ValueError(f"equation of {name!r}: a coefficient, multiplied out, {error}.") from None
