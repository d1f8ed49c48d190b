"""xarray in and out of a surrogate: names, units and coordinates are checked on the way in and given on the way out."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from sciml.fields import FieldSpec, Grid, ParameterSpec
from sciml.inference.spec import SurrogateSpec

if TYPE_CHECKING:
    import xarray

#: Dimensions beside those of the grid; each entry along them is a sample of its own for the network.
LEADING = ("sample", "time")


def is_xarray(data: object) -> bool:
    """Whether `data` is an xarray object, without importing xarray."""
    return type(data).__module__.split(".")[0] == "xarray"


@dataclass(frozen=True)
class Labels:
    """What an xarray object says beside its values.

    Args:
        dims: those of `sample` and `time` that it has, in this order.
        sizes: their lengths.
        coords: coordinates of the leading dimensions, and a scalar `time`.
        grid: the grid of the values.
        is_array: whether it was a `DataArray`.
    """

    dims: tuple[str, ...]
    sizes: tuple[int, ...]
    coords: dict[str, "xarray.Variable"]
    grid: Grid
    is_array: bool

    @property
    def time(self) -> float | None:
        """The time of a single frame, where it is given."""
        time = self.coords.get("time")
        return float(time.values.reshape(-1)[0]) if time is not None and time.size == 1 else None


def read(data: "xarray.Dataset | xarray.DataArray", spec: SurrogateSpec) -> tuple[Tensor, Tensor | None, Labels]:
    """Channels `(n, c, *s)`, parameters `(n, p)` where the data set holds them, and labels.

    Raises:
        ValueError: a variable that is missing, a unit or a coordinate that differs, a dimension that is unknown.
    """
    import xarray

    is_array = isinstance(data, xarray.DataArray)
    dataset = _as_dataset(data, spec) if isinstance(data, xarray.DataArray) else data
    variables = [
        _variable(dataset, channel, field.unit)
        for field in (*spec.inputs, *spec.static)
        for channel in field.components(spec.grid.dimensions)
    ]
    for variable in variables:
        if unknown := set(variable.dims) - {*LEADING, *spec.grid.names}:
            raise ValueError(f"variable {variable.name!r} has the unknown dimension {sorted(map(str, unknown))[0]!r}.")
        if missing := set(spec.grid.names) - set(variable.dims):
            raise ValueError(f"variable {variable.name!r} lacks the dimension {min(missing)!r}.")
    variables = list(xarray.broadcast(*xarray.align(*variables, join="exact", copy=False)))
    dims = tuple(d for d in LEADING if d in variables[0].dims)
    values = np.stack([v.transpose(*dims, *spec.grid.names).values for v in variables], axis=len(dims))
    grid = spec.grid_of(values.shape[len(dims) + 1 :])
    _check_coordinates(dataset, grid, spec)
    coords = {d: dataset.coords[d].variable for d in LEADING if d in dataset.coords}
    labels = Labels(dims, values.shape[: len(dims)], coords, grid, is_array)
    params = _parameters(dataset, spec.parameters, labels)
    return torch.from_numpy(values.reshape(-1, *values.shape[len(dims) :])), params, labels


def _as_dataset(data: "xarray.DataArray", spec: SurrogateSpec) -> "xarray.Dataset":
    channels = (*spec.input_channels, *spec.static_channels)
    if len(channels) != 1:
        raise ValueError(f"a DataArray holds one channel; this surrogate takes {', '.join(channels)}: give a Dataset.")
    return data.to_dataset(name=data.name if data.name is not None else channels[0])


def _variable(dataset: "xarray.Dataset", channel: str, unit: str) -> "xarray.DataArray":
    if channel not in dataset:
        names = [str(n) for n in dataset.data_vars]
        near = difflib.get_close_matches(channel, names, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"variable {channel!r} is missing; the data set has {', '.join(names) or 'none'}{hint}")
    _check_unit(dataset[channel], channel, unit)
    return dataset[channel]


def _check_unit(variable: "xarray.DataArray", name: str, unit: str) -> None:
    given = variable.attrs.get("units")
    if given is not None and str(given) != unit:
        raise ValueError(f"{name!r} is given in {str(given)!r}; this surrogate works in {unit!r}: convert it first.")


def _check_coordinates(dataset: "xarray.Dataset", grid: Grid, spec: SurrogateSpec) -> None:
    for name, axis in zip(grid.names, grid.axes, strict=True):
        if name not in dataset.coords:
            continue
        _check_unit(dataset.coords[name], name, spec.length_unit)
        given, expected = dataset.coords[name].values.astype(float), axis.coords
        # A thousandth of a cell: far above the rounding of single precision, far below another kind of axis.
        if given.shape != expected.shape or np.abs(given - expected).max() > 1e-3 * axis.length / axis.n:
            raise ValueError(
                f"coordinate {name!r} runs from {given.flat[0]:g} to {given.flat[-1]:g}; {axis.n} points of this "
                f"surrogate's axis ({axis.kind}) run from {expected[0]:g} to {expected[-1]:g}."
            )
    if "time" in dataset.coords:
        _check_unit(dataset.coords["time"], "time", spec.time_unit)


def _parameters(dataset: "xarray.Dataset", specs: Sequence[ParameterSpec], labels: Labels) -> Tensor | None:
    """Parameters that the data set holds by name, one number or one per sample."""
    if not specs or any(s.name not in dataset.variables for s in specs):
        return None
    columns = []
    for s in specs:
        variable = dataset[s.name]
        _check_unit(variable, s.name, s.unit)
        if set(variable.dims) - {"sample"}:
            raise ValueError(f"parameter {s.name!r} has dimensions {variable.dims}; one number per sample is accepted.")
        values = variable.values.astype(float).reshape(-1, *(1,) * (len(labels.dims) - 1)) if labels.dims else variable
        columns.append(np.broadcast_to(np.asarray(values, dtype=float), labels.sizes or (1,)).reshape(-1))
    return torch.from_numpy(np.stack(columns, axis=1))


def write(values: Tensor, labels: Labels, spec: SurrogateSpec, dt: float) -> "xarray.Dataset | xarray.DataArray":
    """`(n, c, *s)` as xarray, labelled like the input; times are moved on by `dt`."""
    import xarray

    array = values.numpy(force=True)
    array = array.reshape(*labels.sizes, *array.shape[1:])
    dims = (*labels.dims, *labels.grid.names)
    variables: dict[Any, Any] = {
        channel: (dims, np.take(array, i, axis=len(labels.dims)), attributes(field, channel))
        for i, (channel, field) in enumerate(_channel_fields(spec))
    }
    coords: dict[Any, Any] = {**labels.coords, **grid_coordinates(labels.grid, spec)}
    if dt and "time" in coords:
        time = labels.coords["time"]
        coords["time"] = time.copy(data=time.values + np.asarray(dt, dtype=time.dtype))
    dataset = xarray.Dataset(variables, coords)
    return dataset[spec.channels[0]] if labels.is_array and len(spec.channels) == 1 else dataset


def _channel_fields(spec: SurrogateSpec) -> list[tuple[str, FieldSpec]]:
    return [(c, f) for f in spec.fields for c in f.components(spec.grid.dimensions)]


def attributes(field: FieldSpec, channel: str) -> dict[str, str]:
    """CF attributes of a channel."""
    return {"units": field.unit, "long_name": field.long_name or channel}


def grid_coordinates(grid: Grid, spec: SurrogateSpec) -> dict[str, Any]:
    """Coordinates of the grid with CF attributes."""
    return {
        n: ((n,), a.coords, {"units": spec.length_unit, "axis": n.upper()})
        for n, a in zip(grid.names, grid.axes, strict=True)
    }
