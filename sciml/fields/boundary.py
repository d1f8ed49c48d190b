"""Boundary conditions as objects that grid solvers, networks and files share."""

import dataclasses
import math
import numbers
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from sciml.fields.spec import FieldSpec
from sciml.shapes import SPACE

#: A number, an array over the face, or a callable of the coordinates (and of `t`, where there is one).
Value = float | np.ndarray | Callable[..., Any]


@dataclass(frozen=True)
class Periodic:
    """$u(x + P) = u(x)$, on both faces of an axis."""

    kind: ClassVar[str] = "PERIODIC"


@dataclass(frozen=True)
class Dirichlet:
    """$u = g$ on the face.

    Args:
        value: $g$.
    """

    value: Value = 0.0
    kind: ClassVar[str] = "DIRICHLET"

    @property
    def coefficients(self) -> tuple[Value, Value, Value]:
        r"""$a, b, g$ of $a\,u + b\,\partial u/\partial n = g$."""
        return 1.0, 0.0, self.value


@dataclass(frozen=True)
class Neumann:
    r"""$\partial u / \partial n = g$ on the face, with the outward normal.

    Args:
        value: $g$.
    """

    value: Value = 0.0
    kind: ClassVar[str] = "NEUMANN"

    @property
    def coefficients(self) -> tuple[Value, Value, Value]:
        r"""$a, b, g$ of $a\,u + b\,\partial u/\partial n = g$."""
        return 0.0, 1.0, self.value


@dataclass(frozen=True)
class Robin:
    r"""$a\,u + b\,\partial u/\partial n = g$ on the face, with the outward normal.

    Diffusion with $b > 0$ is dissipative for $a \ge 0$; a negative quotient feeds the field through the face.

    Args:
        a: weight of the value.
        b: weight of the outward slope, unit length.
        value: $g$.

    Raises:
        ValueError: both weights are zero.
    """

    a: Value = 1.0
    b: Value = 1.0
    value: Value = 0.0
    kind: ClassVar[str] = "ROBIN"

    def __post_init__(self) -> None:
        if all(isinstance(w, numbers.Real) and w == 0 for w in (self.a, self.b)):
            raise ValueError("a=0 and b=0 leave no condition; one of both must differ from zero.")

    @property
    def coefficients(self) -> tuple[Value, Value, Value]:
        r"""$a, b, g$ of $a\,u + b\,\partial u/\partial n = g$."""
        return self.a, self.b, self.value


@dataclass(frozen=True)
class Outflow:
    """Waves leave: beyond the face the field continues with its last value.

    It belongs to hyperbolic systems and says what a scheme does; it is no equation that a solution satisfies.
    """

    kind: ClassVar[str] = "OUTFLOW"


@dataclass(frozen=True)
class Wall:
    """Nothing passes: the normal component of a vector is zero, and so is the normal slope of a scalar.

    Args:
        slip: whether the fluid slides along (no tangential stress: the tangential components have no normal slope)
            or moves with the wall.
        velocity: of a wall without slip, for every tangential component; a tuple has one value per tangential
            component, in index order.

    Raises:
        ValueError: a velocity of a wall with slip, which drags nothing.
    """

    slip: bool = True
    velocity: Value | tuple[Value, ...] = 0.0
    kind: ClassVar[str] = "WALL"

    def __post_init__(self) -> None:
        if isinstance(self.velocity, list):
            object.__setattr__(self, "velocity", tuple(self.velocity))
        if self.slip and not (isinstance(self.velocity, numbers.Real) and self.velocity == 0):
            raise ValueError(f"velocity={self.velocity!r} of a wall with slip has no effect; give slip=False.")

    def on_component(self, spec: FieldSpec, component: int, normal: int) -> "Dirichlet | Neumann":
        """What the wall means for one component of a field on a face across axis number `normal`.

        Raises:
            ValueError: a tensor field, or a tuple of velocities that has no entry for the component.
        """
        if spec.rank == 0:
            return Neumann()
        if spec.rank == 2:
            raise ValueError(f"a wall says nothing about the tensor {spec.name!r}; give its components conditions.")
        if component == normal:
            return Dirichlet()
        if self.slip:
            return Neumann()
        if not isinstance(self.velocity, tuple):
            return Dirichlet(self.velocity)
        tangential = component - (component > normal)
        if tangential >= len(self.velocity):
            raise ValueError(f"velocity={self.velocity!r} has no entry for component {component} of {spec.name!r}.")
        return Dirichlet(self.velocity[tangential])


Condition = Periodic | Dirichlet | Neumann | Robin | Outflow | Wall
#: Every condition by the name that files use.
CONDITIONS: dict[str, type] = {c.kind: c for c in (Periodic, Dirichlet, Neumann, Robin, Outflow, Wall)}


def _faces(key: str) -> tuple[str, ...]:
    """`"x"` means both faces of the axis, `"x-"` the low one, `"x+"` the high one, `"all"` every face."""
    if key == "all":
        return tuple(f"{a}{s}" for a in SPACE for s in "-+")
    if key and key[0] in SPACE and key[1:] in ("", "-", "+"):
        return (key,) if key[1:] else (f"{key}-", f"{key}+")
    raise ValueError(f"face {key!r} is none of 'all', 'x', 'x-', 'x+', 'y', ...")


