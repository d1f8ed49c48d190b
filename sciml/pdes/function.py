"""A function of the coordinates, given as text: what a file may say about an initial state or a force."""

import inspect
from typing import Any

from sciml.describe import Described
from sciml.numerics import Field
from sciml.pdes.expression_parser import Vocabulary, parse
from sciml.pdes.expression_tree import Evaluation, Varying, leaves
from sciml.pdes.parameters import Parameters
from sciml.shapes import SPACE


class Function(Described):
    r"""$f(x, y, z, t)$ from its text: `Function("x**2*cos(pi*x)")`.

    The text is parsed, never run; it holds numbers, the coordinates `x`, `y`, `z`, `t`, `pi`, `+ - * / **`, parentheses
    and the functions of `Equation`. Called with the coordinates that it names, as keywords, on tensors and on jets.

    Args:
        text: of the function.

    Raises:
        ValueError: one line that names the part at fault and what is accepted.
    """

    def __init__(self, text: str) -> None:
        self.text = str(text)
        self._tree = parse(self.text, Vocabulary((), (), (), len(SPACE)))
        self.coordinates = tuple(sorted(leaf.name for leaf in leaves(self._tree) if isinstance(leaf, Varying)))
        kinds = inspect.Parameter.KEYWORD_ONLY
        self.__signature__ = inspect.Signature([inspect.Parameter(n, kinds) for n in self.coordinates])

    @classmethod
    def example(cls) -> "Function":
        return cls("x**2*cos(pi*x)")

    def __call__(self, **coordinates: Field) -> Field:
        return Evaluation({}, None, Parameters((), {}, {}, coordinates))(self._tree)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Function) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Function({self.text!r})"


def as_function(given: Any) -> Any:
    """Text as a function; whatever else it is, unchanged."""
    return Function(given) if isinstance(given, str) else given
