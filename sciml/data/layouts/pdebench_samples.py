"""PDEBench's other two layouts: one group per sample, and the files of incompressible flow."""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import yaml

from sciml.data.layouts.base import Layout, Trajectories, channel_words, constants, created, float32
from sciml.data.layouts.flows import velocity_of
from sciml.data.schema import DatasetSpec
from sciml.fields import FieldSpec

#: Published files by what their channels are.
_FILES = {
    ("concentration",): "1D_diff-sorp_NA_NA.h5",
    ("activator", "inhibitor"): "2D_diff-react_NA_NA.h5",
    ("water_depth",): "2D_rdb_NA_NA.h5",
    ("depth",): "2D_rdb_NA_NA.h5",
}


def config(spec: DatasetSpec, **more: Any) -> str:
    """Settings of a data set as YAML text, which is what the attribute `config` holds."""
    plain = {"name": spec.name, "constants": constants(spec), "meta": spec.meta, **more}
    return yaml.safe_dump(plain, sort_keys=True)


class PDEBenchGroupsLayout(Layout):
    """`NNNN/data` `(t, *s, channel)`, `NNNN/grid/x`, ..., `NNNN/grid/t` per sample, float32; attribute `config`.

    The name of a group is the position of its trajectory, padded to four digits. `config` is the YAML text of the
    settings, with the parameters of the sample. Of shallow water the depth alone is written. The file has its published
    name where the channels are, by their long names or names, those of a published family (`concentration`;
    `activator`, `inhibitor`; `depth` or `water_depth`), else that of the data set.

    Reference: Takamoto et al. (2022), PDEBench, arXiv:2210.07182, appendix D.
    """

    layout: ClassVar[str] = "PDEBench, one group per sample (.h5)"

    def refuses(self, spec: DatasetSpec) -> str | None:
        if any(f.rank for f in _written(spec)) or spec.static:
            names = ", ".join(f.name for f in (*spec.fields, *spec.static))
            return f"{self.layout}: holds scalar fields that vary in time; there are {names}."
        return None

    def write(self, source: Trajectories, folder: Path) -> None:
        spec = source.spec
        names = tuple(f.name for f in _written(spec))
        with created(folder / _FILES.get(channel_words(_written(spec)), f"{spec.name}.h5")) as file:
            for piece in source.pieces():
                values = np.concatenate([piece.fields[n] for n in names], axis=2)
                for k, row in enumerate(range(piece.rows.start, piece.rows.stop)):
                    group = f"{row:04d}"
                    data = np.moveaxis(values[k], 1, -1)
                    float32(file, f"{group}/data", data.shape)[...] = data
                    for name, axis in zip(spec.grid.names, spec.grid.axes, strict=True):
                        float32(file, f"{group}/grid/{name}", (axis.n,))[...] = axis.coords
                    float32(file, f"{group}/grid/t", (len(spec.times),))[...] = spec.times
                    parameters = {n: float(v[k]) for n, v in piece.params.items()}
                    file[group].attrs["config"] = config(spec, parameters=parameters, index=int(source.index[row]))


def is_shallow_water(spec: DatasetSpec) -> bool:
    """Whether the fields are those of `ShallowWater`."""
    return {f.name for f in spec.fields} == {"depth", "velocity"}


def _written(spec: DatasetSpec) -> tuple[FieldSpec, ...]:
    """The fields of the file: of shallow water the depth alone, as in the published one, else all."""
    return tuple(f for f in spec.fields if not (is_shallow_water(spec) and f.name == "velocity"))


class PDEBenchIncompressibleLayout(Layout):
    """`velocity` `(b, t, x, y, 2)`, `particles` `(b, t, x, y, 1)`, `force` `(b, x, y, 2)`, `t` `(b, t)`; float32.

    `particles` is the one scalar field beside the velocity, a marker that the flow carries. Where the vorticity is
    stored, the velocity is that of its stream function. `force` is a static vector field of that name, or has the
    components `force_x` and `force_y`; it is zero where the equation has no forcing. Root attributes are `config`, YAML
    text, and `latestIndex`, the last frame.

    Args:
        batch: samples per file; the published files have 4.

    Reference: Takamoto et al. (2022), PDEBench, arXiv:2210.07182, appendix D.
    """

    layout: ClassVar[str] = "PDEBench, incompressible flow (.h5)"

    def __init__(self, batch: int = 4) -> None:
        if batch < 1:
            raise ValueError(f"batch={batch} must be at least 1.")
        self.batch = batch

    def refuses(self, spec: DatasetSpec) -> str | None:
        names = [f.name for f in spec.fields]
        scalars = [n for n in names if n not in ("velocity", "vorticity")]
        if (
            spec.grid.dimensions != 2
            or len(names) != 2
            or len(scalars) != 1
            or spec.fields[names.index(scalars[0])].rank
        ):
            return (
                f"{self.layout}: holds velocity or vorticity and one scalar in the plane; there are {', '.join(names)}."
            )
        if is_shallow_water(spec):
            return f"{self.layout}: has no place for a depth."
        if "vorticity" in names and not spec.grid.is_periodic:
            return f"{self.layout}: the velocity of a vorticity is known on a periodic grid only."
        if [f.name for f in spec.static] not in ([], ["force"], ["force_x", "force_y"]) or (
            spec.meta.get("forcing") and not spec.static
        ):
            return f"{self.layout}: holds a force that does not vary in time, as the static field 'force' alone."
        return None

    def write(self, source: Trajectories, folder: Path) -> None:
        for k, start in enumerate(range(0, len(source), self.batch)):
            rows = range(start, min(start + self.batch, len(source)))
            self._file(source, folder / f"ns_incom_inhom_2d_512-{k}.h5", rows)

    def _file(self, source: Trajectories, path: Path, rows: range) -> None:
        spec = source.spec
        (b, t, s) = len(rows), len(spec.times), spec.grid.shape
        (scalar,) = (f.name for f in spec.fields if f.name not in ("velocity", "vorticity"))
        with created(path) as file:
            file.attrs["config"] = config(spec)
            velocity = float32(file, "velocity", (b, t, *s, 2))
            particles = float32(file, "particles", (b, t, *s, 1))
            force = float32(file, "force", (b, *s, 2))
            float32(file, "t", (b, t))[...] = np.tile(spec.times, (b, 1))
            for piece in source.pieces(rows):
                velocity[piece.rows] = np.moveaxis(velocity_field(piece.fields, spec), 2, -1)
                particles[piece.rows] = piece.fields[scalar][:, :, 0, ..., None]
                components = [piece.static[f.name] for f in spec.static]
                force[piece.rows] = np.moveaxis(np.concatenate(components, axis=1), 1, -1) if components else 0.0
            # Written last: a file with fewer frames than `t` says was never finished.
            file.attrs["latestIndex"] = t - 1


def velocity_field(fields: dict[str, np.ndarray], spec: DatasetSpec) -> np.ndarray:
    """Velocity `(n, t, 2, *s)` of some trajectories, as it is stored or from the vorticity."""
    if "velocity" in fields:
        return fields["velocity"]
    mean = tuple(constants(spec).get(f"velocity_{a}", 0.0) for a in "xy")
    return velocity_of(fields["vorticity"][:, :, 0], spec.grid, (mean[0], mean[1]))
