"""The on-disk layout as code: what a data set holds, and which array lies where in a file.

A file follows The Well's layout (root attributes, `/dimensions`, `/boundary_conditions`, `/scalars`, `/t0_fields`,
`/t1_fields`, `/t2_fields`); `/samples` and the attributes `schema_version` and `spec` are ours. `datasets/README.md`
has the layout in words.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sciml.fields import Boundaries, FieldSpec, Grid, ParameterSpec, channel_names

SCHEMA_VERSION = 1
SPLITS = ("train", "valid", "test")
DTYPES = ("float32", "float64")
#: Groups of fields by tensor rank.
RANK_GROUPS = ("t0_fields", "t1_fields", "t2_fields")
#: One number per trajectory in `/samples`: number within the data set, seed, the solver's final residual, `Status`.
SAMPLE_DTYPES = {"index": "int64", "seed": "int64", "residual": "float64", "status": "uint8"}


#: What a data set may be called.
NAME = r"[A-Za-z0-9_][A-Za-z0-9_.\-]*"


@dataclass(frozen=True)
class DatasetSpec:
    """What a data set holds, whatever the number of its trajectories.

    Args:
        name: of the data set and of its folder: letters, digits, `_`, `-` and `.`.
        fields: fields with a time axis.
        static: fields without one (coefficients, masks).
        parameters: scalars, one number per trajectory.
        grid: where the fields live.
        boundaries: conditions on its faces.
        times: ascending; a stationary problem has the one time 0.
        time_unit, length_unit: UDUNITS strings of `times` and of the grid's coordinates.
        dtype: of the arrays on disk, `float32` or `float64`.
        meta: equation, licence, citation, `recipe_hash`, ...: plain data that JSON can hold.

    Raises:
        ValueError: names that occur twice, times that do not ascend, an unknown dtype, `meta` that JSON cannot hold.
    """

    name: str
    fields: tuple[FieldSpec, ...]
    static: tuple[FieldSpec, ...]
    parameters: tuple[ParameterSpec, ...]
    grid: Grid
    boundaries: Boundaries
    times: tuple[float, ...] = (0.0,)
    time_unit: str = "1"
    length_unit: str = "1"
    dtype: str = "float32"
    meta: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("fields", "static", "parameters"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        object.__setattr__(self, "times", tuple(float(t) for t in self.times))
        if not re.fullmatch(NAME, self.name):
            raise ValueError(f"name={self.name!r} must consist of letters, digits, '_', '-' and '.'.")
        if not self.fields:
            raise ValueError(f"fields of {self.name!r} is empty; a data set has at least one.")
        names = [spec.name for spec in (*self.fields, *self.static)]
        for kind, group in (("field", names), ("parameter", [p.name for p in self.parameters])):
            if twice := sorted({n for n in group if group.count(n) > 1}):
                raise ValueError(f"{kind} {twice[0]!r} of {self.name!r} occurs twice.")
        if wrong := [p.name for p in self.parameters if not p.name.isidentifier()]:
            raise ValueError(f"parameter {wrong[0]!r} of {self.name!r} must be an identifier.")
        pairs = zip(self.times, self.times[1:], strict=False)
        if not self.times or not all(a < b for a, b in pairs) or not all(abs(t) < float("inf") for t in self.times):
            raise ValueError(f"times of {self.name!r} must be finite, ascending and at least one.")
        if self.dtype not in DTYPES:
            raise ValueError(f"dtype={self.dtype!r} must be one of {', '.join(DTYPES)}.")
        try:
            # Through JSON and back: a spec then equals the one that is read from a file.
            object.__setattr__(self, "meta", json.loads(json.dumps(dict(self.meta), allow_nan=False)))
        except (TypeError, ValueError) as error:
            raise ValueError(f"meta of {self.name!r} is not plain data: {error}.") from None

    @property
    def channels(self) -> tuple[str, ...]:
        """Channel names of `fields`."""
        return channel_names(self.fields, self.grid.dimensions)

    @property
    def static_channels(self) -> tuple[str, ...]:
        """Channel names of `static`."""
        return channel_names(self.static, self.grid.dimensions)

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "fields": [f.to_dict() for f in self.fields],
            "static": [f.to_dict() for f in self.static],
            "parameters": [p.to_dict() for p in self.parameters],
            "grid": self.grid.to_dict(),
            "boundaries": self.boundaries.to_dict(),
            "times": list(self.times),
            "time_unit": self.time_unit,
            "length_unit": self.length_unit,
            "dtype": self.dtype,
            "meta": self.meta,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "DatasetSpec":
        """Reads what `to_dict` writes.

        Raises:
            ValueError: a key that is missing or unknown, or a value that the constructor refuses.
        """
        plain = dict(data)
        try:
            plain["fields"] = tuple(FieldSpec.from_dict(f) for f in plain["fields"])
            plain["static"] = tuple(FieldSpec.from_dict(f) for f in plain.get("static", ()))
            plain["parameters"] = tuple(ParameterSpec.from_dict(p) for p in plain.get("parameters", ()))
            plain["grid"] = Grid.from_dict(plain["grid"])
            plain["times"] = tuple(plain.get("times", (0.0,)))
            plain["boundaries"] = Boundaries.from_dict(plain["boundaries"])
            return cls(**plain)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"no description of a data set: {type(error).__name__}: {error}.") from None


@dataclass(frozen=True)
class Place:
    """Where a field lies in a file.

    Args:
        path: of the data set in the file.
        spec: of the field.
        time_varying: whether it has a time axis.
        shape: without the leading trajectory axis: `([t,] *s[, component])`.
    """

    path: str
    spec: FieldSpec
    time_varying: bool
    shape: tuple[int, ...]


def places(spec: DatasetSpec) -> dict[str, Place]:
    """The place of every field and static field, by name, in the order of the spec."""
    dimensions, found = spec.grid.dimensions, {}
    for group, time in ((spec.fields, (len(spec.times),)), (spec.static, ())):
        for one in group:
            shape = (*time, *spec.grid.shape, *(dimensions,) * one.rank)
            found[one.name] = Place(f"{RANK_GROUPS[one.rank]}/{one.name}", one, bool(time), shape)
    return found
