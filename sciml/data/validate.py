"""Every fault of a data set, each with the path where it lies: read before anything expensive is started."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from sciml.data.hdf5 import BC_TYPES, content_hash, opened, read, read_spec, text_of
from sciml.data.manifest import check_bytes, check_listed, manifest_shards, read_manifest, split_hash
from sciml.data.normalization import STATS, read_statistics
from sciml.data.schema import RANK_GROUPS, SAMPLE_DTYPES, SPLITS, DatasetSpec, Place, places
from sciml.data.structure import check_structure
from sciml.status import DataError, Status

#: Bytes of one field that are looked at together.
PIECE_BYTES = 2**26
_ROOT = ("dataset_name", "grid_type", "n_spatial_dims", "n_trajectories", "simulation_parameters", "spec")
_GROUPS = ("dimensions", "boundary_conditions", "scalars", "samples", *RANK_GROUPS)


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong.

    Args:
        path: the file, relative to the data set, and the path inside it: `train/shard-00000.h5:/t0_fields/u`.
        message: what is wrong and what is expected.
    """

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


def validate_dataset(path: str | Path) -> list[Fault]:
    """Looks at a whole data set, or at one shard.

    Values are read: samples that are not finite, all zero or at odds with their status, checksums of the manifest,
    statistics of other data, trajectories that occur twice. An empty list means that nothing is wrong.

    Raises:
        DataError: neither a folder nor a file; a single file whose bytes are not those of the manifest beside it.
    """
    path = Path(path)
    if path.is_file():
        check_listed(path)
        return [Fault(f"{path.name}{f.path}", f.message) for f in _shard_faults(path)]
    if not path.is_dir():
        raise DataError(f"{path}: no such data set.")
    return list(_folder_faults(path))


def _folder_faults(root: Path) -> Iterator[Fault]:
    try:
        manifest = read_manifest(root)
    except DataError as error:
        yield Fault("manifest.json", _without_path(error))
        manifest = None
    present = {s: sorted(p for p in (root / s).glob("*.h5") if not p.name.startswith(".")) for s in SPLITS}
    if not present["train"]:
        yield Fault("train", "no shard; files named *.h5 are expected.")
    specs: dict[str, DatasetSpec] = {}
    owners: dict[int, str] = {}
    for split, shards in present.items():
        listed = {s.file: s for s in manifest_shards(manifest, split)} if manifest else {}
        for shard in shards:
            name = shard.relative_to(root).as_posix()
            try:
                if name in listed:
                    check_bytes(shard, listed[name])
            except DataError as error:
                # Nothing more can be said: the file is not opened.
                del listed[name]
                yield Fault(name, _without_path(error))
                continue
            yield from (Fault(f"{name}{f.path}", f.message) for f in _shard_faults(shard))
            yield from _across(shard, name, specs, owners)
            if manifest and name not in listed:
                yield Fault(name, "not named by manifest.json.")
            elif manifest:
                yield from _checksum(shard, name, listed.pop(name).sha256)
        yield from (Fault(name, "named by manifest.json, not there.") for name in listed if manifest)
    yield from _statistics_faults(root, manifest)


def _checksum(shard: Path, name: str, wanted: str) -> Iterator[Fault]:
    try:
        found = content_hash(shard)
    except DataError:
        return  # Named already, with the data set that cannot be read.
    if found != wanted:
        yield Fault(name, f"content has sha256 {found[:12]}..., manifest.json says {wanted[:12]}....")


def _across(shard: Path, name: str, specs: dict[str, DatasetSpec], owners: dict[int, str]) -> Iterator[Fault]:
    """What one file alone does not show: another description, a trajectory that is there already."""
    try:
        with opened(shard) as file:
            spec, index = read_spec(file, shard), read(file, shard, "samples/index")
    except DataError:
        return
    first = next(iter(specs), name)
    if repr(specs.setdefault(first, spec)) != repr(spec):
        yield Fault(f"{name}:/@spec", f"differs from that of {first}.")
    for number in index.ravel().tolist():
        if owners.setdefault(number, name) != name:
            yield Fault(f"{name}:/samples/index", f"trajectory {number} is in {owners[number]} already.")
            return


def _statistics_faults(root: Path, manifest: dict[str, Any] | None) -> Iterator[Fault]:
    try:
        data = read_statistics(root)
    except DataError as error:
        yield Fault(STATS, _without_path(error))
        return
    if data and manifest and data["hash"] != split_hash(manifest_shards(manifest, "train")):
        yield Fault(STATS, "belongs to another training split than that of manifest.json.")


