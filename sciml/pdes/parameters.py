"""What an equation sees as `p`: numbers, trainable coefficients, coefficient fields, and the coordinates."""

import difflib
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from sciml.fields import ParameterSpec
from sciml.numerics import Derivatives, call_with_coordinates


def vector(p: "Parameters", name: str, d: Derivatives) -> tuple[Any, ...]:
    """The components `<name>_x`, `<name>_y`, ... of a constant vector, as many as there are axes of space."""
    return tuple(getattr(p, f"{name}_{axis}") for axis in d.space)


class Parameters:
    """Attribute access to parameters and coordinates, in the shapes that the fields at hand need.

    Args:
        specs: the equation's parameters.
        values: what was given; a number, a 0-d tensor (trainable, for inverse problems), `(b,)` per sample, a callable
            of the coordinates, or, for a coefficient field on a grid, a tensor `(*s)` or `(b, *s)`.
        defaults: where nothing was given.
        coordinates: by axis name.
        rank: number of grid axes behind the batch axis, to which `(b,)` is broadcast.
        pointwise: whether fields live at single points, where a coefficient field must be a callable.
        device: where tensors are brought; left where they are without one.

    Raises:
        AttributeError: on access to a name that is neither, with the names there are.
    """

    def __init__(
        self,
        specs: tuple[ParameterSpec, ...],
        values: Mapping[str, Any],
        defaults: Mapping[str, Any],
        coordinates: Mapping[str, Any],
        rank: int = 0,
        pointwise: bool = False,
        device: torch.device | str | None = None,
    ) -> None:
        self._specs = {s.name: s for s in specs}
        given = {**{k: v for k, v in defaults.items() if k in self._specs}, **values}
        self._values = {k: v.to(device or v.device) if isinstance(v, Tensor) else v for k, v in given.items()}
        self._coordinates, self._rank, self._pointwise = coordinates, rank, pointwise

    def at(self, **coordinates: Any) -> "Parameters":
        """The same parameters with further coordinates: a method that marches gives the time of each stage."""
        moved = object.__new__(type(self))
        moved.__dict__.update(self.__dict__)
        moved._coordinates = {**self._coordinates, **coordinates}
        return moved

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self._values:
            return self._lift(name, self._values[name])
        if name in self._coordinates:
            return self._coordinates[name]
        known = [*self._values, *self._coordinates]
        near = difflib.get_close_matches(name, known, 1)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        raise AttributeError(f"no parameter or coordinate {name!r}; there are {', '.join(known)}{hint}")

    def _lift(self, name: str, value: Any) -> Any:
        if callable(value) and not isinstance(value, Tensor):
            return call_with_coordinates(value, self._coordinates)
        field = self._specs[name].field if name in self._specs else False
        if isinstance(value, Tensor) and value.ndim:
            if field and self._pointwise:
                raise ValueError(f"{name} is a tensor; at points a coefficient must be a callable of the coordinates.")
            if not field:
                return value.view(-1, *[1] * self._rank)
        return value
