"""Shards in the schema's layout: writer, content hash, and the reader of one file."""

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from sciml.data.schema import RANK_GROUPS, SAMPLE_DTYPES, SCHEMA_VERSION, DatasetSpec, Place, places
from sciml.fields import Condition, Dirichlet, Neumann, Outflow, Periodic, Robin, Wall
from sciml.files import replacing
from sciml.status import DataError, Status

#: Groups that every file has, also where they are empty.
_GROUPS = ("boundary_conditions", "scalars", *RANK_GROUPS)
#: Chunks hold one time of one trajectory, and more times as long as they stay below this.
CHUNK_BYTES = 2**20
#: The three types that The Well knows, by the name of ours, which the attribute `condition` has: a wall keeps something
#: in, through an open face something passes.
BC_TYPES = {
    Periodic.kind: "PERIODIC",
    Dirichlet.kind: "WALL",
    Wall.kind: "WALL",
    Neumann.kind: "OPEN",
    Robin.kind: "OPEN",
    Outflow.kind: "OPEN",
}


def write_shard(
    path: str | Path,
    spec: DatasetSpec,
    *,
    fields: Mapping[str, np.ndarray],
    static: Mapping[str, np.ndarray] | None = None,
    params: Mapping[str, np.ndarray] | None = None,
    index: Sequence[int] | np.ndarray,
    seed: Sequence[int] | np.ndarray | None = None,
    residual: Sequence[float] | np.ndarray | None = None,
    status: Sequence[int] | np.ndarray | None = None,
) -> str:
    """Writes trajectories to one file, which appears under its name when it is whole.

    Args:
        path: of the file; its folder is made where it is missing.
        spec: of the data set.
        fields: `(n, t, *s[, component])` by name; converted to `spec.dtype`.
        static: `(n, *s[, component])` by name.
        params: `(n,)` by name.
        index: number of each trajectory in the data set, `(n,)`.
        seed: `(n,)`; -1, unknown, when left out.
        residual: of the solver, `(n,)`; NaN, unknown, when left out.
        status: `sciml.status.Status`, `(n,)`; all `SUCCESS` when left out.

    Returns:
        The sha256 over the data sets, see `content_hash`.

    Raises:
        ValueError: names or shapes that differ from the spec's; values that are not finite in a sample with `SUCCESS`.
    """
    path, n = Path(path), len(index)
    if n < 1:
        raise ValueError(f"index of {path.name} is empty; a shard has at least one trajectory.")
    samples = {
        "index": index,
        "seed": np.full(n, -1) if seed is None else seed,
        "residual": np.full(n, np.nan) if residual is None else residual,
        "status": np.zeros(n) if status is None else status,
    }
    arrays = {f"samples/{k}": np.asarray(v).astype(SAMPLE_DTYPES[k]) for k, v in samples.items()}
    _check_names("params", {p.name for p in spec.parameters}, params or {})
    arrays |= {f"scalars/{k}": np.asarray(v, dtype="float64") for k, v in (params or {}).items()}
    for name, array in arrays.items():
        if array.shape != (n,):
            raise ValueError(f"{name} has shape {array.shape}; accepted is ({n},).")
    arrays |= _field_arrays(spec, fields, static or {}, arrays["samples/status"])
    arrays |= {"dimensions/time": np.array(spec.times)}
    arrays |= {f"dimensions/{k}": a.coords for k, a in zip(spec.grid.names, spec.grid.axes, strict=True)}
    masks, conditions = _boundary_masks(spec)
    arrays |= masks
    _write(path, spec, n, arrays, conditions)
    return _hash(arrays)


def _check_names(argument: str, wanted: set[str], given: Mapping[str, Any]) -> None:
    if wanted != set(given):
        raise ValueError(f"{argument} has {sorted(given)}; the spec names {sorted(wanted)}.")


def _field_arrays(
    spec: DatasetSpec, fields: Mapping[str, np.ndarray], static: Mapping[str, np.ndarray], status: np.ndarray
) -> dict[str, np.ndarray]:
    _check_names("fields", {f.name for f in spec.fields}, fields)
    _check_names("static", {f.name for f in spec.static}, static)
    arrays = {}
    for name, place in places(spec).items():
        given = np.asarray((fields if place.time_varying else static)[name])
        if given.shape != (len(status), *place.shape):
            raise ValueError(f"{name} has shape {given.shape}; accepted is {(len(status), *place.shape)}.")
        with np.errstate(over="ignore"):
            array = np.ascontiguousarray(given, dtype=np.dtype(spec.dtype).newbyteorder("<"))
        finite = np.isfinite(array.reshape(len(status), -1)).all(axis=1)
        if (wrong := np.flatnonzero(~finite & (status == Status.SUCCESS))).size:
            raise ValueError(f"{name} of sample {wrong[0]} is not finite in {spec.dtype} although its status is 0.")
        arrays[place.path] = array
    return arrays