def _without_path(error: DataError) -> str:
    return str(error).partition(": ")[2]


def _shard_faults(path: Path) -> Iterator[Fault]:
    """Faults of one file; paths are those inside it, behind a colon."""
    prefix = f"{path}: "
    try:
        with opened(path) as file:
            check_structure(file, path)
            missing = [f"/@{name}" for name in _ROOT if name not in file.attrs]
            missing += [f"/{name}" for name in _GROUPS if not isinstance(file.get(name), h5py.Group)]
            if missing:
                yield from (Fault(f":{name}", "missing.") for name in missing)
                return
            spec = read_spec(file, path)
            yield from _dimensions(file, path, spec)
            yield from _conditions(file, spec)
            faults = [*_description(file, spec), *_numbers(file, path, spec), *_shapes(file, spec)]
            yield from faults
            if not faults:
                yield from _values(file, path, spec)
    except DataError as error:
        text = str(error).removeprefix(prefix)
        inside, _, message = text.partition(": ") if text.startswith("/") else ("", "", text)
        yield Fault(f":{inside}" if inside else "", message)
    # Attributes of a damaged file may hold anything: text where a number is expected, and the other way round.
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        yield Fault("", f"damaged: {type(error).__name__}: {(str(error).splitlines() or [''])[0]}.")


def _description(file: h5py.File, spec: DatasetSpec) -> Iterator[Fault]:
    expected = {"dataset_name": spec.name, "grid_type": "cartesian", "n_spatial_dims": spec.grid.dimensions}
    for name, value in expected.items():
        found = text_of(file.attrs[name]) if isinstance(value, str) else file.attrs[name]
        if found != value:
            yield Fault(f":/@{name}", f"is {found}; the description says {value}.")
    names = {"scalars": [p.name for p in spec.parameters]}
    for rank, group in enumerate(RANK_GROUPS):
        names[group] = [f.name for f in (*spec.fields, *spec.static) if f.rank == rank]
    for group, wanted in names.items():
        listed = [text_of(n) for n in file[group].attrs.get("field_names", ["(missing)"])]
        if listed != wanted:
            yield Fault(f":/{group}@field_names", f"is {listed}; the description says {wanted}.")
        for extra in sorted(set(file[group]) ^ set(wanted)):
            yield Fault(f":/{group}/{extra}", "missing." if extra in wanted else "not in the description.")


def _dimensions(file: h5py.File, path: Path, spec: DatasetSpec) -> Iterator[Fault]:
    listed = [text_of(n) for n in file["dimensions"].attrs.get("spatial_dims", [])]
    if listed != list(spec.grid.names):
        yield Fault(":/dimensions@spatial_dims", f"is {listed}; the axes are {list(spec.grid.names)} in this order.")
    for name, axis in zip(spec.grid.names, spec.grid.axes, strict=True):
        points = read(file, path, f"dimensions/{name}")
        if points.shape != (axis.n,):
            yield Fault(f":/dimensions/{name}", f"has shape {points.shape}; the grid has {axis.n} points.")
        elif not np.all(np.diff(points) > 0):
            yield Fault(f":/dimensions/{name}", "does not ascend.")
        elif not np.allclose(points, axis.coords, rtol=0, atol=1e-9 * axis.length):
            yield Fault(
                f":/dimensions/{name}", f"is not the axis of the description ({axis.kind}, [{axis.low}, {axis.high}])."
            )


def _conditions(file: h5py.File, spec: DatasetSpec) -> Iterator[Fault]:
    for name, group in file["boundary_conditions"].items():
        where, axes = f":/boundary_conditions/{name}", [text_of(a) for a in group.attrs.get("associated_dims", [])]
        kind, bc_type = text_of(group.attrs.get("condition")), text_of(group.attrs.get("bc_type"))
        if kind not in BC_TYPES:
            yield Fault(f"{where}@condition", f"is {kind}; known are {', '.join(BC_TYPES)}.")
        if bc_type not in ("WALL", "OPEN", "PERIODIC"):
            yield Fault(f"{where}@bc_type", "must be WALL, OPEN or PERIODIC.")
        elif kind in BC_TYPES and bc_type != BC_TYPES[kind]:
            yield Fault(f"{where}@bc_type", f"is {bc_type}; the condition {kind} is of type {BC_TYPES[kind]}.")
        if not set(axes) <= set(spec.grid.names) or not axes:
            yield Fault(f"{where}@associated_dims", f"is {axes}; the axes are {list(spec.grid.names)}.")
        elif getattr(group.get("mask"), "shape", None) != tuple(spec.grid.axis(a).n for a in axes):
            yield Fault(f"{where}/mask", f"must have the shape of the axes {', '.join(axes)}.")