@dataclass(frozen=True)
class Boundaries:
    """A condition per face and field.

    Args:
        conditions: keys are faces (`"x-"`, `"x+"`, `"x"` for both, `"all"`) or pairs of face and field name; a pair
            overrides the face alone, and a face overrides `"all"`.

    Raises:
        ValueError: an unknown face, or an axis that is periodic on one face only.
    """

    conditions: Mapping[str | tuple[str, str], Condition]

    def __post_init__(self) -> None:
        for key in self.conditions:
            _faces(key[0] if isinstance(key, tuple) else key)
        fields = {key[1] for key in self.conditions if isinstance(key, tuple)} | {""}
        for axis in SPACE:
            for field in fields:
                low, high = self._find(f"{axis}-", field), self._find(f"{axis}+", field)
                if isinstance(low, Periodic) != isinstance(high, Periodic):
                    raise ValueError(f"axis {axis!r} is periodic on one face only.")

    @classmethod
    def periodic(cls) -> "Boundaries":
        return cls({"all": Periodic()})

    @classmethod
    def dirichlet(cls, value: Value = 0.0) -> "Boundaries":
        return cls({"all": Dirichlet(value)})

    def _find(self, face: str, *names: str) -> Condition | None:
        """The most specific entry: names first, in their order, then faces."""
        keys: list[str | tuple[str, str]] = [(f, n) for n in names for f in (face, face[0], "all")]
        for key in (*keys, face, face[0], "all"):
            if key in self.conditions:
                return self.conditions[key]
        return None

    def on(self, face: str, field: str = "") -> Condition:
        """The condition of a field on one face.

        Raises:
            ValueError: the face has none.
        """
        found = self._find(face, field)
        if found is None:
            raise ValueError(f"field {field!r} has no boundary condition on face {face!r}.")
        return found

    def is_periodic(self, axis: str, field: str = "") -> bool:
        return isinstance(self._find(f"{axis}-", field), Periodic)

    def by_component(self, face: str, specs: Sequence[FieldSpec], dimensions: int) -> dict[str, Condition]:
        """The condition of every component on one face: a wall is told apart into what it means for each.

        A condition given for a component (`"u_x"`) overrides that of its field (`"u"`).

        Args:
            face: `"x-"`, `"x+"`, `"y-"`, ...
            specs: the fields.
            dimensions: number of space axes.

        Raises:
            ValueError: a field without a condition, or a wall for a tensor.
        """
        found: dict[str, Condition] = {}
        for spec in specs:
            for i, name in enumerate(spec.components(dimensions)):
                condition = self._find(face, name, spec.name)
                if condition is None:
                    raise ValueError(f"field {name!r} has no boundary condition on face {face!r}.")
                if isinstance(condition, Wall):
                    condition = condition.on_component(spec, i, SPACE.index(face[0]))
                found[name] = condition
        return found

    def to_dict(self) -> dict[str, Any]:
        """Plain data for files. An array, a callable or NaN is recorded as `"given"`: files keep it as a field."""
        plain = {}
        for key, condition in self.conditions.items():
            entry: dict[str, Any] = {"kind": condition.kind}
            entry |= {f.name: _plain(getattr(condition, f.name)) for f in dataclasses.fields(condition)}
            plain[":".join(key) if isinstance(key, tuple) else key] = entry
        return plain

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Boundaries":
        """Reads what `to_dict` writes. A value recorded as `"given"` becomes NaN: nobody takes it for a number.

        Raises:
            ValueError: an unknown kind, an argument that the kind does not have, or one that is no number.
        """
        conditions: dict[str | tuple[str, str], Condition] = {}
        for name, entry in data.items():
            if entry.get("kind") not in CONDITIONS:
                raise ValueError(f"kind={entry.get('kind')!r} of {name!r} must be one of {', '.join(CONDITIONS)}.")
            face, _, field = name.partition(":")
            conditions[(face, field) if field else face] = _condition(name, entry)
        return cls(conditions)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float) and math.isnan(value):
        return "given"
    if isinstance(value, bool | int | float):
        return value
    return float(value) if isinstance(value, numbers.Real) else "given"


def _condition(name: str, entry: Mapping[str, Any]) -> Condition:
    cls = CONDITIONS[entry["kind"]]
    accepted = [f.name for f in dataclasses.fields(cls)]
    given = {key: value for key, value in entry.items() if key != "kind"}
    if unknown := [key for key in given if key not in accepted]:
        takes = f"it takes {', '.join(accepted)}" if accepted else "it takes none"
        raise ValueError(f"{name!r}: {entry['kind']} has no argument {unknown[0]!r}; {takes}.")
    try:
        return cls(**{key: _read(key, value) for key, value in given.items()})
    except ValueError as error:
        raise ValueError(f"{name!r}: {error}") from None


def _read(key: str, value: Any) -> Any:
    if key == "slip":
        if not isinstance(value, bool):
            raise ValueError(f"slip={value!r} must be true or false.")
        return value
    if key == "velocity" and isinstance(value, list | tuple):
        return tuple(_read("velocity of one component", v) for v in value)
    if value == "given":
        return float("nan")
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise ValueError(f"{key}={value!r} must be a number.")
    return float(value)
