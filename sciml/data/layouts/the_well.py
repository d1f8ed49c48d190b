"""The Well's layout: fields by tensor rank, one file per split and setting of the parameters."""

from pathlib import Path
from typing import Any, ClassVar

import h5py
import numpy as np
import yaml

from sciml.data.hdf5 import BC_TYPES
from sciml.data.layouts.base import Layout, Trajectories, constants, created, float32
from sciml.data.normalization import read_statistics, statistics
from sciml.data.schema import RANK_GROUPS, DatasetSpec

#: Statistics per field that the layout has.
_STATISTICS = ("mean", "std", "rms")


class TheWellLayout(Layout):
    """`data/{train,valid,test}/NAME.hdf5` and `stats.yaml`; float32, all three groups of fields, flags per field.

    Constants of the equation are simulation parameters, attributes of the root; a parameter that varies is a scalar
    that varies over the trajectories. A coefficient is a field that does not vary in time. Text has variable length and
    the file the library's oldest format, as the published ones.

    Reference: Ohana et al. (2024), The Well, NeurIPS, and the format page of its documentation.
    """

    layout: ClassVar[str] = "The Well (.hdf5)"

    def refuses(self, spec: DatasetSpec) -> str | None:
        return None

    def write(self, source: Trajectories, folder: Path) -> None:
        for split, (start, stop) in source.rows.items():
            with created(folder / "data" / split / f"{source.spec.name}.hdf5") as file:
                self._header(file, source.spec, stop - start)
                self._fields(file, source, range(start, stop))
        if "train" in source.splits:
            (folder / "stats.yaml").write_text(yaml.safe_dump(self._statistics(source), sort_keys=True))

    def _header(self, file: h5py.File, spec: DatasetSpec, n: int) -> None:
        fixed = constants(spec)
        file.attrs["dataset_name"], file.attrs["grid_type"] = spec.name, "cartesian"
        file.attrs["n_spatial_dims"], file.attrs["n_trajectories"] = spec.grid.dimensions, n
        _names(file, "simulation_parameters", list(fixed))
        file.attrs.update(fixed)
        dimensions = file.create_group("dimensions")
        _names(dimensions, "spatial_dims", list(spec.grid.names))
        _put(dimensions, "time", np.array(spec.times), sample_varying=False)
        for name, axis in zip(spec.grid.names, spec.grid.axes, strict=True):
            _put(dimensions, name, axis.coords, sample_varying=False, time_varying=False)
        self._conditions(file.create_group("boundary_conditions"), spec)

    def _conditions(self, group: h5py.Group, spec: DatasetSpec) -> None:
        """One entry per axis and kind of condition, whose mask is true at the ends where the named fields have it."""
        for name, n in zip(spec.grid.names, spec.grid.shape, strict=True):
            faces: dict[tuple[str, tuple[str, ...]], list[int]] = {}
            for side, place in (("-", 0), ("+", n - 1)):
                for kind in BC_TYPES:
                    fields = tuple(f.name for f in spec.fields if _kind(spec, name + side, f.name) == kind)
                    if fields:
                        faces.setdefault((kind, fields), []).append(place)
            for (kind, fields), ends in faces.items():
                label = f"{name}_{BC_TYPES[kind].lower()}"
                entry = group.create_group(label if label not in group else f"{label}_{'_'.join(fields)}")
                _names(entry, "associated_dims", [name])
                _names(entry, "associated_fields", list(fields))
                entry.attrs["bc_type"] = BC_TYPES[kind]
                entry.attrs["sample_varying"] = entry.attrs["time_varying"] = False
                mask = np.zeros(n, dtype=bool)
                mask[ends] = True
                entry.create_dataset("mask", data=mask, track_times=False)

    def _fields(self, file: h5py.File, source: Trajectories, rows: range) -> None:
        spec, n = source.spec, len(rows)
        d, s = spec.grid.dimensions, spec.grid.shape
        scalars = file.create_group("scalars")
        _names(scalars, "field_names", [p.name for p in spec.parameters] + list(constants(spec)))
        values = source.params[rows.start : rows.stop]
        for i, p in enumerate(spec.parameters):
            _put(scalars, p.name, values[:, i], sample_varying=True, time_varying=False)
        for name, value in constants(spec).items():
            _put(scalars, name, np.array(value), sample_varying=False, time_varying=False)
        arrays: dict[str, h5py.Dataset] = {}
        for rank, group in enumerate(RANK_GROUPS):
            members = [f for f in (*spec.fields, *spec.static) if f.rank == rank]
            _names(file.create_group(group), "field_names", [f.name for f in members])
            for one in members:
                timed = one in spec.fields
                shape = (n, *((len(spec.times),) if timed else ()), *s, *(d,) * rank)
                arrays[one.name] = float32(file, f"{group}/{one.name}", shape)
                attributes: dict[str, Any] = {"dim_varying": np.ones(d, dtype=bool), "sample_varying": True}
                attributes |= {"time_varying": timed, "units": one.unit}
                if rank == 2:
                    attributes |= {"symmetric": False, "antisymmetric": False}
                arrays[one.name].attrs.update(attributes)
        for piece in source.pieces(rows):
            for name, a in (*piece.fields.items(), *piece.static.items()):
                axis = 2 if name in piece.fields else 1
                target = arrays[name]
                target[piece.rows] = np.moveaxis(a, axis, -1).reshape(len(a), *target.shape[1:])

    def _statistics(self, source: Trajectories) -> dict[str, Any]:
        train = source.splits["train"]
        found = read_statistics(source.root)
        if found is None or found.get("hash") != train.hash:
            found = statistics(train)
        return {k: found[k] for s in _STATISTICS for k in (s, f"{s}_delta") if k in found}


def _kind(spec: DatasetSpec, face: str, field: str) -> str | None:
    try:
        return spec.boundaries.on(face, field).kind
    except ValueError:
        return None


def _names(holder: Any, key: str, names: list[str]) -> None:
    """A list of text; an empty one keeps its type."""
    holder.attrs.create(key, names, shape=(len(names),), dtype=h5py.string_dtype("utf-8"))


def _put(group: h5py.Group, name: str, values: np.ndarray, **flags: bool) -> None:
    item = group.create_dataset(name, data=values.astype("<f4"), track_times=False)
    item.attrs.update(flags)
