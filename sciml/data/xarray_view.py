"""A split as an `xarray.Dataset`: one variable per physical field, with names and units."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sciml.data.dataset import FieldDataset

if TYPE_CHECKING:
    import numpy as np
    import xarray


def to_xarray(dataset: FieldDataset, samples: "Sequence[int] | np.ndarray") -> "xarray.Dataset":
    """Trajectories with dimensions `sample, time[, component], x[, y, z]`; parameters are variables too.

    Args:
        dataset: a split.
        samples: numbers of trajectories; the coordinate `sample` has their numbers in the data set.

    Raises:
        DataError: data that do not match their checksum.
    """
    import xarray

    spec = dataset.spec
    space = spec.grid.names
    variables: dict[str, Any] = {}
    for one in (*spec.fields, *spec.static):
        timed = one in spec.fields
        values = dataset.fields(samples, names=[one.name]) if timed else dataset.static(samples, names=[one.name])
        lead = ("sample", "time") if timed else ("sample",)
        components = ("component", "component2")[: one.rank]
        shape = (*values.shape[: len(lead)], *(spec.grid.dimensions,) * one.rank, *spec.grid.shape)
        attributes = {"units": one.unit, "long_name": one.long_name or one.name}
        variables[one.name] = ((*lead, *components, *space), values.reshape(shape), attributes)
    params = dataset.params(samples)
    for k, p in enumerate(spec.parameters):
        variables[p.name] = (("sample",), params[:, k], {"units": p.unit})
    coords: dict[str, Any] = {
        "sample": dataset.samples["index"][list(samples)],
        "time": (("time",), list(spec.times), {"units": spec.time_unit}),
    }
    for name, axis in zip(space, spec.grid.axes, strict=True):
        coords[name] = ((name,), axis.coords, {"units": spec.length_unit, "axis": name.upper()})
    if any(one.rank for one in (*spec.fields, *spec.static)):
        coords["component"] = list(space)
    if any(one.rank == 2 for one in (*spec.fields, *spec.static)):
        coords["component2"] = list(space)
    return xarray.Dataset(variables, coords, {"title": spec.name})
