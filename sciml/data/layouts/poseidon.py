"""Poseidon's files: netCDF-4 with channels before space, without coordinates or units."""

from pathlib import Path
from typing import ClassVar

import h5py
import numpy as np

from sciml.data.adapters.poseidon import stored_transposed
from sciml.data.layouts.base import Layout, Piece, Trajectories, constants, created, float32
from sciml.data.layouts.flows import total_energy
from sciml.data.layouts.pdebench_samples import velocity_field
from sciml.data.schema import DatasetSpec

_GAS = {"density", "velocity", "pressure"}


class PoseidonLayout(Layout):
    """One file `NAME.nc`, float32, whose variable tells the family; training first, then validation, then test.

    - compressible flow: `data` `(n, t, 5, x, y)`: density, both velocities, pressure, and a scalar that the flow
      carries where there is one, else the total energy, which is what the published files have;
    - incompressible flow: `velocity` `(n, t, 2, x, y)`, with a scalar that the flow carries as third channel; from the
      vorticity where that is stored; the variable is `solution` where a force drives the flow;
    - one scalar: `solution` `(n, t, x, y)`; with a static coefficient as `c` `(n, x, y)`; a steady problem:
      `source` and `solution` `(n, x, y)`. Of a wave equation the displacement `u` is the solution.

    Dimensions are named `sample`, `time`, `channel`, `x`, `y`. A file of the name `NS-SL` has its axes of space in the
    order y, x, as the published one.

    Args:
        name: of the file without its ending; that of the data set when left out.

    Reference: Herde et al. (2024), Poseidon, arXiv:2405.19101, appendix B, and the cards of its data sets.
    """

    layout: ClassVar[str] = "Poseidon (.nc)"

    def __init__(self, name: str | None = None) -> None:
        self.name = name

    def refuses(self, spec: DatasetSpec) -> str | None:
        if spec.grid.dimensions != 2:
            return f"{self.layout}: is meant in 2 dimensions; the grid has {spec.grid.dimensions}."
        names = [f.name for f in spec.fields]
        family = self._family(spec)
        if family == "data" and len(names) == 3 and "gamma" not in constants(spec):
            return f"{self.layout}: the total energy needs gamma among the constants of the equation."
        if family == "" or len(spec.static) > 1 or any(f.rank for f in spec.static):
            every = ", ".join([*names, *(f.name for f in spec.static)])
            return (
                f"{self.layout}: holds a gas, an incompressible flow, or one scalar with at most one scalar"
                f" coefficient; there are {every}."
            )
        if family != "solution" and spec.static:
            return f"{self.layout}: holds no coefficient of a flow; there is {spec.static[0].name}."
        if "vorticity" in names and not spec.grid.is_periodic:
            return f"{self.layout}: the velocity of a vorticity is known on a periodic grid only."
        return None

    def write(self, source: Trajectories, folder: Path) -> None:
        spec, name = source.spec, self.name or source.spec.name
        family, n, t = self._family(spec), len(source), len(spec.times)
        steady, swapped = family == "solution" and t == 1, stored_transposed(name)
        s = spec.grid.shape[::-1] if swapped else spec.grid.shape
        channels = () if family == "solution" else (self._channels(spec),)
        forced = family == "velocity" and bool(spec.meta.get("forcing"))

        def space(values: np.ndarray) -> np.ndarray:
            return np.swapaxes(values, -1, -2) if swapped else values

        with created(folder / f"{name}.nc") as file:
            shape = (n, *(() if steady else (t,)), *channels, *s)
            variable = float32(file, "solution" if forced else family, shape)
            static = float32(file, "source" if steady else "c", (n, *s)) if spec.static else None
            for piece in source.pieces():
                values = space(self._values(piece, spec, family))
                variable[piece.rows] = values[:, 0] if steady else values
                if static is not None:
                    static[piece.rows] = space(piece.static[spec.static[0].name][:, 0])
            _dimensions(file, variable, static, ("y", "x") if swapped else ("x", "y"))

    def _family(self, spec: DatasetSpec) -> str:
        """The variable that a data set becomes; empty where there is none for it."""
        names = {f.name for f in spec.fields}
        scalars = [f.name for f in spec.fields if f.rank == 0]
        if names >= _GAS:
            return "data" if len(names) <= 4 else ""
        if "velocity" in names or "vorticity" in names:
            carried = names - {"velocity", "vorticity"}
            one = len(names & {"velocity", "vorticity"}) == 1
            return "velocity" if one and len(carried) <= 1 and carried <= set(scalars) else ""
        wave = spec.meta.get("pde") == "Wave" and names == {"u", "v"}
        return "solution" if (len(names) == 1 and scalars) or wave else ""

    def _channels(self, spec: DatasetSpec) -> int:
        if self._family(spec) == "data":
            return 5
        return 1 + len(spec.fields)

    def _values(self, piece: Piece, spec: DatasetSpec, family: str) -> np.ndarray:
        """`(n, t, c, *s)`, or `(n, t, *s)` of one scalar."""
        fields = piece.fields
        if family == "solution":
            return fields["u" if "u" in fields else spec.fields[0].name][:, :, 0]
        if family == "velocity":
            carried = [v for k, v in fields.items() if k not in ("velocity", "vorticity")]
            return np.concatenate([velocity_field(fields, spec), *carried], axis=2)
        last = [v for k, v in fields.items() if k not in _GAS]
        if not last:
            gamma = constants(spec)["gamma"]
            last = [total_energy(fields["density"], fields["velocity"], fields["pressure"], gamma)]
        return np.concatenate([fields["density"], fields["velocity"], fields["pressure"], *last], axis=2)


def _dimensions(file: h5py.File, variable: h5py.Dataset, static: h5py.Dataset | None, space: tuple[str, str]) -> None:
    """Makes HDF5 data sets the variables of a netCDF-4 file: named dimensions without coordinates."""
    names = ("sample", *("time", "channel")[: variable.ndim - 3], *space)
    for i, (name, size) in enumerate(zip(names, variable.shape, strict=True)):
        scale = file.create_dataset(name, shape=(size,), dtype="<f4", track_times=False)
        # What the netCDF library writes for a dimension that has no coordinates.
        scale.make_scale(f"This is a netCDF dimension but not a netCDF variable.{size:10d}")
        scale.attrs["_Netcdf4Dimid"] = np.int32(i)
        variable.dims[i].attach_scale(scale)
    if static is not None:
        for i, name in enumerate(("sample", *space)):
            static.dims[i].attach_scale(file[name])