def _numbers(file: h5py.File, path: Path, spec: DatasetSpec) -> Iterator[Fault]:
    """One number per trajectory: `/samples` and `/scalars`."""
    n = int(file.attrs["n_trajectories"])
    for name in (*(f"samples/{k}" for k in SAMPLE_DTYPES), *(f"scalars/{p.name}" for p in spec.parameters)):
        values = read(file, path, name)
        if values.shape != (n,):
            yield Fault(f":/{name}", f"has shape {values.shape}; n_trajectories says ({n},).")
            continue
        known = [s.value for s in Status]
        if name == "samples/status" and (wrong := np.flatnonzero(~np.isin(values, known))).size:
            yield Fault(f":/{name}", f"sample {wrong[0]}: {values[wrong[0]]} is no status; known are {known}.")
        if name == "samples/residual" and (wrong := np.flatnonzero(values < 0)).size:
            yield Fault(f":/{name}", f"sample {wrong[0]}: {values[wrong[0]]:g} is negative.")
        if name == "samples/index" and len(np.unique(values)) < n:
            yield Fault(f":/{name}", "a trajectory occurs twice.")
        if name.startswith("scalars/") and not np.isfinite(values).all():
            yield Fault(f":/{name}", f"sample {np.flatnonzero(~np.isfinite(values))[0]}: not finite.")


def _shapes(file: h5py.File, spec: DatasetSpec) -> Iterator[Fault]:
    n = int(file.attrs["n_trajectories"])
    for place in places(spec).values():
        item = file.get(place.path)
        if not isinstance(item, h5py.Dataset):
            continue  # Named already as missing.
        flags = {"sample_varying": True, "time_varying": place.time_varying}
        for name, value in flags.items():
            if bool(item.attrs.get(name, not value)) != value:
                yield Fault(f":/{place.path}@{name}", f"must be {value}.")
        expected = (n, *place.shape)
        if item.shape != expected:
            swapped = " (same sizes in another order of axes)" * (sorted(item.shape) == sorted(expected))
            axes = ("trajectory", *("time",) * place.time_varying, *spec.grid.names)
            yield Fault(
                f":/{place.path}", f"has shape {item.shape}{swapped}; {expected} is expected: {', '.join(axes)}, ..."
            )
        if item.dtype != np.dtype(spec.dtype):
            yield Fault(f":/{place.path}", f"is {item.dtype}; the description says {spec.dtype}.")
        if not item.fletcher32:
            yield Fault(f":/{place.path}", "has no checksum (fletcher32).")


def _values(file: h5py.File, path: Path, spec: DatasetSpec) -> Iterator[Fault]:
    """Looks at every value: not finite, all zero, not positive where it should be."""
    status = read(file, path, "samples/status")
    zero, finite = np.ones(len(status), dtype=bool), np.ones(len(status), dtype=bool)
    for place in places(spec).values():
        for rows, values in _pieces(file, path, place, len(status)):
            flat = values.reshape(len(values), -1)
            good = np.isfinite(flat).all(axis=1)
            finite[rows] &= good
            zero[rows] &= ~flat.any(axis=1) if place.time_varying else True
            solved = status[rows] == Status.SUCCESS
            for k in np.flatnonzero(~good & solved)[:3]:
                yield Fault(f":/{place.path}", f"sample {rows.start + k}: not finite although its status is SUCCESS.")
            if place.spec.positive and (wrong := np.flatnonzero((flat <= 0).any(axis=1) & solved)).size:
                yield Fault(f":/{place.path}", f"sample {rows.start + wrong[0]}: not positive everywhere.")
    for k in np.flatnonzero(zero & (status == Status.SUCCESS))[:3]:
        yield Fault(":/t0_fields", f"sample {k}: all fields are zero everywhere, as after a lost write.")
    for k in np.flatnonzero(finite & (status == Status.NON_FINITE))[:3]:
        yield Fault(":/samples/status", f"sample {k}: NON_FINITE although every value is finite.")


def _pieces(file: h5py.File, path: Path, place: Place, n: int) -> Iterator[tuple[slice, np.ndarray]]:
    step = max(1, PIECE_BYTES // max(int(np.prod(place.shape)) * file[place.path].dtype.itemsize, 1))
    for start in range(0, n, step):
        rows = slice(start, min(n, start + step))
        yield rows, read(file, path, place.path, rows)
