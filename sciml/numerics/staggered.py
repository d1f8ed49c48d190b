"""A field that lives partly halfway between the points of a grid, where centred differences of one spacing lie.

It is what keeps `d(a * d(u, "x"), "x")` in flux form: the inner derivative and the flux live on the faces between the
points, and the outer derivative takes the difference of two faces. Sums are kept apart by place, so that nothing is
averaged before it has to be.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

#: A tensor whose axes of space are those of the grid, or one that does not vary along them.
Plain = Any


class Staggered:
    """A sum of a field at the points and of fields halfway between neighbours along one axis each.

    Products with plain tensors average those to the faces; a nonlinear function of faces of one axis alone is taken
    there, of anything else at the points.

    Args:
        points: at the points, or a number.
        faces: by (negative) number of their axis, along which they have one entry less than the points.
    """

    def __init__(self, points: Plain, faces: Mapping[int, Tensor]) -> None:
        self.points, self.faces = points, dict(faces)

    @property
    def axis(self) -> int | None:
        """The axis on whose faces the whole field lives, if there is one."""
        alone = len(self.faces) == 1 and not isinstance(self.points, Tensor) and self.points == 0
        return next(iter(self.faces)) if alone else None

    def at_points(self) -> Tensor:
        """All parts at the points; the outermost ones take the value of their neighbour."""
        total = self.points
        for axis, part in self.faces.items():
            total = total + padded(to_faces(part, axis), axis)
        return total

    def map(self, function: Callable[[Any, int | None], Any]) -> "Staggered":
        """A linear function of every part; it is given the part and its axis."""
        faces = {axis: function(part, axis) for axis, part in self.faces.items()}
        return Staggered(function(self.points, None), faces)

    def __neg__(self) -> "Staggered":
        return self.map(lambda part, _: -part)

    def __add__(self, other: Any) -> "Staggered":
        if not isinstance(other, Staggered):
            return Staggered(self.points + other, self.faces)
        both = {axis: self.faces[axis] + other.faces[axis] for axis in self.faces if axis in other.faces}
        return Staggered(self.points + other.points, {**self.faces, **other.faces, **both})

    __radd__ = __add__

    def __sub__(self, other: Any) -> "Staggered":
        return self + (-other)

    def __rsub__(self, other: Any) -> "Staggered":
        return -self + other

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, Staggered):
            return _apply(operator.mul, self, other)
        return self.map(lambda part, axis: part * (other if axis is None else to_faces(other, axis)))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        if isinstance(other, Staggered):
            return _apply(operator.truediv, self, other)
        return self.map(lambda part, axis: part / (other if axis is None else to_faces(other, axis)))

    def __rtruediv__(self, other: Any) -> Any:
        return _apply(operator.truediv, other, self)

    def __pow__(self, exponent: Any) -> Any:
        return _apply(operator.pow, self, exponent)

    def __gt__(self, other: Any) -> Tensor:
        return self.at_points() > _at_points(other)

    def __lt__(self, other: Any) -> Tensor:
        return self.at_points() < _at_points(other)

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function in _BINARY and not kwargs:
            left, right = args
            if isinstance(left, Staggered):
                return _BINARY[function](left, right)
            return _REFLECTED[_BINARY[function]](right, left)
        return _apply(function, *args, **(kwargs or {}))


_BINARY: dict[Any, Callable[[Any, Any], Any]] = {
    torch.add: operator.add,
    Tensor.add: operator.add,
    Tensor.__add__: operator.add,
    Tensor.__radd__: operator.add,
    torch.sub: operator.sub,
    Tensor.sub: operator.sub,
    Tensor.__sub__: operator.sub,
    torch.mul: operator.mul,
    Tensor.mul: operator.mul,
    Tensor.__mul__: operator.mul,
    Tensor.__rmul__: operator.mul,
    torch.div: operator.truediv,
    Tensor.div: operator.truediv,
    Tensor.__truediv__: operator.truediv,
}
#: `left op right` with the staggered field on the right.
_REFLECTED: dict[Callable[[Any, Any], Any], Callable[[Staggered, Any], Any]] = {
    operator.add: lambda right, left: right + left,
    operator.sub: lambda right, left: -right + left,
    operator.mul: lambda right, left: right * left,
    operator.truediv: lambda right, left: right.__rtruediv__(left),
}


def _apply(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """A function of several fields: on the faces if all staggered ones live on those of one axis, or at the points."""
    axes = {a.axis for a in args if isinstance(a, Staggered)}
    # A truth value has no mean.
    axes |= {None for a in args if isinstance(a, Tensor) and a.dtype == torch.bool}
    (axis,) = axes if len(axes) == 1 else (None,)
    if axis is None:
        return function(*(_at_points(a) for a in args), **{k: _at_points(v) for k, v in kwargs.items()})
    faces = [a.faces[axis] if isinstance(a, Staggered) else to_faces(a, axis) for a in args]
    return Staggered(0.0, {axis: function(*faces, **kwargs)})


def _at_points(field: Any) -> Any:
    if isinstance(field, list | tuple):
        return type(field)(_at_points(one) for one in field)
    return field.at_points() if isinstance(field, Staggered) else field


def to_faces(field: Plain, axis: int) -> Plain:
    """Means of neighbours along an axis; what does not vary along it stays as it is."""
    if not isinstance(field, Tensor) or field.ndim < -axis or field.shape[axis] == 1:
        return field
    n = field.shape[axis]
    return 0.5 * (field.narrow(axis, 0, n - 1) + field.narrow(axis, 1, n - 1))


def padded(field: Tensor, axis: int) -> Tensor:
    """One more layer at both ends, a copy of the outermost one."""
    n = field.shape[axis]
    return torch.cat([field.narrow(axis, 0, 1), field, field.narrow(axis, n - 1, 1)], axis)


def difference(field: Tensor, axis: int, h: float) -> Tensor:
    """Differences of neighbours along an axis, divided by the spacing."""
    n = field.shape[axis]
    return (field.narrow(axis, 1, n - 1) - field.narrow(axis, 0, n - 1)) / h