def _boundary_masks(spec: DatasetSpec) -> tuple[dict[str, np.ndarray], dict[str, dict[str, Any]]]:
    """One group per face, with a mask over its axis that is true at the face; groups per field where those differ."""
    masks, attributes = {}, {}
    for axis, n in zip(spec.grid.names, spec.grid.shape, strict=True):
        for side, place in (("-", 0), ("+", n - 1)):
            for condition, names in _by_condition(spec, axis + side):
                suffix = "" if len(names) == len(spec.fields) else "_" + "_".join(names)
                group = f"{axis}_{'low' if side == '-' else 'high'}{suffix}"
                mask = np.zeros(n, dtype=bool)
                mask[place] = True
                masks[f"boundary_conditions/{group}/mask"] = mask
                attributes[group] = {
                    "associated_dims": [axis],
                    "associated_fields": names,
                    "bc_type": BC_TYPES[condition.kind],
                    "condition": condition.kind,
                    "value": 0.0,
                    **_arguments(condition),
                    "sample_varying": False,
                    "time_varying": False,
                }
    return masks, attributes


def _arguments(condition: Condition) -> dict[str, Any]:
    """The numbers of a condition by name, NaN for what is none; whether a wall lets slip is a truth value."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(condition):
        value = getattr(condition, field.name)
        numbers = [
            float(v) if isinstance(v, int | float) else np.nan for v in (value if isinstance(value, tuple) else [value])
        ]
        found[field.name] = value if isinstance(value, bool) else numbers[0] if len(numbers) == 1 else np.array(numbers)
    return found


def _by_condition(spec: DatasetSpec, face: str) -> list[tuple[Any, list[str]]]:
    found: list[tuple[Any, list[str]]] = []
    for one in spec.fields:
        try:
            condition = spec.boundaries.on(face, one.name)
        except ValueError:
            # Foreign files do not always say what holds at their boundary, and nothing is made up for them.
            continue
        same = next((names for c, names in found if c is condition), None)
        if same is None:
            found.append((condition, [one.name]))
        else:
            same.append(one.name)
    return found


def _write(
    path: Path, spec: DatasetSpec, n: int, arrays: dict[str, np.ndarray], conditions: dict[str, dict[str, Any]]
) -> None:
    where = {place.path: place for place in places(spec).values()}
    with replacing(path) as temporary, _create(temporary) as file:
        for group in sorted({str(p) for name in arrays for p in Path(name).parents if p != Path()} | set(_GROUPS)):
            h5py.h5g.create(file.id, group.encode(), gcpl=_untimed(h5py.h5p.GROUP_CREATE))
        for name, array in arrays.items():
            # Checksums need chunks, so that every data set has them; nothing is stamped with a time.
            chunks = _chunks(array, where[name].time_varying) if name in where else array.shape
            file.create_dataset(name, data=array, chunks=chunks, fletcher32=True, track_times=False)
        _write_attributes(file, spec, n)
        for place in where.values():
            _set(file[place.path], **_field_attributes(spec, place))
        for group, attributes in conditions.items():
            _set(file[f"boundary_conditions/{group}"], **attributes)
        file.flush()


def _untimed(kind: Any) -> Any:
    """Creation properties of a file or a group without the times that the library stamps otherwise."""
    properties = h5py.h5p.create(kind)
    properties.set_obj_track_times(False)
    return properties


def _create(path: Path) -> h5py.File:
    """A new file in the format of HDF5 1.10, which has checksums over its structure too.

    In the older format, the library's default, a flipped bit in the index of chunks reads as zeros without an error.
    """
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_libver_bounds(h5py.h5f.LIBVER_V110, h5py.h5f.LIBVER_V110)
    access.set_fclose_degree(h5py.h5f.CLOSE_STRONG)
    created = h5py.h5f.create(os.fsencode(path), h5py.h5f.ACC_TRUNC, _untimed(h5py.h5p.FILE_CREATE), access)
    return h5py.File(created)


def _chunks(array: np.ndarray, time_varying: bool) -> tuple[int, ...]:
    if not time_varying:
        return (1, *array.shape[1:])
    frame = array[0, 0].nbytes
    return (1, max(1, min(array.shape[1], CHUNK_BYTES // max(frame, 1))), *array.shape[2:])


def _set(holder: Any, **attributes: Any) -> None:
    """Text is stored with a fixed length: that of variable length lies in a heap, whose damage can hang the library."""
    for key, value in attributes.items():
        if isinstance(value, str | list):
            encoded = np.char.encode(np.array(value, dtype=str), "utf-8")
            length = max(encoded.dtype.itemsize, 1)
            holder.attrs.create(key, encoded.astype(f"S{length}"), dtype=h5py.string_dtype("utf-8", length))
        else:
            holder.attrs[key] = value


def text_of(value: Any) -> str:
    """Text of an attribute or data set, stored with a fixed length (bytes) or a variable one (str).

    Raises:
        ValueError: bytes that are no UTF-8.
    """
    return value.decode() if isinstance(value, bytes) else str(value)


def _field_attributes(spec: DatasetSpec, place: Place) -> dict[str, Any]:
    return {
        "dim_varying": np.ones(spec.grid.dimensions, dtype=bool),
        "sample_varying": True,
        "time_varying": place.time_varying,
        "units": place.spec.unit,
        "location": place.spec.location,
    } | ({"symmetric": False, "antisymmetric": False} if place.spec.rank == 2 else {})


def _write_attributes(file: h5py.File, spec: DatasetSpec, n: int) -> None:
    described = spec.to_dict()
    # Attributes are limited to 64 kB: numbers that grow with the data set are stored as data sets alone.
    del described["times"]
    for axis in described["grid"].values():
        if "points" in axis:
            axis["points"] = "given"
    text = json.dumps(described, sort_keys=True)
    if len(text.encode()) > 60_000:
        raise ValueError(f"the description of {spec.name!r} takes {len(text)} bytes; meta must stay below 60 kB.")
    _set(
        file,
        dataset_name=spec.name,
        grid_type="cartesian",
        n_spatial_dims=spec.grid.dimensions,
        n_trajectories=n,
        simulation_parameters=[],
        schema_version=SCHEMA_VERSION,
        spec=text,
        recipe_hash=str(spec.meta.get("recipe_hash", "")),
    )
    _set(file["dimensions"], spatial_dims=list(spec.grid.names))
    _set(file["dimensions/time"], sample_varying=False, units=spec.time_unit)
    for name, axis in zip(spec.grid.names, spec.grid.axes, strict=True):
        _set(file[f"dimensions/{name}"], sample_varying=False, time_varying=False)
        _set(file[f"dimensions/{name}"], units=spec.length_unit, kind=axis.kind, low=axis.low, high=axis.high)
    _set(file["scalars"], field_names=[p.name for p in spec.parameters])
    for p in spec.parameters:
        _set(file[f"scalars/{p.name}"], sample_varying=True, time_varying=False, units=p.unit)
    for rank, group in enumerate(RANK_GROUPS):
        _set(file[group], field_names=[f.name for f in (*spec.fields, *spec.static) if f.rank == rank])


def _hash(arrays: Mapping[str, Any]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        digest.update(f"{name}\0{array.dtype.str}\0{array.shape}\0".encode())
        digest.update(array.data)
    return digest.hexdigest()


def content_hash(path: str | Path) -> str:
    """sha256 over every data set of a file: name, dtype, shape and bytes, in the order of the names.

    It does not depend on chunks, attributes or the version of the HDF5 library.

    Raises:
        DataError: a data set that cannot be read.
    """
    with opened(path) as file:
        names: list[str] = []
        file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        return _hash(_Reading(file, path, names))


class _Reading(Mapping[str, np.ndarray]):
    """The arrays of an open file, read one at a time."""

    def __init__(self, file: h5py.File, path: str | Path, names: list[str]) -> None:
        self.file, self.path, self.names = file, path, names

    def __getitem__(self, name: str) -> np.ndarray:
        return read(self.file, self.path, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


@contextmanager
def opened(path: str | Path) -> Iterator[h5py.File]:
    """Opens a file for one read.

    Raises:
        DataError: no such file, or none that the HDF5 library reads (truncated, damaged, of another format).
    """
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        what = "no such file" if not Path(path).exists() else f"no readable HDF5 file: {_first_line(error)}"
        raise DataError(f"{path}: {what}.") from None
    with file:
        try:
            yield file
        except (OSError, RuntimeError, KeyError) as error:
            # What the library meets in damaged headers, when attributes or groups are looked up.
            raise DataError(f"{path}: damaged: {_first_line(error)}.") from None


def read(file: h5py.File, path: str | Path, name: str, selection: Any = ()) -> np.ndarray:
    """One data set of an open file, or a part of it.

    Raises:
        DataError: it is missing, or its checksum does not match what is stored.
    """
    try:
        found = file[name]
        if not isinstance(found, h5py.Dataset):
            raise DataError(f"{path}: /{name}: a group where a data set is expected.")
        return np.asarray(found[selection])
    except KeyError:
        raise DataError(f"{path}: /{name}: missing.") from None
    except (OSError, ValueError, RuntimeError) as error:
        raise DataError(f"{path}: /{name}: cannot be read: {_first_line(error)}.") from None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["unknown"])[0].rstrip(".")


def read_spec(file: h5py.File, path: str | Path) -> DatasetSpec:
    """What an open file holds.

    Raises:
        DataError: another schema version, or a description that is missing or makes no sense.
    """
    version = file.attrs.get("schema_version")
    if version is None:
        raise DataError(f"{path}: no attribute schema_version; sciml data convert makes a file of this schema.")
    if np.ndim(version) or version != SCHEMA_VERSION:
        raise DataError(f"{path}: schema_version={version}; this version reads {SCHEMA_VERSION}.")
    try:
        described = json.loads(file.attrs["spec"])
        described["times"] = read(file, path, "dimensions/time").tolist()
        for name, axis in described["grid"].items():
            if axis.get("points") == "given":
                axis["points"] = read(file, path, f"dimensions/{name}").tolist()
        return DatasetSpec.from_dict(described)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{path}: attribute spec: {_first_line(error)}.") from None
