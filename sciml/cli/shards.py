"""A shard of a data set as named fields, so that a predictor can be applied to stored samples."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray


def is_shard(path: Path) -> bool:
    """Whether an HDF5 file follows the schema of data sets."""
    from sciml.data.hdf5 import opened

    with opened(path) as file:
        return "schema_version" in file.attrs


def read_shard(path: Path) -> "xarray.Dataset":
    """All fields, static fields and parameters: one variable per channel, `(sample, time, *s)` or `(sample, *s)`.

    Raises:
        DataError: a file that is damaged or of another schema.
    """
    import xarray

    from sciml.data.hdf5 import opened, read, read_spec
    from sciml.data.schema import places

    variables: dict[str, Any] = {}
    with opened(path) as file:
        spec = read_spec(file, path)
        axes, n = spec.grid.names, spec.grid.dimensions
        for place in places(spec).values():
            array = read(file, path, place.path)
            dims = ("sample", *(("time",) if place.time_varying else ()), *axes)
            components = array.reshape(*array.shape[: len(dims)], -1)
            for i, channel in enumerate(place.spec.components(n)):
                variables[channel] = (dims, components[..., i], {"units": place.spec.unit})
        for parameter in spec.parameters:
            values = read(file, path, f"scalars/{parameter.name}")
            variables[parameter.name] = (("sample",), values, {"units": parameter.unit})
    coordinates: dict[str, Any] = {
        name: ((name,), axis.coords, {"units": spec.length_unit})
        for name, axis in zip(axes, spec.grid.axes, strict=True)
    }
    coordinates["time"] = (("time",), list(spec.times), {"units": spec.time_unit})
    return xarray.Dataset(variables, coordinates)
