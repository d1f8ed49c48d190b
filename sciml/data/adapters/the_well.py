"""The Well's files: fields by tensor rank, with axes that are stored only where a field varies along them."""

import json
from pathlib import Path
from typing import Any, ClassVar

import h5py
import numpy as np

from sciml.data.adapters.axes import nodes_axis, periodic_axis
from sciml.data.adapters.base import Adapter, Arrays
from sciml.data.hdf5 import opened, read, text_of
from sciml.data.schema import RANK_GROUPS, DatasetSpec
from sciml.data.structure import check_structure
from sciml.fields import Axis, Boundaries, FieldSpec, Grid, ParameterSpec, Periodic
from sciml.status import DataError


class TheWell(Adapter):
    """A file of The Well on a Cartesian grid. Our own shards are such files too.

    An axis is stored only if its flag (`sample_varying`, `time_varying`, `dim_varying`) is set; a field without time is
    a static one. Spatial axes are x, y, z in the order of `spatial_dims`. An axis with a PERIODIC condition omits its
    right end; others are taken for nodes. Scalars and listed simulation parameters become parameters.

    `WALL` and `OPEN` do not say which condition holds for which field, so that none is made of them: they are kept in
    `meta`. In our own shards the description does.
    """

    layout: ClassVar[str] = "The Well (.hdf5)"

    def matches(self, path: Path) -> bool:
        if path.suffix not in (".h5", ".hdf5"):
            return False
        with opened(path) as file:
            check_structure(file, path)
            return "n_trajectories" in file.attrs and {"dimensions", *RANK_GROUPS} <= set(file)

    def count(self, path: Path) -> int:
        with opened(path) as file:
            return int(file.attrs["n_trajectories"])

    def read(self, path: Path, rows: slice = slice(None)) -> tuple[DatasetSpec, Arrays]:
        with opened(path) as file:
            check_structure(file, path)
            try:
                return self._read(file, path, rows)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise DataError(f"{path}: not in The Well's layout: {str(error).splitlines()[0]}.") from None

    def _read(self, file: h5py.File, path: Path, rows: slice) -> tuple[DatasetSpec, Arrays]:
        if (kind := text_of(file.attrs["grid_type"])) != "cartesian":
            raise DataError(f"{path}: /@grid_type: {kind}; cartesian is accepted.")
        n = int(file.attrs["n_trajectories"])
        dims = [text_of(name) for name in file["dimensions"].attrs["spatial_dims"]]
        periodic, described = self._conditions(file)
        boundaries = self._boundaries(file, dims, periodic)
        axes = tuple(self._axis(file, path, name, name in periodic) for name in dims)
        times = self._times(file, path)
        full = (n, len(times), *(a.n for a in axes))
        fields: dict[str, np.ndarray] = {}
        static: dict[str, np.ndarray] = {}
        specs = {}
        for rank, group in enumerate(RANK_GROUPS):
            for name in map(text_of, file[group].attrs["field_names"]):
                values, timed = self._field(file, path, f"{group}/{name}", full, rank, rows)
                (fields if timed else static)[name] = values
                unit = text_of(file[f"{group}/{name}"].attrs.get("units", "1"))
                specs[name] = FieldSpec(name, rank=rank, unit=unit)
        params = self._parameters(file, path, n, rows)
        wide = any(a.dtype == np.float64 for a in (*fields.values(), *static.values()))
        spec = DatasetSpec(
            text_of(file.attrs["dataset_name"]),
            tuple(specs[k] for k in fields),
            tuple(specs[k] for k in static),
            tuple(ParameterSpec(k) for k in params),
            Grid(axes),
            boundaries,
            times=tuple(float(t) for t in times),
            dtype="float64" if wide else "float32",
            meta={"source": path.name, "spatial_dims": dims, "boundary_conditions": described},
        )
        return spec, Arrays(fields, static, params)

    def _conditions(self, file: h5py.File) -> tuple[set[str], dict[str, Any]]:
        """Names of the periodic axes, and all conditions as they are stored."""
        found: dict[str, Any] = {}
        for name, group in file.get("boundary_conditions", {}).items():
            dims = [text_of(d) for d in group.attrs["associated_dims"]]
            found[name] = {"dims": dims, "type": text_of(group.attrs["bc_type"]).upper()}
        return {d for c in found.values() if c["type"] == "PERIODIC" for d in c["dims"]}, found

    def _boundaries(self, file: h5py.File, dims: list[str], periodic: set[str]) -> Boundaries:
        """What is known for certain: periodic axes, and in our own files everything."""
        if "schema_version" in file.attrs:
            return Boundaries.from_dict(json.loads(text_of(file.attrs["spec"]))["boundaries"])
        return Boundaries({ours: Periodic() for ours, name in zip("xyz", dims, strict=False) if name in periodic})

    def _axis(self, file: h5py.File, path: Path, name: str, periodic: bool) -> Axis:
        item = file[f"dimensions/{name}"]
        if bool(item.attrs.get("sample_varying", False)) or bool(item.attrs.get("time_varying", False)):
            raise DataError(f"{path}: /dimensions/{name}: a grid that moves, which the schema does not hold.")
        return (periodic_axis if periodic else nodes_axis)(read(file, path, f"dimensions/{name}"))

    def _times(self, file: h5py.File, path: Path) -> np.ndarray:
        times = read(file, path, "dimensions/time")
        if times.ndim == 2:
            if not np.allclose(times, times[:1]):
                raise DataError(f"{path}: /dimensions/time: trajectories have times of their own.")
            times = times[0]
        return times

    def _field(
        self, file: h5py.File, path: Path, where: str, full: tuple[int, ...], rank: int, rows: slice
    ) -> tuple[np.ndarray, bool]:
        """A field with every axis in place, and whether it has a time axis."""
        attributes = file[where].attrs
        sample, timed = bool(attributes["sample_varying"]), bool(attributes["time_varying"])
        along = [bool(v) for v in np.ravel(attributes["dim_varying"])]
        if len(along) != len(full) - 2:
            raise DataError(f"{path}: /{where}@dim_varying: has {len(along)} entries for {len(full) - 2} axes.")
        varying = (sample, timed, *along)
        components = (len(along),) * rank
        expected = (*(k for k, v in zip(full, varying, strict=True) if v), *components)
        if file[where].shape != expected:
            raise DataError(f"{path}: /{where}: has shape {file[where].shape}; its flags say {expected}.")
        values = read(file, path, where, rows if sample else ())
        shape = [k if v else 1 for k, v in zip(full, varying, strict=True)]
        shape[0] = len(values) if sample else 1
        wanted = [len(range(full[0])[rows]), full[1] if timed else 1, *full[2:], *components]
        whole = np.broadcast_to(values.reshape(*shape, *components), wanted)
        return (whole if timed else whole[:, 0]), timed

    def _parameters(self, file: h5py.File, path: Path, n: int, rows: slice) -> dict[str, np.ndarray]:
        found = {}
        for name in map(text_of, file.attrs["simulation_parameters"]):
            value = file.attrs[name]
            if np.ndim(value) == 0 and np.issubdtype(np.asarray(value).dtype, np.number):
                found[name] = np.full(n, float(value))[rows]
        scalars = file.get("scalars", {})
        for name in map(text_of, scalars.attrs["field_names"] if "scalars" in file else []):
            item = scalars[name]
            if bool(item.attrs.get("time_varying", False)):
                continue  # A number per frame is neither a parameter nor a field.
            value = read(file, path, f"scalars/{name}")
            if value.shape not in ((), (n,)):
                raise DataError(f"{path}: /scalars/{name}: has shape {value.shape}; () or ({n},) is expected.")
            found[name] = np.broadcast_to(value, (n,))[rows].astype("float64")
        return found
