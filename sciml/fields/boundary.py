"""Boundary conditions as objects that grid solvers, networks and files share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

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


@dataclass(frozen=True)
class Neumann:
    r"""$\partial u / \partial n = g$ on the face, with the outward normal.

    Args:
        value: $g$.
    """

    value: Value = 0.0
    kind: ClassVar[str] = "NEUMANN"


Condition = Periodic | Dirichlet | Neumann
_CONDITIONS: dict[str, type] = {c.kind: c for c in (Periodic, Dirichlet, Neumann)}


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

    def _find(self, face: str, field: str) -> Condition | None:
        for key in ((face, field), (face[0], field), ("all", field), face, face[0], "all"):
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

    def to_dict(self) -> dict[str, Any]:
        """Plain data for files. An array or a callable is recorded as `"given"`: files keep it as a field."""
        plain = {}
        for key, condition in self.conditions.items():
            entry: dict[str, Any] = {"kind": condition.kind}
            if not isinstance(condition, Periodic):
                entry["value"] = condition.value if isinstance(condition.value, int | float) else "given"
            plain[":".join(key) if isinstance(key, tuple) else key] = entry
        return plain

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Boundaries":
        """Reads what `to_dict` writes. A value recorded as `"given"` becomes NaN: nobody takes it for a number."""
        conditions: dict[str | tuple[str, str], Condition] = {}
        for name, entry in data.items():
            if entry.get("kind") not in _CONDITIONS:
                raise ValueError(f"kind={entry.get('kind')!r} of {name!r} must be one of {', '.join(_CONDITIONS)}.")
            face, _, field = name.partition(":")
            value = entry.get("value", 0.0)
            arguments = () if entry["kind"] == Periodic.kind else (float("nan") if value == "given" else float(value),)
            conditions[(face, field) if field else face] = _CONDITIONS[entry["kind"]](*arguments)
        return cls(conditions)
